// Two groups' scores counted against a public grid of thresholds, so that every threshold's
// selection rates can be read from one noised vector.
//
// A record's score is z = 2πₐ(η − ½) in [−1, 1], and the rule of one price τ takes it where z ≥ τ
// in group 1 and z ≥ −τ in group 0 (oracle.h). Leaves are the intervals between neighbouring grid
// points; above them stands a binary tree, and a record counts in its leaf and in all nodes above
// it, the root too. A tail of leaves is then a sum of few nodes (the binary mechanism of Dwork,
// Naor, Pitassi, Rothblum 2010, and of Chan, Shi, Song 2011). The grid is public: thresholds never
// come from a record's own score. Searching among those tells the record.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "privacy/mechanisms/sensitivity.h"

namespace hanse::fairness {

inline constexpr std::uint32_t kGroups = 2;

class ThresholdTree {
 public:
  // 2^levels leaves, levels 1 to 16; else invalid_argument.
  static base::Result<ThresholdTree> create(std::uint32_t levels);

  std::uint32_t levels() const { return levels_; }
  std::size_t leaves() const { return std::size_t{1} << levels_; }
  std::size_t nodes() const { return 2 * leaves() - 1; }
  // Of the vector of both groups: group after group, each from the root down, level by level.
  std::size_t coordinates() const { return kGroups * nodes(); }

  // Grid point j of leaves() + 1: −1 + 2j/leaves().
  double threshold(std::size_t j) const;
  // The leaf i with threshold(i) ≤ score < threshold(i + 1); beyond the grid the outermost. NaN has
  // none: checked, aborts.
  std::size_t leaf_of(double score) const;

  // Adds one record to the vector: 1 at levels + 1 coordinates.
  void count(std::uint32_t group, double score, std::span<std::int64_t> vector) const;
  // What one record moves: L2 norm √(levels + 1), replaced √2 times that.
  privacy::Sensitivity sensitivity(privacy::Neighbours neighbours) const;

  // Each group's counts by leaf: the least-squares fit to all noised nodes, whose noise is alike,
  // among counts where each node is the sum of its children (Hay, Rastogi, Miklau, Suciu 2010,
  // "Boosting the accuracy of differentially private histograms through consistency", theorem 3).
  // May be negative. `vector` has coordinates() finite entries, else invalid_argument.
  base::Result<std::vector<std::vector<double>>> leaf_counts(std::span<const double> vector) const;

  bool operator==(const ThresholdTree&) const = default;

 private:
  explicit ThresholdTree(std::uint32_t levels) : levels_(levels) {}
  std::uint32_t levels_;
};

}  // namespace hanse::fairness
