// P(Y = 1 | x, group) learned from noised counts: a kernel estimate on public cells.
//
// A record counts once, in the cell of its features, its group and its label. Everything after the
// noise is post-processing: the counts are smoothed by a Gaussian kernel, feature by feature, how
// widely is chosen by an unbiased estimate of the error in which the noise's variance is known, and
// the two labels' ratio is the probability. Xue and Yu 2026 add a Gaussian process to kernel sums
// wherever they are read; the smoothed noise of the cells is such a process, drawn once, so reading
// it anywhere and often costs nothing more.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "learning/cells.h"

namespace hanse::fairness {

// Public. Cells of one width from low to high; values beyond count in the outermost.
struct FeatureGrid {
  double low = 0;
  double high = 1;
  std::uint32_t cells = 1;
  // Standard deviation of the kernel in the feature's unit; 0: values of different cells tell
  // nothing of one another.
  double bandwidth = 0;

  bool operator==(const FeatureGrid&) const = default;
};

class CellGrid {
 public:
  // Finite numbers, low < high, bandwidth ≥ 0, 1 to 8 features of 1 to 2^16 cells, at most 2^18
  // cells in all; else invalid_argument.
  static base::Result<CellGrid> create(std::vector<FeatureGrid> features);

  std::size_t cells() const { return cells_; }
  const std::vector<FeatureGrid>& features() const { return features_; }

  // None where a feature is not a number. One value for each feature: checked, aborts.
  std::optional<std::size_t> cell_of(std::span<const double> values) const;

  // What smoothing at `width` times the bandwidths does: the kernel's mean over cells, whose
  // weights add up to 1 at the edges too.
  struct Smoothed {
    std::vector<double> means;
    std::vector<double> own;      // weight of a cell in its own mean
    std::vector<double> squares;  // sum of the squares of the weights: noise that is left
  };
  // `counts` has cells() entries; width ≥ 0, finite: checked, aborts.
  Smoothed smooth(std::span<const double> counts, double width) const;

  bool operator==(const CellGrid&) const = default;

 private:
  CellGrid(std::vector<FeatureGrid> features, std::size_t cells);
  std::vector<FeatureGrid> features_;
  std::vector<learning::Axis> axes_;  // of the values of one record
  std::size_t cells_;
};

struct Probabilities {
  std::vector<double> of_cell;  // in [0, 1]
  double width = 1;             // the multiple of the bandwidths that was chosen
};

// Of one group, from the counts of label 0 and 1 by cell with noise of that variance on each
// (0: none). Of `widths` the one is taken whose summed squared error against the expected counts is
// the least by Stein's estimate: ‖smoothed − counts‖² + Σ(2·own − 1)·variance, a count's variance
// being its expectation and the noise. Where there is little but noise the ratio leans towards
// `rate`, the group's share of label 1, by as much as the noise's deviation there.
// Sizes that differ, a number that is not finite, no width: invalid_argument.
base::Result<Probabilities> fit_probabilities(const CellGrid& grid, std::span<const double> zeros,
                                              std::span<const double> ones, double noise_variance,
                                              double rate, std::span<const double> widths);

}  // namespace hanse::fairness
