// Random words for samplers, fetched in blocks: a call into the system for each draw costs more
// than the draw.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/random.h"

namespace hanse::privacy {

// A bounded buffer before a RandomSource. What was not used is wiped with the rest when it ends.
// Not thread-safe; lives no longer than the source.
class Entropy {
 public:
  // Fetches about `words` words at a time, 1 to the buffer's size.
  Entropy(base::RandomSource& random, std::size_t words);
  ~Entropy();
  Entropy(const Entropy&) = delete;
  Entropy& operator=(const Entropy&) = delete;

  std::uint64_t word() {
    if (used_ == block_) refill();
    return words_[used_++];
  }

 private:
  void refill();

  base::RandomSource& random_;
  std::array<std::uint64_t, 512> words_;  // the first block_ are filled before they are read
  std::size_t block_;                     // words that are fetched at once
  std::size_t used_;
};

}  // namespace hanse::privacy
