#include "privacy/mechanisms/discrete_gaussian.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "privacy/mechanisms/staircase.h"

namespace hanse::privacy {

base::Result<DiscreteGaussian> DiscreteGaussian::create(double sigma) {
  HANSE_TRY(auto law, Staircase::create(Staircase::Shape::gaussian, sigma));
  return DiscreteGaussian(sigma, std::move(law));
}

std::int64_t DiscreteGaussian::draw(base::RandomSource& random) const {
  return law_->draw_one(random);
}

void DiscreteGaussian::fill(std::span<std::int64_t> out, base::RandomSource& random) const {
  law_->fill(out, random);
}

base::Result<void> DiscreteGaussian::add(std::span<std::int64_t> values,
                                         base::RandomSource& random) const {
  return law_->add(values, random);
}

std::int64_t DiscreteGaussian::reach_of(double sigma) {
  return static_cast<std::int64_t>(std::ceil(16 * sigma));
}

base::Result<PrivacyLoss> DiscreteGaussian::loss(const Sensitivity& sensitivity,
                                                 std::uint64_t coordinates) const {
  const Release release{sigma_, sensitivity, coordinates};
  return joint_loss(std::span(&release, 1));
}

base::Result<PrivacyLoss> DiscreteGaussian::joint_loss(std::span<const Release> releases) {
  if (releases.empty())
    return base::fail(base::ErrorCode::invalid_argument, "a joint release has at least one part");
  const Neighbours neighbours = releases.front().sensitivity.neighbours();
  double least = releases.front().sigma;
  std::uint64_t coordinates = 0;
  for (const Release& release : releases) {
    if (release.sensitivity.neighbours() != neighbours)
      return base::fail(base::ErrorCode::invalid_argument,
                        "the parts of a joint release have one relation of neighbours, found {} "
                        "and {}",
                        text(neighbours), text(release.sensitivity.neighbours()));
    least = std::min(least, release.sigma);
    // What one unit may move is noised, said or not: one coordinate alone would be accounted by the
    // law of its whole steps. Limited, so that no sum comes round; a loss allows far fewer.
    constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
    const std::uint64_t moved = release.sensitivity.coordinates();
    coordinates =
        std::min(kMost, coordinates) + std::min(kMost, std::max(release.coordinates, moved));
  }
  double sensitivity = releases.front().sensitivity.l2();
  if (releases.size() > 1) {
    sensitivity = 0;
    for (const Release& release : releases)
      sensitivity = std::hypot(sensitivity, release.sensitivity.l2() * (least / release.sigma));
    // Each of the few roundings loses at most one part in 2^52.
    const double roundings = 4 + static_cast<double>(releases.size());
    sensitivity *= 1 + roundings * std::numeric_limits<double>::epsilon();
  }
  return PrivacyLoss::create(loss::DiscreteGaussian{.sigma = least,
                                                    .sensitivity = sensitivity,
                                                    .coordinates = coordinates,
                                                    .shares = 1,
                                                    .sampling_rate = 1},
                             neighbours);
}

}  // namespace hanse::privacy
