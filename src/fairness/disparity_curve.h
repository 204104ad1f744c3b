// The disparity of two groups as a function of the price τ, from counts by threshold, and the τ
// that keeps a bound. Works on noised counts alone, so it costs nothing further.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "fairness/threshold_fairness.h"

namespace hanse::fairness {

// The τ that was chosen, and what the counts say of it.
struct PriceOfDisparity {
  double tau = 0;
  double free_disparity = 0;  // at τ = 0, as the counts say
  double disparity = 0;       // at tau

  bool operator==(const PriceOfDisparity&) const = default;
};

// The scores that a model gives to records of each group, ascending, each once: public with it.
using GroupScores = std::array<std::vector<double>, kGroups>;

class DisparityCurve {
 public:
  // Counts by leaf of both groups, finite, may be negative where noise is. A group's selection rate
  // at each threshold is its tail over its total, made to fall with the threshold by least squares
  // (Ayer, Brunk, Ewing, Reid, Silverman 1955) and held to [0, 1]. A group whose total is not
  // positive has no rate: failed_precondition. Sizes that do not fit the tree: invalid_argument.
  static base::Result<DisparityCurve> create(const ThresholdTree& tree,
                                             std::span<const std::vector<double>> leaf_counts);

  // Group 1's rate at τ less group 0's at −τ, linear between grid points; τ in [−1, 1], beyond it
  // the ends. Never rises with τ.
  double disparity(double tau) const;
  // P(z ≥ threshold) in that group, likewise.
  double rate(std::uint32_t group, double threshold) const;

  // The least |τ| with |disparity| ≤ bound; where none keeps it, the one that comes nearest. Within
  // a leaf the disparity falls where the model has scores, by as much at each of a group's: many
  // records may share one, and a price takes all of them or none. bound in [0, 1], else
  // invalid_argument.
  base::Result<PriceOfDisparity> solve(double bound, const GroupScores& scores) const;

 private:
  DisparityCurve(const ThresholdTree& tree, std::vector<std::vector<double>> rates)
      : tree_(tree), rates_(std::move(rates)) {}
  ThresholdTree tree_;
  std::vector<std::vector<double>> rates_;  // by group and grid point
};

// In place, the closest sequence by least squares that never rises.
void make_falling(std::span<double> values);

// Whoever holds the counts of one place, and answers each question with its own noise: how many
// records of each group have a score of at least the grid point `from[group]`.
using TailQuestion = std::function<base::Result<std::array<double, kGroups>>(
    const std::array<std::size_t, kGroups>& from)>;

// The same τ by halving the public grid: one answer for the totals, one at τ = 0, and levels − 1
// more, which together charge levels + 1 answers, asked or not. Cheaper in noise than the tree and
// asked one after another: for one place (CDP-Fair). Where the noise turns the search, the last
// interval is wrong and the result says what was measured there.
base::Result<PriceOfDisparity> search_price(const ThresholdTree& tree, double bound,
                                            const GroupScores& scores, const TailQuestion& ask);

}  // namespace hanse::fairness
