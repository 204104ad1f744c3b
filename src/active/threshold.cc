#include "active/threshold.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace hanse::active {
namespace {

using base::ErrorCode;

struct Group {
  std::size_t cells = 0;  // neighbouring ones
  std::set<std::uint32_t> sites;
};

// The neighbour that the group joins: the lower of the two places that become one.
std::size_t joint_of(const std::vector<Group>& groups, std::size_t least) {
  if (least == 0) return 0;
  if (least + 1 == groups.size()) return least - 1;
  return groups[least + 1].sites.size() < groups[least - 1].sites.size() ? least : least - 1;
}

base::Result<void> check(const Counts& counts, const Quota& quota) {
  if (counts.empty() || counts[0].empty() || counts[0].size() > kMaxBins)
    return base::fail(ErrorCode::invalid_argument,
                      "a histogram has at least one group and 1 to {} bins, found {} groups of {}",
                      kMaxBins, counts.size(), counts.empty() ? 0 : counts[0].size());
  for (const std::vector<double>& group : counts) {
    if (group.size() != counts[0].size())
      return base::fail(ErrorCode::invalid_argument,
                        "all groups have the same bins, found {} and {}", counts[0].size(),
                        group.size());
    if (!std::ranges::all_of(group, [](double count) { return std::abs(count) <= 0x1p62; }))
      return base::fail(ErrorCode::invalid_argument,
                        "released counts are within ±2^62, found one that is not");
  }
  if (!(quota.picks >= 0 && quota.picks <= 0x1p62) || !(quota.control >= 0 && quota.control <= 1))
    return base::fail(ErrorCode::invalid_argument,
                      "a quota is 0 to 2^62 picks with a control in [0, 1], found {} and {}",
                      quota.picks, quota.control);
  if (!(quota.pool_ratio > 0 && quota.pool_ratio <= 0x1p40))
    return base::fail(ErrorCode::invalid_argument,
                      "the ratio of the coming pool to the counted one is above 0 and at most "
                      "2^40, found {}",
                      quota.pool_ratio);
  return {};
}

// Where `want` candidates pass: the highest bin from which on there are so many.
CellRule threshold_for(const std::vector<double>& tail, double want) {
  const auto bins = static_cast<std::uint32_t>(tail.size() - 1);
  if (!(want > 0)) return {bins, 0};
  if (want >= tail[0]) return {0, 1};
  std::uint32_t bin = bins;
  while (tail[bin] < want) --bin;  // ends: tail[0] > want
  const double mass = tail[bin] - tail[bin + 1];
  return {bin, std::clamp((want - tail[bin + 1]) / mass, 0.0, 1.0)};
}

// The number that each group gives, or all it has, so that together they give `want`.
double even_share(std::vector<double> sizes, double want) {
  std::ranges::sort(sizes);
  double left = want;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double share = left / static_cast<double>(sizes.size() - i);
    if (sizes[i] >= share) return share;
    left -= sizes[i];
  }
  return sizes.back();
}

// Non-increasing tails, scaled to the pool that comes: one of all groups, or one of each.
Counts tails_of(const Counts& counts, const Quota& quota) {
  Counts tails;
  if (quota.division == Division::pooled) {
    std::vector<double> sums(counts[0].size(), 0.0);
    for (const std::vector<double>& group : counts)
      for (std::size_t bin = 0; bin < sums.size(); ++bin) sums[bin] += group[bin];
    tails.push_back(monotone_tail(sums));
  } else {
    for (const std::vector<double>& group : counts) tails.push_back(monotone_tail(group));
  }
  for (std::vector<double>& tail : tails)
    for (double& entry : tail) entry *= quota.pool_ratio;
  return tails;
}

}  // namespace

