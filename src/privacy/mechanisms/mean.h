// The mean of bounded values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/random.h"
#include "math/lattice.h"
#include "privacy/mechanisms/discrete_gaussian.h"

namespace hanse::privacy {

// The public range into which values are clamped, and the lattice on which they are summed.
struct Range {
  double lower = 0;
  double upper = 1;
  math::Lattice lattice;
};

// The sum of distances from the middle of the range, as whole steps with noise, over a normaliser.
// Dividing by the true number of records would tell that number: it is a public one (the table's
// size where neighbours replace, a planned size where they add), or a count with noise of its own.
class Mean {
 public:
  // Divides by `count`, 1 to 2^53. A range that is empty, not finite or beyond 2^40 steps:
  // invalid_argument.
  static base::Result<Mean> over_public_count(const Range& range, std::uint64_t count,
                                              DiscreteGaussian noise);
  // Divides by the number of records with noise, at least 1.
  static base::Result<Mean> over_noised_count(const Range& range, DiscreteGaussian noise,
                                              DiscreteGaussian count_noise);

  // Within the range whatever the noise. Not a number counts as the middle.
  double release(std::span<const double> values, base::RandomSource& random) const;

  // Half the range in steps: Δ of the sum. A noised count is released jointly with the sum.
  base::Result<PrivacyLoss> loss(Neighbours neighbours) const;

 private:
  Mean(const Range& range, std::uint64_t half, std::uint64_t count, DiscreteGaussian noise,
       std::optional<DiscreteGaussian> count_noise)
      : range_(range),
        half_(half),
        count_(count),
        noise_(std::move(noise)),
        count_noise_(std::move(count_noise)) {}
  double middle() const { return range_.lower + (range_.upper - range_.lower) / 2; }

  Range range_;
  std::uint64_t half_;   // the largest distance from the middle, in steps
  std::uint64_t count_;  // 0 where it is noised
  DiscreteGaussian noise_;
  std::optional<DiscreteGaussian> count_noise_;
};

}  // namespace hanse::privacy
