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

base::Result<privacy::SiteShare> share_at(const UsualAnswer& usual, double dose) {
  if (!is_positive(dose) || dose < 1)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a site of its own takes at least the others' noise, found {} times as much",
                      dose);
  if (usual.placement != privacy::Placement::site) return privacy::SiteShare{1 / dose, 1};
  if (usual.units == 0) return privacy::SiteShare{1 / (dose * dose), 1 / dose};
  const SiteBudget budgets[] = {{usual.units, usual.rho}, {usual.units, usual.rho / (dose * dose)}};
  HANSE_TRY(const std::vector<double> weights, site_weights(budgets, usual.coordinates));
  const double weight = std::min(weights[1] / weights[0], 1.0);
  return privacy::SiteShare{weight, weight * dose};
}

}  // namespace hanse::learning
