#include "learning/private_spec.h"

#include <algorithm>
#include <cmath>

#include "learning/recipe.h"

namespace hanse::learning {
namespace {

base::Result<void> check_range(std::string_view key, double value, double low, double high) {
  // Also false for NaN.
  if (value >= low && value <= high) return {};
  return base::fail(base::ErrorCode::invalid_argument, "{} must be {} to {}, found {}", key, low,
                    high, value);
}

constexpr double kMost = 1e12;
constexpr std::uint32_t kMostRounds = 100'000;

}  // namespace

base::Result<void> check_private(const PrivateSpec& spec) {
  if (spec.unit.empty())
    return base::fail(base::ErrorCode::invalid_argument,
                      "unit names whom a training protects: record, or a column of units");
  if (spec.placement == privacy::Placement::in_the_clear)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a private training places its noise; found 'in_the_clear'");
  if (spec.rounds == 0 || spec.rounds > kMostRounds)
    return base::fail(base::ErrorCode::invalid_argument, "rounds must be 1 to {}, found {}",
                      kMostRounds, spec.rounds);
  HANSE_TRY_VOID(check_range("sampling_rate", spec.sampling_rate, 1e-6, 1));
  HANSE_TRY_VOID(check_range("moments_multiplier", spec.moments_multiplier, 0, kMost));
  HANSE_TRY_VOID(check_range("metrics_multiplier", spec.metrics_multiplier, 0, kMost));
  HANSE_TRY_VOID(check_range("count_share", spec.count_share, 1e-6, 0.999));
  HANSE_TRY_VOID(check_range("multiplier", spec.multiplier, 1e-6, kMost));
  HANSE_TRY_VOID(check_range("expected_units", spec.expected_units, 0, kMost));
  HANSE_TRY_VOID(check_range("moments_clip", spec.moments_clip, 0, kMost));
  HANSE_TRY_VOID(check_range("clip", spec.clip, 0, kMost));
  HANSE_TRY_VOID(check_range("learning_rate", spec.learning_rate, 0, kMost));
  HANSE_TRY_VOID(check_range("average", spec.average, 0, 1));
  HANSE_TRY_VOID(check_range("clipped_share", spec.clipped_share, 0, 1));
  if (spec.moments_multiplier == 0 && spec.expected_units == 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "expected_units must be above 0 where no round of moments counts the units: "
                      "sums are divided by it");
  for (const auto& [site, share] : spec.sites)
    // Also false for NaN.
    if (!(share.weight > 0 && share.weight <= 1 && share.noise > 0 && share.noise <= kMost))
      return base::fail(base::ErrorCode::invalid_argument,
                        "the weight of site '{}' must be in (0, 1] and its noise above 0, found {} "
                        "and {}",
                        site.text(), share.weight, share.noise);
  return {};
}

void spend(PrivateSpec& spec, double rho, double moments, double metrics) {
  HANSE_CHECK(rho > 0 && moments >= 0 && metrics >= 0 && moments + metrics < 1);
  if (moments > 0) spec.count_share = std::min(0.5, recipe::kCountShare / moments);
  spec.moments_multiplier = moments > 0 ? std::sqrt(1 / (2 * moments * rho)) : 0;
  spec.metrics_multiplier = metrics > 0 ? std::sqrt(1 / (2 * metrics * rho)) : 0;
  spec.multiplier =
      std::sqrt(static_cast<double>(spec.rounds) / (2 * (1 - moments - metrics) * rho));
}

double rho_of(const PrivateSpec& spec) {
  const auto once = [](double multiplier) {
    return multiplier > 0 ? 1 / (2 * multiplier * multiplier) : 0;
  };
  return once(spec.moments_multiplier) + spec.rounds * once(spec.multiplier) +
         once(spec.metrics_multiplier);
}

PrivateSpec with_share(PrivateSpec spec, double share) {
  HANSE_CHECK(share > 0 && share <= 1);
  const double factor = 1 / std::sqrt(share);
  spec.moments_multiplier *= factor;
  spec.multiplier *= factor;
  spec.metrics_multiplier *= factor;
  return spec;
}

}  // namespace hanse::learning
