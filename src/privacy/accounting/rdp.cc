#include "privacy/accounting/rdp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "privacy/accounting/sampled_gaussian.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::privacy {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Closed forms take a few dozen operations: their rounding is far below this.
constexpr double kUp = 1 + 1e-12;

double log_add(double a, double b) {
  const double high = std::max(a, b);
  return high == -kInfinity ? high : high + std::log1p(std::exp(std::min(a, b) - high));
}

// Of an ε-DP pair whose divergence was found as the logarithm of 1 + a sum of terms up to αε that
// cancel to the order of ε²: with what that rounds off, or the bound α·ε²/2 of all such pairs (Bun,
// Steinke 2016, Proposition 1.4), whichever is less.
double cancelled(double log_moment, double order, double epsilon, double bound) {
  const double rounding = 0x1p-49 * order * epsilon;
  return std::min((log_moment + rounding) / (order - 1), bound * kUp);
}

// Mironov 2017, Proposition 6.
double laplace_divergence(double scale, double order) {
  const double epsilon = 1 / scale;
  const double high = order / (2 * order - 1);
  const double low = (order - 1) / (2 * order - 1);
  if (order * epsilon < 1)
    return cancelled(
        std::log1p(high * std::expm1((order - 1) * epsilon) + low * std::expm1(-order * epsilon)),
        order, epsilon, order * epsilon * epsilon / 2);
  return epsilon + std::log(high + low * std::exp(-(2 * order - 1) * epsilon)) / (order - 1);
}

// Σ over the integers of Q(x)·(P(x)/Q(x))^α, geometric on each side and between the two centres.
double discrete_laplace_divergence(const loss::DiscreteLaplace& kind, double order) {
  const double rate = 1 / kind.scale;
  const auto steps = static_cast<double>(kind.sensitivity);
  const double epsilon = rate * steps;
  const double centre = std::tanh(rate / 2);      // P(X = 0)
  const double side = 1 / (1 + std::exp(-rate));  // P(X ≥ 0)
  const double slope = rate * (2 * order - 1);
  // Σ_{x=1}^{steps−1} e^(yx)
  const auto geometric = [&](double y) {
    return std::exp(y) * std::expm1(y * (steps - 1)) / std::expm1(y);
  };
  if (order * epsilon < 1) {
    const double sides =
        side * (std::exp(-epsilon) * std::expm1(order * epsilon) + std::expm1(-order * epsilon));
    const double between =
        centre * (std::exp(-order * epsilon) * geometric(slope) - geometric(-rate));
    return cancelled(std::log1p(sides + between), order, epsilon, order * epsilon * epsilon / 2);
  }
  const double between =
      centre * std::exp(-slope) * std::expm1(-slope * (steps - 1)) / std::expm1(-slope);
  const double sum = side * (1 + std::exp(-(2 * order - 1) * epsilon)) + between;
  return epsilon + std::log(sum) / (order - 1);
}

// Of randomised response, which every ε-DP pair is a post-processing of (Kairouz, Oh, Viswanath
// 2015, Theorem 2.3).
double pure_divergence(double epsilon, double order) {
  const double yes = -std::log1p(std::exp(-epsilon));  // log of e^ε/(1 + e^ε)
  if (order * epsilon < 1) {
    const double p = std::exp(yes);
    return cancelled(
        std::log1p((1 - p) * std::expm1(order * epsilon) + p * std::expm1(-order * epsilon)), order,
        epsilon, order * epsilon * epsilon / 2);
  }
  // p·e^((α−1)ε) + (1 − p)·e^(−(α−1)ε)
  return epsilon + (yes + std::log1p(std::exp(-epsilon - 2 * (order - 1) * epsilon))) / (order - 1);
}

