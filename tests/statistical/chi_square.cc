#include "chi_square.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace hanse::statistical {
namespace {

double lower_series(double a, double x) {
  double term = 1 / a;
  double sum = term;
  for (int n = 1; n < 100'000 && term > sum * 1e-17; ++n) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * std::exp(-x + a * std::log(x) - std::lgamma(a));
}

// Lentz 1976, as modified by Thompson and Barnett 1986.
double upper_fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double fraction = d;
  for (int n = 1; n < 100'000; ++n) {
    const double an = -n * (n - a);
    b += 2;
    d = an * d + b;
    if (std::abs(d) < kTiny) d = kTiny;
    c = b + an / c;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return fraction * std::exp(-x + a * std::log(x) - std::lgamma(a));
}

}  // namespace

double chi_square_tail(double statistic, double degrees) {
  const double a = degrees / 2;
  const double x = statistic / 2;
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - lower_series(a, x) : upper_fraction(a, x);
}

Fit chi_square(const std::vector<std::int64_t>& draws, std::int64_t first, std::int64_t last,
               const std::function<double(std::int64_t)>& law) {
  constexpr double kLeast = 50;
  std::vector<std::int64_t> sorted = draws;
  std::ranges::sort(sorted);
  const auto total = static_cast<double>(draws.size());
  const auto up_to = [&sorted](std::int64_t x) {
    return static_cast<double>(std::ranges::upper_bound(sorted, x) - sorted.begin());
  };
  Fit fit;
  double expected = 0;  // of the cell that is open
  double closed = 0;    // draws in the cells before it
  double left = total;  // expected from the open cell on
  for (std::int64_t x = first; x <= last; ++x) {
    expected += law(x) * total;
    // What would be left after it must be a cell too.
    if (expected < kLeast || left - expected < kLeast) continue;
    const double found = up_to(x) - closed;
    fit.statistic += (found - expected) * (found - expected) / expected;
    fit.degrees += 1;
    closed += found;
    left -= expected;
    expected = 0;
  }
  const double found = total - closed;
  fit.statistic += (found - left) * (found - left) / left;
  fit.p = fit.degrees > 0 ? chi_square_tail(fit.statistic, fit.degrees) : 1;
  return fit;
}

std::size_t many() {
  const char* full = std::getenv("HANSE_FULL");
  return full != nullptr && std::string_view(full) == "1" ? 10'000'000 : 1'000'000;
}

}  // namespace hanse::statistical
