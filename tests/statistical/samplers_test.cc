// Samplers against their exact laws: 10⁶ draws each, 10⁷ with HANSE_FULL=1. Every fit is refused
// below p = 10⁻⁹, every moment beyond 7 standard errors: a false alarm of all tests here is rarer
// than 10⁻⁷, and with fixed seeds it comes always or never.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"
#include "chi_square.h"
#include "laws.h"
#include "privacy/mechanisms/discrete_gaussian.h"
#include "privacy/mechanisms/discrete_laplace.h"
#include "privacy/mechanisms/skellam.h"

namespace hanse::statistical {
namespace {

using privacy::DiscreteGaussian;
using privacy::DiscreteLaplace;
using privacy::Skellam;

template <class Noise>
std::vector<std::int64_t> drawn(const Noise& noise, std::string_view label) {
  base::SeededSimulationRandom random(5, label);
  std::vector<std::int64_t> draws(many());
  noise.fill(draws, random);
  return draws;
}

struct Moments {
  double mean = 0;
  double variance = 0;
  double fourth = 0;
};

Moments moments(const std::vector<std::int64_t>& draws) {
  const auto count = static_cast<double>(draws.size());
  Moments of;
  for (const std::int64_t draw : draws) of.mean += static_cast<double>(draw) / count;
  for (const std::int64_t draw : draws) {
    const double square = std::pow(static_cast<double>(draw) - of.mean, 2);
    of.variance += square / count;
    of.fourth += square * square / count;
  }
  return of;
}

void expect_law(const std::vector<std::int64_t>& draws, std::int64_t reach, const Law& law,
                double parameter) {
  const Fit fit = chi_square(draws, -reach, reach, law);
  EXPECT_GT(fit.degrees, 0);
  EXPECT_GE(fit.p, kRefuse) << parameter << ": chi^2 " << fit.statistic << " on " << fit.degrees;
}

// 0 and the variance, each within 7 of its standard errors.
void expect_moments(const std::vector<std::int64_t>& draws, double variance, double parameter) {
  const Moments found = moments(draws);
  const auto count = static_cast<double>(draws.size());
  EXPECT_LT(std::abs(found.mean), 7 * std::sqrt(variance / count)) << parameter;
  const double error = std::sqrt((found.fourth - found.variance * found.variance) / count);
  EXPECT_LT(std::abs(found.variance - variance), 7 * error) << parameter;
}

TEST(DiscreteGaussianDraws, HaveTheExactLaw) {
  for (const double sigma : {0.3, 0.5, 1.0, 2.0, 7.3, 10.0, 31.99, 32.0, 100.5}) {
    const auto draws = drawn(DiscreteGaussian::create(sigma).value(), "gaussian");
    expect_law(draws, static_cast<std::int64_t>(20 * sigma + 20), gaussian_law(sigma), sigma);
  }
}

TEST(DiscreteGaussianDraws, HaveTheExactLawWhereStepsAreWide) {
  for (const double sigma : {1000.0, 12345.678}) {
    const auto draws = drawn(DiscreteGaussian::create(sigma).value(), "wide gaussian");
    expect_law(draws, static_cast<std::int64_t>(12 * sigma), gaussian_law(sigma), sigma);
  }
}

TEST(DiscreteGaussianDraws, HaveTheirMoments) {
  for (const double sigma : {1.0, 10.0, 1e3, 1e6, 1e9}) {
    const auto draws = drawn(DiscreteGaussian::create(sigma).value(), "moments");
    expect_moments(draws, sigma * sigma, sigma);
  }
}

TEST(DiscreteLaplaceDraws, HaveTheExactLaw) {
  for (const double scale : {0.25, 0.5, 1.0, 2.0, 10.0 / 3, 7.99, 8.0, 100.0, 5000.0}) {
    const auto draws = drawn(DiscreteLaplace::create(scale).value(), "laplace");
    expect_law(draws, static_cast<std::int64_t>(30 * scale + 30), laplace_law(scale), scale);
  }
}

TEST(DiscreteLaplaceDraws, HaveTheirMoments) {
  for (const double scale : {1.0, 10.0, 1e6}) {
    const double e = std::exp(-1 / scale);
    const auto draws = drawn(DiscreteLaplace::create(scale).value(), "moments");
    expect_moments(draws, 2 * e / ((1 - e) * (1 - e)), scale);
  }
}

TEST(SkellamDraws, HaveTheExactLaw) {
  for (const double variance : {0.125, 1.0, 2.75, 40.0, 1000.5}) {
    const auto draws = drawn(Skellam::create(variance).value(), "skellam");
    const auto reach = static_cast<std::int64_t>(10 * std::sqrt(variance) + 20);
    expect_law(draws, reach, skellam_law(variance), variance);
  }
}

TEST(SkellamDraws, HaveTheirMoments) {
  for (const double variance : {1.0, 1e4, 0x1p24})
    expect_moments(drawn(Skellam::create(variance).value(), "moments"), variance, variance);
}

// A neighbour's answer can be anything that an answer can be: every integer near both.
TEST(Support, IsTheSameOnNeighbours) {
  const auto seen = [](const auto& noise, std::int64_t answer) {
    std::vector<std::int64_t> draws(1'000'000, answer);
    base::SeededSimulationRandom random(static_cast<std::uint64_t>(answer), "support");
    EXPECT_TRUE(noise.add(draws, random).has_value());
    return std::set<std::int64_t>(draws.begin(), draws.end());
  };
  const auto expect_same = [&](const auto& noise) {
    const auto one = seen(noise, 100);
    const auto other = seen(noise, 101);
    for (std::int64_t x = 94; x <= 107; ++x) EXPECT_TRUE(one.contains(x) && other.contains(x)) << x;
  };
  expect_same(DiscreteGaussian::create(3).value());
  expect_same(DiscreteLaplace::create(2).value());
  expect_same(Skellam::create(9).value());
}

}  // namespace
}  // namespace hanse::statistical
