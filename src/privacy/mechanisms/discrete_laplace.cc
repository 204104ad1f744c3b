#include "privacy/mechanisms/discrete_laplace.h"

#include <cmath>
#include <limits>

#include "privacy/mechanisms/staircase.h"

namespace hanse::privacy {

base::Result<DiscreteLaplace> DiscreteLaplace::create(double scale) {
  HANSE_TRY(auto law, Staircase::create(Staircase::Shape::laplace, scale));
  return DiscreteLaplace(scale, std::move(law));
}

std::int64_t DiscreteLaplace::draw(base::RandomSource& random) const {
  return law_->draw_one(random);
}

void DiscreteLaplace::fill(std::span<std::int64_t> out, base::RandomSource& random) const {
  law_->fill(out, random);
}

base::Result<void> DiscreteLaplace::add(std::span<std::int64_t> values,
                                        base::RandomSource& random) const {
  return law_->add(values, random);
}

std::int64_t DiscreteLaplace::reach() const {
  return static_cast<std::int64_t>(std::ceil(128 * scale_));
}

base::Result<PrivacyLoss> DiscreteLaplace::loss(const Sensitivity& sensitivity) const {
  const double steps = std::ceil(sensitivity.l1());
  if (!(steps < 0x1p62))
    return base::fail(base::ErrorCode::invalid_argument,
                      "an L1 sensitivity in lattice steps must be below 2^62, found {}", steps);
  if (sensitivity.coordinates() == 1)
    return PrivacyLoss::create(
        loss::DiscreteLaplace{.scale = scale_, .sensitivity = static_cast<std::uint64_t>(steps)},
        sensitivity.neighbours());
  const double nearest = steps / scale_;
  const double up = std::nextafter(nearest, std::numeric_limits<double>::infinity());
  const double epsilon = std::fma(nearest, scale_, -steps) < 0 ? up : nearest;
  return PrivacyLoss::create(loss::Pure{epsilon}, sensitivity.neighbours());
}

}  // namespace hanse::privacy
