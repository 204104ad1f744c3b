#include "active/budget.h"

#include <algorithm>
#include <cmath>

namespace hanse::active {
namespace {

constexpr double kEven = .1;  // of a quota: how far noise should move a cycle's labels
constexpr double kMost = .1;  // of the budget: what that is worth

// Noised numbers whose noise moves the picks of a cycle: half of them lie above a threshold.
double numbers_above(const ActiveSpec& spec, std::size_t labels) {
  if (spec.rule == SelectionRule::uniform) return 1;
  return std::max(1.0, cells_of(spec.strata, spec.classes, labels) * spec.bins / 2.0);
}

// Of the number in each bin, with the whole budget.
double variance(const ActiveSpec& spec, double rho) {
  return histograms_of_record(spec) / (2 * rho);
}

}  // namespace

std::uint32_t histograms_of_record(const ActiveSpec& spec) {
  return spec.arrivals.empty() ? spec.cycles : std::min(spec.cycles, 2U);
}

double estimation_share(const ActiveSpec& spec, std::size_t labels, double rho) {
  if (spec.estimation) return *spec.estimation;
  const double moved = variance(spec, rho) * numbers_above(spec, labels);
  const double bought = spec.initial + (spec.cycles - 1) * spec.quota;
  const double k = 3 * (spec.cycles - 1) * moved / (bought * bought);
  const double even = moved / (kEven * spec.quota * kEven * spec.quota);
  return std::max(std::sqrt(k * (k + 1)) - k, std::min(even, kMost));
}

double quota_deviation(const ActiveSpec& spec, std::size_t labels, double rho) {
  return std::sqrt(variance(spec, rho) * numbers_above(spec, labels) /
                   estimation_share(spec, labels, rho));
}

double share_of_cycle(const ActiveSpec& spec, std::uint32_t cycle) {
  if (spec.cycles == 1) return 1;
  return cycle + 1 == spec.cycles ? spec.last : (1 - spec.last) / (spec.cycles - 1);
}

std::vector<privacy::Charge> charges_of_block(const ActiveSpec& spec,
                                              std::span<const privacy::Charge> charges,
                                              std::uint32_t block) {
  const std::size_t histograms = histograms_of_record(spec);
  HANSE_CHECK(charges.size() >= histograms && (charges.size() - histograms) % spec.cycles == 0);
  if (block == 0) return {charges.begin(), charges.end()};
  if (block >= spec.cycles) return {};
  const std::size_t training = (charges.size() - histograms) / spec.cycles;
  // Every cycle behind the first counts one block's scores: that of the first two stands for all.
  std::vector<privacy::Charge> own;
  if (block + 1 < spec.cycles) own.push_back(charges[training + 1]);
  const auto trainings = charges.subspan(histograms + block * training);
  own.insert(own.end(), trainings.begin(), trainings.end());
  return own;
}

}  // namespace hanse::active
