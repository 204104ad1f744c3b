// Each strategy's step for two sites, worked by hand.

#include <gtest/gtest.h>

#include <cmath>

#include "chain.h"

namespace hanse::learning {
namespace {

using test::strategy;
using test::unwrap;

// w = 1 and b = 2.
Iterate start(double l2 = 0) {
  const Architecture of =
      test::architecture(l2 > 0 ? ModelKind::ridge : ModelKind::linear, Task::regression, 1, 1, l2);
  return {.model = unwrap(Model::create(of, {1, 2})), .moments = {}, .steps = 0};
}

std::vector<double> parameters(const Iterate& iterate) {
  return {iterate.model.parameters().begin(), iterate.model.parameters().end()};
}

// Site 0: 1 record, update (0.5, −2), loss 1. Site 1: 3 records, update (−0.5, 2), loss 7 in all.
// Mean update (−0.25, 1), mean loss 2.
privacy::Released updates(const Strategy& of, const Iterate& iterate) {
  const query::QueryPlan plan = unwrap(of.plan(iterate, {}));
  std::vector<query::Answer> answers;
  for (const std::vector<double>& values :
       {std::vector<double>{0.5, -2, 1, 1}, std::vector<double>{-1.5, 6, 3, 7}})
    answers.emplace_back(unwrap(
        privacy::PrivateIterate::create(plan.layout, values, privacy::PrivacyLoss::unbounded())));
  return test::release(plan, std::move(answers));
}

TEST(Strategies, FedAvgMovesToTheMeanWeightedByRecords) {
  const auto fedavg = strategy(default_spec(StrategyKind::fedavg));
  const privacy::Released sum = updates(*fedavg, start());
  const Iterate next = unwrap(fedavg->step(start(), sum));
  EXPECT_EQ(parameters(next), (std::vector<double>{0.75, 3}));
  EXPECT_EQ(next.steps, 1u);
  EXPECT_EQ(unwrap(fedavg->facts(start(), sum)).loss, 2);

  StrategySpec half = default_spec(StrategyKind::fedavg);
  half.server_learning_rate = 0.5;
  EXPECT_EQ(parameters(unwrap(strategy(half)->step(start(), sum))),
            (std::vector<double>{0.875, 2.5}));
}

TEST(Strategies, FedProxStepsAsFedAvgAndPlansItsTerm) {
  const auto fedprox = strategy(default_spec(StrategyKind::fedprox));
  EXPECT_EQ(parameters(unwrap(fedprox->step(start(), updates(*fedprox, start())))),
            (std::vector<double>{0.75, 3}));
  const query::QueryPlan plan = unwrap(fedprox->plan(start(), {}));
  EXPECT_NE(plan.options.find("\"mu\":0.01"), std::string::npos) << plan.options;
}

StrategySpec adaptive(StrategyKind kind) {
  StrategySpec spec = default_spec(kind);
  spec.server_learning_rate = 1;
  spec.beta1 = 0.5;
  spec.beta2 = 0.75;
  spec.tau = 0.5;
  return spec;
}

TEST(Strategies, FedAdamTwoSteps) {
  const auto fedadam = strategy(adaptive(StrategyKind::fedadam));
  const Iterate once = unwrap(fedadam->step(start(), updates(*fedadam, start())));
  // m = Δ/2 = (−.125, .5); v = .75 · .25 + .25 Δ² = (.203125, .4375).
  const double w1 = 1 - 0.125 / (std::sqrt(0.203125) + 0.5);
  const double b1 = 2 + 0.5 / (std::sqrt(0.4375) + 0.5);
  EXPECT_NEAR(parameters(once)[0], w1, 1e-15);
  EXPECT_NEAR(parameters(once)[1], b1, 1e-15);
  // m = (−.1875, .75); v = .75 v + .25 Δ² = (.16796875, .578125).
  const Iterate twice = unwrap(fedadam->step(once, updates(*fedadam, once)));
  EXPECT_NEAR(parameters(twice)[0], w1 - 0.1875 / (std::sqrt(0.16796875) + 0.5), 1e-15);
  EXPECT_NEAR(parameters(twice)[1], b1 + 0.75 / (std::sqrt(0.578125) + 0.5), 1e-15);
  EXPECT_EQ(twice.steps, 2u);
}

TEST(Strategies, FedYogiMovesItsSecondMomentBySigns) {
  const auto fedyogi = strategy(adaptive(StrategyKind::fedyogi));
  const Iterate once = unwrap(fedyogi->step(start(), updates(*fedyogi, start())));
  // v = .25 − .25 Δ² sign(.25 − Δ²) = (.25 − .015625, .25 + .25).
  EXPECT_NEAR(parameters(once)[0], 1 - 0.125 / (std::sqrt(0.234375) + 0.5), 1e-15);
  EXPECT_NEAR(parameters(once)[1], 2 + 0.5 / (std::sqrt(0.5) + 0.5), 1e-15);
}

// Gradients (1, −2) at site 0, (1, 2), (1, 2) and (−2, 2) at site 1: the mean is (.25, 1).
privacy::Released gradients(const Strategy& of, const Iterate& iterate) {
  const query::QueryPlan plan = unwrap(of.plan(iterate, {}));
  std::vector<query::Answer> answers;
  for (const std::vector<std::vector<double>>& site :
       {std::vector<std::vector<double>>{{1, -2, 1, 3}},
        std::vector<std::vector<double>>{{1, 2, 1, 2}, {1, 2, 1, 2}, {-2, 2, 1, 1}}}) {
    privacy::ClippedSumAccumulator sum(plan.layout, "record");
    for (const std::vector<double>& unit : site) HANSE_CHECK(sum.add(unit).has_value());
    answers.emplace_back(std::move(sum).finish());
  }
  return test::release(plan, std::move(answers));
}

TEST(Strategies, FedSgdStepsAlongTheMeanGradientWithMomentum) {
  StrategySpec spec = default_spec(StrategyKind::fedsgd);
  spec.server_learning_rate = 0.5;
  spec.server_momentum = 0.5;
  const auto fedsgd = strategy(spec);
  const privacy::Released sum = gradients(*fedsgd, start());
  EXPECT_EQ(unwrap(fedsgd->facts(start(), sum)).loss, 2);
  const Iterate once = unwrap(fedsgd->step(start(), sum));
  EXPECT_EQ(parameters(once), (std::vector<double>{1 - 0.125, 2 - 0.5}));
  // v = .5 (.25, 1) + (.25, 1).
  const Iterate twice = unwrap(fedsgd->step(once, sum));
  EXPECT_EQ(parameters(twice), (std::vector<double>{0.875 - 0.1875, 1.5 - 0.75}));
}

TEST(Strategies, FedSgdAddsL2ToWeightsOnce) {
  StrategySpec spec = default_spec(StrategyKind::fedsgd);
  spec.server_learning_rate = 0.5;
  spec.server_momentum = 0;
  const auto fedsgd = strategy(spec);
  const Iterate ridge = start(0.5);
  // (.25 + .5 · 1, 1): the bias has none.
  EXPECT_EQ(parameters(unwrap(fedsgd->step(ridge, gradients(*fedsgd, ridge)))),
            (std::vector<double>{1 - 0.375, 1.5}));
}

TEST(Strategies, FedSgdWithAdamTakesTheRateFirst) {
  StrategySpec spec = default_spec(StrategyKind::fedsgd);
  spec.server_optimiser = OptimiserKind::adam;
  spec.server_learning_rate = 0.125;
  const auto fedsgd = strategy(spec);
  const Iterate once = unwrap(fedsgd->step(start(), gradients(*fedsgd, start())));
  EXPECT_NEAR(parameters(once)[0], 1 - 0.125, 1e-6);
  EXPECT_NEAR(parameters(once)[1], 2 - 0.125, 1e-6);
}

TEST(Strategies, ASumWithoutRecordsIsAnError) {
  for (const StrategyKind kind : {StrategyKind::fedsgd, StrategyKind::fedavg, StrategyKind::fedprox,
                                  StrategyKind::fedadam, StrategyKind::fedyogi}) {
    const auto any = strategy(default_spec(kind));
    const query::QueryPlan plan = unwrap(any->plan(start(), {}));
    const std::vector<data::Dataset> fleet(2, test::valued(0, 1, 1));
    const privacy::Released sum = test::ask(plan, fleet);
    ASSERT_FALSE(any->step(start(), sum).has_value());
    EXPECT_EQ(any->step(start(), sum).error().text(),
              "2 sites answered and none had a record to learn from");
    EXPECT_EQ(any->facts(start(), sum).error().code(), base::ErrorCode::failed_precondition);
  }
}

TEST(Strategies, ASumOfAnotherModelIsAnError) {
  const auto fedavg = strategy(default_spec(StrategyKind::fedavg));
  const privacy::Released sum = updates(*fedavg, start());
  const Architecture wider = test::architecture(ModelKind::linear, Task::regression, 2, 1);
  const Iterate other{.model = test::random_model(wider, 1), .moments = {}, .steps = 0};
  EXPECT_EQ(fedavg->step(other, sum).error().code(), base::ErrorCode::corruption);
  const auto fedsgd = strategy(default_spec(StrategyKind::fedsgd));
  EXPECT_EQ(fedsgd->step(start(), sum).error().code(), base::ErrorCode::not_found);
}

TEST(Strategies, AStepBeyondDoublesIsAnError) {
  StrategySpec spec = default_spec(StrategyKind::fedavg);
  spec.server_learning_rate = 1e308;
  const auto fedavg = strategy(spec);
  Iterate far = start();
  far.model = unwrap(Model::create(far.model.architecture(), {1, 1.7e308}));
  const base::Result<Iterate> result = fedavg->step(far, updates(*fedavg, start()));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), base::ErrorCode::failed_precondition);
  EXPECT_NE(result.error().text().find("lower server_learning_rate"), std::string::npos);
}

}  // namespace
}  // namespace hanse::learning
