#include "fairness/fair_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/bytes.h"
#include "fairness/class_facts.h"
#include "fairness/histogram_metrics.h"
#include "learning/private_training.h"
#include "learning/queries.h"

namespace hanse::fairness {

using base::ErrorCode;
using base::fail;
using base::Result;
using learning::Iterate;
using learning::Model;
using query::QueryPlan;

namespace {

Result<void> check_private(const learning::StrategySpec& training) {
  if (!training.privacy) return {};
  if (training.privacy->unit != "record")
    return fail(ErrorCode::unsupported,
                "what is counted by class of sites protects each record, and the unit is each "
                "'{}'; choose unit = \"record\"",
                training.privacy->unit);
  if (!training.privacy->sites.empty())
    return fail(ErrorCode::unsupported,
                "fair trainings ask all sites under one budget; leave site_epsilon out");
  return {};
}

Result<void> check_clipped(const FairSpec& spec, const learning::StrategySpec& training) {
  if (!clips(spec.method) && !spec.norms) return {};
  if (training.privacy && training.kind == learning::StrategyKind::fedsgd) return {};
  return fail(ErrorCode::unsupported,
              "{} is about gradients that are clipped: it takes strategy = \"fedsgd\" and noise "
              "(privacy.epsilon), found strategy '{}'{}",
              spec.norms ? "'norms'" : "method 'dpsgd_f'", learning::name_of(training.kind),
              training.privacy ? "" : " in the clear");
}

Result<void> check_weighed(const FairSpec& spec, const learning::StrategySpec& training) {
  if (!weighs(spec.method) || training.kind == learning::StrategyKind::fedsgd) return {};
  return fail(
      ErrorCode::unsupported,
      "method '{}' weighs the gradients of classes, and strategy '{}' asks for none: choose "
      "strategy = \"fedsgd\", or method = \"calibration\"",
      name_of(spec.method), learning::name_of(training.kind));
}

}  // namespace

Result<std::unique_ptr<learning::Strategy>> FairTraining::create(const FairSpec& spec,
                                                                 learning::StrategySpec training,
                                                                 std::uint32_t updates,
                                                                 base::JobId job,
                                                                 std::uint32_t max_sites) {
  HANSE_TRY_VOID(check_spec(spec));
  HANSE_TRY_VOID(check_private(training));
  HANSE_TRY_VOID(check_weighed(spec, training));
  HANSE_TRY_VOID(check_clipped(spec, training));
  HANSE_TRY(const math::Lattice lattice, math::Lattice::create(training.fraction_bits));
  std::unique_ptr<FairTraining> fair(new FairTraining(spec, job, max_sites, lattice));
  fair->max_records_ = training.max_records_per_site;
  if (training.privacy) {
    const double rho = learning::rho_of(*training.privacy) * spec.share;
    fair->noise_ = learning::AskedNoise{.placement = training.privacy->placement,
                                        .shares = training.privacy->shares,
                                        .neighbours = training.privacy->neighbours,
                                        .sampling_rate = 1,
                                        .multiplier = std::sqrt(1 / (2 * rho)),
                                        .units_are_records = false};  // added one by one
    fair->last_gradient_ =
        (training.privacy->moments_multiplier > 0 ? 1 : 0) + training.privacy->rounds - 1;
    training.privacy = learning::with_share(*training.privacy, 1 - spec.share);
  }
  HANSE_TRY(fair->training_,
            learning::create_strategy(std::move(training), std::move(job), max_sites));
  fair->updates_ = fair->training_->rounds().value_or(updates);
  if (fair->rounds_by_class() > fair->updates_)
    return fail(ErrorCode::invalid_argument,
                "'weight_rounds' is below the rounds of the training, which are {}, found {}",
                fair->updates_, fair->rounds_by_class() - 1);
  return std::unique_ptr<learning::Strategy>(std::move(fair));
}

Result<Iterate> FairTraining::inner(const Iterate& iterate) const {
  Iterate training = iterate;
  training.steps = 0;
  for (std::uint32_t step = 0; step < iterate.steps; ++step)
    if (fairness::asks(spec_, updates_, step) == Asks::training) ++training.steps;
  training.history.clear();
  // A weighted sum stands for fewer units.
  HANSE_TRY(const FairHistory history, this->history(iterate));
  if (training.findings) training.findings->units *= history.weights.part;
  return training;
}

Result<privacy::NoisePlan> FairTraining::noise(const privacy::Layout& layout, bool is_last) const {
  if (!noise_) return privacy::NoisePlan{};
  learning::AskedNoise asked = *noise_;
  asked.multiplier /= std::sqrt(share_of_round(spec_, is_last));
  return learning::noise_for(layout, asked, kMomentsShare);
}

Result<QueryPlan> FairTraining::class_plan(const Iterate& iterate) const {
  HANSE_TRY(const Model model, this->model(iterate));
  const ClassHistogramOptions asked = options(model.architecture());
  privacy::Layout layout = class_histogram_layout(asked, lattice_, max_records_);
  HANSE_TRY(privacy::NoisePlan planned, noise(layout, is_last(iterate)));
  return QueryPlan{.kind = std::string(kClassHistogramKind),
                   .job = job_,
                   .round = {},
                   .unit = "record",
                   .max_sites = max_sites_,
                   .layout = std::move(layout),
                   .noise = std::move(planned),
                   .options = to_json(asked),
                   .parameters = base::Slice(base::to_little_endian(model.parameters()))};
}

Result<QueryPlan> FairTraining::plan(const Iterate& iterate, base::RoundId round) const {
  if (is_over(iterate))
    return fail(ErrorCode::failed_precondition, "all {} rounds are over", *rounds());
  const Asks what = asks(iterate);
  if (what == Asks::training) return weighed_plan(iterate, round);
  HANSE_TRY(QueryPlan plan, what == Asks::norms ? norms_plan(iterate, round) : class_plan(iterate));
  plan.round = round;
  HANSE_TRY_VOID(query::check_plan(plan));
  return plan;
}

Result<QueryPlan> FairTraining::weighed_plan(const Iterate& iterate, base::RoundId round) const {
  HANSE_TRY(const Iterate training, inner(iterate));
  HANSE_TRY(QueryPlan plan, training_->plan(training, round));
  HANSE_TRY(const FairHistory history, this->history(iterate));
  if (plan.kind != learning::kGradientKind) return plan;
  HANSE_TRY(learning::Options options, learning::options_from_json(plan.options));
  say_classes(spec_, history, options);
  plan.options = learning::to_json(options);
  return plan;
}

// As the gradients would be asked for whose lengths are counted.
Result<QueryPlan> FairTraining::norms_plan(const Iterate& iterate, base::RoundId round) const {
  HANSE_TRY(Iterate training, inner(iterate));
  training.steps = std::min(training.steps, last_gradient_);
  HANSE_TRY(QueryPlan plan, training_->plan(training, round));
  if (plan.kind != learning::kGradientKind)
    return fail(ErrorCode::failed_precondition,
                "gradients are counted by length before the first was asked for; give the training "
                "more rounds");
  HANSE_TRY(learning::Options options, learning::options_from_json(plan.options));
  options.norm_classes = spec_.classes;
  plan.kind = std::string(learning::kClassNormsKind);
  plan.options = learning::to_json(options);
  plan.layout = layout_of_norms();
  HANSE_TRY(plan.noise, noise(plan.layout, /*is_last=*/false));
  return plan;
}

double FairTraining::deviation(const privacy::PlannedNoise& part,
                               const privacy::Released& released) const {
  return learning::deviation_of(part, *noise_, released.contributors(), lattice_);
}

Result<ClassNorms> FairTraining::norms_in(const privacy::Released& released) const {
  HANSE_TRY(ClassNorms norms, class_norms_in(released, spec_.classes));
  HANSE_TRY(const privacy::NoisePlan planned, noise(layout_of_norms(), /*is_last=*/false));
  norms.noise = deviation(planned.parts.front(), released);
  return norms;
}

Result<ClassCounts> FairTraining::counts_in(const Iterate& iterate,
                                            const privacy::Released& released) const {
  HANSE_TRY(ClassCounts counts, class_counts_in(released, options(iterate.model.architecture())));
  if (!noise_) return counts;
  HANSE_TRY(const QueryPlan asked, class_plan(iterate));
  counts.count_noise = deviation(asked.noise.parts.front(), released);
  counts.moment_noise = deviation(asked.noise.parts.back(), released);
  return counts;
}

std::vector<Calibration> FairTraining::calibrations(const ClassCounts& counts,
                                                    const learning::Architecture& of) const {
  if (!calibrates(spec_.method)) return std::vector<Calibration>(spec_.classes.size());
  return fit_calibrations(counts, options(of));
}

Result<FairHistory> FairTraining::history_after(const Iterate& iterate,
                                                const ClassCounts& counts) const {
  HANSE_TRY(FairHistory history, this->history(iterate));
  const ClassHistogramOptions asked = options(iterate.model.architecture());
  auto fitted = calibrations(counts, asked.architecture);
  if (is_last(iterate)) {
    history.calibrations = std::move(fitted);
    return history;
  }
  const double noise =
      counts.count_noise * std::sqrt(static_cast<double>(asked.labels() * asked.bins));
  std::vector<std::optional<Noised>> losses;
  std::vector<double> records;
  for (std::size_t c = 0; c < spec_.classes.size(); ++c) {
    losses.push_back(mean_loss(counts, asked, c, fitted[c]));
    records.push_back(counts.total(c));
    // How many records weigh how much is known of none, or of all.
    if (!losses.back() || records.back() < kSignal * noise) return history;
  }
  history.weighing = next_weighing(spec_, history.weighing, losses);
  history.weights = record_weights(history.weighing, records);
  return history;
}

Result<Iterate> FairTraining::step(const Iterate& iterate,
                                   const privacy::Released& released) const {
  Iterate next = iterate;
  const Asks what = asks(iterate);
  if (what == Asks::training) {
    HANSE_TRY(const Iterate training, inner(iterate));
    HANSE_TRY(next, training_->step(training, released));
    if (iterate.findings && next.findings) next.findings->units = iterate.findings->units;
    next.history = iterate.history;
  } else if (what == Asks::norms) {
    HANSE_TRY(const ClassNorms norms, norms_in(released));
    HANSE_TRY(FairHistory history, this->history(iterate));
    if (clips(spec_.method)) history.clips = clips_of(norms);
    next.history = encode(history);
  } else {
    HANSE_TRY(const ClassCounts counts, counts_in(iterate, released));
    HANSE_TRY(const FairHistory history, history_after(iterate, counts));
    next.history = encode(history);
  }
  next.steps = iterate.steps + 1;
  return next;
}

Result<learning::RoundFacts> FairTraining::facts(const Iterate& iterate,
                                                 const privacy::Released& released) const {
  const Asks what = asks(iterate);
  if (what == Asks::scores) return facts_of_scores(iterate, released);
  if (what == Asks::norms) return facts_of_norms(iterate, released);
  HANSE_TRY(const Iterate training, inner(iterate));
  return training_->facts(training, released);
}

Result<learning::RoundFacts> FairTraining::facts_of_norms(const Iterate& iterate,
                                                          const privacy::Released& released) const {
  HANSE_TRY(const ClassNorms norms, norms_in(released));
  HANSE_TRY(const QueryPlan asked, norms_plan(iterate, {1, 0}));
  HANSE_TRY(const learning::Options options, learning::options_from_json(asked.options));
  const double scale = options.privacy->scale;
  learning::RoundFacts facts;
  const auto say = [&](std::string_view what, std::size_t c, const Noised& found, double unit) {
    facts.released.push_back({fmt::format("{}_{}", what, data::joined_name(spec_.classes[c])),
                              found.value * unit, found.noise * unit});
  };
  for (std::size_t c = 0; c < spec_.classes.size(); ++c) {
    say("records", c, records_in(norms, c), 1);
    if (const auto part = clipped_part(norms, c)) say("clipped", c, *part, 1);
    if (const auto median = median_norm(norms, c)) say("norm", c, *median, scale);
  }
  if (!clips(spec_.method)) return facts;
  const std::vector<double> clips = clips_of(norms);
  for (std::size_t c = 0; c < clips.size(); ++c) say("clip", c, {clips[c], 0, 0}, scale);
  return facts;
}

Result<learning::RoundFacts> FairTraining::facts_of_scores(
    const Iterate& iterate, const privacy::Released& released) const {
  HANSE_TRY(const ClassCounts counts, counts_in(iterate, released));
  HANSE_TRY(const FairHistory history, history_after(iterate, counts));
  const ClassHistogramOptions asked = options(iterate.model.architecture());
  const auto fitted = calibrations(counts, asked.architecture);
  learning::RoundFacts facts;
  facts.released = released_losses(counts, asked, fitted);
  for (std::size_t c = 0; c < history.weighing.shares.size(); ++c)
    facts.released.push_back(
        {"share_" + data::joined_name(spec_.classes[c]), history.weighing.shares[c], 0});
  return facts;
}

Result<Model> FairTraining::model(const Iterate& iterate) const {
  HANSE_TRY(const Iterate training, inner(iterate));
  return training_->model(training);
}

Result<Model> FairTraining::model_for(const Iterate& iterate, std::string_view site_class) const {
  HANSE_TRY(Model common, model(iterate));
  const auto place = data::place_of(spec_.classes, site_class);
  HANSE_TRY(const FairHistory history, this->history(iterate));
  if (!place || history.calibrations.empty()) return common;
  return calibrated(common, history.calibrations[*place]);
}

Result<std::vector<privacy::Charge>> FairTraining::charges(
    const learning::Architecture& architecture, const base::SiteId* site) const {
  HANSE_TRY(std::vector<privacy::Charge> all, training_->charges(architecture, site));
  if (!noise_) return all;
  const privacy::Layout scores =
      class_histogram_layout(options(architecture), lattice_, max_records_);
  const auto add = [&](const privacy::Layout& layout, bool last,
                       std::uint32_t count) -> Result<void> {
    if (count == 0) return {};
    HANSE_TRY(const privacy::NoisePlan planned, noise(layout, last));
    HANSE_TRY(privacy::PrivacyLoss loss, privacy::planned_loss(layout, planned));
    all.push_back({std::move(loss), count});
    return {};
  };
  HANSE_TRY_VOID(add(scores, false, rounds_between(spec_, Asks::scores)));
  HANSE_TRY_VOID(add(layout_of_norms(), false, rounds_between(spec_, Asks::norms)));
  HANSE_TRY_VOID(add(scores, true, 1));
  return all;
}

}  // namespace hanse::fairness
