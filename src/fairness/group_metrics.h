// How alike a classifier treats groups of records, from decisions that are known to the record.
//
// Terms and values as fairlearn and AI Fairness 360 have them; inequality after Speicher et al.
// 2018, "A unified approach to quantifying algorithmic unfairness", KDD.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace hanse::fairness {

// Decisions against labels, of one group or of all.
struct Confusion {
  double true_positives = 0;
  double false_positives = 0;
  double true_negatives = 0;
  double false_negatives = 0;

  double size() const {
    return true_positives + false_positives + true_negatives + false_negatives;
  }
  // None where nothing is in the denominator.
  std::optional<double> selection_rate() const;
  std::optional<double> true_positive_rate() const;
  std::optional<double> false_positive_rate() const;
  std::optional<double> error() const;
};

// Of each group by number, `groups` of them. Spans of different lengths, decisions or labels other
// than 0 and 1, a group beyond: invalid_argument.
base::Result<std::vector<Confusion>> confusions(std::span<const std::uint32_t> labels,
                                                std::span<const std::uint32_t> decisions,
                                                std::span<const std::uint32_t> group_of,
                                                std::size_t groups);
Confusion together(std::span<const Confusion> groups);

// One rate over groups: those that have none are left out. Fewer than one group: none.
struct RateSpread {
  double least = 0;
  double most = 0;

  double difference() const { return most - least; }
  double ratio() const { return most > 0 ? least / most : 1; }  // 1 where all are 0
};
using Rate = std::optional<double> (Confusion::*)() const;
std::optional<RateSpread> spread(std::span<const Confusion> groups, Rate rate);

// Demographic parity: the spread of selection rates. Equalised odds: the greater difference, and
// the lesser ratio, of true and false positive rates.
std::optional<double> demographic_parity_difference(std::span<const Confusion> groups);
std::optional<double> demographic_parity_ratio(std::span<const Confusion> groups);
std::optional<double> equalised_odds_difference(std::span<const Confusion> groups);
std::optional<double> equalised_odds_ratio(std::span<const Confusion> groups);

// Losses that are known to the record, such as clipped ones.
struct GroupLosses {
  std::vector<std::optional<double>> means;  // none of a group without records
  double overall = 0;                        // of all records

  // Worst is `most`, the gap `difference`. None where no group has a mean.
  std::optional<RateSpread> spread() const;
};
// As of confusions; losses finite, not below 0, and one at least: else invalid_argument.
base::Result<GroupLosses> group_losses(std::span<const double> losses,
                                       std::span<const std::uint32_t> group_of, std::size_t groups);

// Generalised entropy of benefits, as a sum of that within groups and that between them.
struct Inequality {
  double within = 0;
  double between = 0;

  double total() const { return within + between; }
};

inline constexpr double kMostOrder = 8;

// Order 0 is the mean logarithmic deviation, 1 Theil's index, 2 half the squared coefficient of
// variation; the greater, the more it looks at those with most. Benefits not below 0 with a mean
// above it, of order 0 each above it, one group each, an order from 0 to kMostOrder: else
// invalid_argument. The benefit of a decision is usually decision − label + 1.
base::Result<Inequality> inequality(std::span<const double> benefits,
                                    std::span<const std::uint32_t> group_of, std::size_t groups,
                                    double order = 2);

}  // namespace hanse::fairness
