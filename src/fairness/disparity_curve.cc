#include "fairness/disparity_curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<void> check_bound(double bound) {
  if (!(bound >= 0 && bound <= 1))
    return fail(ErrorCode::invalid_argument,
                "the bound on the disparity is {}; it must lie in 0 to 1", bound);
  return {};
}

Result<void> check_total(std::size_t group, double total) {
  if (!(total > 0) || !std::isfinite(total))
    return fail(ErrorCode::failed_precondition,
                "group {} counts {} records with noise, too few for a rate; take more records or "
                "spend more budget",
                group, total);
  return {};
}

// Neighbouring grid points between which the disparity falls to what is aimed at.
struct Fall {
  std::size_t low = 0;
  double at_low = 0;   // above what is aimed at
  double at_high = 0;  // at most that, at low + 1
};

// The price between them. Where they are less than kEven apart their scores may as well lie evenly
// in between. Where not, many may be equal, and a price between takes all of them or none: so it is
// the end that keeps the bound or, where neither does, comes nearer.
PriceOfDisparity price_in(const ThresholdTree& tree, const Fall& fall, double free, double bound) {
  constexpr double kEven = 0.01;
  const double falls = fall.at_low - fall.at_high;
  const double target = free > 0 ? bound : -bound;
  double part = std::abs(fall.at_low) < std::abs(fall.at_high) ? 0 : 1;
  if (falls <= kEven) part = std::clamp((fall.at_low - target) / falls, 0.0, 1.0);
  const double left = tree.threshold(fall.low);
  return {left + part * (tree.threshold(fall.low + 1) - left), free, fall.at_low - part * falls};
}

}  // namespace

void make_falling(std::span<double> values) {
  struct Block {
    double mean;
    std::size_t size;
  };
  std::vector<Block> blocks;
  for (const double value : values) {
    blocks.push_back({value, 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean < blocks.back().mean) {
      const Block last = blocks.back();
      blocks.pop_back();
      Block& block = blocks.back();
      const std::size_t size = block.size + last.size;
      block.mean +=
          (last.mean - block.mean) * static_cast<double>(last.size) / static_cast<double>(size);
      block.size = size;
    }
  }
  auto next = values.begin();
  for (const Block& block : blocks)
    next = std::fill_n(next, static_cast<std::ptrdiff_t>(block.size), block.mean);
}

Result<DisparityCurve> DisparityCurve::create(const ThresholdTree& tree,
                                              std::span<const std::vector<double>> leaf_counts) {
  if (leaf_counts.size() != kGroups)
    return fail(ErrorCode::invalid_argument, "counts of {} groups, found {}", kGroups,
                leaf_counts.size());
  std::vector<std::vector<double>> rates;
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::vector<double>& counts = leaf_counts[group];
    if (counts.size() != tree.leaves())
      return fail(ErrorCode::invalid_argument, "counts of {} leaves, found {}", tree.leaves(),
                  counts.size());
    std::vector<double> tail(counts.size() + 1);
    for (std::size_t leaf = counts.size(); leaf-- > 0;) tail[leaf] = tail[leaf + 1] + counts[leaf];
    const double total = tail.front();
    HANSE_TRY_VOID(check_total(group, total));
    for (double& value : tail) value /= total;
    // All are taken at the first threshold and none at the last: those two are known.
    make_falling(std::span(tail).subspan(1, tail.size() - 2));
    for (double& value : tail) value = std::clamp(value, 0.0, 1.0);
    rates.push_back(std::move(tail));
  }
  return DisparityCurve(tree, std::move(rates));
}

double DisparityCurve::rate(std::uint32_t group, double threshold) const {
  HANSE_CHECK(group < kGroups);
  const std::size_t leaf = tree_.leaf_of(threshold);
  const double part = std::clamp(
      (threshold - tree_.threshold(leaf)) * static_cast<double>(tree_.leaves()) / 2, 0.0, 1.0);
  const std::vector<double>& rates = rates_[group];
  return rates[leaf] + part * (rates[leaf + 1] - rates[leaf]);
}

double DisparityCurve::disparity(double tau) const { return rate(1, tau) - rate(0, -tau); }

Result<PriceOfDisparity> DisparityCurve::solve(double bound) const {
  HANSE_TRY_VOID(check_bound(bound));
  const std::size_t leaves = tree_.leaves();
  const double free = disparity(0);
  if (std::abs(free) <= bound) return PriceOfDisparity{0, free, free};
  const double target = free > 0 ? bound : -bound;
  std::size_t low = free > 0 ? leaves / 2 : 0;
  std::size_t high = free > 0 ? leaves : leaves / 2;
  const auto at = [&](std::size_t j) { return disparity(tree_.threshold(j)); };
  while (high - low > 1) {
    const std::size_t between = low + (high - low) / 2;
    (at(between) > target ? low : high) = between;
  }
  return price_in(tree_, {low, at(low), at(high)}, free, bound);
}

Result<PriceOfDisparity> search_price(const ThresholdTree& tree, double bound,
                                      const TailQuestion& ask) {
  HANSE_TRY_VOID(check_bound(bound));
  const std::size_t leaves = tree.leaves();
  HANSE_TRY(const auto totals, ask({0, 0}));
  for (std::size_t group = 0; group < kGroups; ++group)
    HANSE_TRY_VOID(check_total(group, totals[group]));
  const auto disparity_at = [&](std::size_t j) -> Result<double> {
    HANSE_TRY(const auto tails, ask({leaves - j, j}));
    return std::clamp(tails[1] / totals[1], 0.0, 1.0) - std::clamp(tails[0] / totals[0], 0.0, 1.0);
  };
  const std::size_t middle = leaves / 2;
  HANSE_TRY(const double free, disparity_at(middle));
  if (std::abs(free) <= bound) return PriceOfDisparity{0, free, free};
  const double target = free > 0 ? bound : -bound;
  std::size_t low = free > 0 ? middle : 0;
  std::size_t high = free > 0 ? leaves : middle;
  // All of one group and none of the other: known at the ends of the grid.
  double at_low = free > 0 ? free : 1;
  double at_high = free > 0 ? -1 : free;
  while (high - low > 1) {
    const std::size_t between = low + (high - low) / 2;
    HANSE_TRY(const double now, disparity_at(between));
    if (now > target) {
      low = between;
      at_low = now;
    } else {
      high = between;
      at_high = now;
    }
  }
  return price_in(tree, {low, at_low, at_high}, free, bound);
}

}  // namespace hanse::fairness
