#include "fairness/group_metrics.h"

#include <algorithm>
#include <cmath>

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

Result<Inequality> inequality(std::span<const double> benefits,
                              std::span<const std::uint32_t> group_of, std::size_t groups) {
  HANSE_TRY_VOID(check_groups(benefits.size(), group_of, groups));
  std::vector<double> sums(groups);
  std::vector<double> sizes(groups);
  double sum = 0;
  for (std::size_t i = 0; i < benefits.size(); ++i) {
    if (!(benefits[i] >= 0 && std::isfinite(benefits[i])))
      return fail(ErrorCode::invalid_argument, "a benefit is not below 0, found {}", benefits[i]);
    sums[group_of[i]] += benefits[i];
    sizes[group_of[i]] += 1;
    sum += benefits[i];
  }
  if (!(sum > 0))
    return fail(ErrorCode::invalid_argument, "benefits are 0 altogether: nothing is divided");
  const auto n = static_cast<double>(benefits.size());
  const double mean = sum / n;
  Inequality found;
  for (std::size_t g = 0; g < groups; ++g) {
    if (sizes[g] == 0) continue;
    const double apart = sums[g] / sizes[g] - mean;
    found.between += sizes[g] * apart * apart;
  }
  for (std::size_t i = 0; i < benefits.size(); ++i) {
    const double apart = benefits[i] - sums[group_of[i]] / sizes[group_of[i]];
    found.within += apart * apart;
  }
  found.between /= 2 * n * mean * mean;
  found.within /= 2 * n * mean * mean;
  return found;
}

}  // namespace hanse::fairness
