#include "fairness/corrected_maximum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/random.h"

namespace hanse::fairness {
namespace {

using Correct = base::Result<Corrected> (*)(std::span<const double>, std::span<const double>,
                                            double);

struct Truth {
  std::vector<double> values;
  std::vector<double> deviations;
};

const std::vector<Truth>& truths() {
  static const std::vector<Truth> all{{{0, 0}, {1, 1}},
                                      {{0, 1}, {1, .2}},
                                      {{0, 0, 0}, {.1, .1, 2}},
                                      {{0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}},
                                      {{0, .4, .8, 1.2, 1.6, 2}, {1, 2, 1, 2, 1, 2}},
                                      {{0, 6, 12}, {1, 1, 1}}};
  return all;
}

struct Simulated {
  double coverage = 0;
  double naive_coverage = 0;  // released ± 1.96 of the mean deviation: the negative control
  double bias = 0;
  double released_bias = 0;
};

Simulated simulate(const Truth& truth, double true_value, Correct correct) {
  constexpr int kDraws = 1000;
  base::SeededSimulationRandom random(11, "corrected");
  Simulated found;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> noised = truth.values;
    for (std::size_t i = 0; i < noised.size(); ++i)
      noised[i] += truth.deviations[i] * base::standard_normal(random);
    const Corrected one = correct(noised, truth.deviations, .95).value();
    found.coverage += one.interval.low <= true_value && true_value <= one.interval.high;
    found.naive_coverage += std::abs(one.released - true_value) <= 1.96 * truth.deviations[0];
    found.bias += one.value - true_value;
    found.released_bias += one.released - true_value;
  }
  return {found.coverage / kDraws, found.naive_coverage / kDraws, found.bias / kDraws,
          found.released_bias / kDraws};
}

double largest(const Truth& truth) { return std::ranges::max(truth.values); }
double gap(const Truth& truth) { return largest(truth) - std::ranges::min(truth.values); }

// Four standard errors of a coverage of .95 over 1,000 draws are .0276.
TEST(CorrectedMaximum, CoversTheTruthAndTakesBiasAway) {
  for (const Truth& truth : truths()) {
    const double unit = std::ranges::max(truth.deviations);
    for (const Simulated& one : {simulate(truth, largest(truth), corrected_maximum),
                                 simulate(truth, gap(truth), corrected_gap)}) {
      EXPECT_GE(one.coverage, .95 - .0276);
      EXPECT_LT(one.bias, std::max(.65 * one.released_bias, .1 * unit));
      EXPECT_GT(one.bias, -.25 * unit);
    }
  }
}

// Of classes that are alike, what was released with its own deviations.
TEST(CorrectedMaximum, IsNeeded) {
  const Truth& alike = truths()[3];
  const Simulated most = simulate(alike, 0, corrected_maximum);
  EXPECT_GT(most.released_bias, 1.2);
  EXPECT_LT(most.naive_coverage, .9);
  EXPECT_LT(simulate(alike, 0, corrected_gap).naive_coverage, .5);
}

// The mean of the largest of two standard normals is 1/√π, of three 3/(2√π) (Teichroew 1956); the
// 97.5 % point of one is 1.959964, of the range of three 3.68 (3.3145 at 95 %, Pearson and
// Hartley).
TEST(CorrectedMaximum, KnowsNormalOrderStatistics) {
  const double of_two = std::numbers::inv_sqrtpi;
  const std::vector<double> zeros(3);
  const std::vector<double> ones(3, 1.0);
  const auto two = corrected_maximum(std::vector{5.0, 5.0}, std::vector{1.0, 1.0}).value();
  EXPECT_NEAR(two.value, 5 - of_two, 1e-7);
  EXPECT_NEAR(two.interval.high, 5 + 1.959964, 1e-6);
  EXPECT_NEAR(corrected_maximum(zeros, ones).value().value, -1.5 * of_two, 1e-7);
  EXPECT_NEAR(corrected_gap(zeros, ones).value().value, -3 * of_two, 1e-7);
  // Three classes, one far from the rest: at 90 % each end is one-sided 95 %, where the range of
  // three is 3.3145.
  const auto far = corrected_gap(std::vector{0.0, 0.0, 20.0}, ones, .9).value();
  EXPECT_NEAR(far.interval.low, 20 - 3.3145, 1e-3);
  EXPECT_NEAR(far.interval.high, 20 + 1.644854 * std::numbers::sqrt2, 1e-6);
}

TEST(CorrectedMaximum, LeavesWhatIsExact) {
  const std::vector<double> values{.1, .5, .3};
  const std::vector<double> exact(3);
  const auto most = corrected_maximum(values, exact).value();
  EXPECT_EQ(most.value, .5);
  EXPECT_EQ(most.interval, (math::Interval{.5, .5}));
  const auto apart = corrected_gap(values, exact).value();
  EXPECT_NEAR(apart.value, .4, 1e-15);
  EXPECT_EQ(apart.interval, (math::Interval{.4, .4}));
  // E max(Z, 0) = 1/√(2π).
  EXPECT_NEAR(corrected_maximum(std::vector{0.0, 0.0}, std::vector{1.0, 0.0}).value().value,
              -std::numbers::inv_sqrtpi / std::numbers::sqrt2, 1e-7);
  // Deviations of very different size lose nothing.
  EXPECT_NEAR(corrected_maximum(std::vector{0.0, 0.0}, std::vector{1.0, 1e-9}).value().value,
              -std::numbers::inv_sqrtpi / std::numbers::sqrt2, 1e-7);
}

TEST(CorrectedMaximum, RefusesWhatIsNoClass) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  const std::vector<double> two{0, 1};
  EXPECT_FALSE(corrected_maximum({}, {}));
  EXPECT_FALSE(corrected_gap(std::vector{1.0}, std::vector{1.0}));
  EXPECT_FALSE(corrected_maximum(two, std::vector{1.0}));
  EXPECT_FALSE(corrected_maximum(two, std::vector{1.0, -1.0}));
  EXPECT_FALSE(corrected_maximum(two, std::vector{1.0, nan}));
  EXPECT_FALSE(corrected_maximum(two, std::vector{1.0, infinite}));
  EXPECT_FALSE(corrected_maximum(std::vector{0.0, nan}, two));
  EXPECT_FALSE(corrected_gap(std::vector{0.0, infinite}, two));
  EXPECT_FALSE(corrected_gap(two, two, 1));
  EXPECT_FALSE(corrected_gap(two, two, nan));
  const std::vector<double> many(kMaxCorrected + 1);
  EXPECT_FALSE(corrected_maximum(many, many));
}

}  // namespace
}  // namespace hanse::fairness
