#include "fairness/group_metrics.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

std::optional<double> share(double part, double whole) {
  return whole > 0 ? std::optional(part / whole) : std::nullopt;
}

Result<void> check_groups(std::size_t records, std::span<const std::uint32_t> group_of,
                          std::size_t groups) {
  if (group_of.size() != records)
    return fail(ErrorCode::invalid_argument, "expected a group for each of {} records, found {}",
                records, group_of.size());
  for (const std::uint32_t group : group_of)
    if (group >= groups) return fail(ErrorCode::invalid_argument, "group {} of {}", group, groups);
  return {};
}

// What a share of the mean adds to the entropy.
double entropy(double share, double order) {
  if (order == 0) return -std::log(share);
  if (order == 1) return share > 0 ? share * std::log(share) : 0;
  return (std::pow(share, order) - 1) / (order * (order - 1));
}

struct Means {
  std::vector<double> sums;  // by group
  std::vector<double> sizes;
  double sum = 0;
  double size = 0;

  double of(std::size_t group) const { return sums[group] / sizes[group]; }
  double overall() const { return sum / size; }
};

Result<Means> means_of(std::span<const double> values, std::span<const std::uint32_t> group_of,
                       std::size_t groups, std::string_view what) {
  HANSE_TRY_VOID(check_groups(values.size(), group_of, groups));
  Means means{std::vector<double>(groups), std::vector<double>(groups)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= 0 && std::isfinite(values[i])))
      return fail(ErrorCode::invalid_argument, "a {} is a number not below 0, found {}", what,
                  values[i]);
    means.sums[group_of[i]] += values[i];
    means.sizes[group_of[i]] += 1;
    means.sum += values[i];
    means.size += 1;
  }
  if (!std::isfinite(means.sum))
    return fail(ErrorCode::invalid_argument, "the sum of {} values is beyond any number", what);
  return means;
}

}  // namespace

std::optional<double> Confusion::selection_rate() const {
  return share(true_positives + false_positives, size());
}
std::optional<double> Confusion::true_positive_rate() const {
  return share(true_positives, true_positives + false_negatives);
}
std::optional<double> Confusion::false_positive_rate() const {
  return share(false_positives, false_positives + true_negatives);
}
std::optional<double> Confusion::error() const {
  return share(false_positives + false_negatives, size());
}

Result<std::vector<Confusion>> confusions(std::span<const std::uint32_t> labels,
                                          std::span<const std::uint32_t> decisions,
                                          std::span<const std::uint32_t> group_of,
                                          std::size_t groups) {
  HANSE_TRY_VOID(check_groups(labels.size(), group_of, groups));
  if (decisions.size() != labels.size())
    return fail(ErrorCode::invalid_argument, "expected a decision for each of {} labels, found {}",
                labels.size(), decisions.size());
  std::vector<Confusion> found(groups);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] > 1 || decisions[i] > 1)
      return fail(ErrorCode::invalid_argument, "labels and decisions are 0 or 1, found {} and {}",
                  labels[i], decisions[i]);
    Confusion& of = found[group_of[i]];
    if (decisions[i] == 1)
      (labels[i] == 1 ? of.true_positives : of.false_positives) += 1;
    else
      (labels[i] == 1 ? of.false_negatives : of.true_negatives) += 1;
  }
  return found;
}

Confusion together(std::span<const Confusion> groups) {
  Confusion all;
  for (const Confusion& one : groups) {
    all.true_positives += one.true_positives;
    all.false_positives += one.false_positives;
    all.true_negatives += one.true_negatives;
    all.false_negatives += one.false_negatives;
  }
  return all;
}

std::optional<RateSpread> spread(std::span<const Confusion> groups, Rate rate) {
  std::vector<double> rates;
  for (const Confusion& group : groups)
    if (const auto value = (group.*rate)()) rates.push_back(*value);
  if (rates.empty()) return {};
  const auto [least, most] = std::ranges::minmax(rates);
  return RateSpread{least, most};
}

std::optional<double> demographic_parity_difference(std::span<const Confusion> groups) {
  const auto rates = spread(groups, &Confusion::selection_rate);
  return rates ? std::optional(rates->difference()) : std::nullopt;
}

std::optional<double> demographic_parity_ratio(std::span<const Confusion> groups) {
  const auto rates = spread(groups, &Confusion::selection_rate);
  return rates ? std::optional(rates->ratio()) : std::nullopt;
}

std::optional<double> equalised_odds_difference(std::span<const Confusion> groups) {
  const auto right = spread(groups, &Confusion::true_positive_rate);
  const auto wrong = spread(groups, &Confusion::false_positive_rate);
  if (!right || !wrong) return {};
  return std::max(right->difference(), wrong->difference());
}

std::optional<double> equalised_odds_ratio(std::span<const Confusion> groups) {
  const auto right = spread(groups, &Confusion::true_positive_rate);
  const auto wrong = spread(groups, &Confusion::false_positive_rate);
  if (!right || !wrong) return {};
  return std::min(right->ratio(), wrong->ratio());
}

std::optional<RateSpread> GroupLosses::spread() const {
  std::vector<double> known;
  for (const std::optional<double>& mean : means)
    if (mean) known.push_back(*mean);
  if (known.empty()) return {};
  const auto [least, most] = std::ranges::minmax(known);
  return RateSpread{least, most};
}

Result<GroupLosses> group_losses(std::span<const double> losses,
                                 std::span<const std::uint32_t> group_of, std::size_t groups) {
  HANSE_TRY(const Means means, means_of(losses, group_of, groups, "loss"));
  if (losses.empty())
    return fail(ErrorCode::invalid_argument, "expected one loss at least, found none");
  GroupLosses found{std::vector<std::optional<double>>(groups), means.overall()};
  for (std::size_t g = 0; g < groups; ++g)
    if (means.sizes[g] > 0) found.means[g] = means.of(g);
  return found;
}

Result<Inequality> inequality(std::span<const double> benefits,
                              std::span<const std::uint32_t> group_of, std::size_t groups,
                              double order) {
  if (!(order >= 0 && order <= kMostOrder))
    return fail(ErrorCode::invalid_argument, "an order lies from 0 to {}, found {}", kMostOrder,
                order);
  HANSE_TRY(const Means means, means_of(benefits, group_of, groups, "benefit"));
  if (!(means.sum > 0))
    return fail(ErrorCode::invalid_argument, "benefits are 0 altogether: nothing is divided");
  if (order == 0 && std::ranges::min(benefits) <= 0)
    return fail(ErrorCode::invalid_argument,
                "of order 0 each benefit is above 0: take order 1 or more");
  Inequality found;
  for (std::size_t g = 0; g < groups; ++g)
    if (means.sizes[g] > 0)
      found.between += means.sizes[g] / means.size * entropy(means.of(g) / means.overall(), order);
  for (std::size_t i = 0; i < benefits.size(); ++i) {
    const double of_group = means.of(group_of[i]);
    if (of_group == 0) continue;  // nobody in it has anything
    found.within += std::pow(of_group / means.overall(), order) *
                    entropy(benefits[i] / of_group, order) / means.size;
  }
  return found;
}

}  // namespace hanse::fairness
