#include "privacy/accounting/zcdp.h"

#include <algorithm>
#include <cmath>

#include "privacy/accounting/rdp.h"

namespace hanse::privacy {
namespace {

// Beyond its own size the largest useful order is about 2·log(1/δ)/ε.
constexpr double kLargestOrder = 1e15;

// Where the derivative of (α − 1)(αρ − ε) + α·log(1 − 1/α) − log(α − 1) vanishes; it is
// (2α − 1)ρ − ε + log(1 − 1/α) and rises.
double best_order(double rho, double epsilon) {
  double low = 1;
  double high = 2;
  const auto slope = [&](double order) {
    return (2 * order - 1) * rho - epsilon + std::log1p(-1 / order);
  };
  while (high < kLargestOrder && slope(high) < 0) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (slope(middle) < 0 ? low : high) = middle;
  }
  return high;
}

struct Concentration {
  std::optional<double> operator()(const loss::Unbounded&) const { return {}; }
  // Bun, Steinke 2016, Proposition 1.6. A mixture over samples is no further apart than its
  // components.
  std::optional<double> operator()(const loss::Gaussian& kind) const {
    return 1 / (2 * kind.noise_multiplier * kind.noise_multiplier);
  }
  std::optional<double> operator()(const loss::FixedSizeGaussian& kind) const {
    return 1 / (2 * kind.noise_multiplier * kind.noise_multiplier);
  }
  std::optional<double> operator()(const loss::DiscreteGaussian& kind) const {
    return discrete_gaussian_rho(kind);
  }
  // Proposition 1.4 there: ε-DP is ε²/2-zCDP.
  static double of_pure(double epsilon) { return epsilon * epsilon / 2; }
  std::optional<double> operator()(const loss::Laplace& kind) const {
    return of_pure(1 / kind.scale);
  }
  std::optional<double> operator()(const loss::DiscreteLaplace& kind) const {
    return of_pure(static_cast<double>(kind.sensitivity) / kind.scale);
  }
  // The theorem holds at whole orders only.
  std::optional<double> operator()(const loss::Skellam&) const { return {}; }
  std::optional<double> operator()(const loss::Pure& kind) const { return of_pure(kind.epsilon); }
  // ε²/8: Cesar, Rogers 2021, "Bounding, concentrating, and truncating", Lemma 3.4.
  std::optional<double> operator()(const loss::BoundedRange& kind) const {
    return of_pure(kind.epsilon) / 4;
  }
  std::optional<double> operator()(const loss::Approximate& kind) const {
    if (kind.delta > 0) return {};
    return of_pure(kind.epsilon);
  }
  std::optional<double> operator()(const loss::Concentrated& kind) const { return kind.rho; }
};

}  // namespace

std::optional<double> rho(const PrivacyLoss& loss) {
  auto found = std::visit(Concentration{}, loss.kind());
  if (found) *found *= 1 + 1e-14;
  if (found && !std::isfinite(*found)) return {};
  return found;
}

// Canonne, Kamath, Steinke 2020, Theorem 4 for one share; Kairouz, Liu, Steinke 2021 for more:
// ½·min(√(Δ²/(nσ²) + τd/2), Δ/(√n·σ) + τ√d)².
double discrete_gaussian_rho(const loss::DiscreteGaussian& kind) {
  const LatticeNoise noise = lattice_noise(kind);
  const double ratio = kind.sensitivity / noise.sigma;
  const double tau_root = noise.slack / std::sqrt(static_cast<double>(kind.coordinates));
  const double linear = ratio + tau_root;
  return std::min(ratio * ratio + noise.slack / 2, linear * linear) / 2;
}

double zcdp_delta(double rho, double epsilon) {
  if (rho == 0) return 0;
  if (!std::isfinite(rho)) return 1;
  const double order = best_order(rho, epsilon);
  return rdp_delta(order * rho, order, epsilon);
}

double zcdp_epsilon(double rho, double delta) {
  if (rho == 0) return 0;
  if (!std::isfinite(rho)) return rho;
  // Falls in ε; from above.
  double low = 0;
  double high = 1;
  while (zcdp_delta(rho, high) > delta) high *= 2;
  for (double middle = high / 2; low < middle && middle < high; middle = low + (high - low) / 2)
    (zcdp_delta(rho, middle) > delta ? low : high) = middle;
  return high;
}

double zcdp_budget(double epsilon, double delta) {
  double low = 0;
  double high = 1;
  while (zcdp_delta(high, epsilon) <= delta) high *= 2;
  for (double middle = high / 2; low < middle && middle < high; middle = low + (high - low) / 2)
    (zcdp_delta(middle, epsilon) <= delta ? low : high) = middle;
  return low;
}

}  // namespace hanse::privacy
