#include "fairness/threshold_fairness.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::uint32_t kMaxLevels = 16;

// In place, over one group's nodes: node v has the children 2v + 1 and 2v + 2.
void make_consistent(std::uint32_t levels, std::span<double> node) {
  // Upwards: the best estimate of each node from what is at and below it.
  for (std::uint32_t level = levels; level-- > 0;) {
    const double leaves = std::ldexp(1.0, static_cast<int>(levels - level));
    const double own = leaves / (2 * leaves - 1);
    const std::size_t first = (std::size_t{1} << level) - 1;
    for (std::size_t v = first; v <= 2 * first; ++v)
      node[v] = own * node[v] + (1 - own) * (node[2 * v + 1] + node[2 * v + 2]);
  }
  // Downwards: what the parent knows better is shared out evenly.
  for (std::size_t v = 0; 2 * v + 2 < node.size(); ++v) {
    const double rest = node[v] - node[2 * v + 1] - node[2 * v + 2];
    node[2 * v + 1] += rest / 2;
    node[2 * v + 2] += rest / 2;
  }
}

}  // namespace

Result<ThresholdTree> ThresholdTree::create(std::uint32_t levels) {
  if (levels < 1 || levels > kMaxLevels)
    return fail(ErrorCode::invalid_argument,
                "a grid of thresholds has 1 to {} levels, found {}; 8 are 256 intervals",
                kMaxLevels, levels);
  return ThresholdTree(levels);
}

double ThresholdTree::threshold(std::size_t j) const {
  return -1 + std::ldexp(static_cast<double>(j), 1 - static_cast<int>(levels_));
}

std::size_t ThresholdTree::leaf_of(double score) const {
  HANSE_CHECK(!std::isnan(score));
  const double place = std::ldexp(std::clamp(score, -1.0, 1.0) + 1, static_cast<int>(levels_) - 1);
  std::size_t leaf = std::min(leaves() - 1, static_cast<std::size_t>(place));
  // The sum above may round up to a grid point that the score does not reach.
  if (leaf > 0 && score < threshold(leaf)) --leaf;
  return leaf;
}

void ThresholdTree::count(std::uint32_t group, double score, std::span<std::int64_t> vector) const {
  HANSE_CHECK(group < kGroups && vector.size() == coordinates());
  const auto nodes_of_group = vector.subspan(group * nodes(), nodes());
  std::size_t node = leaves() - 1 + leaf_of(score);
  ++nodes_of_group[node];
  while (node > 0) {
    node = (node - 1) / 2;
    ++nodes_of_group[node];
  }
}

privacy::Sensitivity ThresholdTree::sensitivity(privacy::Neighbours neighbours) const {
  // Disjoint bins within each level, and one record in one bin of each.
  return privacy::Sensitivity::of_histogram(neighbours).value().repeated(levels_ + 1).value();
}

Result<std::vector<std::vector<double>>> ThresholdTree::leaf_counts(
    std::span<const double> vector) const {
  if (vector.size() != coordinates())
    return fail(ErrorCode::invalid_argument,
                "a tree of {} levels has {} counts of both groups, found {}", levels_,
                coordinates(), vector.size());
  for (const double value : vector)
    if (!std::isfinite(value))
      return fail(ErrorCode::invalid_argument, "a noised count is finite, found {}", value);
  std::vector<std::vector<double>> result;
  for (std::size_t group = 0; group < kGroups; ++group) {
    const auto noised = vector.subspan(group * nodes(), nodes());
    std::vector<double> node(noised.begin(), noised.end());
    make_consistent(levels_, node);
    result.emplace_back(node.end() - static_cast<std::ptrdiff_t>(leaves()), node.end());
  }
  return result;
}

}  // namespace hanse::fairness
