#include "privacy/accounting/rdp.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "privacy/accounting/sampled_gaussian.h"

namespace hanse::privacy {
namespace {

PrivacyLoss loss_of(const loss::Kind& kind, Neighbours neighbours = Neighbours::add_remove) {
  return PrivacyLoss::create(kind, neighbours).value();
}

double drawn(double low, double high) {
  return low + (high - low) * *rc::gen::inRange(0, 1 << 20) / double{1 << 20};
}

// D_α(P‖Q) of two lists of probabilities.
double divergence(const std::vector<double>& p, const std::vector<double>& q, double order) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0 && q[i] > 0)
      sum += std::exp(order * std::log(p[i]) + (1 - order) * std::log(q[i]));
  return std::log(sum) / (order - 1);
}

// (α(α − 1)/2)·q²·(e^(1/σ²) − 1), of which the rest is a part of the size of q.
TEST(Rdp, SmallSamplingRatesKeepTheirDigitsAtEveryOrder) {
  for (const double sigma : {0.4, 0.6, 1.0, 4.0})
    for (const double rate : {1e-15, 1e-30, 1e-100}) {
      const auto loss = loss_of(loss::Gaussian{sigma, rate});
      const auto curve = rdp_curve(loss);
      for (const std::size_t at : {0U, 4U, 14U, 24U}) {  // 1.1, 1.5, 2.5, 3.5
        const double order = renyi_orders()[at];
        const double want = order / 2 * rate * rate * std::expm1(1 / (sigma * sigma));
        const double least = want * (1 - 1e-14 - rate * std::exp(2 / (sigma * sigma)));
        EXPECT_NEAR(rdp(loss, order) / want, 1, 1e-8) << loss.text() << " at " << order;
        EXPECT_GE(rdp(loss, order), least) << loss.text() << " at " << order;
        EXPECT_NEAR(curve[at] / want, 1, 1e-8) << loss.text() << " at " << order;
        EXPECT_GE(curve[at], least) << loss.text() << " at " << order;
      }
    }
}

// α·ε²/2, and α·ε²/8 of bounded range, less terms of the size of (αε)³.
TEST(Rdp, SmallLossesKeepTheirDigits) {
  for (const double epsilon : {1e-6, 1e-9, 1e-12, 1e-15, 1e-100})
    for (const double order : {1.1, 2.0, 17.0, 100.0}) {
      const double want = order * epsilon * epsilon / 2;
      const double least = want * (1 - 2 * order * epsilon);
      for (const auto& loss : {loss_of(loss::Pure{epsilon}), loss_of(loss::Laplace{1 / epsilon}),
                               loss_of(loss::DiscreteLaplace{1 / epsilon})}) {
        EXPECT_GE(rdp(loss, order), least) << loss.text() << " at " << order;
        EXPECT_LE(rdp(loss, order), want * (1 + 1e-11)) << loss.text() << " at " << order;
      }
      EXPECT_NEAR(rdp(loss_of(loss::BoundedRange{epsilon}), order) / (want / 4), 1, 1e-11);
      EXPECT_GE(rdp(loss_of(loss::BoundedRange{epsilon}), order), want / 4);
    }
}

RC_GTEST_PROP(Rdp, NoPairOfBoundedRangeIsAbove, ()) {
  const double range = std::pow(10, drawn(-2, 1));
  const double order = 1 + std::pow(10, drawn(-1, 1.5));
  const int outcomes = *rc::gen::inRange(2, 6);
  std::vector<double> p;
  std::vector<double> q;
  double sum_p = 0;
  double sum_q = 0;
  for (int i = 0; i < outcomes; ++i) {
    // The worst pairs have their losses at the ends of the range.
    const double loss = *rc::gen::inRange(0, 3) == 0 ? drawn(0, range) : range * (i % 2);
    q.push_back(std::pow(10, drawn(-3, 0)));
    p.push_back(q.back() * std::exp(loss));
    sum_p += p.back();
    sum_q += q.back();
  }
  for (double& value : p) value /= sum_p;
  for (double& value : q) value /= sum_q;
  const double bound = rdp(loss_of(loss::BoundedRange{range}), order);
  RC_ASSERT(divergence(p, q, order) <= bound * (1 + 1e-9) + 1e-14);
  RC_ASSERT(divergence(q, p, order) <= bound * (1 + 1e-9) + 1e-14);
}

// The difference of two Poisson variables, summed.
TEST(Rdp, SkellamIsAboveTheSumOverItsSupport) {
  for (const double variance : {0.2, 1.0, 10.0})
    for (const int move : {1, 3})
      for (const double order : {1.5, 2.0, 3.5, 6.0}) {
        std::vector<double> poisson(200, std::exp(-variance / 2));
        for (std::size_t k = 1; k < poisson.size(); ++k)
          poisson[k] = poisson[k - 1] * variance / 2 / static_cast<double>(k);
        const auto mass = [&](int z) {
          double sum = 0;
          for (std::size_t k = 0; k + static_cast<std::size_t>(std::abs(z)) < poisson.size(); ++k)
            sum += poisson[k] * poisson[k + static_cast<std::size_t>(std::abs(z))];
          return sum;
        };
        std::vector<double> p;
        std::vector<double> q;
        for (int z = -60; z <= 60; ++z) {
          p.push_back(mass(z - move));
          q.push_back(mass(z));
        }
        const double moved = move;
        EXPECT_LE(divergence(p, q, order),
                  rdp(loss_of(loss::Skellam{variance, moved, moved}), order))
            << variance << ' ' << move << ' ' << order;
      }
}

// A sample holds the unit that is `from` on one side and one less on the other, or it does not.
TEST(Rdp, FixedSizeSamplesAreAboveTheIntegralBothWays) {
  for (const double sigma : {0.5, 1.0, 3.0})
    for (const double rate : {0.01, 0.5, 0.9})
      for (const double from : {0.0, 0.5, 1.0})
        for (const double order : {1.5, 2.0, 7.0}) {
          std::vector<double> p;
          std::vector<double> q;
          const double step = 0.01;
          for (double x = -20 * sigma - 2 * order; x <= 20 * sigma + 2 * order; x += step) {
            const auto density = [&](double centre) {
              return std::exp(-(x - centre) * (x - centre) / (2 * sigma * sigma)) * step /
                     (sigma * std::sqrt(2 * std::numbers::pi));
            };
            p.push_back((1 - rate) * density(0) + rate * density(from));
            q.push_back((1 - rate) * density(0) + rate * density(from - 1));
          }
          const double bound =
              rdp(loss_of(loss::FixedSizeGaussian{sigma, rate}, Neighbours::replace_one), order);
          EXPECT_LE(divergence(p, q, order), bound * (1 + 1e-9));
          EXPECT_LE(divergence(q, p, order), bound * (1 + 1e-9));
        }
}

}  // namespace
}  // namespace hanse::privacy
