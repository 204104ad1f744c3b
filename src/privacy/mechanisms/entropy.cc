#include "privacy/mechanisms/entropy.h"

#include <string.h>

#include <algorithm>
#include <span>

namespace hanse::privacy {

Entropy::Entropy(base::RandomSource& random, std::size_t words)
    : random_(random), block_(std::clamp<std::size_t>(words, 1, words_.size())), used_(block_) {}

// Old noise must not be found in freed memory: explicit_bzero is not optimised away.
Entropy::~Entropy() { ::explicit_bzero(words_.data(), block_ * sizeof(words_[0])); }

void Entropy::refill() {
  random_.fill(std::as_writable_bytes(std::span(words_).first(block_)));
  used_ = 0;
}

}  // namespace hanse::privacy
