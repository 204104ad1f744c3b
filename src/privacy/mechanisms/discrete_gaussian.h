// The discrete Gaussian: the noise of sums.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/random.h"
#include "privacy/accounting/loss.h"
#include "privacy/mechanisms/sensitivity.h"

namespace hanse::privacy {

class Staircase;

// P(x) ∝ exp(−x²/(2σ²)) on the integers, drawn exactly for the σ that the double is; σ in lattice
// steps (Canonne, Kamath, Steinke 2020; what is exact and what time reveals: staircase.h). Making
// one takes milliseconds, copies share it. Safe to use from many threads, each with its own
// randomness.
class DiscreteGaussian {
 public:
  // σ in [2^−6, 2^40]; else invalid_argument.
  static base::Result<DiscreteGaussian> create(double sigma);

  double sigma() const { return sigma_; }

  std::int64_t draw(base::RandomSource& random) const;
  // One draw each, independent.
  void fill(std::span<std::int64_t> out, base::RandomSource& random) const;
  // Adds one to each value. A value beyond ±2^62: invalid_argument, and nothing is changed; no sum
  // overflows.
  base::Result<void> add(std::span<std::int64_t> values, base::RandomSource& random) const;

  // A draw is beyond ±reach() with probability below 2^−183: at 16σ, twice the Gaussian tail
  // exp(−16²/2) (Canonne, Kamath, Steinke 2020, Proposition 25: no heavier than the continuous).
  std::int64_t reach() const { return reach_of(sigma_); }
  // The same of σ ≤ 2^40, without making it.
  static std::int64_t reach_of(double sigma);

  // Of adding it to each of so many coordinates that one unit moves by at most the L2 sensitivity:
  // ρ = Δ²/(2σ²) (the same, Theorem 14). Never said of fewer coordinates than a unit can move.
  base::Result<PrivacyLoss> loss(const Sensitivity& sensitivity,
                                 std::uint64_t coordinates = 1) const;

  // Of several such releases that one unit moves all at once: ρ = Σ Δᵢ²/(2σᵢ²), said as one
  // discrete Gaussian with the least σ, which no accountant can take for better than they are.
  // None, or different relations of neighbours: invalid_argument.
  struct Release;
  static base::Result<PrivacyLoss> joint_loss(std::span<const Release> releases);

 private:
  DiscreteGaussian(double sigma, std::shared_ptr<const Staircase> law)
      : sigma_(sigma), law_(std::move(law)) {}
  double sigma_;
  std::shared_ptr<const Staircase> law_;
};

struct DiscreteGaussian::Release {
  double sigma = 0;
  Sensitivity sensitivity;
  std::uint64_t coordinates = 1;
};

}  // namespace hanse::privacy
