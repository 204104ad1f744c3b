#include "privacy/accounting/one_run_audit.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/result.h"

namespace hanse::privacy {
namespace {

constexpr std::uint64_t kMostGuesses = 1'000'000;
constexpr double kMostEpsilon = 64;
constexpr double kTolerance = 1e-9;

// P(Binomial(n, q) = k), for q in (0, 1).
double binomial(double n, double k, double q) {
  const double ways = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  return std::exp(ways + k * std::log(q) + (n - k) * std::log1p(-q));
}

}  // namespace

double audit_p_value(const Guesses& guesses, double epsilon, base::Delta delta) {
  HANSE_CHECK(guesses.correct <= guesses.guessed && guesses.guessed <= guesses.examples);
  HANSE_CHECK(guesses.guessed <= kMostGuesses && epsilon >= 0);
  const auto n = static_cast<double>(guesses.guessed);
  // Randomised response is the worst case: each guess is right with this probability.
  const double right = 1 / (1 + std::exp(-epsilon));
  std::vector<double> mass(guesses.guessed + 1);
  for (std::size_t k = 0; k < mass.size(); ++k)
    mass[k] = binomial(n, static_cast<double>(k), right);
  double tail = 0;
  for (std::size_t k = guesses.correct; k < mass.size(); ++k) tail += mass[k];
  // What δ may add: the worst of moving δ's worth of runs over i guesses, for each i.
  double slack = 0;
  double moved = 0;
  for (std::uint64_t i = 1; i <= guesses.correct; ++i) {
    moved += mass[guesses.correct - i];
    slack = std::max(slack, moved / static_cast<double>(i));
  }
  return std::min(1.0, tail + 2 * static_cast<double>(guesses.examples) * delta.value() * slack);
}

double audited_epsilon(const Guesses& guesses, base::Delta delta, double error) {
  HANSE_CHECK(error > 0 && error < 1);
  double low = 0;
  double high = kMostEpsilon;
  if (audit_p_value(guesses, low, delta) >= error) return 0;
  if (audit_p_value(guesses, high, delta) < error) return high;
  while (high - low > kTolerance) {
    const double middle = (low + high) / 2;
    (audit_p_value(guesses, middle, delta) < error ? low : high) = middle;
  }
  return low;
}

}  // namespace hanse::privacy
