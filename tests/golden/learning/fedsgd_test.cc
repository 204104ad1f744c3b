// FedSGD with full participation is gradient descent on the pooled records.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "chain.h"
#include "learning/gradient.h"

namespace hanse::learning {
namespace {

using test::strategy;

constexpr double kRate = 0.25;
constexpr std::uint32_t kRounds = 6;

// Plain doubles: no lattice, no clip, no fleet.
std::vector<double> gradient_descent(const Model& start, const data::Dataset& records) {
  const Architecture& of = start.architecture();
  std::vector<double> parameters(start.parameters().begin(), start.parameters().end());
  BlockGradient block(of);
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    std::vector<double> total(parameters.size()), part(parameters.size());
    for (std::size_t row = 0; row < records.size(); row += kBlock) {
      block.compute(parameters, records, row, std::min(kBlock, records.size() - row));
      block.sum(part);
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
    }
    for (double& value : total) value /= static_cast<double>(records.size());
    of.add_l2_gradient(parameters, total);
    for (std::size_t i = 0; i < total.size(); ++i) parameters[i] -= kRate * total[i];
  }
  return parameters;
}

// The bound. A site of n records rounds its gradient ⌈n/kBlock⌉ times, each time by at most half a
// step per coordinate; B in all. So a round's mean gradient is off by at most e = (B/2) step/N per
// coordinate, √p e in norm, plus what floating-point sums err, for which half a step more is ample
// (their error is below N · 2^-53 · clip ≪ 2^-28). A gradient step of a convex objective with
// smoothness L does not move two iterates apart if rate ≤ 2/L (Nesterov 2018, Theorem 2.1.14), so
// after T rounds the models differ by at most T · rate · √p · (B + 1)/2 · step/N. Features lie in
// [-1, 1]^4: L ≤ 5 + l2, and no gradient reaches the clip.
RC_GTEST_PROP(FedSgd, IsPooledGradientDescentWithinTheQuantisersBound, ()) {
  StrategySpec spec = default_spec(StrategyKind::fedsgd);
  spec.server_learning_rate = kRate;
  spec.server_momentum = 0;
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  const std::size_t sites = *rc::gen::inRange<std::size_t>(1, 6);
  for (const Architecture& of :
       {test::architecture(ModelKind::linear, Task::regression, 4, 1),
        test::architecture(ModelKind::ridge, Task::regression, 4, 1, 0.1),
        test::architecture(ModelKind::logistic, Task::classification, 4, 3, 0.1)}) {
    std::vector<data::Dataset> fleet;
    double roundings = 0;
    for (std::size_t site = 0; site < sites; ++site) {
      const std::size_t records = *rc::gen::inRange<std::size_t>(1, 600);
      fleet.push_back(test::records_for(of, records, seed + site));
      fleet.back().schema = std::make_shared<const data::Schema>(
          test::unwrap(data::Schema::create({{.name = "x",
                                              .kind = data::ColumnKind::number,
                                              .unit = {},
                                              .low = -1,
                                              .high = 1,
                                              .values = {}}})));
      roundings += std::ceil(static_cast<double>(records) / static_cast<double>(kBlock));
    }
    const data::Dataset pooled = data::concatenate(fleet);
    base::SeededSimulationRandom random(seed, "start");
    const Model start = Model::initial(of, random);
    const Iterate found = test::run(*strategy(spec), start, fleet, kRounds);
    const std::vector<double> expected = gradient_descent(start, pooled);
    double square = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      square += std::pow(found.model.parameters()[i] - expected[i], 2);
    const double step = std::ldexp(1.0, -spec.fraction_bits);
    const double bound = kRounds * kRate * std::sqrt(static_cast<double>(expected.size())) *
                         (roundings + 1) / 2 * step / static_cast<double>(pooled.size());
    RC_LOG() << name_of(of.kind()) << ": off by " << std::sqrt(square) << ", bound " << bound
             << std::endl;
    RC_ASSERT(std::sqrt(square) <= bound);
  }
}

RC_GTEST_PROP(FedSgd, DoesNotDependOnTheOrderOfSites, ()) {
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 4, 3);
  std::vector<data::Dataset> fleet;
  for (std::size_t site = 0; site < 4; ++site)
    fleet.push_back(test::records_for(of, 40 * (site + 1), seed + site));
  const Model start = test::random_model(of, seed);
  const auto fedsgd = strategy(default_spec(StrategyKind::fedsgd));
  const Iterate forwards = test::run(*fedsgd, start, fleet, 3);
  std::ranges::reverse(fleet);
  RC_ASSERT(test::run(*fedsgd, start, fleet, 3) == forwards);
}

}  // namespace
}  // namespace hanse::learning
