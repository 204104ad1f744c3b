// The ring of ML-KEM: polynomials of 256 coefficients modulo 3329 (FIPS 203, section 4). No time
// here depends on a coefficient, except in sample_uniform(), whose seed is public.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace hanse::crypto::internal {

inline constexpr std::int16_t kModulus = 3329;
inline constexpr std::size_t kDegree = 256;

// Coefficients of either sign, any representative of their class; each function says how large.
using Polynomial = std::array<std::int16_t, kDegree>;

// The factor of products in the transformed domain, with what does not depend on the other one.
struct Factor {
  Polynomial plain;                              // |·| < kModulus
  std::array<std::int16_t, kDegree / 2> turned;  // odd coefficients times γ; |·| < kModulus
};

// NTT and its inverse (algorithms 9 and 10). From |·| ≤ kModulus to |·| < kModulus; the inverse
// also takes away the factor 2^-16 that multiply() leaves.
void transform(Polynomial& f);
void transform_back(Polynomial& f);

Factor factor_of(const Polynomial& transformed);

// 2^-16 · Σ a_i ∘ b_i over three polynomials each (algorithms 11 and 12, Montgomery 1985).
// |a| and |b| < kModulus. Result |·| < kModulus.
void multiply(const std::array<const Polynomial*, 3>& a, const std::array<Factor, 3>& b,
              Polynomial& product);

// f · 2^16, to take away what multiply() leaves. |·| < kModulus.
void scale_up(Polynomial& f);

// |a + b| < 2^15 on entry; |·| < kModulus after it.
void add(Polynomial& a, const Polynomial& b);
void subtract(Polynomial& a, const Polynomial& b);

// SampleNTT (algorithm 7) of ρ ‖ column ‖ row. 0 ≤ · < kModulus.
Polynomial sample_uniform(base::ByteView rho, std::uint8_t column, std::uint8_t row);

// SamplePolyCBD with η = 2 (algorithm 8) of PRF(secret, nonce). |·| ≤ 2.
void sample_small(base::ByteView secret, std::uint8_t nonce, Polynomial& f);

// ByteEncode_D(Compress_D(f)), and Decompress_D of ByteDecode_D (algorithms 5 and 6,
// section 4.2.1), where with D = 12 nothing is compressed. 32·D bytes; D is 1, 4, 10 or 12; |f| <
// kModulus. What is decoded with D = 12 may be 4095.
template <unsigned D>
void encode(const Polynomial& f, std::span<std::byte> bytes);
template <unsigned D>
void decode(base::ByteView bytes, Polynomial& f);

}  // namespace hanse::crypto::internal
