#include "privacy/accounting/sampled_gaussian.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include "base/result.h"

namespace hanse::privacy {
namespace {

// Rounding of a sum in logarithms: a few units of the last place per operation, far below this.
constexpr double kRoundedUp = 1 + 1e-11;
// The same for the recurrences of the many-orders path: 1024² roundings at most.
constexpr double kRecurredUp = 1 + 1e-9;

constexpr double kLastPlace = std::numeric_limits<double>::epsilon();

// log(e^x − 1)
double log_expm1(double x) { return x > 30 ? x : std::log(std::expm1(x)); }

// log(1 + e^x)
double log1p_exp(double x) { return x > 30 ? x : std::log1p(std::exp(x)); }

template <class LogMoment>
double binomial_moment(double q, double order, const LogMoment& log_moment) {
  if (q == 1) return log_moment(order) * kRoundedUp;
  const double ratio = std::log(q) - std::log1p(-q);
  double log_choose = order * std::log1p(-q) + std::log(order) + ratio;  // k = 1
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  for (double k = 2; k <= order; ++k) {
    log_choose += std::log((order - k + 1) / k) + ratio;
    log_choose += kLastPlace * (std::abs(log_choose) + std::abs(ratio) + 1);
    const double term = log_choose + log_expm1(log_moment(k));
    if (term == -std::numeric_limits<double>::infinity()) continue;
    if (term > largest) {
      sum = sum * std::exp(largest - term) + 1;
      largest = term;
    } else {
      sum += std::exp(term - largest);
    }
  }
  // Terms beyond all doubles.
  if (!(sum >= 0)) return std::numeric_limits<double>::infinity();
  return sum > 0 ? log1p_exp(largest + std::log(sum)) * kRoundedUp : 0;
}

// Nodes z = x/σ of the trapezoid rule for orders up to `order`.
struct Nodes {
  double first;
  double step;
  std::size_t count;
};

Nodes nodes(double sigma, double order) {
  // e^(−2πd/h + d²/2) = e^−39 < 1e−16, at the best d within 0.9 of the strip; e^(−9²/2) < 1e−17.
  constexpr double kDigits = 39;
  constexpr double kReach = 9;
  const double d = std::min(0.9 * std::numbers::pi * sigma, std::sqrt(2 * kDigits));
  const double step = 2 * std::numbers::pi * d / (kDigits + d * d / 2);
  // At small rates the mean is that of the square, which lies around 2/σ.
  const double length = std::max(order, 2.0) / sigma + 2 * kReach;
  return {-kReach, step, static_cast<std::size_t>(std::min(length / step, 1e9)) + 1};
}

// log(1 − q + q·e^((2σz − 1)/(2σ²)))
double log_ratio(double sigma, double q, double z) {
  const double x = (2 * sigma * z - 1) / (2 * sigma * sigma);
  if (x <= 30) return std::log1p(q * std::expm1(x));
  const double log_part = x + std::log(q);
  return log_part > 30 ? log_part + std::log1p((1 - q) * std::exp(-log_part))
                       : std::log1p(std::exp(log_part) - q);
}

// f^α − 1 − α·(f − 1) from f − 1 = t and log f: by the binomial series where the digits would
// cancel.
double beyond_linear(double order, double t, double log_f) {
  if (std::abs(t) * std::max(order, 4.0) > 1e-3) return std::expm1(order * log_f) - order * t;
  double term = order * (order - 1) / 2 * t * t;
  double sum = term;
  for (int k = 3; k <= 7; ++k) sum += term *= (order - k + 1) / k * t;
  return sum;
}

constexpr std::size_t kMaxNodes = 1 << 14;
constexpr double kRootTwoPi = 2.5066282746310002;

}  // namespace

double sampled_moment(double sampling_rate, double order,
                      const std::function<double(double)>& log_moment) {
  return binomial_moment(sampling_rate, order, log_moment);
}

double sampled_gaussian_moment(double sigma, double sampling_rate, double order) {
  const double curvature = 1 / (2 * sigma * sigma);
  return binomial_moment(sampling_rate, order, [&](double k) { return k * (k - 1) * curvature; });
}

double chord(double order, const std::function<double(double)>& moment_at_whole) {
  const double below = std::floor(order);
  if (below == order) return moment_at_whole(order);
  const double low = below == 1 ? 0 : moment_at_whole(below);
  const double high = moment_at_whole(below + 1);
  return (low + (order - below) * (high - low)) * kRoundedUp;
}

double sampled_gaussian_fractional_moment(double sigma, double sampling_rate, double order) {
  const Nodes grid = nodes(sigma, order);
  if (sampling_rate == 1) return order * (order - 1) / (2 * sigma * sigma) * kRoundedUp;
  if (grid.count > kMaxNodes)
    return chord(order, [&](double k) { return sampled_gaussian_moment(sigma, sampling_rate, k); });
  std::vector<double> ratios(grid.count);
  double largest = 0;
  for (std::size_t i = 0; i < grid.count; ++i) {
    const double z = grid.first + static_cast<double>(i) * grid.step;
    ratios[i] = log_ratio(sigma, sampling_rate, z);
    largest = std::max(largest, order * ratios[i] - z * z / 2);
  }
  const bool small = largest < 30;
  double sum = 0;
  for (std::size_t i = 0; i < grid.count; ++i) {
    const double z = grid.first + static_cast<double>(i) * grid.step;
    // E[f − 1] = 0 is taken off in each node, so that no digits are lost where f is near 1.
    sum += small ? std::exp(-z * z / 2) * beyond_linear(order, std::expm1(ratios[i]), ratios[i])
                 : std::exp(order * ratios[i] - z * z / 2 - largest);
  }
  sum *= grid.step / kRootTwoPi;
  const double moment = small ? std::log1p(sum) : largest + std::log(sum);
  return moment * (1 + 2e-11);
}

namespace {

// A number mantissa·2^exponent of any size.
struct Scaled {
  double mantissa = 0;
  std::int64_t exponent = 0;

