#include "learning/recipe.h"

#include <algorithm>
#include <cmath>

namespace hanse::learning::recipe {
namespace {

// Of a target within [−1, 1] that is spread evenly, and of a feature.
constexpr double kEvenVariance = 1.0 / 3;

// A gradient is (1, z) ⊗ (p − y): the first factor has a norm of about √(1 + directions), the
// second of `residual`. A quarter of that binds most units, which costs less than the noise it
// saves.
double clip_for(double directions, double residual) {
  return 0.25 * residual * std::sqrt(1 + directions);
}

// Half of what the curvature of the loss along whitened inputs allows. For a regression that is 1;
// for labels of these shares it is Σ π (1 − π) / (K − 1) where training starts, far below the bound
// of 1/2 where a label is rare.
double rate_for(double curvature) { return 0.5 / std::max(curvature, 0.05); }

}  // namespace

double moments_clip(const Architecture& architecture) {
  const double targets = architecture.task() == Task::regression ? kEvenVariance : 1;
  return 1 + 0.1 * static_cast<double>(architecture.inputs()) + targets;
}

Start start_from(const Architecture& architecture, const NoisedMoments& moments, double units) {
  Whitening whitening = whitening_of(moments, units);
  Start start{.map = std::move(whitening.map)};
  const double deviation = moments.sigma / units;
  const std::size_t first = 1 + moments.features;
  if (architecture.task() == Task::regression) {
    const double mean = std::clamp(moments.at(0, first) / units, -1.0, 1.0);
    const double variance =
        std::clamp(moments.at(first, first) / units - mean * mean, 0.01, kEvenVariance);
    start.biases = {mean};
    start.clip = clip_for(whitening.directions, std::sqrt(variance));
    start.rate = rate_for(1);
    return start;
  }
  double total = 0;
  for (std::size_t label = 0; label < moments.targets; ++label) {
    // A share that is not above the noise is not known to be above 0.
    start.biases.push_back(std::max(moments.at(0, first + label) / units, deviation / 2 + 0.001));
    total += start.biases.back();
  }
  double curvature = 0;
  for (double& bias : start.biases) {
    const double share = bias / total;
    curvature += share * (1 - share) / static_cast<double>(moments.targets - 1);
    bias = std::log(share);
  }
  start.clip = clip_for(whitening.directions, 1);
  start.rate = rate_for(curvature);
  return start;
}

Start start_blind(const Architecture& architecture) {
  const bool regression = architecture.task() == Task::regression;
  const double directions =
      std::max(1.0, static_cast<double>(architecture.inputs()) * kEvenVariance);
  return {.clip = clip_for(directions, regression ? std::sqrt(kEvenVariance) : 1),
          .rate = rate_for(regression ? 1 : 1 / static_cast<double>(architecture.outputs()))};
}

}  // namespace hanse::learning::recipe
