#include "learning/recipe.h"

#include <algorithm>
#include <cmath>

namespace hanse::learning::recipe {
namespace {

// Of a target within [−1, 1] that is spread evenly, and of a feature.
constexpr double kEvenVariance = 1.0 / 3;
constexpr double kLeastVariance = 0.01;
// A label this rare would make steps that noise blows up.
constexpr double kLeastCurvature = 0.03;
// Of Adam, whose steps do not depend on the size of a gradient.
constexpr double kAdamRate = 0.02;
// l2 where inputs are not stretched, over the curvature.
constexpr double kUnstretchedL2 = 0.06;

bool is_network(const Architecture& architecture) { return architecture.kind() == ModelKind::mlp; }

// A gradient is (1, z) ⊗ (p − y): the first factor has a norm of about √(1 + directions), the
// second of `residual`. A quarter of that binds most units, which costs less than the noise it
// saves. A network's gradient has several such layers, whatever its inputs.
double clip_for(const Architecture& architecture, double directions, double residual) {
  return 0.25 * residual * (is_network(architecture) ? 4 : std::sqrt(1 + directions));
}

double rate_for(const Architecture& architecture, double curvature) {
  return is_network(architecture) ? kAdamRate : 0.5 / curvature;
}

// The usual value and how far values are from it.
struct Prior {
  std::vector<double> biases;
  double residual = 1;
  double curvature = 1;  // of the loss along whitened inputs where training starts
};

Prior prior_of(const Architecture& architecture, const NoisedMoments& moments, double weight) {
  const std::size_t first = 1 + moments.features;
  if (architecture.task() == Task::regression) {
    const double mean = std::clamp(moments.at(0, first) / weight, -1.0, 1.0);
    const double variance = moments.at(first, first) / weight - mean * mean;
    return {.biases = {mean},
            .residual = std::sqrt(std::clamp(variance, kLeastVariance, kEvenVariance))};
  }
  Prior prior;
  double total = 0;
  for (std::size_t label = 0; label < moments.targets; ++label) {
    // A share that is not above the noise is not known to be above 0.
    const double least = moments.sigma / weight / 2 + 0.001;
    prior.biases.push_back(std::max(moments.at(0, first + label) / weight, least));
    total += prior.biases.back();
  }
  double spread = 0;
  for (double& bias : prior.biases) {
    const double share = bias / total;
    spread += share * (1 - share);
    bias = std::log(share);
  }
  // Twice the mean of π_k π_l over pairs of labels; of two labels, 2 π (1 − π).
  const auto labels = static_cast<double>(moments.targets);
  prior.curvature = std::max(2 * spread / (labels * (labels - 1)), kLeastCurvature);
  return prior;
}

// The spread that noise alone would give to the weights, over what they can be.
double l2_for(const Architecture& architecture, const Prior& prior, double clip,
              const GradientNoise& noise) {
  if (is_network(architecture)) return 0;
  const double spread = clip * noise.multiplier / (noise.units * prior.curvature);
  return prior.curvature * static_cast<double>(architecture.inputs()) * spread * spread /
         (prior.residual * prior.residual);
}

}  // namespace

bool whitens(const data::Schema& schema) {
  std::size_t numbers = 0;
  for (const data::Column& column : schema.columns())
    if (column.kind == data::ColumnKind::number) ++numbers;
  return 2 * (schema.feature_count() - numbers) <= schema.feature_count();
}

double moments_share(bool units_are_records, bool whitens) {
  if (!whitens) return 0.05 + kCountShare;
  return (units_are_records ? 0.25 : 0.40) + kCountShare;
}

double moments_clip(const Architecture& architecture) {
  const double targets = architecture.task() == Task::regression ? kEvenVariance : 1;
  return 1 + 0.1 * static_cast<double>(architecture.inputs()) + targets;
}

double average(const Architecture& architecture) { return is_network(architecture) ? 0.25 : 0.5; }

OptimiserSpec optimiser(const Architecture& architecture, double rate) {
  if (!is_network(architecture))
    return {.kind = OptimiserKind::sgd, .learning_rate = rate, .momentum = 0};
  return {.kind = OptimiserKind::adam, .learning_rate = rate, .beta2 = 0.95};
}

Start start_from(const Architecture& architecture, const NoisedMoments& moments, double weight,
                 bool whitens, const GradientNoise& noise, double clip) {
  Whitening whitening = whitening_of(moments, weight, whitens);
  Prior prior = prior_of(architecture, moments, weight);
  Start start{.map = std::move(whitening.map)};
  start.clip = clip > 0 ? clip : clip_for(architecture, whitening.directions, prior.residual);
  start.l2 = whitens ? l2_for(architecture, prior, start.clip, noise)
                     : (is_network(architecture) ? 0 : kUnstretchedL2 * prior.curvature);
  start.rate = rate_for(architecture, prior.curvature + start.l2);
  start.biases = std::move(prior.biases);
  return start;
}

Start start_blind(const Architecture& architecture) {
  const bool regression = architecture.task() == Task::regression;
  const double directions =
      std::max(1.0, static_cast<double>(architecture.inputs()) * kEvenVariance);
  // As of labels that are all equally frequent.
  const double labels = static_cast<double>(architecture.outputs());
  const double curvature = regression ? 1 : 2 / (labels * labels);
  return {.clip = clip_for(architecture, directions, regression ? std::sqrt(kEvenVariance) : 1),
          .rate = rate_for(architecture, std::max(curvature, kLeastCurvature))};
}

}  // namespace hanse::learning::recipe
