#include "crypto/internal/keccak.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace hanse::crypto::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "lanes are read as they lie");

using Lanes = std::array<std::uint64_t, 25>;  // lane (x, y) at 5y + x

// The bits of iota come from an LFSR: FIPS 202, algorithms 5 and 6.
constexpr std::array<std::uint64_t, 24> round_constants() {
  std::array<std::uint64_t, 24> constants{};
  unsigned lfsr = 1;
  for (std::uint64_t& constant : constants)
    for (unsigned j = 0; j <= 6; ++j) {
      if ((lfsr & 1U) != 0) constant |= std::uint64_t{1} << ((1U << j) - 1);
      lfsr = (lfsr << 1U) ^ ((lfsr >> 7U) * 0x171U);
    }
  return constants;
}

// How far rho rotates each lane: FIPS 202, algorithm 2.
constexpr std::array<int, 25> rotations() {
  std::array<int, 25> by{};
  unsigned x = 1;
  unsigned y = 0;
  for (int t = 0; t < 24; ++t) {
    by[5 * y + x] = (t + 1) * (t + 2) / 2 % 64;
    const unsigned next = (2 * x + 3 * y) % 5;
    x = y;
    y = next;
  }
  return by;
}

constexpr std::array<std::uint64_t, 24> kRoundConstants = round_constants();
constexpr std::array<int, 25> kRotations = rotations();

// Row y after theta, rho, pi and chi. Pi brings to (x, y) what was at ((x + 3y) mod 5, x).
template <unsigned Y>
[[gnu::always_inline]] inline void make_row(const Lanes& a,
                                            const std::array<std::uint64_t, 5>& theta,
                                            Lanes& made) {
  const auto moved = [&]<unsigned X>() {
    constexpr unsigned kFromX = (X + 3 * Y) % 5;
    constexpr unsigned kFrom = 5 * X + kFromX;
    return std::rotl(a[kFrom] ^ theta[kFromX], kRotations[kFrom]);
  };
  const std::uint64_t b0 = moved.template operator()<0>();
  const std::uint64_t b1 = moved.template operator()<1>();
  const std::uint64_t b2 = moved.template operator()<2>();
  const std::uint64_t b3 = moved.template operator()<3>();
  const std::uint64_t b4 = moved.template operator()<4>();
  made[5 * Y] = b0 ^ (~b1 & b2);
  made[5 * Y + 1] = b1 ^ (~b2 & b3);
  made[5 * Y + 2] = b2 ^ (~b3 & b4);
  made[5 * Y + 3] = b3 ^ (~b4 & b0);
  made[5 * Y + 4] = b4 ^ (~b0 & b1);
}

[[gnu::always_inline]] inline void round(const Lanes& a, std::uint64_t constant, Lanes& made) {
  std::array<std::uint64_t, 5> column;
  std::array<std::uint64_t, 5> theta;
  for (unsigned x = 0; x < 5; ++x) column[x] = a[x] ^ a[5 + x] ^ a[10 + x] ^ a[15 + x] ^ a[20 + x];
  for (unsigned x = 0; x < 5; ++x)
    theta[x] = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
  make_row<0>(a, theta, made);
  make_row<1>(a, theta, made);
  make_row<2>(a, theta, made);
  make_row<3>(a, theta, made);
  make_row<4>(a, theta, made);
  made[0] ^= constant;
}

// Keccak-f[1600]: FIPS 202, section 3.
// Rotations and and-not of one instruction, where the machine has them (BMI): a fifth less time.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
void permute(Lanes& lanes) {
  Lanes even = lanes;
  Lanes odd;
  for (std::size_t i = 0; i < kRoundConstants.size(); i += 2) {
    round(even, kRoundConstants[i], odd);
    round(odd, kRoundConstants[i + 1], even);
  }
  lanes = even;
  sodium_memzero(&even, sizeof even);
  sodium_memzero(&odd, sizeof odd);
}

}  // namespace

Keccak::~Keccak() { sodium_memzero(lanes_.data(), sizeof lanes_); }

void Keccak::absorb(base::ByteView bytes) {
  HANSE_CHECK(!squeezing_);
  while (!bytes.empty()) {
    if (place_ % 8 == 0 && bytes.size() >= 8) {
      std::uint64_t lane = 0;
      std::memcpy(&lane, bytes.data(), 8);
      lanes_[place_ / 8] ^= lane;
      place_ += 8;
      bytes = bytes.subspan(8);
    } else {
      xor_byte(place_++, std::to_integer<std::uint64_t>(bytes[0]));
      bytes = bytes.subspan(1);
    }
    if (place_ == kind_.rate) {
      permute(lanes_);
      place_ = 0;
    }
  }
}

void Keccak::squeeze(std::span<std::byte> out) {
  if (!squeezing_) {
    xor_byte(place_, kind_.suffix);
    xor_byte(kind_.rate - 1, 0x80);
    place_ = kind_.rate;
    squeezing_ = true;
  }
  while (!out.empty()) {
    if (place_ == kind_.rate) {
      permute(lanes_);
      place_ = 0;
    }
    const std::size_t taken = std::min(out.size(), kind_.rate - place_);
    std::memcpy(out.data(), reinterpret_cast<const std::byte*>(lanes_.data()) + place_, taken);
    place_ += taken;
    out = out.subspan(taken);
  }
}

void keccak(KeccakKind kind, std::initializer_list<base::ByteView> parts,
            std::span<std::byte> out) {
  Keccak sponge(kind);
  for (const base::ByteView part : parts) sponge.absorb(part);
  sponge.squeeze(out);
}

}  // namespace hanse::crypto::internal
