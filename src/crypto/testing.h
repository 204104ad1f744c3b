// What tests of keys share.
#pragma once

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"

namespace hanse::crypto::testing {

// Two digits a byte.
inline base::Bytes from_hex(std::string_view text) {
  base::Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

template <std::size_t Size>
std::array<std::byte, Size> array_of(base::ByteView bytes) {
  HANSE_CHECK(bytes.size() == Size);
  std::array<std::byte, Size> copied;
  std::ranges::copy(bytes, copied.begin());
  return copied;
}

// Gives the bytes first, first+1, …
class CountingRandom final : public base::RandomSource {
 public:
  explicit CountingRandom(unsigned first) : next_(first) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) byte = static_cast<std::byte>(next_++);
  }

 private:
  unsigned next_;
};

}  // namespace hanse::crypto::testing
