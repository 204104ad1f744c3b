// SHA-256 (FIPS 180-4), the name of a piece of bytes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace hanse::base {

class Digest {
 public:
  static constexpr std::size_t kSize = 32;

  // All zero: the digest of nothing in particular.
  Digest() = default;
  explicit Digest(const std::array<std::uint8_t, kSize>& value) : value_(value) {}

  static Digest of(ByteView bytes);

  // Other than 32 bytes: corruption.
  static Result<Digest> from_bytes(ByteView bytes);

  ByteView bytes() const { return std::as_bytes(std::span(value_)); }
  std::string hex() const;
  auto operator<=>(const Digest&) const = default;

 private:
  std::array<std::uint8_t, kSize> value_{};
};

// Digest of bytes that come in pieces. Not thread-safe.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void add(ByteView bytes);
  // The digest of all added so far; starts again from nothing.
  Digest finish();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::base
