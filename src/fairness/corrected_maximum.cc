#include "fairness/corrected_maximum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr double kFar = 9;  // deviations: beyond lies less than 1e-18
constexpr double kMost = 1e150;

double normal_probability(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

// Gauss and Legendre's rule of six points.
template <class Function>
double integral(double low, double high, const Function& function) {
  constexpr std::array<double, 3> kNodes{.2386191860831969, .6612093864662645, .9324695142031521};
  constexpr std::array<double, 3> kWeights{.4679139345726910, .3607615730481386, .1713244923791704};
  const double centre = (low + high) / 2;
  const double half = (high - low) / 2;
  double sum = 0;
  for (std::size_t i = 0; i < kNodes.size(); ++i)
    sum +=
        kWeights[i] * (function(centre - half * kNodes[i]) + function(centre + half * kNodes[i]));
  return sum * half;
}

// P(max − min ≤ q) of that many standard normals. The trapezoid rule is exact here to rounding: the
// integrand is smooth and vanishes at both ends.
double range_probability(double q, std::size_t of) {
  constexpr int kSteps = 80;
  constexpr double kStep = 2 * kFar / kSteps;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double z = -kFar + kStep * i;
    sum += std::exp(-z * z / 2) *
           std::pow(normal_probability(z + q) - normal_probability(z), static_cast<double>(of - 1));
  }
  return static_cast<double>(of) * kStep * sum * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

// Where a distribution of numbers above 0 reaches a probability.
template <class Distribution>
double quantile(double probability, const Distribution& distribution) {
  double low = 0;
  double high = 4 * kFar;
  for (int halving = 0; halving < 45; ++halving) {
    const double middle = (low + high) / 2;
    (distribution(middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

// The mean of the largest, by its distribution: a + ∫ P(max > t) dt from an a that it is above. In
// pieces, since deviations may differ by orders of magnitude.
double mean_maximum(std::span<const double> means, std::span<const double> deviations) {
  double least = means[0] - kFar * deviations[0];
  double most = means[0] + kFar * deviations[0];
  for (std::size_t i = 0; i < means.size(); ++i) {
    least = std::max(least, means[i] - kFar * deviations[i]);
    most = std::max(most, means[i] + kFar * deviations[i]);
  }
  std::vector<double> pieces{least, most};
  for (std::size_t i = 0; i < means.size(); ++i)
    for (const double part : {-6.0, -4.5, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.5, 6.0})
      if (const double at = means[i] + part * deviations[i]; at > least && at < most)
        pieces.push_back(at);
  std::ranges::sort(pieces);
  const auto above = [&](double t) {
    double below = 1;
    for (std::size_t i = 0; i < means.size(); ++i)
      if (deviations[i] > 0) below *= normal_probability((t - means[i]) / deviations[i]);
    return 1 - below;  // an exact mean is below t everywhere
  };
  double sum = least;
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i)
    if (pieces[i + 1] > pieces[i]) sum += integral(pieces[i], pieces[i + 1], above);
  return sum;
}

Result<void> check(std::span<const double> values, std::span<const double> deviations,
                   double confidence, std::size_t at_least) {
  if (values.size() < at_least || values.size() > kMaxCorrected)
    return fail(ErrorCode::invalid_argument, "expected {} to {} classes, found {}", at_least,
                kMaxCorrected, values.size());
  if (deviations.size() != values.size())
    return fail(ErrorCode::invalid_argument, "expected a deviation of each of {} values, found {}",
                values.size(), deviations.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(std::abs(values[i]) <= kMost && deviations[i] >= 0 && deviations[i] <= kMost))
      return fail(ErrorCode::invalid_argument,
                  "a value is a number and its deviation one not below 0, found {} and {}",
                  values[i], deviations[i]);
  if (!(confidence > 0 && confidence < 1))
    return fail(ErrorCode::invalid_argument, "confidence lies between 0 and 1, found {}",
                confidence);
  return {};
}

}  // namespace

Result<Corrected> corrected_maximum(std::span<const double> values,
                                    std::span<const double> deviations, double confidence) {
  HANSE_TRY_VOID(check(values, deviations, confidence, 1));
  const double each_end = (1 + confidence) / 2;
  const double one = quantile(each_end, normal_probability);
  const auto all_below = [&](double z) {
    return std::pow(normal_probability(z), static_cast<double>(values.size()));
  };
  const double all = quantile(each_end, all_below);
  Corrected found{.released = std::ranges::max(values), .value = 0, .interval = {}};
  found.value = 2 * found.released - mean_maximum(values, deviations);
  found.interval = {values[0] - all * deviations[0], values[0] + one * deviations[0]};
  for (std::size_t i = 0; i < values.size(); ++i) {
    found.interval.low = std::max(found.interval.low, values[i] - all * deviations[i]);
    found.interval.high = std::max(found.interval.high, values[i] + one * deviations[i]);
  }
  return found;
}

Result<Corrected> corrected_gap(std::span<const double> values, std::span<const double> deviations,
                                double confidence) {
  HANSE_TRY_VOID(check(values, deviations, confidence, 2));
  const double each_end = (1 + confidence) / 2;
  const double one = quantile(each_end, normal_probability);
  const auto range = [&](double q) { return range_probability(q, values.size()); };
  const double all = quantile(each_end, range) / std::numbers::sqrt2;
  std::vector<double> turned(values.begin(), values.end());
  for (double& value : turned) value = -value;
  const double most = std::ranges::max(values);
  const double least = std::ranges::min(values);
  Corrected found{.released = most - least, .value = 0, .interval = {}};
  found.value =
      2 * found.released - mean_maximum(values, deviations) - mean_maximum(turned, deviations);
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = 0; j < values.size(); ++j) {
      if (i == j) continue;
      const double deviation = std::hypot(deviations[i], deviations[j]);
      const double apart = values[i] - values[j];
      found.interval.low = std::max(found.interval.low, apart - all * deviation);
      found.interval.high = std::max(found.interval.high, apart + one * deviation);
    }
  return found;
}

}  // namespace hanse::fairness
