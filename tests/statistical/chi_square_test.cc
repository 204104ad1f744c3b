// The test of tests: known tails, and laws that are not the ones claimed.
#include "chi_square.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "laws.h"
#include "privacy/mechanisms/discrete_gaussian.h"

namespace hanse::statistical {
namespace {

// Even degrees have the closed form exp(−x/2)·Σ (x/2)^k/k!.
TEST(ChiSquareTail, HasItsClosedForm) {
  for (const double x : {0.5, 3.0, 20.0, 90.0}) {
    double sum = 0;
    double term = 1;
    for (int k = 0; k < 10; ++k) {
      sum += term;
      term *= x / 2 / (k + 1);
    }
    EXPECT_NEAR(chi_square_tail(x, 20) / (std::exp(-x / 2) * sum), 1, 1e-9) << x;
  }
  EXPECT_NEAR(chi_square_tail(3.841458820694124, 1), 0.05, 1e-12);
}

// Negative control: a normal variable rounded to the nearest integer, the habit of floating-point
// libraries, is not the discrete Gaussian.
TEST(ChiSquare, RefusesARoundedNormal) {
  base::SeededSimulationRandom random(1, "rounded normal");
  std::vector<std::int64_t> draws(1'000'000);
  for (auto& draw : draws) draw = std::llround(1.5 * base::standard_normal(random));
  const Fit fit = chi_square(draws, -40, 40, gaussian_law(1.5));
  EXPECT_LT(fit.p, kRefuse) << fit.statistic << " on " << fit.degrees;
}

// Negative control: σ is 1 % too small.
TEST(ChiSquare, RefusesAnotherSigma) {
  base::SeededSimulationRandom random(2, "another sigma");
  std::vector<std::int64_t> draws(1'000'000);
  privacy::DiscreteGaussian::create(9.9).value().fill(draws, random);
  EXPECT_LT(chi_square(draws, -200, 200, gaussian_law(10)).p, kRefuse);
  EXPECT_GE(chi_square(draws, -200, 200, gaussian_law(9.9)).p, kRefuse);
}

}  // namespace
}  // namespace hanse::statistical
