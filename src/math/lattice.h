// Fixed point: real numbers as integer multiples of a power of two, so that sums do not depend on
// their order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hanse::privacy {
class Noised;
}
namespace hanse::aggregation {
class Sum;
}

namespace hanse::math {

// The grid 2^-fraction_bits · Z, in 64-bit words.
class Lattice {
 public:
  // fraction_bits in 0 … 52; else invalid_argument.
  static base::Result<Lattice> create(int fraction_bits);

  int fraction_bits() const { return fraction_bits_; }
  double step() const;

  // The nearest grid point, ties to even. |value| · 2^fraction_bits must stay below 2^62: checked,
  // aborts.
  std::int64_t quantise(double value) const;
  double value_of(std::int64_t point) const;

  bool operator==(const Lattice&) const = default;

 private:
  explicit Lattice(int fraction_bits) : fraction_bits_(fraction_bits) {}
  int fraction_bits_;
};

// Proof that a sum of terms, each at most `range` in absolute value, stays within signed 64-bit
// words: terms · range · 2^fraction_bits (with half a step of rounding per term) < 2^63. Else
// invalid_argument with the numbers. terms counts everything that is ever added: sites × weight ×
// units.
base::Result<void> prove_no_overflow(const Lattice& lattice, double terms, double range);

// Adds words modulo 2^64: what a proof above makes exact. Sizes must agree.
void add_words(std::span<std::int64_t> sum, std::span<const std::int64_t> term);

// Integers on their way from privacy to aggregation, two rooms that may not know each other: ready
// to be sealed. Only privacy::Noised makes one.
class Sealable {
 public:
  std::span<const std::int64_t> values() const { return values_; }
  std::vector<std::int64_t> surrender() && { return std::move(values_); }

 private:
  friend class hanse::privacy::Noised;
  explicit Sealable(std::vector<std::int64_t> values) : values_(std::move(values)) {}
  std::vector<std::int64_t> values_;
};

// Integers on their way back: the sum over sites, opened. Only aggregation::Sum makes one.
class Opened {
 public:
  std::span<const std::int64_t> values() const { return values_; }
  std::vector<std::int64_t> surrender() && { return std::move(values_); }
  // Sites whose contributions are in the sum.
  std::size_t contributors() const { return contributors_; }

 private:
  friend class hanse::aggregation::Sum;
  Opened(std::vector<std::int64_t> values, std::size_t contributors)
      : values_(std::move(values)), contributors_(contributors) {}
  std::vector<std::int64_t> values_;
  std::size_t contributors_;
};

}  // namespace hanse::math
