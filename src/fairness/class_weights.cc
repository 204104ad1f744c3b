#include "fairness/class_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hanse::fairness {
namespace {

using Losses = std::span<const std::optional<double>>;

void norm(std::vector<double>& shares) {
  const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= all;
}

double raised(double multiplier, double missed) {
  return std::max(0.0, multiplier + kStep * missed);
}

// Of what the classes lose, less a reference, what noise does not explain.
std::vector<std::optional<double>> drawn(const FairSpec& spec,
                                         std::span<const std::optional<Noised>> losses,
                                         std::span<const double> less) {
  double mean = 0;
  double all = 0;
  std::vector<std::optional<double>> values;
  for (std::size_t g = 0; g < losses.size(); ++g) {
    auto& value = values.emplace_back();
    if (!losses[g]) continue;
    value = losses[g]->value - (less.empty() ? 0 : less[g]);
    mean += spec.weights[g] * *value;
    all += spec.weights[g];
  }
  if (all > 0) mean /= all;
  for (std::size_t g = 0; g < losses.size(); ++g) {
    if (!values[g]) continue;
    const double distance = *values[g] - mean;
    const double noise = losses[g]->noise;
    const bool stands = std::abs(distance) > noise;
    values[g] = mean + (stands ? distance * (1 - noise * noise / (distance * distance)) : 0);
  }
  return values;
}

// Of the worst class: one multiplier each.
void lift_worst(const FairSpec& spec, Losses losses, Weighing& next) {
  for (std::size_t g = 0; g < losses.size(); ++g) {
    if (losses[g]) next.multipliers[g] = raised(next.multipliers[g], *losses[g] - spec.bound);
    next.shares[g] = spec.weights[g] + next.multipliers[g];
  }
}

// Of a gap: one multiplier for each i that loses more than j may.
void lift_above(const FairSpec& spec, Losses losses, Weighing& next) {
  const std::size_t classes = losses.size();
  std::vector<double> lifted(classes, 0.0);
  for (std::size_t i = 0; i < classes; ++i)
    for (std::size_t j = 0; j < classes; ++j) {
      double& multiplier = next.multipliers[i * classes + j];
      if (i != j && losses[i] && losses[j])
        multiplier = raised(multiplier, *losses[i] - *losses[j] - spec.bound);
      lifted[i] += multiplier;
      lifted[j] -= multiplier;
    }
  for (std::size_t g = 0; g < classes; ++g)
    next.shares[g] = std::max(spec.weights[g] + lifted[g], kLeastShare * spec.weights[g]);
}

// How many lose less, minus how many lose more.
double rank_of(std::size_t of, Losses losses) {
  double rank = 0;
  for (const std::optional<double>& other : losses)
    if (other && losses[of]) rank += (*other < *losses[of]) - (*other > *losses[of]);
  return rank;
}

}  // namespace

std::size_t multipliers_of(const FairSpec& spec) {
  if (spec.method != Method::saddle_point && spec.method != Method::combination) return 0;
  const std::size_t classes = spec.classes.size();
  return spec.constraint == ConstraintKind::worst_class ? classes : classes * classes;
}

Weighing first_weighing(const FairSpec& spec) {
  return {spec.weights, std::vector<double>(multipliers_of(spec), 0.0)};
}

Weighing next_weighing(const FairSpec& spec, const Weighing& before,
                       std::span<const std::optional<Noised>> noised) {
  const bool is_excess = multipliers_of(spec) > 0 && spec.constraint == ConstraintKind::excess_gap;
  const auto losses = drawn(spec, noised, is_excess ? spec.best : std::vector<double>());
  Weighing next = before;
  const auto each = [&](const auto& share_of) {
    for (std::size_t g = 0; g < losses.size(); ++g)
      if (losses[g]) next.shares[g] = share_of(g, std::max(*losses[g], 0.0));
  };
  switch (spec.method) {
    case Method::calibration:
    case Method::measure:
    case Method::dpsgd_f:
      return before;
    case Method::saddle_point:
    case Method::combination:
      spec.constraint == ConstraintKind::worst_class ? lift_worst(spec, losses, next)
                                                     : lift_above(spec, losses, next);
      break;
    case Method::agnostic:
      each([&](std::size_t g, double loss) {
        return before.shares[g] * std::exp(kAgnosticStep * std::min(loss, 16.0));
      });
      break;
    case Method::q_fedavg:
      each([&](std::size_t g, double loss) {
        return spec.weights[g] * std::max(std::pow(loss, kPower), 1e-6);
      });
      break;
    case Method::gifair: {
      const double step = kRankStep / static_cast<double>(losses.size() - 1);
      each(
          [&](std::size_t g, double) { return spec.weights[g] * (1 + step * rank_of(g, losses)); });
      break;
    }
  }
  norm(next.shares);
  return next;
}

RecordWeights record_weights(const Weighing& weighing, std::span<const double> records) {
  RecordWeights weights;
  const double all = std::accumulate(records.begin(), records.end(), 0.0);
  for (std::size_t g = 0; g < records.size(); ++g)
    weights.of_class.push_back(weighing.shares[g] / records[g]);
  const double most = std::ranges::max(weights.of_class);
  weights.part = 0;
  for (std::size_t g = 0; g < records.size(); ++g) {
    weights.of_class[g] = std::max(weights.of_class[g] / most, kLeastWeight);
    weights.part += weights.of_class[g] * records[g] / all;
  }
  weights.part = std::min(weights.part, 1.0);  // a sum of rounded parts may be a bit above
  if (weights.part >= kLeastPart) return weights;
  const double drawn = (kLeastPart - weights.part) / (1 - weights.part);
  for (double& weight : weights.of_class) weight += drawn * (1 - weight);
  weights.part = kLeastPart;
  return weights;
}

}  // namespace hanse::fairness
