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

using Rates = std::array<double, kGroups>;  // at a price

double disparity_of(const Rates& rates) { return rates[1] - rates[0]; }

// Neighbouring grid points between which the disparity falls to what is aimed at.
struct Fall {
  std::size_t low = 0;
  Rates at_low = {};   // above that
  Rates at_high = {};  // at most that, at low + 1
};

struct Step {
  double tau = 0;
  double falls = 0;
};

// At which prices within a leaf scores change sides: a score z of group 1 behind z, of group 0 from
// −z on. A group that has none there, and yet a fall, has one that noise made: in the middle.
std::vector<Step> steps_within(const ThresholdTree& tree, const Fall& fall,
                               const GroupScores& scores) {
  const double left = tree.threshold(fall.low);
  const double right = tree.threshold(fall.low + 1);
  const Rates falls{std::max(0.0, fall.at_high[0] - fall.at_low[0]),
                    std::max(0.0, fall.at_low[1] - fall.at_high[1])};
  // Noise may say that one group's share moved the other way; together they fell by this.
  const double scale =
      (disparity_of(fall.at_low) - disparity_of(fall.at_high)) / (falls[0] + falls[1]);
  std::vector<Step> steps;
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::vector<double>& known = scores[group];
    const auto first = group == 1 ? std::ranges::lower_bound(known, left)
                                  : std::ranges::lower_bound(known, -right);
    const auto last = group == 1 ? std::ranges::lower_bound(known, right)
                                 : std::ranges::lower_bound(known, -left);
    const double each = scale * falls[group] / std::max(1.0, static_cast<double>(last - first));
    if (first == last) steps.push_back({std::midpoint(left, right), each});
    for (auto score = first; score != last; ++score)
      steps.push_back({group == 1 ? *score : -*score, each});
  }
  std::ranges::sort(steps, {}, &Step::tau);
  return steps;
}

// The price between them: where no score changes sides the disparity is the same, so one of each
// such interval is looked at, and both ends.
PriceOfDisparity price_within(const ThresholdTree& tree, const Fall& fall,
                              const GroupScores& scores, double free, double bound) {
  const std::vector<Step> steps = steps_within(tree, fall, scores);
  const double right = tree.threshold(fall.low + 1);
  double left = disparity_of(fall.at_low);
  std::vector<PriceOfDisparity> prices = {{tree.threshold(fall.low), free, left}};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    left -= steps[i].falls;
    const double next = i + 1 < steps.size() ? steps[i + 1].tau : right;
    const double tau = std::midpoint(steps[i].tau, next);
    if (steps[i].tau < tau && tau < next) prices.push_back({tau, free, left});
  }
  prices.push_back({right, free, disparity_of(fall.at_high)});
  if (free < 0) std::ranges::reverse(prices);  // the least |τ| first
  const auto size = [](const PriceOfDisparity& price) { return std::abs(price.disparity); };
  const auto kept = std::ranges::find_if(prices, [&](double now) { return now <= bound; }, size);
  return kept != prices.end() ? *kept : *std::ranges::min_element(prices, {}, size);
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

Result<PriceOfDisparity> DisparityCurve::solve(double bound, const GroupScores& scores) const {
  HANSE_TRY_VOID(check_bound(bound));
  const std::size_t leaves = tree_.leaves();
  const double free = disparity(0);
  if (std::abs(free) <= bound) return PriceOfDisparity{0, free, free};
  const double target = free > 0 ? bound : -bound;
  std::size_t low = free > 0 ? leaves / 2 : 0;
  std::size_t high = free > 0 ? leaves : leaves / 2;
  const auto at = [&](std::size_t j) { return Rates{rates_[0][leaves - j], rates_[1][j]}; };
  while (high - low > 1) {
    const std::size_t between = low + (high - low) / 2;
    (disparity_of(at(between)) > target ? low : high) = between;
  }
  return price_within(tree_, {low, at(low), at(high)}, scores, free, bound);
}

Result<PriceOfDisparity> search_price(const ThresholdTree& tree, double bound,
                                      const GroupScores& scores, const TailQuestion& ask) {
  HANSE_TRY_VOID(check_bound(bound));
  const std::size_t leaves = tree.leaves();
  HANSE_TRY(const auto totals, ask({0, 0}));
  for (std::size_t group = 0; group < kGroups; ++group)
    HANSE_TRY_VOID(check_total(group, totals[group]));
  const auto rates_at = [&](std::size_t j) -> Result<Rates> {
    HANSE_TRY(const auto tails, ask({leaves - j, j}));
    return Rates{std::clamp(tails[0] / totals[0], 0.0, 1.0),
                 std::clamp(tails[1] / totals[1], 0.0, 1.0)};
  };
  const std::size_t middle = leaves / 2;
  HANSE_TRY(const Rates at_none, rates_at(middle));
  const double free = disparity_of(at_none);
  if (std::abs(free) <= bound) return PriceOfDisparity{0, free, free};
  const double target = free > 0 ? bound : -bound;
  std::size_t low = free > 0 ? middle : 0;
  std::size_t high = free > 0 ? leaves : middle;
  // All of one group and none of the other: known at the ends of the grid.
  Rates at_low = free > 0 ? at_none : Rates{0, 1};
  Rates at_high = free > 0 ? Rates{1, 0} : at_none;
  while (high - low > 1) {
    const std::size_t between = low + (high - low) / 2;
    HANSE_TRY(const Rates now, rates_at(between));
    if (disparity_of(now) > target) {
      low = between;
      at_low = now;
    } else {
      high = between;
      at_high = now;
    }
  }
  return price_within(tree, {low, at_low, at_high}, scores, free, bound);
}

}  // namespace hanse::fairness
