// What makes a training private: whom it protects, how much noise it takes, and the recipe by which
// it learns in spite of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/ids.h"
#include "privacy/noise_plan.h"

namespace hanse::learning {

struct PrivateSpec {
  std::string unit = "record";  // or the name of the unit's column
  privacy::Placement placement = privacy::Placement::shared;
  std::uint32_t shares = 1;  // NoisePlan::shares
  privacy::Neighbours neighbours = privacy::Neighbours::add_remove;
  double sampling_rate = 1;  // of each round of gradients; the moments take every unit

  std::uint32_t rounds = 60;  // of gradients: recipe::kRounds
  // σ over the sensitivity, of all parts of an answer together: so one answer costs
  // ρ = 1/(2 multiplier²), whatever its clips. 0 for the moments: no such round.
  double moments_multiplier = 0;
  double multiplier = 0;
  // The same of a last round that asks how good the model is. 0: no such round.
  double metrics_multiplier = 0;
  // Share of the round of moments' ρ that pays for the number of units, by which all is divided.
  double count_share = 0.14;
  // Units in the fleet, as far as it is publicly known: what sums are divided by. 0: the noised
  // count among the moments.
  double expected_units = 0;

  // What the recipe chooses where it is 0 (recipe.h).
  double moments_clip = 0;  // L2 norm of a unit's second moments
  double clip = 0;          // L2 norm of a unit's gradient, in whitened inputs
  double learning_rate = 0;
  double average = 0;   // the last share of the rounds whose iterates are averaged
  bool whitens = true;  // else inputs are centred only (recipe::whitens)
  // Share of units that are to be clipped: above 0, the clip follows it round by round.
  double clipped_share = 0;
  // Sites whose owners grant less than the others: site_weights.h.
  std::map<base::SiteId, privacy::SiteShare> sites = {};

  bool operator==(const PrivateSpec&) const = default;
};

// Values out of range: invalid_argument naming the key.
base::Result<void> check_private(const PrivateSpec& spec);

// Multipliers for which the whole training costs this ρ (zCDP) in all, the share `moments` of it
// for the round of moments (recipe::moments_share) and `metrics` for that of metrics; rounding and
// the sum of shares come on top, far below 1 %.
void spend(PrivateSpec& spec, double rho, double moments, double metrics = 0);

// ρ of all rounds, rounding and sampling apart.
double rho_of(const PrivateSpec& spec);
// The same training for this share of its ρ.
PrivateSpec with_share(PrivateSpec spec, double share);

}  // namespace hanse::learning
