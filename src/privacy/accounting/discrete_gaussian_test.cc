// docs/proofs/discrete_gaussian.md, part by part.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "privacy/accounting/loss_distribution.h"
#include "privacy/accounting/rdp.h"
#include "privacy/accounting/sampled_gaussian.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::privacy {
namespace {

constexpr double kPi = std::numbers::pi;

// The theta sum, nearest terms last.
double theta(double s, double centre) {
  double sum = 0;
  for (int k = 400; k >= 0; --k) {
    const double up = std::floor(centre) + 1 + k - centre;
    const double down = centre - std::floor(centre) + k;
    sum += std::exp(-up * up / (2 * s * s)) + std::exp(-down * down / (2 * s * s));
  }
  return sum;
}

// log E_Q[(P/Q)^α] over the integers, either way round.
double lattice_moment(double s, double rate, double move, double order, bool swapped) {
  double sum = 0;
  for (double z = -300; z <= 300; ++z) {
    const double loss = move * (2 * z - move) / (2 * s * s);
    const double log_ratio =
        loss > 600 ? loss + std::log(rate) : std::log1p(rate * std::expm1(loss));
    sum += std::exp(log_ratio * (swapped ? 1 - order : order) - z * z / (2 * s * s));
  }
  return std::log(sum / theta(s, 0));
}

TEST(DiscreteGaussian, Fact0ThetaSumsAreShiftInvariantAndFlat) {
  for (const double s : {0.3, 0.7, 1.0, 2.0, 10.0}) {
    for (const double centre : {0.0, 0.25, 0.5, 0.8})
      for (const double shift : {1.0, 7.0})
        EXPECT_NEAR(theta(s, centre + shift) / theta(s, centre), 1, 1e-12);
    const double x = std::exp(-2 * kPi * kPi * s * s);
    const double flat = std::sqrt(2 * kPi) * s;
    EXPECT_LE(theta(s, 0), flat * (1 + 2 * x / (1 - x * x * x)) * (1 + 1e-14));
    EXPECT_GE(theta(s, 0.5), flat * (1 - 2 * x / (1 - x * x * x)) * (1 - 1e-14));
  }
  // The smallest s where the correction is far above rounding: its first term is right.
  EXPECT_NEAR(theta(0.5, 0) / (std::sqrt(2 * kPi) * 0.5) - 1, 2 * std::exp(-kPi * kPi / 2), 1e-7);
}

TEST(DiscreteGaussian, Theorem1WholeOrdersAreTheContinuousOnes) {
  for (const double s : {0.5, 0.7, 1.0, 3.0})
    for (const double rate : {0.01, 0.3})
      for (const double move : {1.0, 2.0})
        for (const double order : {2.0, 3.0, 5.0}) {
          const double found = lattice_moment(s, rate, move, order, false);
          const double want = sampled_gaussian_moment(s / move, rate, order);
          EXPECT_NEAR(found, want, 2e-11 * want + 2e-15);
          EXPECT_LE(lattice_moment(s, rate, move, order, true), found + 1e-14);
          // and what is charged is never below
          loss::DiscreteGaussian kind{s, move};
          kind.sampling_rate = rate;
          EXPECT_GE((order - 1) * rdp(PrivacyLoss::create(kind).value(), order), found - 2e-15);
        }
}

TEST(DiscreteGaussian, Corollary2ChordsBoundFractionalOrdersWhereTheFormulaDoesNot) {
  for (const double s : {0.5, 0.7, 1.0})
    for (const double rate : {0.001, 0.1})
      for (const double order : {1.25, 1.5, 2.5, 3.9})
        for (const bool swapped : {false, true}) {
          loss::DiscreteGaussian kind{s};
          kind.sampling_rate = rate;
          EXPECT_GE((order - 1) * rdp(PrivacyLoss::create(kind).value(), order),
                    lattice_moment(s, rate, 1, order, swapped) - 1e-15);
        }
  // The counterexample of the page.
  const double truth = lattice_moment(0.5, 0.001, 1, 1.25, false) / 0.25;
  const double formula = sampled_gaussian_fractional_moment(0.5, 0.001, 1.25) / 0.25;
  EXPECT_NEAR(truth, 2.8605e-5, 1e-9);
  EXPECT_NEAR(formula, 2.7857e-5, 1e-9);
  EXPECT_GT(truth, 1.02 * formula);
}

// The same rounding with r = 0.5, where the error is large enough to be seen, within the same
// bound.
TEST(DiscreteGaussian, Theorem3RoundingAContinuousGaussianGivesTheDiscreteOne) {
  for (const double r : {0.5, 0.6}) {
    const double s = 1.3;
    const double inner = std::sqrt(s * s - r * r);
    const double x = std::exp(-2 * kPi * kPi * r * r);
    const double epsilon = 2 * x / (1 - x * x * x);
    double worst = 0;
    for (double z = -3; z <= 3; ++z) {
      double found = 0;
      const double step = 1.0 / 64;
      for (double y = -14; y <= 14; y += step)
        found += step / (std::sqrt(2 * kPi) * inner) * std::exp(-y * y / (2 * inner * inner)) *
                 std::exp(-(z - y) * (z - y) / (2 * r * r)) / theta(r, y);
      const double want = std::exp(-z * z / (2 * s * s)) / theta(s, 0);
      worst = std::max(worst, std::abs(std::log(found / want)));
    }
    EXPECT_LE(worst, std::log1p(epsilon) - std::log1p(-epsilon));
    EXPECT_GT(worst, 1e-3 * epsilon);  // the bound is about something
  }
  // κ of r = 2, and what a million coordinates add.
  EXPECT_LE(2.1 * 2.0001 * std::exp(-8 * kPi * kPi), 3e-34);
  const auto wide = PrivacyLoss::create(loss::DiscreteGaussian{100, 1, 1'000'000}).value();
  EXPECT_NEAR(slack(wide), 3e-28, 1e-30);
  EXPECT_NEAR(as_gaussian(wide), std::sqrt(100.0 * 100 - 4), 1e-9);
}

TEST(DiscreteGaussian, Theorem4SharesAreWithinTauOfOneDiscreteGaussian) {
  for (const double sigma : {0.5, 0.6, 0.8})
    for (const std::uint64_t shares : {2, 3, 5}) {
      constexpr int kHalf = 60;
      std::vector<double> one;
      for (int z = -kHalf; z <= kHalf; ++z)
        one.push_back(std::exp(-z * z / (2 * sigma * sigma)) / theta(sigma, 0));
      std::vector<double> sum = one;
      for (std::uint64_t k = 1; k < shares; ++k) {
        std::vector<double> next(sum.size() + one.size() - 1);
        for (std::size_t i = 0; i < sum.size(); ++i)
          for (std::size_t j = 0; j < one.size(); ++j) next[i + j] += sum[i] * one[j];
        sum = std::move(next);
      }
      loss::DiscreteGaussian kind{sigma};
      kind.shares = shares;
      const LatticeNoise noise = lattice_noise(kind);
      double worst = 0;
      for (int z = -4; z <= 4; ++z) {
        const double found = sum[static_cast<std::size_t>(z + kHalf * static_cast<int>(shares))];
        const double want =
            std::exp(-z * z / (2 * noise.sigma * noise.sigma)) / theta(noise.sigma, 0);
        worst = std::max(worst, std::abs(std::log(found / want)));
      }
      EXPECT_LE(worst, noise.slack) << sigma << ' ' << shares;
      EXPECT_GT(worst, noise.slack / 1000);
    }
  // Below half a step nothing is known; from two steps on τ is nothing.
  loss::DiscreteGaussian thin{0.4};
  thin.shares = 10;
  EXPECT_FALSE(rho(PrivacyLoss::create(thin).value()).has_value());
  EXPECT_EQ(rdp(PrivacyLoss::create(thin).value(), 4), HUGE_VAL);
  EXPECT_FALSE(is_dominated(PrivacyLoss::create(thin).value()));
  EXPECT_LT(lattice_noise({2, 1, 1, 10}).slack, 1e-15);
}

}  // namespace
}  // namespace hanse::privacy
