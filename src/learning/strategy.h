// How a federation learns: what to ask next, and what to make of the sum.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "learning/iterate.h"
#include "learning/learner.h"
#include "learning/private_spec.h"
#include "query/query.h"

namespace hanse::learning {

// adassp is private only: ridge regression from one round of noised sufficient statistics.
enum class StrategyKind { fedsgd, fedavg, fedprox, fedadam, fedyogi, adassp };

std::string_view name_of(StrategyKind kind);
base::Result<StrategyKind> strategy_kind(std::string_view name);

// Everything that can be turned. default_spec has the values that work untuned.
struct StrategySpec {
  StrategyKind kind = StrategyKind::fedavg;

  // At the sites; not of fedsgd.
  OptimiserKind optimiser = OptimiserKind::sgd;
  double learning_rate = 0.05;
  double momentum = 0.9;  // of sgd
  std::uint32_t local_epochs = 1;
  std::uint32_t batch = 32;
  double mu = 0;      // proximal term, of fedprox only
  double range = 10;  // bound on a coordinate of θ_local − θ

  // At the coordinator.
  OptimiserKind server_optimiser = OptimiserKind::sgd;  // of fedsgd
  double server_learning_rate = 1;
  double server_momentum = 0;  // of fedsgd with sgd
  double beta1 = 0.9;          // of fedadam and fedyogi, and of fedsgd with adam
  double beta2 = 0.99;
  double tau = 1e-3;  // adaptivity, of fedadam and fedyogi

  // Of the answer.
  double clip = 10;       // L2 norm of one record's gradient, of fedsgd
  double loss_clip = 10;  // of one record's loss
  int fraction_bits = 28;
  // Units are turned and rounded at random (privacy/rotation.h), for coarse lattices. With noise.
  bool rotation = false;
  std::uint64_t max_records_per_site = 100'000;

  // Absent: in the clear, for simulation.
  std::optional<PrivateSpec> privacy = {};

  bool operator==(const StrategySpec&) const = default;
};

// The defaults of a kind.
StrategySpec default_spec(StrategyKind kind);

// What the sites run, also for training on one's own or on pooled records: set epochs to rounds ×
// local_epochs there. For fedsgd it is what fedavg would run by default.
LearnerSpec learner_of(const StrategySpec& spec);

// A metric that a round of noised sums released. Its standard error is that of the noise alone.
struct ReleasedMetric {
  std::string name;
  double value = 0;
  double error = 0;

  bool operator==(const ReleasedMetric&) const = default;
};

// What one round may say of itself.
struct RoundFacts {
  // Mean over the records in the sum, of the plan's model, before the step. In the clear only.
  std::optional<double> loss = {};
  // Of the sum that was asked for: the norm that its noise has on average, over the norm of what
  // was released.
  std::optional<double> noise_to_signal = {};
  std::optional<double> clipped_fraction = {};  // of the units; noised and charged
  // Of the training's model on the records that it learned from; noised and charged. Of a round of
  // metrics (metric_sums.h), else empty.
  std::vector<ReleasedMetric> released = {};

  bool operator==(const RoundFacts&) const = default;
};

// Pure and immutable: thread-safe.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // The question that brings this iterate forward. A sum that could overflow: invalid_argument with
  // the numbers.
  virtual base::Result<query::QueryPlan> plan(const Iterate& iterate,
                                              base::RoundId round) const = 0;
  // The next iterate. No records in the sum, or a result that is not finite: failed_precondition.
  virtual base::Result<Iterate> step(const Iterate& iterate,
                                     const privacy::Released& released) const = 0;
  // What may be said of the round that `plan(iterate)` asked for.
  virtual base::Result<RoundFacts> facts(const Iterate& iterate,
                                         const privacy::Released& released) const = 0;
  // The model of an iterate in the declared features, as it is judged and kept: what the recipe
  // averages is averaged, and whitening is folded back.
  virtual base::Result<Model> model(const Iterate& iterate) const = 0;
  // The model as sites of this class use it: of strategies that fit a part of it to each class.
  virtual base::Result<Model> model_for(const Iterate& iterate,
                                        [[maybe_unused]] std::string_view site_class) const {
    return model(iterate);
  }
  // All rounds of a private training, which its charges are for; none: as many as the job says.
  virtual std::optional<std::uint32_t> rounds() const = 0;
  // What the whole training costs a unit of this site, known before anything is computed; null: of
  // one that has no share of its own.
  virtual base::Result<std::vector<privacy::Charge>> charges(const Architecture& architecture,
                                                             const base::SiteId* site) const = 0;
  // On what a site's units add: 1, but for sites that have a share of their own.
  virtual double weight_of(const base::SiteId&) const { return 1; }
};

// Values out of range: invalid_argument naming the key.
base::Result<std::unique_ptr<Strategy>> create_strategy(StrategySpec spec, base::JobId job,
                                                        std::uint32_t max_sites);

}  // namespace hanse::learning
