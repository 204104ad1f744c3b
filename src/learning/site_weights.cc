#include "learning/site_weights.h"

#include <algorithm>
#include <cmath>

namespace hanse::learning {
namespace {

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

}  // namespace

base::Result<double> effective_units(double units, double rho, double coordinates,
                                     double variance) {
  if (!is_positive(units) || !is_positive(coordinates) || !is_positive(variance) ||
      !std::isfinite(rho) || rho < 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "effective units need units, coordinates and a variance above 0 and a rho of "
                      "at least 0; found {}, {}, {} and {}",
                      units, coordinates, variance, rho);
  if (rho == 0) return 0.0;
  const double kappa = coordinates / (2 * variance);
  return units / (1 + kappa / (units * rho));
}

base::Result<std::vector<double>> site_weights(std::span<const SiteBudget> sites,
                                               double coordinates, double variance) {
  std::vector<double> weights;
  for (const SiteBudget& site : sites) {
    HANSE_TRY(const double effective, effective_units(site.units, site.rho, coordinates, variance));
    weights.push_back(effective / site.units);
  }
  if (std::ranges::all_of(weights, [](double weight) { return weight == 0; }))
    return base::fail(base::ErrorCode::invalid_argument,
                      "no site of {} grants a budget: nothing could be learned", sites.size());
  return weights;
}

}  // namespace hanse::learning
