// Private training through the whole chain: what it costs, what it learns, and that nothing but its
// noised sums depends on the records.
#include <gtest/gtest.h>

#include <cmath>

#include "chain.h"
#include "learning/metrics.h"
#include "learning/recipe.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::learning {
namespace {

using test::unwrap;

StrategySpec private_spec(double rho, privacy::Placement placement,
                          StrategyKind kind = StrategyKind::fedsgd) {
  StrategySpec spec = default_spec(kind);
  PrivateSpec privacy{.placement = placement, .rounds = recipe::kRounds};
  spend(privacy, rho, recipe::kMomentsShare);
  spec.privacy = privacy;
  return spec;
}

double accuracy(const Model& model, const data::Dataset& records) {
  const math::Matrix predicted = model.predict(records.features);
  std::size_t right = 0;
  for (std::size_t row = 0; row < records.size(); ++row) {
    const auto scores = predicted.row(row);
    const auto best = std::ranges::max_element(scores) - scores.begin();
    right += static_cast<double>(best) == records.target[row] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(records.size());
}

double rho_of(const Strategy& strategy, const Architecture& of) {
  double rho = 0;
  for (const privacy::Charge& charge : unwrap(strategy.charges(of)))
    rho += privacy::rho(charge.loss).value_or(HUGE_VAL) * static_cast<double>(charge.count);
  return rho;
}

std::vector<data::Dataset> fleet(std::size_t sites, std::size_t each) {
  std::vector<data::Dataset> all;
  for (std::size_t site = 0; site < sites; ++site)
    all.push_back(test::labelled(each, 6, 3, 10 + site));
  return all;
}

TEST(PrivateTraining, CostsWhatWasToBeSpent) {
  for (const Architecture& of : test::all_architectures(6, 3))
    for (const auto placement : {privacy::Placement::site, privacy::Placement::coordinator}) {
      const auto strategy = test::strategy(private_spec(0.03, placement));
      const double rho = rho_of(*strategy, of);
      EXPECT_GE(rho, 0.03);
      EXPECT_LE(rho, 0.03 * 1.0001);
    }
}

TEST(PrivateTraining, LearnsThroughTheNoise) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 6, 3);
  const std::vector<data::Dataset> sites = fleet(4, 2000);
  const data::Dataset unseen = test::labelled(4000, 6, 3, 99);
  const auto strategy = test::strategy(private_spec(0.03, privacy::Placement::coordinator), 4);
  base::SeededSimulationRandom random(1, "start");
  const Iterate end =
      test::run(*strategy, Model::initial(of, random), sites, strategy->rounds().value());
  const double found = accuracy(unwrap(strategy->model(end)), unseen);
  EXPECT_GT(found, 0.85) << found;
  std::printf("accuracy %f\n", found);
}

}  // namespace
}  // namespace hanse::learning
