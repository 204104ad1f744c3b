// SHA-3 and SHAKE (FIPS 202), squeezed piece by piece, which OpenSSL 3.0 cannot.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"

namespace hanse::crypto::internal {

// A member of the family: bytes taken in between two permutations, and the bits that end a message.
struct KeccakKind {
  std::size_t rate;
  std::uint8_t suffix;
};
inline constexpr KeccakKind kSha3_256{136, 0x06};
inline constexpr KeccakKind kSha3_512{72, 0x06};
inline constexpr KeccakKind kShake128{168, 0x1f};
inline constexpr KeccakKind kShake256{136, 0x1f};

// The sponge over Keccak-f[1600] (FIPS 202, section 4). Its time depends on lengths alone; it wipes
// itself.
class Keccak {
 public:
  explicit Keccak(KeccakKind kind) : kind_(kind) {}
  ~Keccak();
  Keccak(const Keccak&) = delete;
  Keccak& operator=(const Keccak&) = delete;

  // Not after the first squeeze().
  void absorb(base::ByteView bytes);
  // The next bytes of the output.
  void squeeze(std::span<std::byte> out);

 private:
  void xor_byte(std::size_t place, std::uint64_t byte) {
    lanes_[place / 8] ^= byte << (8 * (place % 8));
  }

  KeccakKind kind_;
  std::array<std::uint64_t, 25> lanes_{};
  std::size_t place_ = 0;  // in the block that is absorbed or squeezed
  bool squeezing_ = false;
};

// The digest, or the first bytes of the output, of all parts after one another.
void keccak(KeccakKind kind, std::initializer_list<base::ByteView> parts, std::span<std::byte> out);

}  // namespace hanse::crypto::internal
