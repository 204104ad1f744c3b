#include "falsifier.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <unordered_map>
#include <vector>

namespace hanse::statistical {
namespace {

using Pair = std::array<std::uint64_t, 2>;  // of the two tables

// I_x(a, b) by its continued fraction (Abramowitz and Stegun 1964, 26.5.8), evaluated by Lentz
// 1976.
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  constexpr double kTiny = 1e-300;
  const auto off_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / off_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m < 100'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / off_zero(1 + even * d);
    c = off_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / off_zero(1 + odd * d);
    c = off_zero(1 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  const double log_front =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  return std::exp(log_front) * fraction / a;
}

// The p at which `tail`, rising in p, is alpha.
double solve(const std::function<double(double)>& tail, double alpha) {
  double low = 0;
  double high = 1;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (tail(middle) < alpha ? low : high) = middle;
  }
  return low;
}

double bound(const Pair& hits, std::size_t draws, int likelier, double delta) {
  const double alpha = kFalseAlarm / 2;
  const double p = at_least(hits[static_cast<std::size_t>(likelier)], draws, alpha);
  const double q = at_most(hits[static_cast<std::size_t>(1 - likelier)], draws, alpha);
  return p > delta ? std::max(0.0, std::log((p - delta) / q)) : 0;
}

// A cheap stand-in for the bound while an event is looked for: two of its standard errors and more.
double promise(double p_hits, double q_hits, double draws, double delta) {
  const double p = (p_hits - 5 * std::sqrt(p_hits)) / draws;
  const double q = (q_hits + 5 * std::sqrt(q_hits) + 14) / draws;
  return p > delta ? std::log((p - delta) / q) : 0;
}

struct Event {
  std::set<std::int64_t> outcomes;
  int likelier = 0;
  double promise = 0;
};

// The best of the sets that take outcomes in the order of their likelihood ratio (Neyman and
// Pearson), for each direction.
Event choose(const std::unordered_map<std::int64_t, Pair>& counts, double draws, double delta) {
  Event best;
  for (const int likelier : {0, 1}) {
    const auto p = static_cast<std::size_t>(likelier);
    std::vector<std::pair<std::int64_t, Pair>> ordered(counts.begin(), counts.end());
    const auto ratio = [p](const Pair& of) {
      return (static_cast<double>(of[p]) + 0.5) / (static_cast<double>(of[1 - p]) + 0.5);
    };
    std::ranges::sort(ordered, [&](const auto& a, const auto& b) {
      const double left = ratio(a.second);
      const double right = ratio(b.second);
      return left != right ? left > right : a.first < b.first;
    });
    double p_hits = 0;
    double q_hits = 0;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < ordered.size(); ++i) {
      p_hits += static_cast<double>(ordered[i].second[p]);
      q_hits += static_cast<double>(ordered[i].second[1 - p]);
      const double now = promise(p_hits, q_hits, draws, delta);
      if (now <= best.promise) continue;
      best.promise = now;
      best.likelier = likelier;
      taken = i + 1;
    }
    if (taken == 0) continue;
    best.outcomes.clear();
    for (std::size_t i = 0; i < taken; ++i) best.outcomes.insert(ordered[i].first);
  }
  return best;
}

}  // namespace

double at_least(std::uint64_t hits, std::uint64_t draws, double alpha) {
  if (hits == 0) return 0;
  const auto k = static_cast<double>(hits);
  const auto n = static_cast<double>(draws);
  return solve([&](double p) { return incomplete_beta(k, n - k + 1, p); }, alpha);
}

double at_most(std::uint64_t hits, std::uint64_t draws, double alpha) {
  return 1 - at_least(draws - hits, draws, alpha);
}

Verdict falsify(const std::string& name, Claim claim, const Observed& mechanism,
                std::size_t draws) {
  base::SeededSimulationRandom random(20'240'229, name);
  std::unordered_map<std::int64_t, Pair> counts;
  for (const int table : {0, 1})
    for (std::size_t i = 0; i < draws; ++i)
      ++counts[mechanism(table, random)][static_cast<std::size_t>(table)];
  const Event event = choose(counts, static_cast<double>(draws), claim.delta);
  Pair hits{};
  for (const int table : {0, 1})
    for (std::size_t i = 0; i < draws; ++i)
      if (event.outcomes.contains(mechanism(table, random)))
        ++hits[static_cast<std::size_t>(table)];
  const Verdict verdict{bound(hits, draws, event.likelier, claim.delta), claim.epsilon};
  fmt::print("{:<58} claimed ({:.4f}, {:g}), epsilon >= {:.4f}: {} (false alarm <= {:g})\n", name,
             claim.epsilon, claim.delta, verdict.epsilon_low,
             verdict.falsified() ? "FALSIFIED" : "stands", kFalseAlarm);
  return verdict;
}

}  // namespace hanse::statistical
