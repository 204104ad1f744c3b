// Weights for sites whose owners grant different budgets: how many records without noise a site's
// noised sum is worth.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "privacy/noise_plan.h"

namespace hanse::learning {

// A site's mean over n units, each within a clip C of zero, with variance v C² in all coordinates
// together, carries v C²/n of sampling error and, at ρ (zCDP), d C²/(2 ρ n²) of noise: σ = C/√(2ρ)
// on each of d coordinates of a sum. The same error without noise would take
//
//   n_eff = n / (1 + κ/(nρ)),   κ = d / (2v),
//
// which is n where n ≫ κ/ρ, and n²ρ/κ where n ≪ κ/ρ. ρ = 0: 0. n, v and d above 0, ρ ≥ 0: else
// invalid_argument.
base::Result<double> effective_units(double units, double rho, double coordinates,
                                     double variance = 1);

struct SiteBudget {
  double units = 0;  // as far as it is publicly known
  double rho = 0;    // of one answer
};

// Weights on the sites' sums, at most 1, by which the error of the weighted mean is least: a mean
// weighs as much as its effective units (the inverse of its variance), hence a sum n_eff/n. They
// are public, and part of the plan; a site's answer then charges weight · C. A fleet without any
// effective unit: invalid_argument.
base::Result<std::vector<double>> site_weights(std::span<const SiteBudget> sites,
                                               double coordinates, double variance = 1);

// What most sites of a fleet are asked, as far as a share in it rests on it.
struct UsualAnswer {
  privacy::Placement placement = privacy::Placement::site;
  double coordinates = 0;
  double rho = 0;    // that one answer costs them
  double units = 0;  // in one answer of each of them; 0: not publicly known
};

// The share of a site that takes `dose` ≥ 1 times the others' noise over its sensitivity, and so
// pays rho/dose² for the same answer. Where it draws its own noise: the weight n_eff/n relative to
// theirs, 1/dose² where nobody knows n (noise outweighs all), and a σ to match. Where one dose
// serves all, the weight can only be 1/dose. Values out of range: invalid_argument.
base::Result<privacy::SiteShare> share_at(const UsualAnswer& usual, double dose);

}  // namespace hanse::learning
