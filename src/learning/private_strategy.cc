#include "learning/private_strategy.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/bytes.h"
#include "learning/options.h"
#include "learning/private_queries.h"
#include "learning/queries.h"
#include "learning/recipe.h"
#include "learning/unit_sums.h"
#include "learning/whitening.h"

namespace hanse::learning {
namespace {

using privacy::Released;
using query::QueryPlan;

double norm(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

// The part of a sum that the plan asked for; a sum of another plan is corruption.
base::Result<std::vector<double>> part_of(const Released& released, std::string_view name,
                                          std::size_t coordinates) {
  HANSE_TRY(std::vector<double> values, released.part(name));
  if (values.size() != coordinates)
    return base::fail(base::ErrorCode::corruption, "the sum's '{}' has {} coordinates, expected {}",
                      name, values.size(), coordinates);
  return values;
}

// What the kinds share: the round of moments, the findings, averaging and folding back.
class PrivateTraining : public Strategy {
 public:
  PrivateTraining(StrategySpec spec, base::JobId job, std::uint32_t max_sites,
                  math::Lattice lattice)
      : spec_(std::move(spec)), job_(std::move(job)), max_sites_(max_sites), lattice_(lattice) {}

  base::Result<QueryPlan> plan(const Iterate& iterate, base::RoundId round) const override {
    const Architecture& architecture = iterate.model.architecture();
    HANSE_TRY(QueryPlan plan,
              asks_moments(iterate) ? moments_plan(architecture) : step_plan(iterate));
    plan.job = job_;
    plan.round = round;
    plan.unit = privacy().unit;
    plan.max_sites = max_sites_;
    HANSE_TRY_VOID(query::check_plan(plan));
    return plan;
  }

  base::Result<Iterate> step(const Iterate& iterate, const Released& released) const override {
    return asks_moments(iterate) ? take_moments(iterate, released) : take_step(iterate, released);
  }

  base::Result<double> mean_loss(const Released&) const override {
    return base::fail(base::ErrorCode::unsupported,
                      "a private round says no loss: it would be one more answer to pay for");
  }

  base::Result<RoundFacts> facts(const Iterate& iterate, const Released& released) const override {
    HANSE_TRY(const QueryPlan asked, plan(iterate, {1, 0}));
    RoundFacts facts;
    if (asked.noise.parts.empty()) return facts;
    const privacy::Part& first = asked.layout.parts.front();
    HANSE_TRY(const std::vector<double> values, part_of(released, first.name, first.coordinates));
    const double sigma = asked.noise.parts.front().sigma * asked.layout.lattice.step() *
                         std::sqrt(static_cast<double>(doses(released)));
    facts.noise_to_signal = sigma * std::sqrt(static_cast<double>(values.size())) /
                            std::max(norm(values), asked.layout.lattice.step());
    if (asked.layout.parts.size() > 1 && !asks_moments(iterate)) {
      HANSE_TRY(const std::vector<double> clipped, part_of(released, "clipped", 1));
      facts.clipped_fraction =
          std::clamp(clipped[0] / (findings_of(iterate).units * privacy().sampling_rate), 0.0, 1.0);
    }
    return facts;
  }

  base::Result<Model> model(const Iterate& iterate) const override {
    if (!iterate.findings) return iterate.model;
    const Findings& findings = *iterate.findings;
    Model mean = iterate.model;
    if (findings.summed > 0) {
      std::vector<double> parameters = findings.sum;
      for (double& value : parameters) value /= findings.summed;
      HANSE_TRY(mean, Model::create(mean.architecture(), std::move(parameters)));
    }
    return findings.map.empty() ? mean : folded(mean, findings.map);
  }

  std::optional<std::uint32_t> rounds() const override { return steps() + (has_moments() ? 1 : 0); }

  base::Result<std::vector<privacy::Charge>> charges(
      const Architecture& architecture) const override {
    std::vector<privacy::Charge> all;
    if (has_moments()) {
      HANSE_TRY(const QueryPlan asked, moments_plan(architecture));
      HANSE_TRY(privacy::PrivacyLoss loss, privacy::planned_loss(asked.layout, asked.noise));
      all.push_back({std::move(loss), 1});
    }
    if (steps() > 0) {
      HANSE_TRY(privacy::Charge each, step_charge(architecture));
      each.count *= steps();
      all.push_back(std::move(each));
    }
    return all;
  }

 protected:
  const StrategySpec& spec() const { return spec_; }
  const PrivateSpec& privacy() const { return *spec_.privacy; }
  math::Lattice lattice() const { return lattice_; }
  const base::JobId& job() const { return job_; }
  std::uint32_t max_sites() const { return max_sites_; }
  bool has_moments() const { return privacy().moments_multiplier > 0; }

  // Rounds behind that of the moments.
  virtual std::uint32_t steps() const { return privacy().rounds; }
  // The plan of a step, but for what all plans share.
  virtual base::Result<QueryPlan> step_plan(const Iterate& iterate) const = 0;
  virtual base::Result<privacy::Charge> step_charge(const Architecture& architecture) const = 0;
  // Parameters after the sum, whose moments of the optimiser are carried on.
  virtual base::Result<std::vector<double>> moved(const Iterate& iterate, const Findings& findings,
                                                  Moments& moments,
                                                  const Released& released) const = 0;
  virtual void learn_clip(Findings&, const Released&) const {}

  AskedNoise asked_noise(double multiplier, double sampling_rate) const {
    return {.placement = privacy().placement,
            .shares = privacy().shares,
            .neighbours = privacy().neighbours,
            .sampling_rate = sampling_rate,
            .multiplier = multiplier,
            .units_are_records = privacy().unit == "record"};
  }

  Findings findings_of(const Iterate& iterate) const {
    if (iterate.findings) return *iterate.findings;
    return findings_from(recipe::start_blind(iterate.model.architecture()),
                         privacy().expected_units);
  }

  // What the job says stands before what the recipe says.
  Findings findings_from(const recipe::Start& start, double units) const {
    return {.units = privacy().expected_units > 0 ? privacy().expected_units : units,
            .clip = privacy().clip > 0 ? privacy().clip : start.clip,
            .rate = privacy().learning_rate > 0 ? privacy().learning_rate : start.rate,
            .l2 = start.l2,
            .map = start.map};
  }

  // θ ‖ map, as plans carry them.
  static base::Slice parameters_of(const Iterate& iterate, const Findings& findings) {
    std::vector<double> numbers(iterate.model.parameters().begin(),
                                iterate.model.parameters().end());
    numbers.insert(numbers.end(), findings.map.begin(), findings.map.end());
    return base::Slice(base::to_little_endian(numbers));
  }

 private:
  bool asks_moments(const Iterate& iterate) const { return has_moments() && iterate.steps == 0; }

  double moments_scale(const Architecture& architecture) const {
    return privacy().moments_clip > 0 ? privacy().moments_clip : recipe::moments_clip(architecture);
  }

  // Doses of noise in a sum: one, or one of each site.
  std::size_t doses(const Released& released) const {
    return privacy().placement == privacy::Placement::site ? released.contributors() : 1;
  }

  base::Result<QueryPlan> moments_plan(const Architecture& architecture) const {
    const privacy::Layout layout =
        moments_layout(moment_count(architecture, true), lattice_, spec_.max_records_per_site);
    // Every unit takes part: what is asked once gains nothing from a sample.
    HANSE_TRY(
        privacy::NoisePlan noise,
        noise_for(layout, asked_noise(privacy().moments_multiplier, 1), privacy().count_share));
    const Options options{
        .architecture = architecture,
        .learner = {},
        .privacy = {},
        .moments = MomentsOptions{.targets = true, .scale = moments_scale(architecture)}};
    return QueryPlan{.kind = std::string(kMomentsKind),
                     .job = job_,
                     .round = {},
                     .unit = privacy().unit,
                     .max_sites = max_sites_,
                     .layout = layout,
                     .noise = std::move(noise),
                     .options = to_json(options),
                     .parameters = {}};
  }

  base::Result<Iterate> take_moments(const Iterate& iterate, const Released& released) const {
    const Architecture& architecture = iterate.model.architecture();
    HANSE_TRY(const QueryPlan asked, moments_plan(architecture));
    const std::size_t width =
        1 + architecture.inputs() + moment_targets(architecture, /*with_targets=*/true);
    HANSE_TRY(std::vector<double> triangle,
              part_of(released, "moments", asked.layout.parts[0].coordinates));
    HANSE_TRY(const std::vector<double> count, part_of(released, "count", 1));
    const double scale = moments_scale(architecture);
    std::size_t place = 0;
    for (std::size_t i = 0; i < width; ++i)
      for (std::size_t j = i; j < width; ++j)
        triangle[place++] *= i == j ? scale : scale / std::numbers::sqrt2;
    const auto deviation = [&](std::size_t part) {
      return asked.noise.parts[part].sigma * asked.layout.lattice.step() *
             std::sqrt(static_cast<double>(doses(released)));
    };
    const double sigma = deviation(0) * scale;
    // Moments are relative to the weight that clipping left them. Neither that nor the count is
    // below its noise, lest it blow up what is divided by it.
    const double weight = std::max({triangle.front(), sigma, 1.0});
    const double units = std::max({count.front(), 2 * deviation(1), 1.0});
    return after_moments(iterate,
                         {.features = architecture.inputs(),
                          .targets = width - 1 - architecture.inputs(),
                          .triangle = std::move(triangle),
                          .sigma = sigma},
                         weight, units, doses(released));
  }

  // By default: whitened inputs, and biases that say what is usual.
  virtual base::Result<Iterate> after_moments(const Iterate& iterate, const NoisedMoments& moments,
                                              double weight, double units,
                                              std::size_t doses) const {
    const Architecture& architecture = iterate.model.architecture();
    const double known = privacy().expected_units > 0 ? privacy().expected_units : units;
    const recipe::GradientNoise noise{
        .multiplier = privacy().multiplier / std::sqrt(static_cast<double>(privacy().rounds)) *
                      std::sqrt(static_cast<double>(doses)) / privacy().sampling_rate,
        .units = known};
    const recipe::Start start =
        recipe::start_from(architecture, moments, weight, privacy().whitens, noise, privacy().clip);
    std::vector<double> parameters(iterate.model.parameters().begin(),
                                   iterate.model.parameters().end());
    // What is usual, and nothing else yet, also of a network.
    const Layer& last = architecture.layers().back();
    std::fill_n(parameters.begin() + static_cast<std::ptrdiff_t>(last.offset), last.weights(), 0.0);
    std::ranges::copy(start.biases, parameters.end() - std::ssize(start.biases));
    HANSE_TRY(Model model, Model::create(architecture, std::move(parameters)));
    return Iterate{.model = std::move(model),
                   .moments = iterate.moments,
                   .steps = iterate.steps + 1,
                   .findings = findings_from(start, units)};
  }

  base::Result<Iterate> take_step(const Iterate& iterate, const Released& released) const {
    Findings findings = findings_of(iterate);
    Moments moments = iterate.moments;
    HANSE_TRY(std::vector<double> parameters, moved(iterate, findings, moments, released));
    base::Result<Model> model = Model::create(iterate.model.architecture(), std::move(parameters));
    if (!model)
      return base::fail(base::ErrorCode::failed_precondition,
                        "the step after round {} diverged ({}); lower learning_rate", iterate.steps,
                        model.error().text());
    learn_clip(findings, released);
    add_to_average(findings, *model, iterate.steps + 1);
    return Iterate{.model = *std::move(model),
                   .moments = std::move(moments),
                   .steps = iterate.steps + 1,
                   .findings = std::move(findings)};
  }

  // Noise that many iterates carry is less in their mean (Polyak, Juditsky 1992).
  void add_to_average(Findings& findings, const Model& model, std::uint32_t steps) const {
    const double share =
        privacy().average > 0 ? privacy().average : recipe::average(model.architecture());
    const double averaged = share * privacy().rounds;
    if (averaged < 1 || steps + averaged <= *rounds()) return;
    const std::span<const double> parameters = model.parameters();
    findings.sum.resize(parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) findings.sum[i] += parameters[i];
    ++findings.summed;
  }

  StrategySpec spec_;
  base::JobId job_;
  std::uint32_t max_sites_;
  math::Lattice lattice_;
};

// A step along the noised mean gradient (DP-FedSGD). A site's single full step of FedAvg is the
// same question: the mean of θ − η·gᵢ over records is θ − η·g.
class PrivateDescent final : public PrivateTraining {
 public:
  using PrivateTraining::PrivateTraining;

 private:
  base::Result<QueryPlan> gradient_plan(const Architecture& architecture, double clip,
                                        bool mapped) const {
    const privacy::Layout layout =
        gradient_layout(architecture.parameter_count(), lattice(), spec().max_records_per_site);
    HANSE_TRY(privacy::NoisePlan noise,
              noise_for(layout, asked_noise(privacy().multiplier, privacy().sampling_rate),
                        kClippedShare));
    const Options options{.architecture = architecture,
                          .learner = {},
                          .privacy = PrivateOptions{.scale = clip, .mapped = mapped},
                          .moments = {}};
    return QueryPlan{.kind = std::string(kGradientKind),
                     .job = job(),
                     .round = {},
                     .unit = privacy().unit,
                     .max_sites = max_sites(),
                     .layout = layout,
                     .noise = std::move(noise),
                     .options = to_json(options),
                     .parameters = {}};
  }

  base::Result<QueryPlan> step_plan(const Iterate& iterate) const override {
    const Findings findings = findings_of(iterate);
    HANSE_TRY(QueryPlan plan,
              gradient_plan(iterate.model.architecture(), findings.clip, !findings.map.empty()));
    plan.parameters = parameters_of(iterate, findings);
    return plan;
  }

  base::Result<privacy::Charge> step_charge(const Architecture& architecture) const override {
    HANSE_TRY(const QueryPlan plan, gradient_plan(architecture, 1, false));
    HANSE_TRY(privacy::PrivacyLoss loss, privacy::planned_loss(plan.layout, plan.noise));
    return privacy::Charge{std::move(loss), 1};
  }

  base::Result<std::vector<double>> moved(const Iterate& iterate, const Findings& findings,
                                          Moments& moments,
                                          const Released& released) const override {
    const std::span<const double> before = iterate.model.parameters();
    HANSE_TRY(std::vector<double> gradient, part_of(released, "gradient", before.size()));
    const double factor = findings.clip / (findings.units * privacy().sampling_rate);
    for (double& value : gradient) value *= factor;
    iterate.model.architecture().add_l2_gradient(before, gradient);
    std::vector<double> parameters(before.begin(), before.end());
    for (const Layer& layer : iterate.model.architecture().layers())
      for (std::size_t i = layer.offset; i < layer.bias(); ++i)
        gradient[i] += findings.l2 * before[i];
    descend(recipe::optimiser(iterate.model.architecture(), findings.rate * server_rate()), moments,
            parameters, gradient);
    return parameters;
  }

  double server_rate() const {
    return spec().kind == StrategyKind::fedsgd ? 1 : spec().server_learning_rate;
  }

  // The clip follows the share of units that it binds (Andrew et al. 2021, (2), with their rate of
  // 0.2), and stays within a factor of 2^10 of where it began.
  void learn_clip(Findings& findings, const Released& released) const override {
    if (privacy().clipped_share == 0) return;
    const base::Result<std::vector<double>> clipped = released.part("clipped");
    if (!clipped || clipped->size() != 1) return;
    const double share =
        std::clamp(clipped->front() / (findings.units * privacy().sampling_rate), 0.0, 1.0);
    findings.clip = std::clamp(findings.clip * std::exp(0.2 * (share - privacy().clipped_share)),
                               0x1p-10, 0x1p10);
  }
};

// Several steps at each site, the whole noise on each of them (DP-FedAvg), then the mean of the
// sites' models, each with the same weight: their numbers of records are nobody's business.
class PrivateAveraging final : public PrivateTraining {
 public:
  using PrivateTraining::PrivateTraining;

 private:
  base::Result<QueryPlan> local_plan(const Architecture& architecture,
                                     const Findings& findings) const {
    LearnerSpec learner = learner_of(spec());
    learner.optimiser = recipe::optimiser(architecture, findings.rate);
    const Options options{.architecture = architecture,
                          .learner = learner,
                          .privacy = PrivateOptions{.scale = findings.clip,
                                                    .mapped = !findings.map.empty(),
                                                    .units = findings.units / max_sites(),
                                                    .multiplier = privacy().multiplier},
                          .moments = {}};
    privacy::NoisePlan noise{.placement = privacy().placement,
                             .neighbours = privacy().neighbours,
                             .shares = 1,
                             .sampling_rate = privacy().sampling_rate,
                             .parts = {}};
    return QueryPlan{.kind = std::string(kLocalTrainingKind),
                     .job = job(),
                     .round = {},
                     .unit = privacy().unit,
                     .max_sites = max_sites(),
                     .layout = {.parts = {{.name = "update",
                                           .coordinates = architecture.parameter_count(),
                                           .clip = spec().range}},
                                .lattice = lattice(),
                                .max_units = spec().max_records_per_site},
                     .noise = std::move(noise),
                     .options = to_json(options),
                     .parameters = {}};
  }

  base::Result<QueryPlan> step_plan(const Iterate& iterate) const override {
    const Findings findings = findings_of(iterate);
    HANSE_TRY(QueryPlan plan, local_plan(iterate.model.architecture(), findings));
    plan.parameters = parameters_of(iterate, findings);
    return plan;
  }

  base::Result<privacy::Charge> step_charge(const Architecture& architecture) const override {
    const Findings any{.units = 1, .clip = 1, .rate = 1};
    HANSE_TRY(const QueryPlan plan, local_plan(architecture, any));
    return local_training_charge(plan);
  }

  base::Result<std::vector<double>> moved(const Iterate& iterate, const Findings&, Moments&,
                                          const Released& released) const override {
    const std::span<const double> before = iterate.model.parameters();
    HANSE_TRY(const std::vector<double> update, part_of(released, "update", before.size()));
    std::vector<double> parameters(before.begin(), before.end());
    const double rate = spec().server_learning_rate /
                        static_cast<double>(std::max<std::size_t>(released.contributors(), 1));
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] += rate * update[i];
    return parameters;
  }
};

// Ridge regression from one round of noised sufficient statistics.
class Adassp final : public PrivateTraining {
 public:
  using PrivateTraining::PrivateTraining;

