#include "fairness/group_training.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "privacy/accounting/loss.h"

namespace hanse::fairness {

using base::ErrorCode;
using base::fail;
using base::Result;
using learning::Architecture;
using learning::Iterate;
using learning::Model;
using query::QueryPlan;

namespace {

// Share of the first round's ρ for the class shares, the rest for the cells.
constexpr double kClassBudget = 0.1;
constexpr std::size_t kNumbers = 4;  // of GroupFindings

Half half_of(const Iterate& iterate) { return iterate.steps == 0 ? Half::first : Half::second; }

Result<void> check_training(const learning::StrategySpec& training) {
  const auto unsupported = [](std::string_view what) {
    return fail(ErrorCode::unsupported, "{}", what);
  };
  if (training.rotation)
    return unsupported(
        "'rotation' turns units that are alike in length; counts are exact: leave it");
  if (!training.privacy) return {};
  const learning::PrivateSpec& privacy = *training.privacy;
  if (privacy.unit != "record")
    return fail(ErrorCode::unsupported,
                "fairness between groups of records protects each record, and the unit is each "
                "'{}'; choose unit = \"record\"",
                privacy.unit);
  if (!privacy.sites.empty())
    return unsupported(
        "fairness between groups asks all sites under one budget; leave "
        "site_epsilon out");
  if (privacy.sampling_rate != 1)
    return unsupported(
        "each record is in one half of the questions already: leave sampling_rate "
        "at 1");
  if (privacy.neighbours != privacy::Neighbours::add_remove)
    return unsupported(
        "of fairness between groups a record put in another's place moves both questions, and "
        "what is charged is a record more or less: neighbours add_remove");
  if (!(privacy.multiplier > 0) || !std::isfinite(privacy.multiplier))
    return fail(ErrorCode::invalid_argument,
                "a round's noise over its sensitivity is above 0, "
                "found {}",
                privacy.multiplier);
  return {};
}

// What sites are asked of such a model's features.
FairOptions options_of(const GroupSpec& spec, const Architecture& architecture) {
  const std::vector<learning::Axis>& axes = architecture.axes();
  FairOptions options{.columns = {},
                      .features = {},
                      .by = GroupedBy::feature,
                      .groups = {spec.groups.begin(), spec.groups.end()},
                      .group_column = axes.front().column,
                      .positive = spec.positive,
                      .levels = spec.levels};
  for (std::size_t k = 1; k < axes.size(); ++k) {
    const learning::Axis& axis = axes[k];
    const bool is_category = axis.values > 0;
    options.columns.push_back(axis.column);
    options.values.push_back(axis.values);
    options.features.push_back({.low = is_category ? -0.5 : axis.low,
                                .high = is_category ? axis.values - 0.5 : axis.high,
                                .cells = axis.cells,
                                .bandwidth = spec.bandwidths[k - 1]});
  }
  if (std::ranges::all_of(options.values, [](std::uint32_t values) { return values == 0; }))
    options.values.clear();
  return options;
}

FairRuleSpec fair_spec(const GroupSpec& spec, const FairOptions& options) {
  return {.features = options.features,
          .widths = spec.widths,
          .levels = spec.levels,
          .bound = spec.bound,
          .class_budget = kClassBudget};
}

double norm(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

// One loss that bounds both: the greater sensitivity over noise, and of what roundings and shares
// add the finest noise on the most coordinates.
Result<privacy::PrivacyLoss> no_less_than(const privacy::PrivacyLoss& a,
                                          const privacy::PrivacyLoss& b) {
  auto bound = std::get<privacy::loss::DiscreteGaussian>(a.kind());
  const auto& other = std::get<privacy::loss::DiscreteGaussian>(b.kind());
  const double ratio = std::max(bound.sensitivity / bound.sigma, other.sensitivity / other.sigma);
  bound.sigma = std::min(bound.sigma, other.sigma);
  bound.sensitivity = ratio * bound.sigma * (1 + 4 * std::numeric_limits<double>::epsilon());
  bound.coordinates = std::max(bound.coordinates, other.coordinates);
  return privacy::PrivacyLoss::create(bound, a.neighbours());
}

// Above ½ where `taken`, else below: no rounding turns the rule.
double shown(double probability, bool taken) {
  constexpr double kHalf = 0.5;
  if (taken) return std::max(probability, std::nextafter(kHalf, 1.0));
  return std::min(probability, std::nextafter(kHalf, 0.0));
}

}  // namespace

Result<void> check_spec(const GroupSpec& spec, const Architecture& architecture) {
  const std::vector<learning::Axis>& axes = architecture.axes();
  if (architecture.kind() != learning::ModelKind::cells || axes.size() < 2 ||
      axes.front().values != kGroups)
    return fail(ErrorCode::invalid_argument,
                "fairness between groups needs a model of cells, of two groups and at least one "
                "feature beside them");
  if (spec.groups[0] == spec.groups[1])
    return fail(ErrorCode::invalid_argument, "'group' has two different values");
  if (spec.positive > 1)
    return fail(ErrorCode::invalid_argument, "'positive' is one of two labels, found place {}",
                spec.positive);
  if (!(spec.bound >= 0 && spec.bound <= 1))
    return fail(ErrorCode::invalid_argument,
                "'bound' on the difference of two rates is 0 to 1 (1: none), found {}", spec.bound);
  if (spec.bandwidths.size() + 1 != axes.size())
    return fail(ErrorCode::invalid_argument, "'bandwidth' of {} features, found {}",
                axes.size() - 1, spec.bandwidths.size());
  constexpr std::size_t kMostWidths = 32;
  if (spec.widths.empty() || spec.widths.size() > kMostWidths ||
      !std::ranges::all_of(spec.widths, [](double w) { return w >= 0 && w <= 1e3; }))
    return fail(ErrorCode::invalid_argument,
                "'widths' are 1 to {} multiples of the bandwidths, each 0 to 1000", kMostWidths);
  const FairOptions options = options_of(spec, architecture);
  HANSE_TRY([[maybe_unused]] const FairCounts counts, FairCounts::create(fair_spec(spec, options)));
  HANSE_TRY([[maybe_unused]] const FairOptions read, fair_options_from_json(to_json(options)));
  return {};
}

std::array<std::size_t, 2> numbers_asked(const GroupSpec& spec, const Architecture& architecture) {
  const auto counts = FairCounts::create(fair_spec(spec, options_of(spec, architecture)));
  HANSE_CHECK(counts.has_value());
  return {FairCounts::kClasses + counts->cell_coordinates(), counts->tree().coordinates()};
}

base::Bytes encode(const GroupFindings& findings) {
  const std::array<double, kNumbers> numbers{
      findings.share, findings.price.tau, findings.price.free_disparity, findings.price.disparity};
  return base::to_little_endian(numbers);
}

Result<GroupFindings> decode_group_findings(base::ByteView bytes) {
  if (bytes.empty()) return GroupFindings{};
  if (bytes.size() != kNumbers * sizeof(double))
    return fail(ErrorCode::corruption, "what is kept of fair rounds has {} bytes, found {}",
                kNumbers * sizeof(double), bytes.size());
  HANSE_TRY(const std::vector<double> numbers, base::double_from_little_endian(bytes));
  if (!(numbers[0] > 0 && numbers[0] < 1))
    return fail(ErrorCode::corruption, "a group's share lies between 0 and 1, found {}",
                numbers[0]);
  for (const double number : std::span(numbers).subspan(1))
    if (!(number >= -1 && number <= 1))
      return fail(ErrorCode::corruption, "a price or disparity lies in -1 to 1, found {}", number);
  return GroupFindings{numbers[0], {numbers[1], numbers[2], numbers[3]}};
}

Result<Model> rule_of(const GroupSpec& spec, const Model& probabilities, double share,
                      double price) {
  const std::span<const double> learned = probabilities.parameters();
  const std::array<double, kGroups> shares = {1 - share, share};
  const std::size_t cells = learned.size() / kGroups;
  std::vector<double> parameters(learned.size());
  for (std::size_t group = 0; group < kGroups; ++group) {
    // As FairClassifier has it: z = 2πₐ(η − ½) ≥ ±τ.
    const double least = group == 1 ? price : -price;
    const double threshold = 0.5 + least / (2 * shares[group]);
    for (std::size_t cell = group * cells; cell < (group + 1) * cells; ++cell) {
      const bool taken = 2 * shares[group] * (learned[cell] - 0.5) >= least;
      const double moved = std::clamp(0.5 + learned[cell] - threshold, 0.0, 1.0);
      const double positive = shown(moved, taken);
      parameters[cell] = spec.positive == 1 ? positive : 1 - positive;
    }
  }
  return Model::create(probabilities.architecture(), std::move(parameters));
}

Result<Model> unbounded(const GroupSpec& spec, const Iterate& iterate) {
  HANSE_TRY(const GroupFindings findings, decode_group_findings(iterate.history));
  return rule_of(spec, iterate.model, findings.share, 0);
}

Result<std::unique_ptr<learning::Strategy>> GroupTraining::create(
    const GroupSpec& spec, const Architecture& architecture, const learning::StrategySpec& training,
    base::JobId job, std::uint32_t max_sites) {
  HANSE_TRY_VOID(check_spec(spec, architecture));
  HANSE_TRY_VOID(check_training(training));
  HANSE_TRY(const math::Lattice lattice, math::Lattice::create(training.fraction_bits));
  FairOptions options = options_of(spec, architecture);
  HANSE_TRY(FairCounts counts, FairCounts::create(fair_spec(spec, options)));
  std::unique_ptr<GroupTraining> fair(new GroupTraining(spec, std::move(options), std::move(counts),
                                                        std::move(job), max_sites, lattice));
  fair->max_records_ = training.max_records_per_site;
  if (training.privacy)
    fair->noise_ = learning::AskedNoise{.placement = training.privacy->placement,
                                        .shares = training.privacy->shares,
                                        .neighbours = training.privacy->neighbours,
                                        .sampling_rate = 1,
                                        .multiplier = training.privacy->multiplier,
                                        .units_are_records = false};  // added one by one
  return std::unique_ptr<learning::Strategy>(std::move(fair));
}

FairOptions GroupTraining::options(Half half) const {
  FairOptions options = options_;
  options.half = half;
  return options;
}

privacy::Layout GroupTraining::layout(Half half) const {
  return half == Half::first ? learning_layout(options(half), lattice_, max_records_)
                             : calibration_layout(options(half), lattice_, max_records_);
}

Result<privacy::NoisePlan> GroupTraining::noise(const privacy::Layout& layout) const {
  if (!noise_) return privacy::NoisePlan{};
  return learning::noise_for(layout, *noise_, 1 - kClassBudget);
}

Result<FairModel> GroupTraining::learned(const Iterate& iterate) const {
  HANSE_TRY(const GroupFindings findings, decode_group_findings(iterate.history));
  FairModel model{counts_.grid(), {1 - findings.share, findings.share}, {}};
  const std::span<const double> all = iterate.model.parameters();
  const std::size_t cells = counts_.grid().cells();
  HANSE_CHECK(all.size() == kGroups * cells);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const auto part = all.subspan(group * cells, cells);
    model.probability[group].of_cell.assign(part.begin(), part.end());
  }
  return model;
}

Result<QueryPlan> GroupTraining::plan(const Iterate& iterate, base::RoundId round) const {
  if (iterate.steps >= kRounds)
    return fail(ErrorCode::failed_precondition, "all {} rounds are over", kRounds);
  const Half half = half_of(iterate);
  privacy::Layout layout = this->layout(half);
  HANSE_TRY(privacy::NoisePlan planned, noise(layout));
  QueryPlan plan{
      .kind = std::string(half == Half::first ? kFairLearningKind : kFairCalibrationKind),
      .job = job_,
      .round = round,
      .unit = "record",
      .max_sites = max_sites_,
      .layout = std::move(layout),
      .noise = std::move(planned),
      .options = to_json(options(half)),
      .parameters = {}};
  if (half == Half::second) {
    HANSE_TRY(const FairModel model, learned(iterate));
    plan.parameters = base::Slice(encode(model));
  }
  HANSE_TRY_VOID(query::check_plan(plan));
  return plan;
}

Result<double> GroupTraining::deviation(Half half, const privacy::Released& released) const {
  if (!noise_) return 0;
  HANSE_TRY(const privacy::NoisePlan planned, noise(layout(half)));
  return learning::deviation_of(planned.parts.back(), *noise_, released.contributors(), lattice_);
}

Result<Iterate> GroupTraining::step(const Iterate& iterate,
                                    const privacy::Released& released) const {
  Iterate next = iterate;
  HANSE_TRY(GroupFindings findings, decode_group_findings(iterate.history));
  if (half_of(iterate) == Half::first) {
    HANSE_TRY(const double noise, deviation(Half::first, released));
    HANSE_TRY(const FairModel model, model_in(counts_, released, noise * noise));
    std::vector<double> parameters;
    for (const Probabilities& group : model.probability)
      parameters.insert(parameters.end(), group.of_cell.begin(), group.of_cell.end());
    HANSE_TRY(next.model, Model::create(iterate.model.architecture(), std::move(parameters)));
    findings.share = model.share[1];
  } else {
    HANSE_TRY(const FairModel model, learned(iterate));
    HANSE_TRY(findings.price, price_in(counts_, model, released));
  }
  next.history = encode(findings);
  next.steps = iterate.steps + 1;
  return next;
}

Result<learning::RoundFacts> GroupTraining::facts(const Iterate& iterate,
                                                  const privacy::Released& released) const {
  learning::RoundFacts facts;
  if (!noise_) return facts;
  const Half half = half_of(iterate);
  HANSE_TRY(const double noise, deviation(half, released));
  HANSE_TRY(const std::vector<double> counts,
            released.part(half == Half::first ? kCellsPart : kTreePart));
  facts.noise_to_signal = noise * std::sqrt(static_cast<double>(counts.size())) /
                          std::max(norm(counts), lattice_.step());
  return facts;
}

Result<Model> GroupTraining::model(const Iterate& iterate) const {
  HANSE_TRY(const GroupFindings findings, decode_group_findings(iterate.history));
  return rule_of(spec_, iterate.model, findings.share, findings.price.tau);
}

Result<std::vector<privacy::Charge>> GroupTraining::charges(const Architecture&,
                                                            const base::SiteId*) const {
  if (!noise_) return std::vector<privacy::Charge>{};
  std::optional<privacy::PrivacyLoss> dearer;
  for (const Half half : {Half::first, Half::second}) {
    const privacy::Layout layout = this->layout(half);
    HANSE_TRY(const privacy::NoisePlan planned, noise(layout));
    HANSE_TRY(const privacy::PrivacyLoss loss, privacy::planned_loss(layout, planned));
    if (dearer) {
      HANSE_TRY(dearer, no_less_than(*dearer, loss));
    } else {
      dearer = loss;
    }
  }
  return std::vector<privacy::Charge>{{*std::move(dearer), 1}};
}

}  // namespace hanse::fairness
