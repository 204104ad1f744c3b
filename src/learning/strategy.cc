#include "learning/strategy.h"

#include <cmath>

#include "base/bytes.h"
#include "learning/names.h"
#include "learning/options.h"
#include "learning/private_strategy.h"
#include "learning/queries.h"

namespace hanse::learning {
namespace {

constexpr NameTable<StrategyKind, 6> kStrategies{{{StrategyKind::fedsgd, "fedsgd"},
                                                  {StrategyKind::fedavg, "fedavg"},
                                                  {StrategyKind::fedprox, "fedprox"},
                                                  {StrategyKind::fedadam, "fedadam"},
                                                  {StrategyKind::fedyogi, "fedyogi"},
                                                  {StrategyKind::adassp, "adassp"}}};

bool is_adaptive(StrategyKind kind) {
  return kind == StrategyKind::fedadam || kind == StrategyKind::fedyogi;
}

OptimiserSpec server_optimiser_of(const StrategySpec& spec) {
  return {.kind = spec.server_optimiser,
          .learning_rate = spec.server_learning_rate,
          .momentum = spec.server_momentum,
          .beta1 = spec.beta1,
          .beta2 = spec.beta2};
}

// A part of the sum and the number of records in it.
struct Mean {
  std::vector<double> total;
  double records;
};

base::Result<Mean> mean_of(const privacy::Released& released, std::string_view part,
                           std::string_view count, std::size_t coordinates) {
  HANSE_TRY(std::vector<double> total, released.part(part));
  HANSE_TRY(const std::vector<double> records, released.part(count));
  if (total.size() != coordinates || records.size() != 1)
    return base::fail(base::ErrorCode::corruption,
                      "the sum's '{}' has {} coordinates, the model {}", part, total.size(),
                      coordinates);
  if (!(records[0] > 0))
    return base::fail(base::ErrorCode::failed_precondition,
                      "{} sites answered and none had a record to learn from",
                      released.contributors());
  return Mean{std::move(total), records[0]};
}

base::Result<Iterate> moved(const Iterate& from, std::vector<double> parameters, Moments moments) {
  base::Result<Model> model = Model::create(from.model.architecture(), std::move(parameters));
  if (!model)
    return base::fail(base::ErrorCode::failed_precondition,
                      "the step after round {} diverged ({}); lower server_learning_rate",
                      from.steps, model.error().text());
  return Iterate{
      .model = *std::move(model), .moments = std::move(moments), .steps = from.steps + 1};
}

// What all strategies share: the plan.
class Planned : public Strategy {
 public:
  Planned(StrategySpec spec, base::JobId job, std::uint32_t max_sites, math::Lattice lattice)
      : spec_(spec), job_(std::move(job)), max_sites_(max_sites), lattice_(lattice) {}

  base::Result<query::QueryPlan> plan(const Iterate& iterate, base::RoundId round) const override {
    const Architecture& architecture = iterate.model.architecture();
    const bool local = spec_.kind != StrategyKind::fedsgd;
    Options options{.architecture = architecture, .learner = {}};
    if (local) options.learner = learner_of(spec_);
    query::QueryPlan plan{
        .kind = std::string(local ? kLocalTrainingKind : kGradientKind),
        .job = job_,
        .round = round,
        .unit = "record",
        .max_sites = max_sites_,
        .layout = layout(architecture.parameter_count()),
        .options = to_json(options),
        .parameters = base::Slice(base::to_little_endian(iterate.model.parameters()))};
    HANSE_TRY_VOID(query::check_plan(plan));
    return plan;
  }

  base::Result<RoundFacts> facts(const Iterate&, const privacy::Released& released) const override {
    HANSE_TRY(const Mean loss, mean_of(released, "loss", count_part(), 1));
    return RoundFacts{.loss = loss.total[0] / loss.records};
  }

  base::Result<Model> model(const Iterate& iterate) const override { return iterate.model; }
  std::optional<std::uint32_t> rounds() const override { return std::nullopt; }
  base::Result<std::vector<privacy::Charge>> charges(const Architecture&,
                                                     const base::SiteId*) const override {
    return std::vector{privacy::Charge{privacy::PrivacyLoss::unbounded()}};
  }

