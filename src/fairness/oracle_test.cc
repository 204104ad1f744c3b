#include "fairness/oracle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

namespace hanse::fairness {
namespace {

// Golden: the model of Xue and Yu 2026 by an independent quadrature, to 6 digits.
TEST(Oracle, HasTheKnownRiskAndDisparity) {
  const Oracle oracle = Oracle::create().value();
  const FairPoint best = oracle.at(0);
  EXPECT_NEAR(best.value.risk, 0.106095, 1e-6);
  EXPECT_NEAR(best.value.disparity, -0.558917, 1e-6);
}

TEST(Oracle, PaysTheKnownTaxForABound) {
  const Oracle oracle = Oracle::create().value();
  const std::vector<std::pair<double, double>> known = {
      {.05, .210723}, {.15, .184323}, {.25, .159038}, {.35, .135610}, {.45, .116061}};
  for (const auto& [bound, risk] : known) {
    const FairPoint fair = oracle.fair(bound).value();
    EXPECT_NEAR(fair.value.risk, risk, 1e-6) << bound;
    EXPECT_NEAR(fair.value.disparity, -bound, 1e-9) << bound;
  }
  EXPECT_NEAR(oracle.fair(.05).value().value.risk - oracle.at(0).value.risk, 0.104627, 2e-6);
  EXPECT_EQ(oracle.fair(.56).value().tau, 0);
}

// Two ways to one number: panels in one dimension, and cells in two.
TEST(Oracle, AgreesWithCellsInTwoDimensions) {
  const Oracle oracle = Oracle::create({0.6, {2, 3.5}, 5, 0.2}).value();
  for (const double tau : {-0.3, 0.0, 0.25}) {
    const RiskAndDisparity line = oracle.at(tau).value;
    const RiskAndDisparity cells = oracle.of(
        [&](double x1, double x2, std::uint32_t group) {
          const double sign = group == 1 ? 1 : -1;
          return oracle.probability(x1, x2, group) >=
                 0.5 + tau * sign / (2 * oracle.group_share(group));
        },
        2048);
    EXPECT_NEAR(line.risk, cells.risk, 2e-4) << tau;
    EXPECT_NEAR(line.disparity, cells.disparity, 1e-3) << tau;
  }
}

// No threshold pair on a grid is better at its own disparity than the oracle's.
TEST(Oracle, IsNotBeatenByOtherThresholds) {
  const Oracle oracle = Oracle::create().value();
  for (const double low : {-0.6, -0.3, -0.1})
    for (const double high : {0.0, 0.2, 0.5}) {
      const RiskAndDisparity other =
          oracle.of([&](double x1, double x2,
                        std::uint32_t group) { return x1 + x2 - 1 >= (group == 1 ? low : high); },
                    1024);
      const double bound = std::min(1.0, std::abs(other.disparity));
      EXPECT_GE(other.risk + 5e-4, oracle.fair(bound).value().value.risk) << low << " " << high;
    }
}

TEST(Oracle, DisparityFallsAsThePriceRises) {
  const Oracle oracle = Oracle::create().value();
  double last = 1.0 + 1e-12;
  for (double tau = -1; tau <= 1; tau += 1.0 / 64) {
    const double now = oracle.at(tau).value.disparity;
    EXPECT_LE(now, last) << tau;
    last = now;
  }
  EXPECT_NEAR(oracle.at(-1).value.disparity, 1, 1e-12);
  EXPECT_NEAR(oracle.at(1).value.disparity, -1, 1e-12);
}

// Draws follow the law: the moments of Beta(α, 2), the share, and the risk of the best rule. Four
// standard errors of a fixed seed.
TEST(Oracle, DrawsFollowTheLaw) {
  const Oracle oracle = Oracle::create().value();
  base::SeededSimulationRandom random(2026, "oracle draws");
  constexpr int kDraws = 200'000;
  double groups = 0;
  double sum = 0;
  double wrong = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Oracle::Draw draw = oracle.draw(random);
    groups += draw.group;
    sum += draw.group == 0 ? draw.x1 : 0;
    const bool positive = oracle.probability(draw.x1, draw.x2, draw.group) >= 0.5;
    wrong += positive == (draw.label == 1) ? 0 : 1;
  }
  EXPECT_NEAR(groups / kDraws, 0.3, 4 * std::sqrt(.21 / kDraws));
  EXPECT_NEAR(sum / (kDraws - groups), 4.5 / 6.5, 4 * std::sqrt(.0285 / (.7 * kDraws)));
  EXPECT_NEAR(wrong / kDraws, 0.106095, 4 * std::sqrt(.095 / kDraws));
}

TEST(Oracle, RefusesWhatIsNoPopulation) {
  const double nan = std::nan("");
  EXPECT_FALSE(Oracle::create({.share = 0}).has_value());
  EXPECT_FALSE(Oracle::create({.share = nan}).has_value());
  EXPECT_FALSE(Oracle::create({.first = {0.5, 4}}).has_value());
  EXPECT_FALSE(Oracle::create({.steepness = INFINITY}).has_value());
  EXPECT_FALSE(Oracle::create({.shift = -2}).has_value());
  const Oracle oracle = Oracle::create().value();
  EXPECT_FALSE(oracle.fair(nan).has_value());
  EXPECT_FALSE(oracle.fair(-0.1).has_value());
  EXPECT_FALSE(oracle.fair(1.1).has_value());
}

}  // namespace
}  // namespace hanse::fairness
