// What lets a coarse lattice cost hardly more noise than a fine one: each unit's vector is turned,
// so that no coordinate carries more than its share, and then rounded to whole steps at random,
// within a norm that is known exactly. Kairouz, Liu, Steinke 2021, Sections 4.1 and 4.3; proofs in
// docs/proofs/rounding.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace hanse::privacy {

// H·D/√d: random signs that everyone knows, then the Hadamard transform. Orthonormal: norms stay,
// and so does white noise. A value; threads may share it.
class Rotation {
 public:
  // For a part of so many coordinates, by its number in the layout. The signs are the bits of
  // SHA-256 over the domain, seed, part and 0, 1, … : the same for whoever knows the plan.
  Rotation(std::uint64_t seed, std::size_t part, std::size_t coordinates);

  // The least power of two that has room for so many coordinates, which are at most 2^62.
  static std::size_t words_for(std::size_t coordinates);
  std::size_t words() const { return words_; }

  // out: `values` with zeros up to words() behind them, times `factor`, turned. Floating point adds
  // an error of norm ≤ (5 + log₂ words)·2^−53 of that of the result.
  void turn(std::span<const double> values, double factor, std::span<double> out) const;
  // The inverse, in place, of words() numbers.
  void turn_back(std::span<double> words) const;

 private:
  double sign_of(std::size_t word, double value) const;

  std::size_t words_;
  std::vector<std::uint64_t> signs_;  // a bit for each word: 1 turns it round
};

// Each rounding is drawn again with at most this probability, and so moves the mean of a vector of
// d words by at most that times √d steps (rounding.md, Theorem 2): of 10,000 units together by
// √d/100, far below the noise of 2 steps on each word that every share has at least.
inline constexpr double kRedrawn = 0x1p-20;

// The largest squared norm, in steps, that a vector of norm ≤ `norm` may have once it is rounded:
// ⌊min{c² + d/4 + √(2·ln 1/β)·(c + √d/2), (c + √d)²}⌋ (Proposition 22 of the paper). norm and √d
// together are at most kMostSteps: checked, aborts.
std::uint64_t rounded_norm_squared(double norm, std::size_t words, double redrawn = kRedrawn);
inline constexpr double kMostSteps = 0x1p26;  // its square is exact in a double

// Rounds each value to one of the two whole numbers around it, at random and with its mean to
// 2^−48, again and again until the squared norm of all is at most `most`. That is decided on the
// integers, so that it holds whatever the values are: after kTries without success the result is
// 0. The values' norm is at most kMostSteps.
void round_at_random(std::span<const double> values, std::uint64_t most, base::RandomSource& random,
                     std::span<std::int64_t> out);
// By the bound above all are in vain with probability ≤ 2^−1280.
inline constexpr int kTries = 64;

}  // namespace hanse::privacy
