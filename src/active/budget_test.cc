#include "active/budget.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hanse::active {
namespace {

constexpr double kRho = .02;  // about ε = 1 at δ = 10⁻⁵

ActiveSpec spec_of(double initial, double quota, std::uint32_t cycles) {
  return {.initial = initial, .quota = quota, .cycles = cycles};
}

// The cost that the first rule minimises: what private training loses on labels whose number the
// histograms' noise moves.
double cost(const ActiveSpec& spec, std::size_t labels, double rho, double share) {
  ActiveSpec fixed = spec;
  fixed.estimation = share;
  const double bought = spec.initial + (spec.cycles - 1) * spec.quota;
  const double moved = quota_deviation(fixed, labels, rho);
  return (1 + 3 * (spec.cycles - 1) * moved * moved / (bought * bought)) / (1 - share);
}

TEST(EstimationShare, IsTheLeastCostWhereTheQuotaIsNoisy) {
  for (const double quota : {20.0, 60.0, 100.0}) {
    const ActiveSpec spec = spec_of(quota, quota, 4);
    const double share = estimation_share(spec, 2, kRho);
    ASSERT_GT(share, .1) << "else the second rule spoke";
    const double least = cost(spec, 2, kRho, share);
    for (const double other : {share - .02, share - .002, share + .002, share + .02})
      EXPECT_GT(cost(spec, 2, kRho, other), least) << quota << " " << other;
  }
}

TEST(EstimationShare, PaysForAnEvenQuotaUpToATenth) {
  const ActiveSpec large = spec_of(4000, 4000, 3);
  const double share = estimation_share(large, 2, kRho);
  EXPECT_LT(share, .1);
  EXPECT_NEAR(quota_deviation(large, 2, kRho), 400, 1e-9) << "a tenth of the quota";
  const ActiveSpec middle = spec_of(1000, 500, 3);
  EXPECT_GT(quota_deviation(middle, 2, kRho), 50);
  EXPECT_DOUBLE_EQ(estimation_share(middle, 2, kRho), .1);
}

TEST(EstimationShare, IsAPartOfTheBudgetWhateverIsAsked) {
  for (const double rho : {1e-9, 1e-4, .02, 5.0, 1e6})
    for (const double quota : {1.0, 30.0, 1e6, 1e9})
      for (const std::uint32_t cycles : {1U, 2U, 64U}) {
        const double share = estimation_share(spec_of(quota, quota, cycles), 3, rho);
        EXPECT_GT(share, 0) << rho << " " << quota << " " << cycles;
        EXPECT_LT(share, 1) << rho << " " << quota << " " << cycles;
      }
}

TEST(EstimationShare, IsTheJobsWhereItSays) {
  ActiveSpec spec = spec_of(100, 100, 3);
  spec.estimation = .37;
  EXPECT_DOUBLE_EQ(estimation_share(spec, 2, kRho), .37);
}

TEST(EstimationShare, ChoosingByCoinsNeedsOneNumber) {
  ActiveSpec spec = spec_of(100, 100, 3);
  const double scored = estimation_share(spec, 2, kRho);
  spec.rule = SelectionRule::uniform;
  EXPECT_LT(estimation_share(spec, 2, kRho), scored);
}

TEST(Blocks, OfAStreamAreCountedOnceOrTwice) {
  ActiveSpec spec = spec_of(100, 100, 4);
  EXPECT_EQ(histograms_of_record(spec), 4U);
  spec.arrivals = {10, 20, 30};
  EXPECT_EQ(histograms_of_record(spec), 2U);
}

// A cycle's share of the trainings; together all of it.
TEST(Shares, OfCyclesAreAll) {
  for (const std::uint32_t cycles : {1U, 2U, 5U}) {
    double all = 0;
    for (std::uint32_t cycle = 0; cycle < cycles; ++cycle)
      all += share_of_cycle(spec_of(10, 10, cycles), cycle);
    EXPECT_NEAR(all, 1, 1e-12) << cycles;
  }
}

}  // namespace
}  // namespace hanse::active
