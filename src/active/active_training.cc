#include "active/active_training.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "active/budget.h"
#include "base/bytes.h"
#include "learning/private_training.h"

namespace hanse::active {

using base::ErrorCode;
using base::fail;
using base::Result;
using learning::Iterate;
using learning::Model;
using query::QueryPlan;

namespace {

Result<void> check_private(const ActiveSpec& spec, const learning::StrategySpec& training) {
  if (!training.privacy) return {};
  HANSE_TRY([[maybe_unused]] const std::uint64_t stability,
            check_stable(spec.rule, training.privacy->neighbours));
  if (training.privacy->unit != "record")
    return fail(ErrorCode::unsupported,
                "active learning protects each record, and the unit is each '{}': what a unit of "
                "several records costs over several choices is not bounded well enough to offer "
                "(docs/proofs/selection.md, Claim 3)",
                training.privacy->unit);
  if (!training.privacy->sites.empty())
    return fail(ErrorCode::unsupported,
                "active learning asks all sites under one budget; leave site_epsilon out");
  return {};
}

Result<void> check_sizes(const ActiveSpec& spec, const Model& initial) {
  const learning::Architecture& architecture = initial.architecture();
  if (architecture.task() != learning::Task::classification)
    return fail(ErrorCode::unsupported,
                "active learning scores the probabilities of labels, and the model predicts a "
                "number; choose a label with values");
  const std::size_t needed =
      selection_size(spec.cycles, architecture.parameter_count(),
                     cells_of(spec.strata, spec.classes, architecture.outputs()));
  const std::size_t most = std::min(query::kMaxSelection, learning::kMaxHistory);
  if (needed <= most) return {};
  return fail(ErrorCode::unsupported,
              "each plan carries the models of earlier cycles: {} cycles of {} parameters are {} "
              "bytes, at most {}; take fewer cycles or a smaller model",
              spec.cycles, architecture.parameter_count(), needed, most);
}

}  // namespace

namespace {

// Labels that a cycle grants the fleet, and how many each site picks where sites choose alone.
double quota_of(const ActiveSpec& spec, std::uint32_t cycle) {
  return cycle == 0 ? spec.initial : spec.quota;
}
std::uint64_t batch_of(const ActiveSpec& spec, std::uint32_t cycle, std::uint32_t max_sites) {
  return static_cast<std::uint64_t>(std::ceil(quota_of(spec, cycle) / max_sites));
}

// What scores nothing, or looks at no score, only counts.
HistogramOptions histogram_of(const ActiveSpec& spec, std::uint32_t cycle,
                              const learning::Architecture& architecture) {
  HistogramOptions options{
      .architecture = architecture,
      .scoring = {.acquisition = spec.acquisition, .committee = spec.committee}};
  if (cycle == 0 || spec.rule == SelectionRule::uniform) return options;
  options.scoring = scoring_of(spec);
  options.bins = spec.bins;
  return options;
}

// The same, and what is watched: there is control from the first cycle on.
HistogramOptions watched_by(const ActiveSpec& spec, std::uint32_t cycle, HistogramOptions options) {
  if (cycle == 0 || spec.watched.empty()) return options;
  options.watched = spec.watched;
  options.watch_bins = spec.watch_bins;
  return options;
}

double control_of(const ActiveSpec& spec, const HistogramOptions& options) {
  return options.bins > 1 ? spec.control : 1;
}

}  // namespace

Result<void> check_history(const History& history, const ActiveSpec& spec, std::uint32_t max_sites,
                           const learning::Architecture& architecture) {
  const auto wrong = [](std::size_t cycle, std::string_view what) {
    return fail(ErrorCode::permission_denied, "cycle {} of the selection {}", cycle + 1, what);
  };
  if (history.size() > spec.cycles)
    return fail(ErrorCode::permission_denied, "a selection of {} cycles, and the job has {}",
                history.size(), spec.cycles);
  for (std::uint32_t cycle = 0; cycle < history.size(); ++cycle) {
    const CycleRelease& release = history[cycle];
    if (release.parameters.empty() != (cycle == 0))
      return wrong(cycle, "is scored by no model, or the first one by one");
    if (is_local(spec.rule)) {
      if (release.batch != batch_of(spec, cycle, max_sites))
        return wrong(cycle, "takes another number of records from each site than the job");
      continue;
    }
    const HistogramOptions options = histogram_of(spec, cycle, architecture);
    if (release.batch != 0) return wrong(cycle, "lets sites choose alone, and the job does not");
    if (release.rule.bins != options.bins || release.rule.cells.size() != options.cells())
      return wrong(cycle, "has thresholds of another shape than the job's");
    if (release.rule.control > control_of(spec, options))
      return wrong(cycle, "chooses a greater part by coins than the job");
  }
  return {};
}

Result<std::unique_ptr<learning::Strategy>> ActiveTraining::create(
    const ActiveSpec& spec, learning::StrategySpec training, std::uint32_t updates, base::JobId job,
    std::uint32_t max_sites, Model initial, WatchedFacts watched_facts) {
  HANSE_TRY_VOID(check_spec(spec));
  HANSE_TRY_VOID(check_private(spec, training));
  HANSE_TRY_VOID(check_sizes(spec, initial));
  const double rho = training.privacy ? learning::rho_of(*training.privacy) : 0;
  const double estimation =
      rho > 0 ? estimation_share(spec, initial.architecture().outputs(), rho) : 0;
  std::vector<std::unique_ptr<learning::Strategy>> trainings;
  for (std::uint32_t cycle = 0; cycle < spec.cycles; ++cycle) {
    learning::StrategySpec one = training;
    if (one.privacy)
      one.privacy =
          learning::with_share(*one.privacy, (1 - estimation) * share_of_cycle(spec, cycle));
    HANSE_TRY(auto strategy, learning::create_strategy(std::move(one), job, max_sites));
    updates = strategy->rounds().value_or(updates);
    trainings.push_back(std::move(strategy));
  }
  HANSE_TRY(const math::Lattice lattice, math::Lattice::create(training.fraction_bits));
  HANSE_TRY(
      const Loop loop,
      Loop::create({.cycles = spec.cycles, .estimates = !is_local(spec.rule), .updates = updates}));
  std::unique_ptr<ActiveTraining> active(
      new ActiveTraining(spec, loop, std::move(job), max_sites, lattice, std::move(initial)));
  active->trainings_ = std::move(trainings);
  active->max_records_ = training.max_records_per_site;
  active->watched_facts_ = std::move(watched_facts);
  if (training.privacy) {
    const double each = rho * estimation / histograms_of_record(spec);
    active->noise_ = learning::AskedNoise{.placement = training.privacy->placement,
                                          .shares = training.privacy->shares,
                                          .neighbours = training.privacy->neighbours,
                                          .sampling_rate = 1,
                                          .multiplier = std::sqrt(1 / (2 * each)),
                                          .units_are_records = false};  // added one by one
  }
  return std::unique_ptr<learning::Strategy>(std::move(active));
}

Iterate ActiveTraining::inner(const Iterate& iterate, std::uint32_t update) const {
  Iterate training = update == 0 ? Iterate{.model = initial_, .moments = {}} : iterate;
  training.steps = update;
  training.history.clear();
  return training;
}

Result<Model> ActiveTraining::trained(const Iterate& iterate, std::uint32_t cycle) const {
  return trainings_[cycle]->model(inner(iterate, loop_.schedule().updates));
}

Result<ActiveTraining::Cycle> ActiveTraining::cycle_of(const Iterate& iterate) const {
  Cycle cycle{.state = loop_.after(iterate.steps),
              .history = {},
              .iterate = {.model = initial_, .moments = {}}};
  if (!iterate.history.empty()) {
    HANSE_TRY(SelectionAsked kept, decode_selection(iterate.history, initial_.parameters().size()));
    cycle.history = std::move(kept.history);
  }
  const bool begins = cycle.state.phase == Phase::updating && cycle.state.update == 0;
  if (begins && !loop_.schedule().estimates) {
    // Nothing was asked: what the sites choose by follows from the last model.
    CycleRelease release;
    if (cycle.state.cycle > 0) {
      HANSE_TRY(const Model last, trained(iterate, cycle.state.cycle - 1));
      release.parameters.assign(last.parameters().begin(), last.parameters().end());
    }
    release.batch = batch_of(spec_, cycle.state.cycle, max_sites_);
    cycle.history.push_back(std::move(release));
  }
  cycle.iterate = cycle.state.phase == Phase::finished ? inner(iterate, loop_.schedule().updates)
                                                       : inner(iterate, cycle.state.update);
  if (cycle.state.phase == Phase::estimating && cycle.state.cycle > 0)
    cycle.iterate = inner(iterate, loop_.schedule().updates);
  const std::size_t complete = cycle.state.cycle + (cycle.state.phase == Phase::estimating ? 0 : 1);
  if (cycle.history.size() != complete)
    return fail(ErrorCode::corruption, "an active training in cycle {} has {} of {} releases",
                cycle.state.cycle + 1, cycle.history.size(), complete);
  return cycle;
}

HistogramOptions ActiveTraining::histogram_options(std::uint32_t cycle) const {
  return watched_by(spec_, cycle, histogram_of(spec_, cycle, initial_.architecture()));
}

Result<QueryPlan> ActiveTraining::histogram_plan(const Cycle& cycle) const {
  const HistogramOptions options = histogram_options(cycle.state.cycle);
  privacy::Layout layout = histogram_layout(options, lattice_, max_records_);
  privacy::NoisePlan noise;
  if (noise_) {
    HANSE_TRY(noise, learning::noise_for(layout, *noise_, 0));
  }
  HANSE_TRY(const Model model, cycle.state.cycle == 0
                                   ? Result<Model>(initial_)
                                   : trainings_[cycle.state.cycle - 1]->model(cycle.iterate));
  return QueryPlan{
      .kind = std::string(kScoreHistogramKind),
      .job = job_,
      .round = {},
      .unit = "record",
      .max_sites = max_sites_,
      .layout = std::move(layout),
      .noise = std::move(noise),
      .options = to_json(options),
      .parameters = base::Slice(base::to_little_endian(model.parameters())),
      .selection = encode(SelectionAsked{
          options.watched.empty() ? Asked::pool : Asked::pool_and_control, cycle.history})};
}

Result<QueryPlan> ActiveTraining::plan(const Iterate& iterate, base::RoundId round) const {
  HANSE_TRY(const Cycle cycle, cycle_of(iterate));
  if (cycle.state.phase == Phase::finished)
    return fail(ErrorCode::failed_precondition, "all {} cycles are over", spec_.cycles);
  const bool estimating = cycle.state.phase == Phase::estimating;
  HANSE_TRY(QueryPlan plan, estimating ? histogram_plan(cycle)
                                       : trainings_[cycle.state.cycle]->plan(cycle.iterate, round));
  plan.round = round;
  if (!estimating) {
    plan.selection = encode(SelectionAsked{Asked::labelled, cycle.history});
    if (is_private()) plan.noise.stability = stability();
  }
  HANSE_TRY_VOID(query::check_plan(plan));
  return plan;
}

// Post-processing of what was released.
Result<ReleasedRule> ActiveTraining::rule_of(const Cycle& cycle,
                                             const privacy::Released& released) const {
  const HistogramOptions options = histogram_options(cycle.state.cycle);
  HANSE_TRY(const Counts counts, counts_in(released, options));
  HANSE_TRY(ReleasedRule rule, fit_rule(counts, {.picks = quota_of(spec_, cycle.state.cycle),
                                                 .control = control_of(spec_, options),
                                                 .division = spec_.division}));
  return rule;
}

Result<Iterate> ActiveTraining::step(const Iterate& iterate,
                                     const privacy::Released& released) const {
  HANSE_TRY(Cycle cycle, cycle_of(iterate));
  Iterate next{.model = initial_, .moments = {}};
  if (cycle.state.phase == Phase::estimating) {
    HANSE_TRY(ReleasedRule rule, rule_of(cycle, released));
    CycleRelease release{.rule = std::move(rule)};
    if (cycle.state.cycle > 0) {
      HANSE_TRY(const Model scored_by, trainings_[cycle.state.cycle - 1]->model(cycle.iterate));
      release.parameters.assign(scored_by.parameters().begin(), scored_by.parameters().end());
    }
    cycle.history.push_back(std::move(release));
  } else {
    HANSE_TRY(next, trainings_[cycle.state.cycle]->step(cycle.iterate, released));
  }
  next.steps = iterate.steps + 1;
  next.history = encode(SelectionAsked{Asked::labelled, cycle.history});
  return next;
}

Result<learning::RoundFacts> ActiveTraining::facts(const Iterate& iterate,
                                                   const privacy::Released& released) const {
  HANSE_TRY(const Cycle cycle, cycle_of(iterate));
  if (cycle.state.phase != Phase::estimating)
    return trainings_[cycle.state.cycle]->facts(cycle.iterate, released);
  const HistogramOptions options = histogram_options(cycle.state.cycle);
  HANSE_TRY(const Counts counts, counts_in(released, options));
  HANSE_TRY(const ReleasedRule rule, rule_of(cycle, released));
  double candidates = 0;
  std::size_t numbers = 0;
  for (const std::vector<double>& cell : counts) {
    candidates += std::accumulate(cell.begin(), cell.end(), 0.0);
    numbers += cell.size();
  }
  double error = 0;
  if (noise_) {
    HANSE_TRY(const QueryPlan asked, histogram_plan(cycle));
    error = learning::deviation_of(asked.noise.parts.front(), *noise_, released.contributors(),
                                   asked.layout.lattice);
  }
  const double all = error * std::sqrt(static_cast<double>(numbers));
  learning::RoundFacts facts;
  facts.released = {{"candidates", candidates, all},
                    {"labels_granted", quota_of(spec_, cycle.state.cycle), 0}};
  if (watched_facts_ && !options.watched.empty()) {
    HANSE_TRY(const std::vector<double> known, known_in(released, options));
    for (learning::ReleasedMetric& one : watched_facts_(known, error, initial_.architecture()))
      facts.released.push_back(std::move(one));
  }
  if (is_private() && candidates > 0) facts.noise_to_signal = all / candidates;
  return facts;
}

Result<Model> ActiveTraining::model(const Iterate& iterate) const {
  if (iterate.steps == 0) return initial_;
  const State last = loop_.after(iterate.steps - 1);  // the round that led here
  if (last.phase == Phase::estimating) return initial_;
  return trainings_[last.cycle]->model(inner(iterate, last.update + 1));
}

Result<std::vector<privacy::Charge>> ActiveTraining::charges(
    const learning::Architecture& architecture, const base::SiteId* site) const {
  std::vector<privacy::Charge> all;
  for (std::uint32_t cycle = 0; cycle < spec_.cycles; ++cycle) {
    if (noise_ && cycle < histograms_of_record(spec_)) {
      const privacy::Layout layout =
          histogram_layout(histogram_options(cycle), lattice_, max_records_);
      HANSE_TRY(const privacy::NoisePlan noise, learning::noise_for(layout, *noise_, 0));
      HANSE_TRY(privacy::PrivacyLoss loss, privacy::planned_loss(layout, noise));
      all.push_back({std::move(loss), 1});
    }
    HANSE_TRY(std::vector<privacy::Charge> training,
              trainings_[cycle]->charges(architecture, site));
    for (privacy::Charge& charge : training) {
      if (stability() != 1) {
        HANSE_TRY(charge.loss, charge.loss.scaled(stability()));
      }
      all.push_back(std::move(charge));
    }
  }
  return all;
}

}  // namespace hanse::active
