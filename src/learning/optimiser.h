// Steps along a gradient: SGD with momentum, and Adam.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hanse::learning {

enum class OptimiserKind { sgd, adam };

std::string_view name_of(OptimiserKind kind);
base::Result<OptimiserKind> optimiser_kind(std::string_view name);

struct OptimiserSpec {
  OptimiserKind kind = OptimiserKind::adam;
  double learning_rate = 0.001;
  double momentum = 0.9;  // of sgd
  // Of adam: Kingma and Ba 2015, Algorithm 1, with the values proposed there.
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;

  bool operator==(const OptimiserSpec&) const = default;
};

// learning_rate and epsilon above 0, the others in [0, 1). Else invalid_argument.
base::Result<void> check_optimiser(const OptimiserSpec& spec);

// What an optimiser remembers between steps. Vectors are empty before the first step.
struct Moments {
  std::vector<double> first;
  std::vector<double> second;
  std::uint32_t steps = 0;

  bool operator==(const Moments&) const = default;
};

// Moves parameters against the gradient, in place. sgd: v ← momentum · v + g, θ ← θ − rate · v
// (Polyak 1964 as Sutskever et al. 2013 write it, with v scaled by −rate).
void descend(const OptimiserSpec& spec, Moments& moments, std::span<double> parameters,
             std::span<const double> gradient);

}  // namespace hanse::learning
