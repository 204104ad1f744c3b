// The discrete Laplace: the noise of counts, tests against thresholds and pure differential
// privacy.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/random.h"
#include "privacy/accounting/loss.h"
#include "privacy/mechanisms/sensitivity.h"

namespace hanse::privacy {

class Staircase;

// P(x) ∝ exp(−|x|/scale) on the integers, drawn exactly for the scale that the double is; scale in
// lattice steps (Canonne, Kamath, Steinke 2020; the geometric mechanism of Ghosh, Roughgarden,
// Sundararajan 2009; what is exact and what time reveals: staircase.h). Making one takes
// milliseconds, copies share it. Safe to use from many threads, each with its own randomness.
class DiscreteLaplace {
 public:
  // scale in [2^−6, 2^40]; else invalid_argument.
  static base::Result<DiscreteLaplace> create(double scale);

  double scale() const { return scale_; }

  std::int64_t draw(base::RandomSource& random) const;
  // One draw each, independent.
  void fill(std::span<std::int64_t> out, base::RandomSource& random) const;
  // Adds one to each value. A value beyond ±2^62: invalid_argument, and nothing is changed; no sum
  // overflows.
  base::Result<void> add(std::span<std::int64_t> values, base::RandomSource& random) const;

  // A draw is beyond ±reach() with probability below 2^−183: 128 scales, exp(−128).
  std::int64_t reach() const;

  // Of adding it to each coordinate of a vector that one unit moves by at most the L1 sensitivity
  // Δ: ε = Δ/scale (Ghosh, Roughgarden, Sundararajan 2009). Where a unit moves one coordinate only,
  // the law of the loss itself; where it may move several, ε alone is claimed.
  base::Result<PrivacyLoss> loss(const Sensitivity& sensitivity) const;

 private:
  DiscreteLaplace(double scale, std::shared_ptr<const Staircase> law)
      : scale_(scale), law_(std::move(law)) {}
  double scale_;
  std::shared_ptr<const Staircase> law_;
};

}  // namespace hanse::privacy
