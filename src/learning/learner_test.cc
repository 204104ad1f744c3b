#include "learning/learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "learning/metrics.h"
#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

base::SeededSimulationRandom order(std::uint64_t seed = 1) { return {seed, "order"}; }

OptimiserSpec plain_sgd(double rate) {
  return {.kind = OptimiserKind::sgd, .learning_rate = rate, .momentum = 0};
}

std::vector<double> copy(std::span<const double> values) { return {values.begin(), values.end()}; }

// One feature, one value: the mean of ½ (w x + b − y)² by hand.
data::Dataset two_points() {
  data::Dataset records = test::valued(2, 1, 1);
  records.features.at(0, 0) = 1;
  records.features.at(1, 0) = -1;
  records.target = {3, 1};
  return records;
}

TEST(Learner, AFullBatchStepWorkedByHand) {
  const Architecture of = test::architecture(ModelKind::ridge, Task::regression, 1, 1, 0.5);
  const Model start = *Model::create(of, {2, 0});
  auto random = order();
  // Residuals 2 − 3 = −1 and −2 − 1 = −3: gradient w = (−1 + 3)/2 + .5 · 2 = 2, b = −2.
  const Model once = *train(start, two_points(), {.optimiser = plain_sgd(0.5), .batch = 2}, random);
  EXPECT_EQ(copy(once.parameters()), (std::vector<double>{1, 1}));
  EXPECT_DOUBLE_EQ(total_loss(start, two_points(), 100), 0.5 + 4.5);
  EXPECT_DOUBLE_EQ(total_loss(start, two_points(), 2), 0.5 + 2);
}

TEST(Learner, TheProximalTermPullsTowardsTheStart) {
  const Architecture of = test::architecture(ModelKind::ridge, Task::regression, 1, 1, 0.5);
  const Model start = *Model::create(of, {2, 0});
  auto random = order();
  // From (1, 1): residuals 2 − 3 and 0 − 1, gradient (0 + .5, −1), plus mu · (−1, 1).
  const Model twice =
      *train(start, two_points(),
             {.optimiser = plain_sgd(0.5), .epochs = 2, .batch = 2, .mu = 0.25}, random);
  EXPECT_EQ(copy(twice.parameters()),
            (std::vector<double>{1 - 0.5 * (0.5 - 0.25), 1 - 0.5 * (-1 + 0.25)}));
}

TEST(Learner, AClipBoundsEveryRecordsGradient) {
  const Architecture of = test::architecture(ModelKind::linear, Task::regression, 1, 1);
  const Model start = *Model::create(of, {2, 0});
  auto random = order();
  // Gradients (−1, −1) and (3, −3): norms √2 and 3 √2, clipped to √2: (−1, −1) and (1, −1).
  const Model once =
      *train(start, two_points(), {.optimiser = plain_sgd(0.5), .batch = 2, .clip = std::sqrt(2.0)},
             random);
  EXPECT_NEAR(once.parameters()[0], 2, 1e-15);
  EXPECT_NEAR(once.parameters()[1], 0.5, 1e-15);
}

TEST(Learner, BatchesBeyondABlockAreOneStep) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 3, 3);
  const data::Dataset records = test::labelled(700, 3, 3, 1);
  const Model start = test::random_model(of, 1);
  auto random = order();
  const Model found = *train(start, records, {.optimiser = plain_sgd(1), .batch = 10'000}, random);
  // The same step from sums over single records.
  std::vector<double> expected = copy(start.parameters());
  for (std::size_t row = 0; row < records.size(); ++row) {
    const std::vector<std::size_t> one{row};
    const Model moved =
        *train(start, records.select(one), {.optimiser = plain_sgd(1), .batch = 1}, random);
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] += (moved.parameters()[i] - start.parameters()[i]) / 700;
  }
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(found.parameters()[i], expected[i], 1e-13);
}

TEST(Learner, TheSameSeedGivesTheSameModelAndAnotherAnother) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 4, 3);
  const data::Dataset records = test::labelled(300, 4, 3, 1);
  const Model start = test::random_model(of, 1);
  auto first = order(1), again = order(1), other = order(2);
  const Model a = *train(start, records, {.epochs = 3}, first);
  EXPECT_EQ(a, *train(start, records, {.epochs = 3}, again));
  EXPECT_FALSE(a == *train(start, records, {.epochs = 3}, other));
}

TEST(Learner, WithoutRecordsNothingMoves) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 4, 3);
  const Model start = test::random_model(of, 1);
  auto random = order();
  EXPECT_EQ(*train(start, test::labelled(0, 4, 3, 1), {}, random), start);
  EXPECT_EQ(total_loss(start, test::labelled(0, 4, 3, 1), 1), 0);
}

TEST(Learner, DivergenceIsAnError) {
  const Architecture of = test::architecture(ModelKind::linear, Task::regression, 3, 1);
  base::SeededSimulationRandom random(1, "start");
  const Model start = Model::initial(of, random);
  const base::Result<Model> result =
      train(start, test::valued(100, 3, 1),
            {.optimiser = plain_sgd(1e6), .epochs = 100, .batch = 10}, random);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), base::ErrorCode::failed_precondition);
  EXPECT_NE(result.error().text().find("lower the learning rate"), std::string::npos);
}

TEST(Learner, SpecsOutOfRangeAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(check_learner({}).has_value());
  for (const LearnerSpec& spec :
       {LearnerSpec{.epochs = 0}, LearnerSpec{.epochs = 100'001}, LearnerSpec{.batch = 0},
        LearnerSpec{.batch = 65'537}, LearnerSpec{.mu = -1}, LearnerSpec{.mu = nan},
        LearnerSpec{.clip = -1}, LearnerSpec{.optimiser = {.learning_rate = 0}}}) {
    const base::Result<void> result = check_learner(spec);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
  }
}

// The optimum of a convex objective does not depend on who finds it: the gradient vanishes there.
TEST(Learner, FindsTheOptimumOfConvexProblems) {
  for (const Architecture& of :
       {test::architecture(ModelKind::ridge, Task::regression, 5, 1, 0.1),
        test::architecture(ModelKind::logistic, Task::classification, 5, 3, 0.1)}) {
    const data::Dataset records = test::records_for(of, 400, 3);
    auto random = order();
    const Model start = Model::initial(of, random);
    const LearnerSpec full{.optimiser = plain_sgd(0.5), .epochs = 2000, .batch = 400};
    const Model best = *train(start, records, full, random);
    const Model after =
        *train(best, records, {.optimiser = plain_sgd(1), .epochs = 1, .batch = 400}, random);
    for (std::size_t i = 0; i < of.parameter_count(); ++i)
      EXPECT_NEAR(after.parameters()[i], best.parameters()[i], 1e-12);
  }
}

}  // namespace
}  // namespace hanse::learning
