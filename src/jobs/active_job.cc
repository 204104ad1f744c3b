#include "jobs/active_job.h"

#include <fmt/format.h>

#include "active/history.h"
#include "base/random.h"
#include "fairness/class_facts.h"
#include "jobs/fair_job.h"
#include "jobs/job_privacy.h"

namespace hanse::jobs {

using base::Result;

namespace {

void settle_strata(Section& section, const Job& job, active::ActiveSpec& spec) {
  if (spec.strata != active::Strata::site_class) return;
  if (job.classes.empty())
    return section.refuse("strata",
                          "strata by site class need the classes of the fleet: a [[class]] with "
                          "name and sites for each");
  auto classes = joined_classes(job);
  if (!classes) return section.refuse("strata", classes.error().text());
  spec.classes = *std::move(classes);
}

void settle_watched(Section& section, const Job& job, bool watches, active::ActiveSpec& spec) {
  if (!watches) return;
  if (job.classes.size() < 2)
    return section.refuse("watch_classes",
                          "classes of sites are watched, and the fleet has none: give a [[class]] "
                          "with name and sites for each");
  auto classes = joined_classes(job);
  if (!classes) return section.refuse("watch_classes", classes.error().text());
  spec.watched = *std::move(classes);
}

}  // namespace

void read_active(Section section, Job& job) {
  active::ActiveSpec& spec = job.active.emplace();
  section.require({"initial", "quota"});
  section.get("initial", spec.initial, 1, 1e9);
  section.get("quota", spec.quota, 1, 1e9);
  section.get<std::uint32_t>("cycles", spec.cycles, 1, active::kMaxCycles);
  section.get_word<active::Acquisition>("acquisition", spec.acquisition, active::acquisition_named);
  section.get<std::uint32_t>("members", spec.committee.members, 2, active::kMaxMembers);
  section.get("spread", spec.committee.spread);
  section.get_word<active::SelectionRule>("rule", spec.rule, active::selection_rule_named);
  section.get_word<active::Strata>("strata", spec.strata, active::strata_named);
  section.get_word<active::Division>("division", spec.division, active::division_named);
  section.get("control", spec.control, 0, 1);
  section.get<std::uint32_t>("bins", spec.bins, 2, 256);
  section.get<std::uint64_t>("max_labels_per_site", spec.max_labels_per_site, 1);
  section.get("arrivals", spec.arrivals);
  section.get<std::uint32_t>("label_seconds", spec.label_seconds, 0, 30 * 86'400);
  double estimation = 0;
  section.get("estimation", estimation);
  if (section.has("estimation")) spec.estimation = estimation;
  section.get("last", spec.last);
  bool watches = false;
  section.get("watch_classes", watches);
  section.get<std::uint32_t>("watch_bins", spec.watch_bins, 4, 256);
  section.only(watches, "watch_bins", "watch_classes = true");
  section.finish();
  settle_strata(section, job, spec);
  settle_watched(section, job, watches, spec);
  const bool settled = spec.strata != active::Strata::site_class || !spec.classes.empty();
  if (const auto fine = active::check_spec(spec); settled && !fine)
    section.refuse_where_named(fine.error());
}

learning::Model initial_model(const Job& job, learning::Architecture architecture) {
  base::SeededSimulationRandom random(job.seed, "model");
  return learning::Model::initial(std::move(architecture), random);
}

active::WatchedFacts watched_facts(const active::ActiveSpec& spec) {
  return
      [classes = spec.watched, bins = spec.watch_bins](std::span<const double> known, double noise,
                                                       const learning::Architecture& architecture) {
        const fairness::ClassHistogramOptions options{architecture, classes, bins};
        fairness::ClassCounts counts = fairness::class_counts(known, options);
        counts.count_noise = noise;
        return fairness::released_losses(counts, options,
                                         std::vector<fairness::Calibration>(classes.size()));
      };
}

Job with_uniform_labels(Job job) {
  job.active->rule = active::SelectionRule::uniform;
  job.active->max_labels_per_site = 0;
  return job;
}

std::vector<std::uint32_t> ends_of_cycles(const Job& job) {
  std::vector<std::uint32_t> ends;
  const std::uint32_t each = job.rounds / job.active->cycles;
  for (std::uint32_t cycle = 1; cycle <= job.active->cycles; ++cycle) ends.push_back(cycle * each);
  return ends;
}

bool brings_choice(const Job& job, std::uint32_t round) {
  if (!job.active || round == 0) return false;
  const std::uint32_t estimates = active::is_local(job.active->rule) ? 0 : 1;
  return (round - 1) % (job.rounds / job.active->cycles) == estimates;
}

Result<std::vector<learning::Model>> models_of_cycles(const Job& job, const data::Schema& schema,
                                                      const learning::Iterate& last) {
  const learning::Architecture& architecture = last.model.architecture();
  HANSE_TRY(active::SelectionAsked kept,
            active::decode_selection(last.history, architecture.parameter_count()));
  std::vector<learning::Model> models;
  for (std::size_t cycle = 1; cycle < kept.history.size(); ++cycle) {
    HANSE_TRY(learning::Model model,
              learning::Model::create(architecture, std::move(kept.history[cycle].parameters)));
    models.push_back(std::move(model));
  }
  HANSE_TRY(const auto strategy, strategy_of(job, schema, 1));
  HANSE_TRY(learning::Model model, strategy->model(last));
  models.push_back(std::move(model));
  return models;
}

std::vector<double> labels_granted(const active::ActiveSpec& spec) {
  std::vector<double> granted{spec.initial};
  while (granted.size() < spec.cycles) granted.push_back(granted.back() + spec.quota);
  return granted;
}

std::string in_words(const active::ActiveSpec& spec) {
  return fmt::format("{} by {}, strata {}: {} labels, then {} × {}", active::name_of(spec.rule),
                     active::name_of(spec.acquisition), active::name_of(spec.strata), spec.initial,
                     spec.cycles - 1, spec.quota);
}

}  // namespace hanse::jobs
