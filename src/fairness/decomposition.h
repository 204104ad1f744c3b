// Which cost dominates: the risk of a private and fair training taken apart, from a paired grid of
// four trainings (neither, fair, private, both) under the same seeds, splits and noise.
//
//   R(both) − R* = a + b + c + d
//   a = R(neither) − R*                               of learning from finite data
//   b = R(private) − R(neither)                       of learning in private
//   c = R(fair) − R(neither) = c1 + c2                of fairness: the tax, and estimating the
//   correction d = R(both) − R(private) − R(fair) + R(neither)   of fairness in private
//
// Exact, so a term may be negative, and is never cut off at 0. a and c1 need what no training
// shows, R* and the least risk under the bound.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace hanse::fairness {

enum class Cell { neither, fair, noised, noised_and_fair };
inline constexpr std::size_t kCells = 4;
std::string_view name_of(Cell cell);

// What the four models of one seed lose on the test records of one site: as many in each cell.
struct SiteLosses {
  std::uint32_t of_class = 0;
  std::array<std::vector<double>, kCells> losses;
};

struct SeedLosses {
  std::vector<SiteLosses> sites;
};

// A mean over seeds with its 95 % interval.
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;

  bool holds(double truth) const { return low <= truth && truth <= high; }
  bool operator==(const Interval&) const = default;
};

// From draws of a bootstrap over so many seeds: percentiles, widened for few seeds as Student's t
// is (Hesterberg 2015, "What teachers should know about the bootstrap", The American Statistician
// 69).
Interval widened_interval(double value, std::vector<double> draws, std::size_t seeds);

struct Term {
  std::string name;  // "learning", "privacy", "tax", "correction", "fairness", "private_fairness"
  Interval cost;
  double dominates = 0;  // part of the draws in which it is the largest

  bool operator==(const Term&) const = default;
};

struct Decomposition {
  // On the scale of the fleet's risk; and with the fair and private cell brought to the gap of the
  // fair one at the price λ, `multiplier`, of a unit of gap. Cells never meet a bound alike: a term
  // that is negative in the first because a cell missed the bound is not in the second.
  std::vector<Term> raw;
  std::vector<Term> priced;
  double multiplier = 0;
  std::array<Interval, kCells> risk;
  std::array<Interval, kCells> gap;
  Interval privacy_share;               // Shapley's: b + d/2
  Interval fairness_share;              // c + d/2
  std::optional<std::string> dominant;  // of `priced`; none: undetermined
};

// Where a term is the largest in so many draws, it dominates.
inline constexpr double kDominates = .9;

struct DecompositionSpec {
  std::vector<double> weights;  // of classes in the fleet's risk
  // Least risk without and with the bound, where they are known: else "learning" is left out, and
  // tax and correction are one, "fairness".
  std::optional<double> least_risk = {};
  std::optional<double> least_fair_risk = {};
  // λ; none: the secant R(fair) − R(neither) over gap(neither) − gap(fair), at least 0.
  std::optional<double> multiplier = {};
  std::uint32_t draws = 1000;
};

// By a bootstrap of two levels: seeds, then records within each site. Fewer than two seeds, cells
// of different sizes, a class without records or a loss that is not finite: invalid_argument. The
// same for the same stream.
base::Result<Decomposition> decompose(const std::vector<SeedLosses>& seeds,
                                      const DecompositionSpec& spec, base::RandomSource& random);

}  // namespace hanse::fairness
