// Integers modulo powers of two, in which masks cancel: the width of each stretch of a contribution
// and the vectors that are masked, packed and summed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "aggregation/backend.h"
#include "crypto/mask_stream.h"

namespace hanse::aggregation {

// Z/2^width for one stretch. The width is the least that holds the sum over the whole cohort with
// its sign: 2^(width−1) > sites · bound, so that no sum overflows, whoever is in it.
struct RingStretch {
  std::size_t coordinates = 0;
  std::int64_t bound = 0;
  unsigned width = 0;      // bits of a value as it travels: 1 … 64
  std::size_t word = 0;    // bytes of a value in memory, and of keystream that it takes: 2, 4 or 8
  std::size_t packed = 0;  // bytes of the stretch as it travels; it begins on a byte
};

// How a setup's contributions are computed with.
class Ring {
 public:
  // Bounds below zero, or a sum that 64 bits cannot hold: invalid_argument.
  static base::Result<Ring> create(std::span<const Stretch> layout, std::size_t sites);

  std::span<const RingStretch> stretches() const { return stretches_; }
  std::size_t coordinates() const { return coordinates_; }
  std::size_t packed_size() const { return packed_size_; }
  std::size_t memory_size() const { return memory_size_; }

 private:
  std::vector<RingStretch> stretches_;
  std::size_t coordinates_ = 0;
  std::size_t packed_size_ = 0;
  std::size_t memory_size_ = 0;
};

// A mask: the next words of a keystream, added or taken off.
struct Mask {
  crypto::KeyStream stream;
  bool is_added = true;
};

// A vector over a ring. Words are of 16, 32 or 64 bits and only their low `width` bits count, so
// that additions need no reduction.
//
// Masks go over it in blocks that stay in the first-level cache: for each block, every mask's
// keystream once. That takes as long as AES does; the additions are hidden.
class RingVector {
 public:
  explicit RingVector(const Ring& ring);  // zeros; `ring` outlives it
  // Another number of values, or one beyond its stretch's bound: invalid_argument.
  static base::Result<RingVector> of(const Ring& ring, std::span<const std::int64_t> values);

  // Adds a packed vector that comes in pieces, cut anywhere. Another size, or bits set where there
  // is no value: corruption, and nothing is added.
  base::Result<void> add_packed(std::span<const base::Slice> pieces);
  // Uses up packed words of each mask's keystream for all coordinates.
  void add(std::span<Mask> masks);
  base::Bytes packed() const;
  // Each value as the number nearest to zero that it stands for.
  std::vector<std::int64_t> signed_values() const;

 private:
  const Ring* ring_;
  base::Bytes words_;
};

}  // namespace hanse::aggregation
