#include "learning/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hanse::learning {
namespace {

TEST(Optimiser, SgdWithMomentumWorkedByHand) {
  const OptimiserSpec spec{.kind = OptimiserKind::sgd, .learning_rate = 0.5, .momentum = 0.5};
  Moments moments;
  std::vector<double> parameters{1, -1};
  descend(spec, moments, parameters, std::vector<double>{2, 4});
  EXPECT_EQ(parameters, (std::vector<double>{0, -3}));
  // v = 0.5 · (2, 4) + (−1, 0) = (0, 2).
  descend(spec, moments, parameters, std::vector<double>{-1, 0});
  EXPECT_EQ(parameters, (std::vector<double>{0, -4}));
  EXPECT_EQ(moments.steps, 2u);
}

TEST(Optimiser, AdamWorkedByHand) {
  const OptimiserSpec spec{.kind = OptimiserKind::adam,
                           .learning_rate = 0.1,
                           .beta1 = 0.5,
                           .beta2 = 0.75,
                           .epsilon = 1e-8};
  Moments moments;
  std::vector<double> parameters{1};
  // m = .5 g, v = .25 g²; corrected by 1 − .5 and 1 − .75 the first step is the rate.
  descend(spec, moments, parameters, std::vector<double>{4});
  EXPECT_NEAR(parameters[0], 0.9, 1e-8);
  // m = .5 · 2 + .5 · (−2) = 0: the second step is none.
  descend(spec, moments, parameters, std::vector<double>{-2});
  EXPECT_NEAR(parameters[0], 0.9, 1e-8);
  // m = .5, v = .75 · (.75 · 4 + .25 · 4) + .25 · 1 = 3.25; corrected .5/.875 and 3.25/.578125.
  descend(spec, moments, parameters, std::vector<double>{1});
  EXPECT_NEAR(parameters[0], 0.9 - 0.1 * (0.5 / 0.875) / std::sqrt(3.25 / 0.578125), 1e-8);
}

TEST(Optimiser, ValuesOutOfRangeAreRefusedByName) {
  EXPECT_TRUE(check_optimiser({}).has_value());
  const auto refused = [](const OptimiserSpec& spec, std::string_view key) {
    const base::Result<void> result = check_optimiser(spec);
    ASSERT_FALSE(result.has_value()) << key;
    EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
    EXPECT_EQ(result.error().text().find(key), 0u) << result.error().text();
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused({.learning_rate = 0}, "learning_rate");
  refused({.learning_rate = nan}, "learning_rate");
  refused({.learning_rate = std::numeric_limits<double>::infinity()}, "learning_rate");
  refused({.momentum = 1}, "momentum");
  refused({.momentum = nan}, "momentum");
  refused({.beta1 = -0.1}, "beta1");
  refused({.beta2 = 1}, "beta2");
  refused({.epsilon = 0}, "epsilon");
}

TEST(Optimiser, NamesGoThereAndBack) {
  for (const OptimiserKind kind : {OptimiserKind::sgd, OptimiserKind::adam})
    EXPECT_EQ(*optimiser_kind(name_of(kind)), kind);
  EXPECT_EQ(optimiser_kind("lion").error().text(),
            "optimiser 'lion' is unknown; valid are: sgd, adam");
}

}  // namespace
}  // namespace hanse::learning
