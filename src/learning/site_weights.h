// Weights for sites whose owners grant different budgets: how many records without noise a site's
// noised sum is worth.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"

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
// are public, and part of the plan; a site's answer then charges weight · C
// (Sensitivity::weighted). A fleet without any effective unit: invalid_argument.
base::Result<std::vector<double>> site_weights(std::span<const SiteBudget> sites,
                                               double coordinates, double variance = 1);

}  // namespace hanse::learning
