#include "math/student.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

namespace hanse::math {
namespace {

// Closed forms: one degree is Cauchy's distribution, two have t = (2p − 1) √(2 / (1 − (2p − 1)²)).
TEST(Student, AgreesWithClosedForms) {
  for (const double p : {0.55, 0.75, 0.9, 0.95, 0.975, 0.995, 0.9999}) {
    EXPECT_NEAR(student_quantile(p, 1) / std::tan(M_PI * (p - 0.5)), 1, 1e-12) << p;
    const double a = 2 * p - 1;
    EXPECT_NEAR(student_quantile(p, 2) / (a * std::sqrt(2 / (1 - a * a))), 1, 1e-12) << p;
  }
}

// NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2, column 0.975.
TEST(Student, AgreesWithPublishedTables) {
  const std::vector<std::pair<std::uint64_t, double>> rows{
      {1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {5, 2.571},  {9, 2.262},
      {10, 2.228}, {29, 2.045}, {30, 2.042}, {49, 2.010}, {99, 1.984}, {100, 1.984}};
  for (const auto& [degrees, t] : rows)
    EXPECT_NEAR(student_quantile(0.975, degrees), t, 5.1e-4) << degrees;
  EXPECT_NEAR(student_quantile(0.975, 1'000'000), 1.959963985, 1e-5);
}

RC_GTEST_PROP(Student, QuantileAndProbabilityAreInverse, ()) {
  const auto degrees = *rc::gen::inRange<std::uint64_t>(1, 500);
  const double p = *rc::gen::inRange(1, 1000) / 1000.0;
  RC_ASSERT(std::abs(student_probability(student_quantile(p, degrees), degrees) - p) < 1e-12);
  RC_ASSERT(student_quantile(p, degrees) == -student_quantile(1 - p, degrees) ||
            std::abs(student_quantile(p, degrees) + student_quantile(1 - p, degrees)) < 1e-9);
}

// By hand: mean 3, variance 2.5, t of 4 degrees 2.776445.
TEST(ResampledInterval, WidensWithTheOverlap) {
  const std::vector<double> values{1, 2, 3, 4, 5};
  const auto independent = *resampled_interval(values, 0);
  EXPECT_NEAR(independent.high - 3, 2.776445 * std::sqrt(2.5 / 5), 1e-5);
  EXPECT_NEAR(independent.low + independent.high, 6, 1e-12);
  const auto folds = *resampled_interval(values, 0.25);
  EXPECT_NEAR(folds.high - 3, 2.776445 * std::sqrt(2.5 * 0.45), 1e-5);
}

TEST(ResampledInterval, NeedsTwoValues) {
  EXPECT_FALSE(resampled_interval({}, 0.5));
  EXPECT_FALSE(resampled_interval(std::vector<double>{1}, 0.5));
  EXPECT_EQ(*resampled_interval(std::vector<double>{2, 2, 2}, 0.5), (Interval{2, 2}));
}

}  // namespace
}  // namespace hanse::math
