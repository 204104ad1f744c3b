#include "math/student.h"

#include <cmath>
#include <numbers>

#include "base/result.h"

namespace hanse::math {
namespace {

constexpr std::uint64_t kMaxDegrees = 1'000'000;  // a sum of that many terms is still exact enough

constexpr double kLevel = 0.95;

}  // namespace

double student_probability(double t, std::uint64_t degrees) {
  HANSE_CHECK(degrees >= 1 && degrees <= kMaxDegrees);
  // A(t) = P(|T| ≤ |t|), with θ = atan(|t| / √ν).
  const double theta = std::atan2(std::abs(t), std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(theta);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1;
  double sum = 0;
  // Odd ν: cos θ + 2/3 cos³ θ + … up to cos^(ν−2) θ. Even: 1 + 1/2 cos² θ + … up to the same.
  for (std::uint64_t power = odd ? 1 : 0; power + 2 <= degrees; power += 2) {
    sum += term;
    const auto p = static_cast<double>(power);
    term *= (p + 1) / (p + 2) * cosine * cosine;
  }
  const double within =
      odd ? 2 / std::numbers::pi * (theta + std::sin(theta) * sum) : std::sin(theta) * sum;
  return t < 0 ? (1 - within) / 2 : (1 + within) / 2;
}

double student_quantile(double probability, std::uint64_t degrees) {
  HANSE_CHECK(probability > 0 && probability < 1);
  if (probability < 0.5) return -student_quantile(1 - probability, degrees);
  double low = 0;
  double high = 1;
  while (student_probability(high, degrees) < probability && high < 1e300) high *= 2;
  for (double middle = (low + high) / 2; low < middle && middle < high;
       middle = low + (high - low) / 2)
    (student_probability(middle, degrees) < probability ? low : high) = middle;
  return high;
}

std::optional<Interval> resampled_interval(std::span<const double> values, double test_to_train) {
  if (values.size() < 2) return {};
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double variance = squares / (n - 1) * (1 / n + test_to_train);
  const double half = student_quantile((1 + kLevel) / 2, values.size() - 1) * std::sqrt(variance);
  return Interval{mean - half, mean + half};
}

}  // namespace hanse::math
