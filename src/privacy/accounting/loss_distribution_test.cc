#include "privacy/accounting/loss_distribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "privacy/accounting/gaussian.h"

namespace hanse::privacy {
namespace {

PrivacyLoss loss_of(const loss::Kind& kind, Neighbours neighbours = Neighbours::add_remove) {
  return PrivacyLoss::create(kind, neighbours).value();
}

double delta_at(const LossDistribution& distribution, double step, double epsilon) {
  double sum = distribution.infinity;
  for (std::size_t i = 0; i < distribution.masses.size(); ++i) {
    const double loss =
        static_cast<double>(distribution.first + static_cast<std::int64_t>(i)) * step;
    if (loss > epsilon) sum -= distribution.masses[i] * std::expm1(epsilon - loss);
  }
  return sum;
}

// Never below the exact curve, above it by no more than the grid explains, at both signs of ε.
void expect_above(const PrivacyLoss& loss, Direction direction,
                  const std::function<double(double)>& exact) {
  for (const double step : {0.05, 0.004}) {
    const auto found = discretise(loss, direction, step);
    double whole = found.infinity;
    double other = 0;
    for (std::size_t i = 0; i < found.masses.size(); ++i) {
      EXPECT_GE(found.masses[i], 0);
      whole += found.masses[i];
      if (found.masses[i] < 1e-30) continue;  // tails, moved up to the grid
      other += found.masses[i] *
               std::exp(-step * static_cast<double>(found.first + static_cast<std::int64_t>(i)));
    }
    EXPECT_NEAR(whole, 1, 1e-11);
    EXPECT_LE(other, 1 + 1e-11);
    for (double epsilon = -2; epsilon <= 3; epsilon += 0.0917) {
      const double want = exact(epsilon);
      const double got = delta_at(found, step, epsilon);
      EXPECT_GE(got, want - 1e-12) << loss.text() << " at " << epsilon;
      EXPECT_LE(got, want + step / 2) << loss.text() << " at " << epsilon;
    }
  }
}

// δ at any sign of ε from that at ε ≥ 0, for a pair that mirrors itself.
double both_signs(double epsilon, const std::function<double(double)>& upper) {
  return epsilon >= 0 ? upper(epsilon) : -std::expm1(epsilon) + std::exp(epsilon) * upper(-epsilon);
}

TEST(LossDistribution, GaussianIsAboveTheExactCurve) {
  for (const double sigma : {0.5, 1.0, 4.0})
    expect_above(loss_of(loss::Gaussian{sigma}), Direction::remove, [&](double epsilon) {
      return both_signs(epsilon, [&](double at) { return gaussian_delta(sigma, at); });
    });
}

// P above its threshold less e^ε times Q, the threshold where the likelihood ratio is e^ε.
TEST(LossDistribution, SampledGaussianIsAboveTheExactCurveBothWays) {
  for (const double sigma : {0.6, 2.0})
    for (const double rate : {0.01, 0.3}) {
      const auto tail = [](double x) { return std::erfc(x / std::sqrt(2.0)) / 2; };
      const auto removed = [&](double epsilon) {
        const double ratio = std::exp(epsilon);
        const double gain = (ratio - 1 + rate) / rate;
        if (gain <= 0) return 1 - ratio;
        const double x = sigma * sigma * std::log(gain) + 0.5;
        const double q = tail(x / sigma);
        return (1 - rate) * q + rate * tail((x - 1) / sigma) - ratio * q;
      };
      const auto loss = loss_of(loss::Gaussian{sigma, rate});
      expect_above(loss, Direction::remove, removed);
      expect_above(loss, Direction::add, [&](double epsilon) {
        return 1 - std::exp(epsilon) + std::exp(epsilon) * removed(-epsilon);
      });
    }
}

TEST(LossDistribution, LaplaceIsAboveTheExactCurve) {
  for (const double scale : {0.5, 3.0})
    expect_above(loss_of(loss::Laplace{scale}), Direction::remove, [&](double epsilon) {
      return both_signs(
          epsilon, [&](double at) { return std::max(0.0, -std::expm1((at - 1 / scale) / 2)); });
    });
}

// Σ over the integers of (P − e^ε·Q)₊.
TEST(LossDistribution, LatticeNoiseIsAboveTheSumOverItsSupport) {
  const auto sum = [](const std::function<double(double)>& density, double move, double rate) {
    return [=](double epsilon) {
      double whole = 0;
      double delta = 0;
      for (double x = -300; x <= 300; ++x) whole += density(x);
      for (double x = -300; x <= 300; ++x) {
        const double q = density(x);
        const double p = (1 - rate) * q + rate * density(x - move);
        delta += std::max(0.0, p - std::exp(epsilon) * q) / whole;
      }
      return delta;
    };
  };
  for (const double sigma : {0.6, 2.0, 5.0})
    for (const double move : {1.0, 3.0})
      for (const double rate : {1.0, 0.2}) {
        loss::DiscreteGaussian kind{sigma, move + 0.5};
        kind.sampling_rate = rate;
        expect_above(
            loss_of(kind), Direction::remove,
            sum([=](double x) { return std::exp(-x * x / (2 * sigma * sigma)); }, move, rate));
      }
  for (const std::uint64_t move : {1, 4})
    expect_above(
        loss_of(loss::DiscreteLaplace{3, move}), Direction::remove,
        sum([](double x) { return std::exp(-std::abs(x) / 3); }, static_cast<double>(move), 1));
}

// The worst of the pairs with losses t and t − ε, searched over t.
TEST(LossDistribution, BoundedRangeIsAboveEachOfItsPairs) {
  const double range = 0.8;
  expect_above(loss_of(loss::BoundedRange{range}), Direction::remove, [&](double epsilon) {
    double worst = std::max(0.0, -std::expm1(epsilon));
    for (double t = 0; t <= range; t += range / 4096) {
      const double p = std::expm1(t - range) / std::expm1(-range);
      const double high = p * (1 - std::exp(epsilon - t));
      const double low = (1 - p) * (1 - std::exp(epsilon - t + range));
      worst = std::max(worst, std::max(0.0, high) + std::max(0.0, low));
    }
    return worst;
  });
}

// γ·δ(log(1 + (e^ε − 1)/γ)): Balle, Barthe, Gaboardi 2018, Theorem 9.
TEST(LossDistribution, FixedSizeSamplesAreAboveTheAmplifiedCurve) {
  const double sigma = 1.2;
  const double rate = 0.25;
  expect_above(loss_of(loss::FixedSizeGaussian{sigma, rate}, Neighbours::replace_one),
               Direction::remove, [&](double epsilon) {
                 return both_signs(epsilon, [&](double at) {
                   return rate * gaussian_delta(sigma, std::log1p(std::expm1(at) / rate));
                 });
               });
}

TEST(LossDistribution, PureAndApproximateAreRandomisedResponse) {
  const auto exact = [](double delta) {
    return [=](double epsilon) {
      return delta + (1 - delta) * both_signs(epsilon, [](double at) {
                       return std::max(0.0, (std::exp(0.7) - std::exp(at)) / (1 + std::exp(0.7)));
                     });
    };
  };
  expect_above(loss_of(loss::Pure{0.7}), Direction::remove, exact(0));
  // Q's own part with the same δ is never seen under P.
  const auto found = discretise(loss_of(loss::Approximate{0.7, 0.01}), Direction::remove, 0.01);
  EXPECT_DOUBLE_EQ(found.infinity, 0.01);
  for (const double epsilon : {0.0, 0.3, 0.69, 0.8})
    EXPECT_NEAR(delta_at(found, 0.01, epsilon), exact(0.01)(epsilon), 1e-4);
}

TEST(LossDistribution, KnowsWhatItDominates) {
  EXPECT_FALSE(is_dominated(loss_of(loss::Concentrated{1})));
  EXPECT_FALSE(is_dominated(PrivacyLoss::unbounded()));
  EXPECT_FALSE(is_dominated(loss_of(loss::DiscreteGaussian{2, 1, 10})));
  EXPECT_TRUE(is_dominated(loss_of(loss::DiscreteGaussian{2.1, 1, 10})));
  EXPECT_TRUE(is_dominated(loss_of(loss::DiscreteGaussian{1.5, 1, 10, 4})));
  EXPECT_TRUE(is_dominated(loss_of(loss::DiscreteGaussian{0.5})));
}

}  // namespace
}  // namespace hanse::privacy
