#include "jobs/tally.h"

#include <algorithm>

namespace hanse::jobs {
namespace {

// A cycle is compared with its control alone.
ComparedArms beside_control(std::span<const Arms> folds, double ratio, std::size_t distinct) {
  ComparedArms arms = compare(folds, ratio, distinct);
  arms.pooled.clear();
  return arms;
}

}  // namespace

void Tally::begin_repeat(std::uint64_t seed, const DealtRecords& records) {
  first_repeat_ = sites_.empty();
  seed_ = seed;
  for (const data::SiteData& site : *records.sites) add_site(site);
  for (const SmallSite& small : records.too_small)
    if (std::ranges::find(too_small_, small.name, &LeftOutSite::name) == too_small_.end())
      too_small_.push_back({small.name, small.records});
}

void Tally::add_site(const data::SiteData& site) {
  const auto [at, added] = sites_.try_emplace(site.site.text());
  if (!added) return;
  SiteRow& row = at->second.row;
  row.name = site.site.text();
  row.group = site.site_class;
  row.records = site.records.size();
  row.clipped_values = site.records.clipped_values;
  for (std::size_t k = 0; k < label_->values.size(); ++k)
    row.labels.push_back({label_->values[k], static_cast<std::uint64_t>(std::ranges::count(
                                                 site.records.target, static_cast<double>(k)))});
  if (site.site_class.empty()) return;
  GroupRow& group = groups_[site.site_class].row;
  group.name = site.site_class;
  group.sites.push_back(row.name);
  group.records += row.records;
}

FoldValues Tally::evaluate(std::span<const data::SiteData> sites,
                           std::span<const SiteJudged> judged,
                           const std::function<bool(const data::SiteData&)>& wanted) const {
  std::vector<const SiteJudged*> those;
  for (std::size_t s = 0; s < sites.size(); ++s)
    if (wanted(sites[s])) those.push_back(&judged[s]);
  return evaluate_fold(job_->evaluation.metrics, *label_, those, job_->evaluation.over);
}

FoldOutcome Tally::outcome_of(const JobFold& fold, std::span<const data::SiteData> sites,
                              std::span<const SiteJudged> judged) const {
  FoldOutcome outcome;
  FoldRow& row = outcome.row;
  row.seed = seed_;
  row.fold = fold.number;
  std::uint64_t held_out = 0;
  std::map<std::string, std::uint64_t> tests;  // by site class
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const std::size_t train = fold.rows.sites[s].train.size();
    const std::size_t test = fold.rows.sites[s].test.size();
    held_out += sites[s].records.size() - train;
    row.test_records += test;
    if (fold.sits_out[s].empty())
      row.train_records += train;
    else
      row.sat_out.push_back(sites[s].site.text());
    tests[sites[s].site_class] += test;
    const auto alone = [&](const auto& site) { return &site == &sites[s]; };
    outcome.sites.push_back({sites[s].site.text(), test, evaluate(sites, judged, alone).arms});
  }
  const FoldValues all = evaluate(sites, judged, [](const auto&) { return true; });
  row.judged = all.judged;
  row.undefined = all.undefined;
  row.metrics = all.arms;
  outcome.held_out_to_train =
      static_cast<double>(held_out) / static_cast<double>(row.train_records);
  for (const auto& group : groups_) {
    const std::string& name = group.first;
    const auto in_it = [&name](const data::SiteData& site) { return site.site_class == name; };
    outcome.groups.push_back({name, tests[name], evaluate(sites, judged, in_it).arms});
  }
  return outcome;
}

CycleOutcome Tally::cycle_of(double labels, std::span<const data::SiteData> sites,
                             std::span<const SiteJudged> judged) const {
  CycleOutcome outcome{labels, evaluate(sites, judged, [](const auto&) { return true; }).arms, {}};
  for (const auto& group : groups_) {
    const std::string& name = group.first;
    const auto in_it = [&name](const data::SiteData& site) { return site.site_class == name; };
    outcome.groups.push_back({name, 0, evaluate(sites, judged, in_it).arms});
  }
  return outcome;
}

// Means over the cycles behind the first, whose labels are all chosen by coins, of each fold.
ComparedArms Tally::curve(double ratio, std::size_t distinct) const {
  std::vector<Arms> means;
  for (const std::vector<CycleOutcome>& fold : cycles_) {
    const std::size_t first = fold.size() > 1 ? 1 : 0;
    Arms& mean = means.emplace_back(fold[first].arms);
    for (auto arm : {&Arms::local, &Arms::federated, &Arms::federated_minus_local})
      for (std::size_t m = 0; m < (mean.*arm).size(); ++m) {
        std::optional<double>& value = (mean.*arm)[m].value;
        double sum = 0;
        for (std::size_t c = first; c < fold.size() && value; ++c) {
          const std::optional<double>& one = (fold[c].arms.*arm)[m].value;
          one ? void(sum += *one) : value.reset();
        }
        if (value) value = sum / static_cast<double>(fold.size() - first);
      }
  }
  return beside_control(means, ratio, distinct);
}