  privacy::Layout layout(std::size_t parameters) const {
    const bool local = spec_.kind != StrategyKind::fedsgd;
    return {.parts = {{.name = local ? "update" : "gradient",
                       .coordinates = parameters,
                       .clip = local ? spec_.range : spec_.clip},
                      {.name = std::string(count_part()), .coordinates = 1, .clip = 1},
                      {.name = "loss", .coordinates = 1, .clip = spec_.loss_clip}},
            .lattice = lattice_,
            .max_units = spec_.max_records_per_site};
  }

 protected:
  std::string_view count_part() const {
    return spec_.kind == StrategyKind::fedsgd ? "count" : "weight";
  }
  const StrategySpec& spec() const { return spec_; }

 private:
  StrategySpec spec_;
  base::JobId job_;
  std::uint32_t max_sites_;
  math::Lattice lattice_;
};

// One gradient step per round: with full participation, gradient descent on the pooled records.
// McMahan et al. 2017, section 2 (FedSGD).
class FedSgd final : public Planned {
 public:
  using Planned::Planned;
  base::Result<Iterate> step(const Iterate& iterate,
                             const privacy::Released& released) const override {
    const std::span<const double> before = iterate.model.parameters();
    HANSE_TRY(const Mean mean, mean_of(released, "gradient", count_part(), before.size()));
    std::vector<double> gradient = mean.total;
    for (double& value : gradient) value /= mean.records;
    iterate.model.architecture().add_l2_gradient(before, gradient);
    std::vector<double> parameters(before.begin(), before.end());
    Moments moments = iterate.moments;
    descend(server_optimiser_of(spec()), moments, parameters, gradient);
    return moved(iterate, std::move(parameters), std::move(moments));
  }
};

// Towards the mean of the sites' models, weighted by their records. McMahan et al. 2017, Algorithm
// 1; with mu above 0 FedProx, Li et al. 2020, Algorithm 2.
class FedAvg final : public Planned {
 public:
  using Planned::Planned;
  base::Result<Iterate> step(const Iterate& iterate,
                             const privacy::Released& released) const override {
    const std::span<const double> before = iterate.model.parameters();
    HANSE_TRY(const Mean mean, mean_of(released, "update", count_part(), before.size()));
    std::vector<double> parameters(before.begin(), before.end());
    for (std::size_t i = 0; i < parameters.size(); ++i)
      parameters[i] += spec().server_learning_rate * (mean.total[i] / mean.records);
    return moved(iterate, std::move(parameters), iterate.moments);
  }
};

// Adaptive steps along the mean update, weighted by records as FedAvg's. Reddi et al. 2021,
// Algorithm 2: no bias correction, and v starts at tau², the least that its input allows.
class FedAdaptive final : public Planned {
 public:
  using Planned::Planned;
  base::Result<Iterate> step(const Iterate& iterate,
                             const privacy::Released& released) const override {
    const std::span<const double> before = iterate.model.parameters();
    HANSE_TRY(const Mean mean, mean_of(released, "update", count_part(), before.size()));
    Moments moments = iterate.moments;
    if (moments.steps == 0) {
      moments.first.assign(before.size(), 0.0);
      moments.second.assign(before.size(), spec().tau * spec().tau);
    }
    HANSE_CHECK(moments.first.size() == before.size() && moments.second.size() == before.size());
    ++moments.steps;
    std::vector<double> parameters(before.begin(), before.end());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const double delta = mean.total[i] / mean.records;
      double& m = moments.first[i];
      double& v = moments.second[i];
      m = spec().beta1 * m + (1 - spec().beta1) * delta;
      v = second_moment(v, delta * delta);
      parameters[i] += spec().server_learning_rate * m / (std::sqrt(v) + spec().tau);
    }
    return moved(iterate, std::move(parameters), std::move(moments));
  }

