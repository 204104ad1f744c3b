#include "fairness/fair_training.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "learning/private_training.h"

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

}  // namespace

base::Bytes encode(std::span<const Calibration> calibrations) {
  std::vector<double> numbers;
  for (const Calibration& one : calibrations) {
    numbers.push_back(one.stretch);
    numbers.push_back(one.shift);
  }
  return base::to_little_endian(numbers);
}

Result<std::vector<Calibration>> decode_calibrations(base::ByteView bytes, std::size_t classes) {
  if (bytes.size() != classes * 2 * sizeof(double))
    return fail(ErrorCode::corruption, "calibrations of {} classes are {} bytes, found {}", classes,
                classes * 2 * sizeof(double), bytes.size());
  HANSE_TRY(const std::vector<double> numbers, base::double_from_little_endian(bytes));
  std::vector<Calibration> calibrations;
  for (std::size_t c = 0; c < classes; ++c) {
    calibrations.push_back({numbers[2 * c], numbers[2 * c + 1]});
    if (!std::isfinite(numbers[2 * c]) || !std::isfinite(numbers[2 * c + 1]))
      return fail(ErrorCode::corruption, "a calibration is not finite");
  }
  return calibrations;
}

Result<std::unique_ptr<learning::Strategy>> FairTraining::create(const FairSpec& spec,
                                                                 learning::StrategySpec training,
                                                                 std::uint32_t updates,
                                                                 base::JobId job,
                                                                 std::uint32_t max_sites) {
  HANSE_TRY_VOID(check_spec(spec));
  HANSE_TRY_VOID(check_private(training));
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
    training.privacy = learning::with_share(*training.privacy, 1 - spec.share);
  }
  HANSE_TRY(fair->training_,
            learning::create_strategy(std::move(training), std::move(job), max_sites));
  fair->updates_ = fair->training_->rounds().value_or(updates);
  return std::unique_ptr<learning::Strategy>(std::move(fair));
}

Iterate FairTraining::inner(const Iterate& iterate) const {
  Iterate training = iterate;
  training.steps = std::min(iterate.steps, updates_);
  training.history.clear();
  return training;
}

Result<privacy::NoisePlan> FairTraining::noise(const privacy::Layout& layout) const {
  if (!noise_) return privacy::NoisePlan{};
  return learning::noise_for(layout, *noise_, kMomentsShare);
}

Result<QueryPlan> FairTraining::class_plan(const Iterate& iterate) const {
  HANSE_TRY(const Model model, training_->model(inner(iterate)));
  const ClassHistogramOptions asked = options(model.architecture());
  privacy::Layout layout = class_histogram_layout(asked, lattice_, max_records_);
  HANSE_TRY(privacy::NoisePlan planned, noise(layout));
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
  if (iterate.steps > updates_)
    return fail(ErrorCode::failed_precondition, "all {} rounds are over", updates_ + 1);
  if (iterate.steps < updates_) return training_->plan(inner(iterate), round);
  HANSE_TRY(QueryPlan plan, class_plan(iterate));
  plan.round = round;
  HANSE_TRY_VOID(query::check_plan(plan));
  return plan;
}

Result<ClassCounts> FairTraining::counts_in(const Iterate& iterate,
                                            const privacy::Released& released) const {
  HANSE_TRY(ClassCounts counts, class_counts_in(released, options(iterate.model.architecture())));
  if (!noise_) return counts;
  HANSE_TRY(const QueryPlan asked, class_plan(iterate));
  const double doses = noise_->placement == privacy::Placement::site
                           ? static_cast<double>(released.contributors())
                           : 1;
  const auto deviation = [&](const privacy::PlannedNoise& part) {
    return part.sigma * asked.layout.lattice.step() * std::sqrt(doses);
  };
  counts.count_noise = deviation(asked.noise.parts.front());
  counts.moment_noise = deviation(asked.noise.parts.back());
  return counts;
}

std::vector<Calibration> FairTraining::calibrations(const ClassCounts& counts,
                                                    const learning::Architecture& of) const {
  if (spec_.method == Method::measure) return std::vector<Calibration>(spec_.classes.size());
  return fit_calibrations(counts, options(of));
}

Result<Iterate> FairTraining::step(const Iterate& iterate,
                                   const privacy::Released& released) const {
  if (iterate.steps < updates_) return training_->step(inner(iterate), released);
  HANSE_TRY(const ClassCounts counts, counts_in(iterate, released));
  const auto fitted = calibrations(counts, iterate.model.architecture());
  Iterate next = iterate;
  ++next.steps;
  next.history = encode(fitted);
  return next;
}

Result<learning::RoundFacts> FairTraining::facts(const Iterate& iterate,
                                                 const privacy::Released& released) const {
  if (iterate.steps < updates_) return training_->facts(inner(iterate), released);
  HANSE_TRY(const ClassCounts counts, counts_in(iterate, released));
  const ClassHistogramOptions asked = options(iterate.model.architecture());
  const auto fitted = calibrations(counts, asked.architecture);
  learning::RoundFacts facts;
  std::vector<Noised> losses;
  for (std::size_t c = 0; c < spec_.classes.size(); ++c) {
    const auto loss = mean_loss(counts, asked, c, fitted[c]);
    if (!loss) continue;
    losses.push_back(*loss);
    facts.released.push_back(
        {"loss_" + data::joined_name(spec_.classes[c]), loss->value, loss->noise});
  }
  if (losses.size() < 2) return facts;
  const auto [least, most] = std::ranges::minmax(losses, {}, &Noised::value);
  facts.released.push_back({"gap", most.value - least.value, std::hypot(most.noise, least.noise)});
  facts.released.push_back({"gap_sampling", std::hypot(most.sampling, least.sampling), 0});
  return facts;
}

Result<Model> FairTraining::model(const Iterate& iterate) const {
  return training_->model(inner(iterate));
}

Result<Model> FairTraining::model_for(const Iterate& iterate, std::string_view site_class) const {
  HANSE_TRY(Model common, model(iterate));
  const auto place = data::place_of(spec_.classes, site_class);
  if (!place || iterate.history.empty()) return common;
  HANSE_TRY(const auto fitted, decode_calibrations(iterate.history, spec_.classes.size()));
  return calibrated(common, fitted[*place]);
}

Result<std::vector<privacy::Charge>> FairTraining::charges(
    const learning::Architecture& architecture, const base::SiteId* site) const {
  HANSE_TRY(std::vector<privacy::Charge> all, training_->charges(architecture, site));
  if (!noise_) return all;
  const privacy::Layout layout =
      class_histogram_layout(options(architecture), lattice_, max_records_);
  HANSE_TRY(const privacy::NoisePlan planned, noise(layout));
  HANSE_TRY(privacy::PrivacyLoss loss, privacy::planned_loss(layout, planned));
  all.push_back({std::move(loss), 1});
  return all;
}

}  // namespace hanse::fairness
