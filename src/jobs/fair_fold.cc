#include "jobs/fair_fold.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/fair_job.h"

namespace hanse::jobs {

using base::Result;

namespace {

std::size_t place(const data::SiteClasses& classes, const data::SiteData& site) {
  return data::place_of(classes, site.site_class).value();  // check_site_classes went before
}

MetricValues difference(const MetricValues& a, const MetricValues& b) {
  MetricValues values = a;
  for (std::size_t m = 0; m < values.size(); ++m) {
    const bool both = a[m].value && b[m].value;
    values[m].value = both ? std::optional(*a[m].value - *b[m].value) : std::nullopt;
  }
  return values;
}

}  // namespace

Result<void> check_site_classes(const data::SiteClasses& classes,
                                std::span<const data::SiteData> sites) {
  std::string known;
  for (const std::vector<std::string>& names : classes)
    for (const std::string& name : names) known += (known.empty() ? "'" : ", '") + name + "'";
  for (const data::SiteData& site : sites)
    if (!data::place_of(classes, site.site_class))
      return base::fail(
          base::ErrorCode::failed_precondition,
          "site '{}' is {}, and the job's [[class]] are {}; name its class there, or "
          "leave the site out",
          site.site.text(),
          site.site_class.empty() ? "of no class" : fmt::format("of class '{}'", site.site_class),
          known);
  return {};
}

Result<std::vector<SiteRecords>> records_by_class(const data::SiteClasses& classes,
                                                  std::span<const data::SiteData> sites,
                                                  std::span<const SiteFold> parts) {
  std::vector<std::vector<data::Dataset>> of_class(classes.size());
  for (std::size_t s = 0; s < parts.size(); ++s)
    if (parts[s].train) of_class[place(classes, sites[s])].push_back(*parts[s].train);
  std::vector<data::Dataset> all;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    all.insert(all.end(), of_class[c].begin(), of_class[c].end());
    if (of_class[c].empty())
      return base::fail(base::ErrorCode::failed_precondition,
                        "no site of class '{}' trains in this fold, so there is nothing to be fair "
                        "to; see data.sites and split",
                        data::joined_name(classes[c]));
  }
  of_class.push_back(std::move(all));
  std::vector<SiteRecords> records;
  for (const std::vector<data::Dataset>& datasets : of_class) {
    HANSE_TRY(base::SiteId name, base::SiteId::create(fmt::format("class-{}", records.size() + 1)));
    records.push_back(
        {std::move(name), std::make_shared<const data::Dataset>(data::concatenate(datasets))});
  }
  return records;
}

Job in_one_place(const Job& plain, std::size_t sites) { return noiseless(pooled(plain, sites)); }

Result<Arms> fairness_of(const Job& job, const Job& plain, const data::Schema& schema,
                         std::span<const data::SiteData> sites, std::span<const SiteFold> parts,
                         const FairTrainings& trainings) {
  const fairness::FairSpec& spec = *job.fairness;
  HANSE_TRY(const learning::Model common, model_of(plain, schema, *trainings.plain));
  HANSE_TRY(const learning::Model shrinking, model_of(shrunk(plain), schema, *trainings.shrunk));
  std::vector<learning::Model> fair;
  std::vector<learning::Model> best;
  for (std::size_t c = 0; c < spec.classes.size(); ++c) {
    HANSE_TRY(learning::Model model,
              model_for(job, schema, *trainings.fair, spec.classes[c].front()));
    fair.push_back(std::move(model));
  }
  const Job alone = in_one_place(plain, sites.size());
  for (const SharedIterate& iterate : trainings.best) {
    HANSE_TRY(learning::Model model, model_of(alone, schema, *iterate));
    best.push_back(std::move(model));
  }
  const std::size_t classes = spec.classes.size();
  ClassLosses by_fair(classes);
  ClassLosses by_plain(classes);
  ClassLosses by_shrunk(classes);
  ClassLosses by_own(classes);
  ClassLosses by_all(classes);
  for (std::size_t s = 0; s < parts.size(); ++s) {
    const std::size_t c = place(spec.classes, sites[s]);
    // What stays at a site it has whatever is done by class: no arm is without it.
    const auto judged = [&](const learning::Model& of) -> Result<std::vector<double>> {
      HANSE_TRY(const learning::Model own, own_model(job, of, parts[s].train.get()));
      return losses_of(judge(own, parts[s].test));
    };
    HANSE_TRY(const std::vector<double> fair_losses, judged(fair[c]));
    HANSE_TRY(const std::vector<double> plain_losses, judged(common));
    HANSE_TRY(const std::vector<double> shrunk_losses, judged(shrinking));
    by_fair.add(c, fair_losses);
    by_plain.add(c, plain_losses);
    by_shrunk.add(c, shrunk_losses);
    by_own.add(c, losses_of(judge(best[c], parts[s].test)));
    by_all.add(c, losses_of(judge(best.back(), parts[s].test)));
  }
  std::vector<std::optional<double>> floors;
  for (std::size_t c = 0; c < classes; ++c)
    floors.push_back(std::min(by_own.mean(c), by_all.mean(c)));
  Arms arms{.local = fairness_values(spec, by_plain, floors),
            .federated = fairness_values(spec, by_fair, floors),
            .pooled = fairness_values(spec, by_shrunk, floors),
            .federated_minus_local = {}};
  arms.federated_minus_local = difference(arms.federated, arms.local);
  return arms;
}

}  // namespace hanse::jobs