 private:
  std::uint32_t steps() const override { return 0; }

  base::Result<QueryPlan> step_plan(const Iterate&) const override {
    return base::fail(base::ErrorCode::failed_precondition,
                      "adassp asks once: its one round was taken");
  }
  base::Result<privacy::Charge> step_charge(const Architecture&) const override {
    return privacy::Charge{privacy::PrivacyLoss::unbounded()};
  }
  base::Result<std::vector<double>> moved(const Iterate&, const Findings&, Moments&,
                                          const Released&) const override {
    return base::fail(base::ErrorCode::failed_precondition,
                      "adassp asks once: its one round was taken");
  }

  base::Result<Iterate> after_moments(const Iterate& iterate, const NoisedMoments& moments,
                                      double weight, double, std::size_t) const override {
    HANSE_TRY(Model model, ridge_of(iterate.model.architecture(), moments, weight));
    return Iterate{.model = std::move(model),
                   .moments = iterate.moments,
                   .steps = iterate.steps + 1,
                   .findings = {}};
  }
};

base::Result<void> check_kind(const StrategySpec& spec) {
  const PrivateSpec& privacy = *spec.privacy;
  const bool is_average = spec.kind == StrategyKind::fedavg || spec.kind == StrategyKind::fedprox;
  if (spec.kind == StrategyKind::adassp && privacy.moments_multiplier == 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "adassp learns from the moments alone: moments_multiplier must be above 0");
  if (spec.kind == StrategyKind::fedadam || spec.kind == StrategyKind::fedyogi)
    return base::fail(base::ErrorCode::unsupported,
                      "strategy '{}' has no private form: noise drowns the second moments it "
                      "divides by; choose fedsgd, fedavg, fedprox or adassp",
                      name_of(spec.kind));
  const bool one_step = spec.local_epochs == 1 && privacy.sampling_rate == 1;
  if (is_average && privacy.placement != privacy::Placement::site && !one_step)
    return base::fail(
        base::ErrorCode::invalid_argument,
        "strategy '{}' with several local steps takes the noise at the site: under '{}' noise a "
        "share on one step would not protect what the next starts from. Choose placement = "
        "\"site\", local_epochs = 1 with all records, or strategy = \"fedsgd\"",
        name_of(spec.kind), privacy::name_of(privacy.placement));
  return {};
}

}  // namespace

base::Result<std::unique_ptr<Strategy>> create_private_strategy(StrategySpec spec, base::JobId job,
                                                                std::uint32_t max_sites) {
  HANSE_CHECK(spec.privacy.has_value());
  HANSE_TRY_VOID(check_private(*spec.privacy));
  HANSE_TRY_VOID(check_kind(spec));
  HANSE_TRY(const math::Lattice lattice, math::Lattice::create(spec.fraction_bits));
  // What does not depend on the model's size is refused here.
  HANSE_TRY_VOID(
      privacy::check_layout(gradient_layout(1, lattice, spec.max_records_per_site), max_sites));
  const bool takes_steps =
      (spec.kind == StrategyKind::fedavg || spec.kind == StrategyKind::fedprox) &&
      spec.privacy->placement == privacy::Placement::site;
  std::unique_ptr<Strategy> made;
  if (spec.kind == StrategyKind::adassp)
    made = std::make_unique<Adassp>(std::move(spec), std::move(job), max_sites, lattice);
  else if (takes_steps)
    made = std::make_unique<PrivateAveraging>(std::move(spec), std::move(job), max_sites, lattice);
  else
    made = std::make_unique<PrivateDescent>(std::move(spec), std::move(job), max_sites, lattice);
  return made;
}

}  // namespace hanse::learning
