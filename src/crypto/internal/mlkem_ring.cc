#include "crypto/internal/mlkem_ring.h"

#include <cstring>

#include "crypto/internal/constant_time.h"
#include "crypto/internal/keccak.h"
#include "crypto/internal/wiped.h"

namespace hanse::crypto::internal {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::int32_t kQ = kModulus;
constexpr std::uint32_t kInverse = 62209;  // of kModulus modulo 2^16
static_assert(static_cast<std::uint16_t>(kInverse * kQ) == 1);

// A representative below kModulus / 2 of a · 2^16, as montgomery() wants a constant.
constexpr std::int16_t lifted(std::int32_t a) {
  const std::int32_t x = static_cast<std::int32_t>((static_cast<std::int64_t>(a) << 16) % kQ);
  return static_cast<std::int16_t>(x > kQ / 2 ? x - kQ : x);
}

constexpr std::int32_t power_of_17(unsigned exponent) {
  std::int32_t power = 1;
  for (unsigned i = 0; i < exponent; ++i) power = power * 17 % kQ;
  return power;
}

constexpr unsigned reversed7(unsigned i) {
  unsigned made = 0;
  for (unsigned bit = 0; bit < 7; ++bit) made |= (i >> bit & 1U) << (6 - bit);
  return made;
}

using Roots = std::array<std::int16_t, 128>;

// ζ^BitRev7(i) and ζ^(2·BitRev7(i)+1), ζ = 17 (FIPS 203, section 4.3), times 2^16.
constexpr Roots roots(unsigned times, unsigned plus) {
  Roots made{};
  for (unsigned i = 0; i < made.size(); ++i)
    made[i] = lifted(power_of_17(times * reversed7(i) + plus));
  return made;
}
constexpr Roots kZetas = roots(1, 0);
constexpr Roots kGammas = roots(2, 1);

constexpr std::int16_t high(std::int32_t x) { return static_cast<std::int16_t>(x >> 16); }

// x · 2^-16 for |x| < 2^15·kModulus; |·| < kModulus. Montgomery 1985.
inline std::int16_t montgomery(std::int32_t x) {
  const auto low = static_cast<std::int16_t>(static_cast<std::uint32_t>(x) * kInverse);
  return static_cast<std::int16_t>(high(x) - high(low * kQ));
}

inline std::int16_t multiply(std::int16_t a, std::int16_t b) { return montgomery(a * b); }

// The representative of least size, or beside it: |·| ≤ kModulus / 2 + 1. Barrett 1986 with
// 20159 = round(2^26 / kModulus).
inline std::int16_t reduce(std::int16_t a) {
  const int quotient = (high(a * 20159) + 512) >> 10;
  return static_cast<std::int16_t>(a - quotient * kQ);
}

// The one from 0 to kModulus − 1, of |a| < kModulus.
inline std::uint32_t canonical(std::int16_t a) {
  const int borrowed = hidden(static_cast<int>(a) >> 15);
  return static_cast<std::uint32_t>(a + (borrowed & kQ));
}

// Compress_D (FIPS 203, equation 4.7): round(a · 2^D / kModulus) mod 2^D. The division is a product
// with 2^36 / kModulus rounded up, exact for all a below kModulus: a division's time would show a.
template <unsigned D>
inline std::uint32_t compress(std::uint32_t a) {
  constexpr std::uint64_t kReciprocal = (std::uint64_t{1} << 36U) / kModulus + 1;
  const std::uint64_t above = (std::uint64_t{a} << D) + kModulus / 2;
  return static_cast<std::uint32_t>(above * kReciprocal >> 36U) & ((1U << D) - 1);
}

// Decompress_D (equation 4.8): round(a · kModulus / 2^D).
template <unsigned D>
inline std::int16_t decompress(std::uint32_t a) {
  return static_cast<std::int16_t>((a * kModulus + (1U << (D - 1))) >> D);
}

}  // namespace

// Each of seven layers adds less than kModulus: below 2^15 in all.
void transform(Polynomial& f) {
  std::size_t root = 1;
  for (std::size_t length = kDegree / 2; length >= 2; length /= 2)
    for (std::size_t start = 0; start < kDegree; start += 2 * length) {
      const std::int16_t zeta = kZetas[root++];
      std::int16_t* const lower = f.data() + start;
      std::int16_t* const upper = lower + length;
      for (std::size_t j = 0; j < length; ++j) {
        const std::int16_t turned = multiply(upper[j], zeta);
        upper[j] = static_cast<std::int16_t>(lower[j] - turned);
        lower[j] = static_cast<std::int16_t>(lower[j] + turned);
      }
    }
  for (std::int16_t& x : f) x = reduce(x);
}

void transform_back(Polynomial& f) {
  std::size_t root = 127;
  for (std::size_t length = 2; length <= kDegree / 2; length *= 2)
    for (std::size_t start = 0; start < kDegree; start += 2 * length) {
      const std::int16_t zeta = kZetas[root--];
      std::int16_t* const lower = f.data() + start;
      std::int16_t* const upper = lower + length;
      for (std::size_t j = 0; j < length; ++j) {
        const auto sum = static_cast<std::int16_t>(lower[j] + upper[j]);
        upper[j] = multiply(static_cast<std::int16_t>(upper[j] - lower[j]), zeta);
        lower[j] = reduce(sum);
      }
    }
  // 2^16/128, lifted once more: 3303 is 1/128 (algorithm 10, line 14).
  constexpr std::int16_t kScale = lifted(lifted(3303));
  for (std::int16_t& x : f) x = multiply(x, kScale);
}