// The largest over t in [0, ε] of the pair with losses t and t − ε (Dong, Durfee, Rogers 2020,
// Lemma 3.2), and no more than αε²/8 (Cesar, Rogers 2021); its derivative vanishes at e^t = (α −
// 1)(1 − e^(−αε))/(α(e^(−ε) − e^(−αε))).
double bounded_range_divergence(double epsilon, double order) {
  const double most = order * epsilon * epsilon / 8;
  if (order * epsilon < 1e-3) return most;  // t has lost its digits, and nothing is gained
  const double t =
      std::clamp(std::log((order - 1) / order) + std::log(-std::expm1(-order * epsilon)) + epsilon -
                     std::log(-std::expm1(-(order - 1) * epsilon)),
                 0.0, epsilon);
  // Q(loss = t) = e^(−t)·(1 − e^(t−ε))/(1 − e^(−ε)), in logarithms: it may be below any double.
  const double log_high = -t + std::log(-std::expm1(t - epsilon)) - std::log(-std::expm1(-epsilon));
  const double high = std::exp(log_high);
  if (order * epsilon < 1)
    return cancelled(
        std::log1p(high * std::expm1(order * t) + (1 - high) * std::expm1(order * (t - epsilon))),
        order, epsilon, most);
  return log_add(log_high + order * t, std::log1p(-high) + order * (t - epsilon)) / (order - 1);
}

// Agarwal, Kairouz, Liu 2021, "The Skellam mechanism for differentially private federated
// learning", for whole orders; μ is the variance.
double skellam_moment(const loss::Skellam& kind, double order) {
  const double square = kind.l2_sensitivity * kind.l2_sensitivity;
  const double mean = kind.variance;
  const double extra =
      std::min(((2 * order - 1) * square + 6 * kind.l1_sensitivity) / (4 * mean * mean),
               3 * kind.l1_sensitivity / (2 * mean));
  return (order - 1) * (order * square / (2 * mean) + extra);
}

// Wang, Balle, Kasiviswanathan 2019, Theorem 9 with ε(∞) = ∞, for whole orders.
double fixed_size_moment(double sigma, double rate, double order) {
  const double curvature = 1 / (2 * sigma * sigma);
  const double whole = order * (order - 1) * curvature;
  if (rate == 1) return whole;
  const double second = 2 * curvature;  // ε(2)
  double log_term = std::log(order * (order - 1) / 2) + 2 * std::log(rate);
  const double fourth = std::log(4.0) + (second > 30 ? second : std::log(std::expm1(second)));
  double sum = log_term + std::min(fourth, std::log(2.0) + second);
  for (double j = 3; j <= order; ++j) {
    log_term += std::log((order - j + 1) / j) + std::log(rate);
    sum = log_add(sum, log_term + (j - 1) * j * curvature + std::log(2.0));
  }
  // No worse than without sampling, by quasi-convexity.
  return std::min(whole, log_add(0, sum));
}

// D_α of the sampled sum of shares: the ratio of probabilities is off by at most e^±slack in each
// of the α + (α − 1) factors.
double slack_moment(double slack, double order) { return slack * (2 * order - 1); }

struct Divergence {
  double order;

  double operator()(const loss::Unbounded&) const { return kInfinity; }
  double operator()(const loss::Gaussian& kind) const {
    const double sigma = kind.noise_multiplier;
    if (kind.sampling_rate == 1) return order / (2 * sigma * sigma);
    const double moment =
        order == std::floor(order)
            ? sampled_gaussian_moment(sigma, kind.sampling_rate, order)
            : sampled_gaussian_fractional_moment(sigma, kind.sampling_rate, order);
    return moment / (order - 1);
  }
  double operator()(const loss::FixedSizeGaussian& kind) const {
    return chord(order,
                 [&](double k) {
                   return fixed_size_moment(kind.noise_multiplier, kind.sampling_rate, k);
                 }) /
           (order - 1);
  }
  // docs/proofs/discrete_gaussian.md, Theorem 1 at whole orders, Corollary 2 between them and
  // Theorem 4 for shares: never the continuous formula at a fractional order.
  double operator()(const loss::DiscreteGaussian& kind) const {
    const double unsampled = order * discrete_gaussian_rho(kind);
    if (kind.sampling_rate == 1) return unsampled;
    const LatticeNoise noise = lattice_noise(kind);
    const double moment = chord(order, [&](double k) {
      return sampled_gaussian_moment(noise.sigma / kind.sensitivity, kind.sampling_rate, k);
    });
    return std::min(unsampled, (moment + slack_moment(noise.slack, order)) / (order - 1));
  }
  // Sampled: the closed form at every k ≤ α in the binomial sum.
  double operator()(const loss::Laplace& kind) const {
    if (kind.sampling_rate == 1) return laplace_divergence(kind.scale, order);
    const auto moment = [&](double k) { return (k - 1) * laplace_divergence(kind.scale, k) * kUp; };
    return chord(order,
                 [&](double whole) { return sampled_moment(kind.sampling_rate, whole, moment); }) /
           (order - 1);
  }
  double operator()(const loss::DiscreteLaplace& kind) const {
    return discrete_laplace_divergence(kind, order);
  }
  double operator()(const loss::Skellam& kind) const {
    return chord(order, [&](double k) { return skellam_moment(kind, k); }) / (order - 1);
  }
  double operator()(const loss::Pure& kind) const { return pure_divergence(kind.epsilon, order); }
  double operator()(const loss::BoundedRange& kind) const {
    return bounded_range_divergence(kind.epsilon, order);
  }
  double operator()(const loss::Approximate& kind) const {
    return kind.delta > 0 ? kInfinity : pure_divergence(kind.epsilon, order);
  }
  double operator()(const loss::Concentrated& kind) const { return order * kind.rho; }
};

}  // namespace