 private:
  double second_moment(double v, double square) const {
    const double share = 1 - spec().beta2;
    if (spec().kind == StrategyKind::fedadam) return spec().beta2 * v + share * square;
    // FedYogi; sign(0) = 0.
    return v - share * square * static_cast<double>((v > square) - (v < square));
  }
};

base::Result<void> check_positive(std::string_view key, double value) {
  if (std::isfinite(value) && value > 0) return {};
  return base::fail(base::ErrorCode::invalid_argument, "{} must be finite and above 0, found {}",
                    key, value);
}

base::Result<void> check_spec(const StrategySpec& spec) {
  HANSE_TRY_VOID(check_positive("learning_rate", spec.learning_rate));
  HANSE_TRY_VOID(check_positive("server_learning_rate", spec.server_learning_rate));
  HANSE_TRY_VOID(check_positive("range", spec.range));
  HANSE_TRY_VOID(check_positive("clip", spec.clip));
  HANSE_TRY_VOID(check_positive("loss_clip", spec.loss_clip));
  HANSE_TRY_VOID(check_positive("tau", spec.tau));
  if (!(spec.server_momentum >= 0 && spec.server_momentum < 1))
    return base::fail(base::ErrorCode::invalid_argument,
                      "server_momentum must be in [0, 1), found {}", spec.server_momentum);
  if (spec.max_records_per_site == 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "max_records_per_site must be at least 1, found 0");
  if (spec.mu != 0 && spec.kind != StrategyKind::fedprox)
    return base::fail(base::ErrorCode::invalid_argument,
                      "mu is the proximal term of fedprox; '{}' has none, found {}",
                      name_of(spec.kind), spec.mu);
  HANSE_TRY_VOID(check_optimiser(server_optimiser_of(spec)));
  return check_learner(learner_of(spec));
}

}  // namespace

std::string_view name_of(StrategyKind kind) { return name_in(kStrategies, kind); }

base::Result<StrategyKind> strategy_kind(std::string_view name) {
  return value_in(kStrategies, "strategy", name);
}

StrategySpec default_spec(StrategyKind kind) {
  StrategySpec spec{.kind = kind};
  switch (kind) {
    case StrategyKind::fedsgd:
      // Stable for a smoothness up to 2 (1 + momentum) / rate = 38; features lie in [-1, 1].
      spec.server_learning_rate = 0.1;
      spec.server_momentum = 0.9;
      break;
    case StrategyKind::fedavg:
    case StrategyKind::adassp:
      break;
    case StrategyKind::fedprox:
      spec.mu = 0.01;  // of the values that Li et al. 2020 tune over, one that never harms much
      break;
    case StrategyKind::fedadam:
    case StrategyKind::fedyogi:
      // Where updates agree, m/√v is near 1 and a coordinate moves this far in a round; inputs
      // and parameters are of order 1.
      spec.server_learning_rate = 0.1;
      break;
  }
  return spec;
}

LearnerSpec learner_of(const StrategySpec& spec) {
  const StrategySpec local =
      spec.kind == StrategyKind::fedsgd ? default_spec(StrategyKind::fedavg) : spec;
  return {.optimiser = {.kind = local.optimiser,
                        .learning_rate = local.learning_rate,
                        .momentum = local.momentum},
          .epochs = local.local_epochs,
          .batch = local.batch,
          .mu = local.mu};
}

base::Result<std::unique_ptr<Strategy>> create_strategy(StrategySpec spec, base::JobId job,
                                                        std::uint32_t max_sites) {
  HANSE_TRY_VOID(check_spec(spec));
  if (spec.privacy) return create_private_strategy(std::move(spec), std::move(job), max_sites);
  if (spec.kind == StrategyKind::adassp)
    return base::fail(
        base::ErrorCode::invalid_argument,
        "strategy 'adassp' is private; in the clear choose fedsgd with a ridge model");
  HANSE_TRY(const math::Lattice lattice, math::Lattice::create(spec.fraction_bits));
  std::unique_ptr<Planned> strategy;
  if (spec.kind == StrategyKind::fedsgd)
    strategy = std::make_unique<FedSgd>(spec, std::move(job), max_sites, lattice);
  else if (is_adaptive(spec.kind))
    strategy = std::make_unique<FedAdaptive>(spec, std::move(job), max_sites, lattice);
  else
    strategy = std::make_unique<FedAvg>(spec, std::move(job), max_sites, lattice);
  // The overflow proof does not depend on the model's size: refuse here what plan would refuse.
  HANSE_TRY_VOID(privacy::check_layout(strategy->layout(1), max_sites));
  return std::unique_ptr<Strategy>(std::move(strategy));
}

}  // namespace hanse::learning
