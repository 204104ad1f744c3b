#include "learning/site_weights.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numeric>

namespace hanse::learning {
namespace {

TEST(SiteWeights, EffectiveUnitsAreTheSmallerOfTwoLaws) {
  // κ = 50: n where nρ ≫ κ, n²ρ/κ where nρ ≪ κ.
  EXPECT_NEAR(effective_units(1e6, 1, 100).value(), 1e6, 60);
  EXPECT_NEAR(effective_units(100, 1e-4, 100).value(), 100 * 100 * 1e-4 / 50, 1e-5);
  EXPECT_EQ(effective_units(50, 1, 100).value(), 25);
  EXPECT_EQ(effective_units(50, 0, 100).value(), 0);
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL})
    EXPECT_EQ(effective_units(bad, 1, 100).error().code(), base::ErrorCode::invalid_argument);
  EXPECT_FALSE(effective_units(50, -1e-9, 100).has_value());
}

// Error of the mean of weighted sums: sampling and noise of each site.
double error_of(std::span<const SiteBudget> sites, std::span<const double> weights,
                double coordinates) {
  double error = 0;
  double total = 0;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const double noise =
        sites[i].rho > 0 ? coordinates / (2 * sites[i].rho) : (weights[i] > 0 ? HUGE_VAL : 0);
    error += weights[i] > 0 ? weights[i] * weights[i] * (sites[i].units + noise) : 0;
    total += weights[i] * sites[i].units;
  }
  return error / (total * total);
}

// No other weights do better, and the least error is that of all effective units together.
RC_GTEST_PROP(SiteWeights, AreTheBest, ()) {
  const std::size_t count = *rc::gen::inRange<std::size_t>(1, 6);
  std::vector<SiteBudget> sites;
  for (std::size_t i = 0; i < count; ++i)
    sites.push_back(
        {static_cast<double>(*rc::gen::inRange(1, 100'000)), std::exp(-*rc::gen::inRange(0, 10))});
  const std::vector<double> weights = site_weights(sites, 40).value();
  const double least = error_of(sites, weights, 40);
  double effective = 0;
  for (const SiteBudget& site : sites)
    effective += effective_units(site.units, site.rho, 40).value();
  RC_ASSERT(std::abs(least * effective - 1) < 1e-9);
  std::vector<double> others = weights;
  for (double& weight : others) weight *= 0.01 * *rc::gen::inRange(1, 300);
  RC_ASSERT(error_of(sites, others, 40) >= least * (1 - 1e-9));
}

TEST(SiteWeights, NobodyWithABudgetIsRefused) {
  const std::vector<SiteBudget> sites{{100, 0}, {5, 0}};
  EXPECT_EQ(site_weights(sites, 3).error().code(), base::ErrorCode::invalid_argument);
  const std::vector<SiteBudget> one{{100, 0}, {5, 1}};
  EXPECT_EQ(site_weights(one, 3).value()[0], 0);
}

}  // namespace
}  // namespace hanse::learning
