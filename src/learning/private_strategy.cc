#include "learning/private_strategy.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "learning/options.h"
#include "learning/private_queries.h"
#include "learning/private_training.h"
#include "learning/queries.h"
#include "learning/recipe.h"

namespace hanse::learning {
namespace {

using privacy::Released;
using query::QueryPlan;

// A step along the noised mean gradient (DP-FedSGD). A site's single full step of FedAvg is the
// same question: the mean of θ − η·gᵢ over records is θ − η·g.
class PrivateDescent final : public PrivateTraining {
 public:
  using PrivateTraining::PrivateTraining;

 private:
  base::Result<QueryPlan> gradient_plan(const Architecture& architecture, double clip,
                                        bool mapped) const {
    const privacy::Layout layout = gradient_layout(architecture.parameter_count(), lattice(),
                                                   spec().max_records_per_site, spec().rotation);
    HANSE_TRY(privacy::NoisePlan noise,
              noise_for(layout, asked_noise(privacy().multiplier, privacy().sampling_rate),
                        kClippedShare));
    const Options options{.architecture = architecture,
                          .learner = {},
                          .privacy = PrivateOptions{.scale = clip, .mapped = mapped},
                          .moments = {}};
    return plan_of(kGradientKind, layout, std::move(noise), to_json(options));
  }

  base::Result<QueryPlan> step_plan(const Iterate& iterate) const override {
    const Findings findings = findings_of(iterate);
    HANSE_TRY(QueryPlan plan,
              gradient_plan(iterate.model.architecture(), findings.clip, !findings.map.empty()));
    plan.parameters = parameters_of(iterate, findings);
    return plan;
  }

  base::Result<privacy::Charge> step_charge(const Architecture& architecture,
                                            const base::SiteId* site) const override {
    HANSE_TRY(QueryPlan plan, gradient_plan(architecture, 1, false));
    HANSE_TRY(privacy::PrivacyLoss loss, loss_at(std::move(plan), site));
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
    const privacy::Layout layout{.parts = {{.name = "update",
                                            .coordinates = architecture.parameter_count(),
                                            .clip = spec().range}},
                                 .lattice = lattice(),
                                 .max_units = spec().max_records_per_site};
    return plan_of(kLocalTrainingKind, layout, std::move(noise), to_json(options));
  }

  base::Result<QueryPlan> step_plan(const Iterate& iterate) const override {
    const Findings findings = findings_of(iterate);
    HANSE_TRY(QueryPlan plan, local_plan(iterate.model.architecture(), findings));
    plan.parameters = parameters_of(iterate, findings);
    return plan;
  }

  base::Result<privacy::Charge> step_charge(const Architecture& architecture,
                                            const base::SiteId*) const override {
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

  base::Result<void> check(const Architecture& architecture) const override {
    if (architecture.task() == Task::regression && architecture.kind() != ModelKind::mlp) return {};
    return base::fail(base::ErrorCode::invalid_argument,
                      "adassp fits a linear or ridge model, found '{}' for {}",
                      name_of(architecture.kind()), name_of(architecture.task()));
  }

  base::Result<QueryPlan> step_plan(const Iterate&) const override {
    return base::fail(base::ErrorCode::failed_precondition,
                      "adassp asks once: its one round was taken");
  }
  base::Result<privacy::Charge> step_charge(const Architecture&,
                                            const base::SiteId*) const override {
    return privacy::Charge{privacy::PrivacyLoss::unbounded()};
  }
  base::Result<std::vector<double>> moved(const Iterate&, const Findings&, Moments&,
                                          const Released&) const override {
    return base::fail(base::ErrorCode::failed_precondition,
                      "adassp asks once: its one round was taken");
  }

  base::Result<Iterate> after_moments(const Iterate& iterate, const NoisedMoments& moments,
                                      double weight, double, double) const override {
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
  if (is_average && privacy.placement == privacy::Placement::site && spec.rotation)
    return base::fail(base::ErrorCode::invalid_argument,
                      "rotation turns what is summed, and strategy '{}' with the noise at the "
                      "sites sends parameters. Choose strategy = \"fedsgd\"",
                      name_of(spec.kind));
  if (is_average && privacy.placement == privacy::Placement::site && !privacy.sites.empty())
    return base::fail(
        base::ErrorCode::invalid_argument,
        "site_epsilon weighs sums, and strategy '{}' with the noise at the sites takes the mean of "
        "models, each of the same weight. Choose strategy = \"fedsgd\"",
        name_of(spec.kind));
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
  HANSE_TRY_VOID(privacy::check_layout(
      gradient_layout(1, lattice, spec.max_records_per_site, spec.rotation), max_sites));
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