base::Result<CellGroups> merge_cells(std::span<const std::vector<std::uint32_t>> sites_of_cell,
                                     std::uint32_t floor) {
  if (sites_of_cell.empty() || floor == 0)
    return base::fail(ErrorCode::invalid_argument,
                      "cells are merged up to a floor of at least 1 site, found {} cells and a "
                      "floor of {}",
                      sites_of_cell.size(), floor);
  std::vector<Group> groups;
  for (const std::vector<std::uint32_t>& sites : sites_of_cell)
    groups.push_back({1, {sites.begin(), sites.end()}});
  const auto fewest = [&] {
    return std::ranges::min_element(groups, {}, [](const Group& g) { return g.sites.size(); });
  };
  for (auto least = fewest(); least->sites.size() < floor; least = fewest()) {
    if (groups.size() == 1)
      return base::fail(ErrorCode::failed_precondition,
                        "what is counted by class opens for at least {} sites, found {}; ask more "
                        "sites",
                        floor, least->sites.size());
    const std::size_t joint =
        joint_of(groups, static_cast<std::size_t>(std::distance(groups.begin(), least)));
    groups[joint].cells += groups[joint + 1].cells;
    groups[joint].sites.merge(groups[joint + 1].sites);
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(joint) + 1);
  }
  CellGroups merged;
  for (const Group& group : groups)
    merged.group_of.insert(merged.group_of.end(), group.cells, merged.groups++);
  return merged;
}

std::vector<double> monotone_tail(std::span<const double> counts) {
  struct Block {
    double sum;
    std::size_t length;
    double mean() const { return sum / static_cast<double>(length); }
  };
  // From the last bin to the first the tail must not fall; where it does, the fall is levelled.
  std::vector<Block> blocks;
  double tail = 0;
  for (std::size_t bin = counts.size(); bin-- > 0;) {
    tail += counts[bin];
    blocks.push_back({tail, 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean() > blocks.back().mean()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back() = {blocks.back().sum + last.sum, blocks.back().length + last.length};
    }
  }
  std::vector<double> tails(counts.size() + 1, 0.0);
  std::size_t bin = counts.size();
  for (const Block& block : blocks)
    for (std::size_t i = 0; i < block.length; ++i) tails[--bin] = std::max(block.mean(), 0.0);
  // Means of blocks may be out of order by their last bits.
  for (std::size_t b = counts.size(); b-- > 0;) tails[b] = std::max(tails[b], tails[b + 1]);
  return tails;
}

base::Result<ReleasedRule> fit_rule(const Counts& counts, const Quota& quota) {
  HANSE_TRY_VOID(check(counts, quota));
  const auto bins = static_cast<std::uint32_t>(counts[0].size());
  Counts tails = tails_of(counts, quota);
  double pool = 0;
  for (const std::vector<double>& tail : tails) pool += tail[0];

  ReleasedRule rule;
  rule.bins = bins;
  if (quota.picks == 0) {
    rule.cells.assign(counts.size(), {bins, 0});
    return rule;
  }
  rule.control = quota.control * std::min(1.0, quota.picks / std::max(pool, quota.picks));
  if (pool <= quota.picks) {
    rule.cells.assign(counts.size(), {0, 1});
    return rule;
  }
  // Only those who did not become control can pass.
  std::vector<double> sizes;
  for (std::vector<double>& tail : tails) {
    for (double& entry : tail) entry *= 1 - rule.control;
    sizes.push_back(tail[0]);
  }
  const double share = even_share(sizes, quota.picks * (1 - quota.control));
  for (const std::vector<double>& tail : tails)
    rule.cells.push_back(threshold_for(tail, std::min(share, tail[0])));
  rule.cells.resize(counts.size(), rule.cells[0]);  // pooled: the one for all
  return rule;
}

base::Result<ReleasedRule> rule_for_cells(const ReleasedRule& by_group, const CellGroups& groups) {
  HANSE_TRY_VOID(check_rule(by_group));
  ReleasedRule rule{by_group.bins, by_group.control, {}};
  for (const std::uint32_t group : groups.group_of) {
    if (group >= by_group.cells.size())
      return base::fail(ErrorCode::invalid_argument,
                        "a rule of {} groups says nothing of group {}; fit it to the histogram of "
                        "the same groups",
                        by_group.cells.size(), group);
    rule.cells.push_back(by_group.cells[group]);
  }
  HANSE_TRY_VOID(check_rule(rule));
  return rule;
}

ExpectedPicks expected_picks(const Counts& counts, const ReleasedRule& rule) {
  ExpectedPicks expected;
  const std::size_t cells = std::min(counts.size(), rule.cells.size());
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const CellRule& asked = rule.cells[cell];
    for (std::uint32_t bin = 0; bin < counts[cell].size(); ++bin) {
      const double keep = bin > asked.bin ? 1 : bin == asked.bin ? asked.keep : 0;
      expected.control += rule.control * counts[cell][bin];
      expected.informative += (1 - rule.control) * keep * counts[cell][bin];
    }
  }
  return expected;
}

}  // namespace hanse::active