std::vector<CycleRow> Tally::cycle_rows(double ratio, std::size_t distinct) const {
  std::vector<CycleRow> rows;
  if (cycles_.empty()) return rows;
  for (std::size_t c = 0; c < cycles_.front().size(); ++c) {
    std::vector<Arms> all;
    std::map<std::string, std::vector<Arms>> groups;
    for (const std::vector<CycleOutcome>& fold : cycles_) {
      if (c >= fold.size()) continue;
      all.push_back(fold[c].arms);
      for (const PartOutcome& group : fold[c].groups) groups[group.name].push_back(group.arms);
    }
    CycleRow& row = rows.emplace_back();
    row.labels = cycles_.front()[c].labels;
    row.metrics = beside_control(all, ratio, distinct);
    for (const auto& [name, arms] : groups)
      row.groups.push_back({name, beside_control(arms, ratio, distinct)});
  }
  return rows;
}

base::Result<void> Tally::add(const FoldOutcome& outcome) {
  const auto into = [this](auto& known, const PartOutcome& part) -> base::Result<void> {
    const auto at = known.find(part.name);
    if (at == known.end())
      return base::fail(base::ErrorCode::corruption,
                        "what a fold said is about '{}', which is not here", part.name);
    if (first_repeat_) at->second.row.test_records += part.test_records;
    at->second.folds.push_back(part.arms);
    return {};
  };
  for (const PartOutcome& site : outcome.sites) HANSE_TRY_VOID(into(sites_, site));
  for (const PartOutcome& group : outcome.groups) HANSE_TRY_VOID(into(groups_, group));
  held_out_to_train_.push_back(outcome.held_out_to_train);
  folds_.push_back(outcome.row);
  if (!outcome.cycles.empty()) cycles_.push_back(outcome.cycles);
  if (!outcome.fairness.federated.empty()) fairness_.push_back(outcome.fairness);
  return {};
}

base::Result<void> Tally::add_departures(const std::string& site, const Departures& more) {
  const auto at = sites_.find(site);
  if (at == sites_.end())
    return base::fail(base::ErrorCode::corruption, "vectors left '{}', which is not here", site);
  Departures& left = at->second.row.left;
  left.vectors += more.vectors;
  left.bytes += more.bytes;
  return {};
}

// A declared split trains on the same records every time, so there is no overlap to allow for.
double Tally::test_to_train() const {
  if (job_->split.kind == data::SplitKind::declared) return 0;
  double sum = 0;
  for (const double ratio : held_out_to_train_) sum += ratio;
  return sum / static_cast<double>(held_out_to_train_.size());
}

// How many folds there are, where every seed deals the same ones: a k-fold by group without
// `shuffle`, of records that no seed deals or makes. Else 0; and 0 for one fold, of which only the
// training's own spread is to be seen.
std::size_t Tally::distinct_folds() const {
  const data::SplitSpec& split = job_->split;
  const auto* table = std::get_if<TableSource>(&job_->source);
  const bool same = split.kind == data::SplitKind::k_fold && split.by == data::SplitBy::group &&
                    !split.shuffle && !std::holds_alternative<data::FleetSpec>(job_->source) &&
                    (!table || table->sites.deal.empty());
  const std::size_t folds = folds_.size() / job_->evaluation.repeats;
  return same && folds > 1 ? folds : 0;
}

void Tally::write(Report& report) const {
  const double ratio = test_to_train();
  const std::size_t distinct = distinct_folds();
  std::vector<Arms> of_folds;
  for (const FoldRow& fold : folds_) of_folds.push_back(fold.metrics);
  report.metrics.mean = compare(of_folds, ratio, distinct);
  report.metrics.folds = folds_;
  for (const auto& [name, site] : sites_) {
    report.sites.push_back(site.row);
    report.sites.back().metrics = compare(site.folds, ratio, distinct);
  }
  for (const auto& [name, group] : groups_) {
    report.groups.push_back(group.row);
    report.groups.back().metrics = compare(group.folds, ratio, distinct);
  }
  if (report.active) {
    report.active->cycles = cycle_rows(ratio, distinct);
    report.active->curve = curve(ratio, distinct);
  }
  if (report.fairness) report.fairness->metrics = compare(fairness_, ratio, distinct);
  report.hurt = hurt_of(report.sites);
  // Seeds that train anew on one training set say nothing about other records.
  if (job_->split.kind == data::SplitKind::declared)
    for (HurtSite& one : report.hurt) one.verdict = kMayHurt;
  report.left_out.sites = too_small_;
}

}  // namespace hanse::jobs
