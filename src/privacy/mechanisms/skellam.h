// Skellam noise: the difference of two Poisson variables. Sums of it are Skellam again, which makes
// it the noise of many small shares.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "privacy/accounting/loss.h"
#include "privacy/mechanisms/entropy.h"
#include "privacy/mechanisms/sensitivity.h"

namespace hanse::privacy {

// The Poisson law, drawn exactly: from the mode outwards the probabilities are products of
// fractions, and lie under stairs that halve with every step (log-concavity; rejection as in
// Devroye 1986, chapter X.1). The coin that keeps a point compares a uniform real with that
// product: 64 bits of fixed point decide it but for one draw in about 2^40, the rest continue in
// whole numbers of any length.
class Poisson {
 public:
  // mean · 2^21 must be a whole number, 1 to 2^52.
  explicit Poisson(std::uint64_t scaled_mean);

  std::int64_t draw(Entropy& entropy) const;

  static constexpr int kMeanBits = 21;

 private:
  // One side of the mode: products of fractions from it, in units of 2^−64, at every stride-th
  // point, rounded down.
  using Wing = std::vector<std::uint64_t>;
  struct Fraction {
    std::uint64_t numerator = 0;
    std::uint64_t denominator = 1;
  };

  Fraction fraction(bool up, std::uint64_t distance) const;
  std::uint64_t next(bool up, std::uint64_t product, std::uint64_t distance) const;
  std::uint64_t product(bool up, std::uint64_t distance) const;
  bool keep(bool up, std::uint64_t distance, std::uint64_t stairs, Entropy& entropy) const;
  std::uint64_t half_width(bool up) const;

  std::uint64_t mean_;  // times 2^21
  std::uint64_t mode_;
  int stair_bits_ = 0;
  int stride_bits_ = 0;
  Wing wings_[2];
};

// On integers, of a variance on the grid 2^−20. Making one takes milliseconds, copies share it.
// Safe to use from many threads, each with its own randomness.
class Skellam {
 public:
  // variance a multiple of 2^−20 in [2^−10, 2^32]; else invalid_argument.
  static base::Result<Skellam> create(double variance);

  double variance() const { return variance_; }

  std::int64_t draw(base::RandomSource& random) const;
  void fill(std::span<std::int64_t> out, base::RandomSource& random) const;
  // A value beyond ±2^62: invalid_argument, and nothing is changed; no sum overflows.
  base::Result<void> add(std::span<std::int64_t> values, base::RandomSource& random) const;

  // A draw is beyond ±reach() with probability below 2^−183 (Bernstein: 2 exp(−x²/(2V + 2x/3))).
  std::int64_t reach() const;

  // Of adding it to each coordinate of an integer vector (Agarwal, Kairouz, Liu 2021).
  base::Result<PrivacyLoss> loss(const Sensitivity& sensitivity) const;

 private:
  Skellam(double variance, std::shared_ptr<const Poisson> half)
      : variance_(variance), half_(std::move(half)) {}
  double variance_;
  std::shared_ptr<const Poisson> half_;
};

}  // namespace hanse::privacy