LatticeNoise lattice_noise(const loss::DiscreteGaussian& kind) {
  const auto shares = static_cast<double>(kind.shares);
  // The bound on τ holds from half a step on.
  if (kind.shares > 1 && kind.sigma < 0.5) return {std::sqrt(shares) * kind.sigma, kInfinity};
  double tau = 0;
  for (double k = 1; k < shares; ++k)
    tau += 10 * std::exp(-2 * std::numbers::pi * std::numbers::pi * kind.sigma * kind.sigma * k /
                         (k + 1));
  return {std::sqrt(shares) * kind.sigma, tau * static_cast<double>(kind.coordinates) * kUp};
}

double rdp(const PrivacyLoss& loss, double order) {
  HANSE_CHECK(order > 1 && std::isfinite(order));
  const double divergence = std::visit(Divergence{order}, loss.kind()) * kUp;
  return std::isnan(divergence) ? kInfinity : std::max(0.0, divergence);
}

namespace {

// What could not be computed bounds nothing.
std::vector<double> checked(std::vector<double> curve) {
  for (double& divergence : curve)
    divergence = std::isnan(divergence) ? kInfinity : std::max(0.0, divergence);
  return curve;
}

}  // namespace

std::vector<double> rdp_curve(const PrivacyLoss& loss) {
  const auto orders = renyi_orders();
  std::vector<double> curve;
  if (const auto* kind = std::get_if<loss::Gaussian>(&loss.kind());
      kind != nullptr && kind->sampling_rate < 1) {
    curve = sampled_gaussian_moments(kind->noise_multiplier, kind->sampling_rate);
    for (std::size_t i = 0; i < orders.size(); ++i) curve[i] /= orders[i] - 1;
    return checked(std::move(curve));
  }
  if (const auto* kind = std::get_if<loss::DiscreteGaussian>(&loss.kind());
      kind != nullptr && kind->sampling_rate < 1) {
    const LatticeNoise noise = lattice_noise(*kind);
    curve = sampled_lattice_moments(noise.sigma / kind->sensitivity, kind->sampling_rate);
    const double unsampled = discrete_gaussian_rho(*kind);
    for (std::size_t i = 0; i < orders.size(); ++i)
      curve[i] = std::min(unsampled * orders[i],
                          (curve[i] + slack_moment(noise.slack, orders[i])) / (orders[i] - 1)) *
                 kUp;
    return checked(std::move(curve));
  }
  for (const double order : orders) curve.push_back(rdp(loss, order));
  return curve;
}

double rdp_epsilon(double divergence, double order, double delta) {
  const double epsilon =
      divergence + std::log1p(-1 / order) - std::log(order * delta) / (order - 1);
  return std::max(0.0, epsilon + 1e-14 * std::abs(epsilon));
}

double rdp_delta(double divergence, double order, double epsilon) {
  const double exponent = (order - 1) * (divergence - epsilon + std::log1p(-1 / order));
  return std::min(1.0, std::exp(exponent) / order * (1 + 1e-13 * (1 + std::abs(exponent))));
}

double rdp_budget(double order, double epsilon, double delta) {
  const double offset = std::log1p(-1 / order) - std::log(order * delta) / (order - 1);
  return epsilon - offset - 1e-13 * (epsilon + std::abs(offset));
}

}  // namespace hanse::privacy
