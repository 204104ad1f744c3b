#include "privacy/accounting/gaussian.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/result.h"

namespace hanse::privacy {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

// Nodes and weights of Gauss and Legendre on [−1, 1], the positive half of 16 (Abramowitz, Stegun
// 1964, table 25.4).
constexpr std::array<double, 8> kNodes = {
    0.0950125098376374402, 0.2816035507792589132, 0.4580167776572273863, 0.6178762444026437484,
    0.7554044083550030339, 0.8656312023878317439, 0.9445750230732325761, 0.9894009349916499326};
constexpr std::array<double, 8> kWeights = {
    0.1894506104550684963, 0.1826034150449235889, 0.1691565193950025382, 0.1495959888165767321,
    0.1246289712555338720, 0.0951585116824927848, 0.0622535239386478929, 0.0271524594117540949};

// 1/(x + 2/(x + 3/(x + …))): the tail of Laplace's continued fraction for the normal distribution
// (Abramowitz, Stegun 1964, 26.2.14). 120 levels are exact to the last place from 2.5 on.
double fraction(double x) {
  double value = 0;
  for (int level = 120; level >= 1; --level) value = level / (x + value);
  return value;
}

// Φ(−x)/φ(x)
double mills(double x) {
  if (x > 5) return 1 / (x + fraction(x));
  return std::sqrt(std::numbers::pi / 2) * std::exp(x * x / 2) * std::erfc(x / std::numbers::sqrt2);
}

// 1 − x·mills(x), the negative of its derivative.
double mills_slope(double x) {
  if (x < 2.5) return 1 - x * mills(x);
  const double rest = fraction(x);
  return rest / (x + rest);
}

// mills(a) − mills(a + width) for a narrow width.
double mills_drop(double a, double width) {
  double sum = 0;
  for (std::size_t i = 0; i < kNodes.size(); ++i)
    for (const double side : {-1.0, 1.0})
      sum += kWeights[i] * mills_slope(a + width / 2 * (1 + side * kNodes[i]));
  return sum * width / 2;
}

}  // namespace

double gaussian_log_delta(double sigma, double epsilon) {
  HANSE_CHECK(sigma > 0 && epsilon >= 0);
  constexpr double kUp = 1e-12;
  const double width = 1 / sigma;
  const double a = epsilon * sigma - width / 2;
  if (std::isinf(a)) return a < 0 ? 0 : -std::numeric_limits<double>::infinity();
  const double log_density = -a * a / 2 - kHalfLogTwoPi;
  if (a < -1) {
    // Φ(−a) is near 1: nothing cancels.
    const double below =
        std::erfc(-a / std::numbers::sqrt2) / 2 + std::exp(log_density) * mills(a + width);
    return std::log1p(-below) * (1 - kUp);
  }
  const double drop = width <= 1 ? mills_drop(a, width) : mills(a) - mills(a + width);
  // e^ε·φ(a + width) = φ(a)
  const double log_delta = log_density + std::log(drop);
  return log_delta + kUp * (1 + std::abs(log_delta) * 1e-3);
}

double gaussian_delta(double sigma, double epsilon) {
  return std::min(1.0, std::exp(gaussian_log_delta(sigma, epsilon)));
}

double gaussian_epsilon(double sigma, double delta) {
  if (delta <= 0) return std::numeric_limits<double>::infinity();
  const double target = std::log(delta);
  if (gaussian_log_delta(sigma, 0) <= target) return 0;
  double low = 0;
  double high = 1;
  while (gaussian_log_delta(sigma, high) > target) high *= 2;
  for (double middle = high / 2; low < middle && middle < high; middle = low + (high - low) / 2)
    (gaussian_log_delta(sigma, middle) > target ? low : high) = middle;
  return high;
}

double gaussian_sigma(double epsilon, double delta) {
  HANSE_CHECK(epsilon >= 0 && delta > 0 && delta < 1);
  const double target = std::log(delta);
  double high = 1;
  while (gaussian_log_delta(high, epsilon) > target) high *= 2;
  double low = high / 2;
  while (gaussian_log_delta(low, epsilon) <= target) low /= 2;
  for (double middle = (low + high) / 2; low < middle && middle < high;
       middle = low + (high - low) / 2)
    (gaussian_log_delta(middle, epsilon) > target ? low : high) = middle;
  return high;
}

}  // namespace hanse::privacy