Factor factor_of(const Polynomial& transformed) {
  Factor factor{transformed, {}};
  for (std::size_t i = 0; i < kDegree / 2; ++i)
    factor.turned[i] = multiply(transformed[2 * i + 1], kGammas[i]);
  return factor;
}

// Six products below kModulus² stay below 2^15·kModulus, so that one reduction is enough.
void multiply(const std::array<const Polynomial*, 3>& a, const std::array<Factor, 3>& b,
              Polynomial& product) {
  for (std::size_t i = 0; i < kDegree / 2; ++i) {
    std::int32_t even = 0;
    std::int32_t odd = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const std::int32_t a0 = (*a[k])[2 * i];
      const std::int32_t a1 = (*a[k])[2 * i + 1];
      even += a0 * b[k].plain[2 * i] + a1 * b[k].turned[i];
      odd += a0 * b[k].plain[2 * i + 1] + a1 * b[k].plain[2 * i];
    }
    product[2 * i] = montgomery(even);
    product[2 * i + 1] = montgomery(odd);
  }
}

void scale_up(Polynomial& f) {
  constexpr std::int16_t kScale = lifted(lifted(1));
  for (std::int16_t& x : f) x = multiply(x, kScale);
}

void add(Polynomial& a, const Polynomial& b) {
  for (std::size_t i = 0; i < kDegree; ++i) a[i] = reduce(static_cast<std::int16_t>(a[i] + b[i]));
}

void subtract(Polynomial& a, const Polynomial& b) {
  for (std::size_t i = 0; i < kDegree; ++i) a[i] = reduce(static_cast<std::int16_t>(a[i] - b[i]));
}

Polynomial sample_uniform(base::ByteView rho, std::uint8_t column, std::uint8_t row) {
  Keccak sponge(kShake128);
  sponge.absorb(rho);
  sponge.absorb(std::array{std::byte{column}, std::byte{row}});
  Polynomial f;
  std::array<std::uint8_t, kShake128.rate> block;  // a multiple of three
  std::size_t taken = 0;
  while (taken < kDegree) {
    sponge.squeeze(std::as_writable_bytes(std::span(block)));
    for (std::size_t i = 0; i < block.size(); i += 3) {
      const int first = block[i] | (block[i + 1] & 15) << 8;
      const int second = block[i + 1] >> 4 | block[i + 2] << 4;
      if (first < kQ && taken < kDegree) f[taken++] = static_cast<std::int16_t>(first);
      if (second < kQ && taken < kDegree) f[taken++] = static_cast<std::int16_t>(second);
    }
  }
  return f;
}

void sample_small(base::ByteView secret, std::uint8_t nonce, Polynomial& f) {
  Wiped<std::array<std::uint32_t, kDegree / 8>> words;
  keccak(kShake256, {secret, std::array{std::byte{nonce}}},
         std::as_writable_bytes(std::span(*words)));
  for (std::size_t i = 0; i < kDegree / 8; ++i) {
    const std::uint32_t word = (*words)[i];
    const std::uint32_t pairs = (word & 0x55555555U) + (word >> 1U & 0x55555555U);
    for (std::size_t j = 0; j < 8; ++j)
      f[8 * i + j] = static_cast<std::int16_t>(static_cast<int>(pairs >> (4 * j) & 3U) -
                                               static_cast<int>(pairs >> (4 * j + 2) & 3U));
  }
}

// Eight coefficients make D bytes.
template <unsigned D>
void encode(const Polynomial& f, std::span<std::byte> bytes) {
  HANSE_CHECK(bytes.size() == D * kDegree / 8);
  for (std::size_t i = 0; i < kDegree / 8; ++i) {
    Wide packed = 0;
    for (unsigned j = 0; j < 8; ++j) {
      const std::uint32_t x = canonical(f[8 * i + j]);
      packed |= static_cast<Wide>(D == 12 ? x : compress<D>(x)) << (D * j);
    }
    std::memcpy(bytes.data() + D * i, &packed, D);
  }
}

template <unsigned D>
void decode(base::ByteView bytes, Polynomial& f) {
  HANSE_CHECK(bytes.size() == D * kDegree / 8);
  for (std::size_t i = 0; i < kDegree / 8; ++i) {
    Wide packed = 0;
    std::memcpy(&packed, bytes.data() + D * i, D);
    for (unsigned j = 0; j < 8; ++j) {
      // Hidden, so that no compiler makes a branch of a message's bit.
      const std::uint32_t x =
          hidden(static_cast<std::uint32_t>(packed >> (D * j)) & ((1U << D) - 1));
      f[8 * i + j] = D == 12 ? static_cast<std::int16_t>(x) : decompress<D>(x);
    }
  }
}

template void encode<1>(const Polynomial&, std::span<std::byte>);
template void encode<4>(const Polynomial&, std::span<std::byte>);
template void encode<10>(const Polynomial&, std::span<std::byte>);
template void encode<12>(const Polynomial&, std::span<std::byte>);
template void decode<1>(base::ByteView, Polynomial&);
template void decode<4>(base::ByteView, Polynomial&);
template void decode<10>(base::ByteView, Polynomial&);
template void decode<12>(base::ByteView, Polynomial&);

}  // namespace hanse::crypto::internal
