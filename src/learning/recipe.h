// The default recipe of private training: every number that nobody should have to tune on private
// records, as a function of public ones and of what was released.
#pragma once

#include <cstdint>

#include "learning/model.h"
#include "learning/whitening.h"

namespace hanse::learning::recipe {

// Share of ρ that the round of moments takes, with the number of units in it.
inline constexpr double kMomentsShare = 0.29;
// Rounds of gradients.
inline constexpr std::uint32_t kRounds = 50;

// L2 norm of a unit's second moments of v = (1, features, targets): ‖v‖² ≤ this.
double moments_clip(const Architecture& architecture);

// How training starts, and its clip and step.
struct Start {
  std::vector<double> map = {};     // empty: inputs are the features
  std::vector<double> biases = {};  // of the last layer; empty: as they are
  double clip = 0;
  double rate = 0;
};
// From what a round of moments released.
Start start_from(const Architecture& architecture, const NoisedMoments& moments, double units);
// From nothing.
Start start_blind(const Architecture& architecture);

}  // namespace hanse::learning::recipe