  // Of a normal number above 0: mantissa in [1, 2), without the call that frexp is.
  static Scaled of(double value) {
    constexpr std::uint64_t kFraction = (std::uint64_t{1} << 52) - 1;
    const auto bits = std::bit_cast<std::uint64_t>(value);
    return {std::bit_cast<double>((bits & kFraction) | std::uint64_t{1023} << 52),
            static_cast<std::int64_t>(bits >> 52) - 1023};
  }
  Scaled times(const Scaled& other) const {
    Scaled product = of(mantissa * other.mantissa);
    product.exponent += exponent + other.exponent;
    return product;
  }
};

// e^x for any x ≥ 0 that is finite.
Scaled scaled_exp(double x) {
  const double twos = std::floor(x / std::numbers::ln2);
  Scaled value = Scaled::of(std::exp(x - twos * std::numbers::ln2));
  value.exponent += static_cast<std::int64_t>(twos);
  return value;
}

// 2^power for a power in −1022 … 0
double power_of_two(std::int64_t power) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(power + 1023) << 52);
}

// Below it exponents would not fit; nobody is protected by so little noise.
constexpr double kLeastScaled = 1e-3;

constexpr std::size_t kTenths = 99;      // orders 1.1 … 10.9 lead renyi_orders()
constexpr std::size_t kFirstShared = 9;  // whole orders 2 … 10 are among them

std::vector<double> whole_orders() {
  std::vector<double> orders;
  for (int order = 2; order <= 64; ++order) orders.push_back(order);
  for (const double order : {80, 96, 128, 192, 256, 384, 512, 768, 1024}) orders.push_back(order);
  return orders;
}

// Whole orders and their binomial coefficients.
struct Binomials {
  std::vector<double> orders = whole_orders();
  std::vector<std::vector<Scaled>> choose;  // [order][k]

  Binomials() {
    for (const double order : orders) {
      std::vector<Scaled> row(1, Scaled::of(1));
      for (double k = 1; k <= order; ++k)
        row.push_back(row.back().times(Scaled::of((order - k + 1) / k)));
      choose.push_back(std::move(row));
    }
  }
  static const Binomials& table() {
    static const Binomials made;
    return made;
  }
};

// (q/(1 − q))^k·(e^(k(k−1)/(2σ²)) − 1) for k = 0 … largest order.
std::vector<Scaled> sampled_terms(double sigma, double q, std::size_t largest) {
  const double inverse = 1 / (sigma * sigma);
  const Scaled odds = Scaled::of(q / (1 - q));
  const Scaled growth = scaled_exp(inverse);
  std::vector<Scaled> terms(largest + 1);
  Scaled power = odds;            // odds^k
  Scaled moment = Scaled::of(1);  // e^(k(k−1)/(2σ²))
  Scaled next = growth;           // e^(k/σ²)
  for (std::size_t k = 2; k <= largest; ++k) {
    power = power.times(odds);
    moment = moment.times(next);
    next = next.times(growth);
    const double x = static_cast<double>(k) * static_cast<double>(k - 1) * inverse / 2;
    const Scaled less_one = x < 40 ? Scaled::of(std::expm1(x)) : moment;
    terms[k] = power.times(less_one);
  }
  return terms;
}

// Σ_k C(α, k)·(1 − q)^α·terms[k], as a moment.
double summed(std::span<const Scaled> choose, std::span<const Scaled> terms, double q,
              double order) {
  std::int64_t largest = std::numeric_limits<std::int64_t>::min();
  for (std::size_t k = 2; k < choose.size(); ++k)
    largest = std::max(largest, choose[k].exponent + terms[k].exponent);
  double sum = 0;
  for (std::size_t k = 2; k < choose.size(); ++k) {
    const std::int64_t below = choose[k].exponent + terms[k].exponent - largest;
    if (below > -100) sum += choose[k].mantissa * terms[k].mantissa * power_of_two(below);
  }
  const double log_sum =
      std::log(sum) + static_cast<double>(largest) * std::numbers::ln2 + order * std::log1p(-q);
  return log1p_exp(log_sum) * kRecurredUp;
}

// At the whole orders of the table, from its index `first` on.
std::vector<double> whole_moments(double sigma, double q, std::size_t first) {
  const Binomials& table = Binomials::table();
  if (sigma < kLeastScaled) {
    std::vector<double> moments;
    for (std::size_t i = first; i < table.orders.size(); ++i)
      moments.push_back(sampled_gaussian_moment(sigma, q, table.orders[i]));
    return moments;
  }
  const auto terms = sampled_terms(sigma, q, static_cast<std::size_t>(table.orders.back()));
  std::vector<double> moments;
  for (std::size_t i = first; i < table.orders.size(); ++i)
    moments.push_back(summed(table.choose[i], terms, q, table.orders[i]));
  return moments;
}

// At 1.1, 1.2, … 10.9: each order's integrand is the one before times f^0.1.
void tenth_moments(double sigma, double q, std::span<double> moments) {
  // Below this, f^10.9 overflows at the last node.
  constexpr double kSmallestSigma = 0.55;
  if (sigma < kSmallestSigma) {
    for (std::size_t i = 0; i < kTenths; ++i)
      moments[i] = sampled_gaussian_fractional_moment(sigma, q, renyi_orders()[i]);
    return;
  }
  const Nodes grid = nodes(sigma, renyi_orders()[kTenths - 1]);
  // With t = f − 1, h = f^0.1 − 1 and r(α) = f^α − 1 − αt, which is all that E[f^α] − 1 is made
  // of: r(α + 0.1) = r(α)·(1 + h) + α·t·h + r(0.1), without a difference of near numbers.
  std::vector<double> weight(grid.count), growth(grid.count), cross(grid.count), start(grid.count),
      rest(grid.count);
  for (std::size_t i = 0; i < grid.count; ++i) {
    const double z = grid.first + static_cast<double>(i) * grid.step;
    const double ratio = log_ratio(sigma, q, z);
    weight[i] = std::exp(-z * z / 2) * grid.step / kRootTwoPi;
    growth[i] = std::expm1(0.1 * ratio);
    cross[i] = std::expm1(ratio) * growth[i];
    start[i] = beyond_linear(0.1, std::expm1(ratio), ratio);
  }
  for (std::size_t j = 0; j < kTenths; ++j) {
    const double last = 1 + 0.1 * static_cast<double>(j);
    // Four sums, so that no addition waits for the one before.
    std::array<double, 4> sums{};
    for (std::size_t i = 0; i < grid.count; ++i) {
      rest[i] += rest[i] * growth[i] + (last * cross[i] + start[i]);
      sums[i % 4] += weight[i] * rest[i];
    }
    const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    moments[j] = std::log1p(sum) * kRecurredUp;
  }
}

}  // namespace

std::span<const double> renyi_orders() {
  static const std::vector<double> orders = [] {
    std::vector<double> made;
    for (std::size_t i = 1; i <= kTenths; ++i) made.push_back(1 + static_cast<double>(i) / 10);
    const auto whole = whole_orders();
    made.insert(made.end(), whole.begin() + kFirstShared, whole.end());
    return made;
  }();
  return orders;
}

std::vector<double> sampled_gaussian_moments(double sigma, double sampling_rate) {
  if (sigma < kLeastScaled) return sampled_lattice_moments(sigma, sampling_rate);
  std::vector<double> moments(kTenths);
  tenth_moments(sigma, sampling_rate, moments);
  const auto whole = whole_moments(sigma, sampling_rate, kFirstShared);
  moments.insert(moments.end(), whole.begin(), whole.end());
  return moments;
}

std::vector<double> sampled_lattice_moments(double sigma, double sampling_rate) {
  const auto whole = whole_moments(sigma, sampling_rate, 0);
  std::vector<double> moments;
  for (std::size_t i = 0; i < kTenths; ++i)
    moments.push_back(chord(renyi_orders()[i], [&](double order) {
      return whole[static_cast<std::size_t>(order) - 2];
    }));
  moments.insert(moments.end(), whole.begin() + kFirstShared, whole.end());
  return moments;
}

}  // namespace hanse::privacy
