// Arithmetic modulo a Mersenne prime and Shamir's polynomials over it. The product uses 2^61 − 1;
// the tests go through everything there is in the fields of 3, 7 and 31 elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/internal/constant_time.h"

namespace hanse::crypto::internal {

__extension__ using Wide = unsigned __int128;

// 2^Bits − 1, a prime. Elements are words below it; no operation branches on one.
template <unsigned Bits>
struct Mersenne {
  static_assert(Bits >= 2 && Bits <= 61);
  static constexpr std::uint64_t kPrime = (std::uint64_t{1} << Bits) - 1;

  // x mod kPrime for x < 2·kPrime.
  static std::uint64_t reduce_once(std::uint64_t x) {
    const std::uint64_t less = x - kPrime;
    const std::uint64_t borrowed = hidden(~(less >> 63U) + 1);  // all ones if x < kPrime
    return less + (kPrime & borrowed);
  }
  static std::uint64_t add(std::uint64_t a, std::uint64_t b) { return reduce_once(a + b); }
  static std::uint64_t subtract(std::uint64_t a, std::uint64_t b) {
    return reduce_once(a + kPrime - b);
  }
  static std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;  // 2^Bits ≡ 1
    return reduce_once((static_cast<std::uint64_t>(product) & kPrime) +
                       static_cast<std::uint64_t>(product >> Bits));
  }
  // a^(kPrime − 2), by Fermat. Of zero: zero.
  static std::uint64_t inverse(std::uint64_t a) {
    std::uint64_t power = 1;
    for (unsigned bit = Bits; bit-- > 0;) {
      power = multiply(power, power);
      if (((kPrime - 2) >> bit & 1U) != 0) power = multiply(power, a);
    }
    return power;
  }

  // Values at `point` of one polynomial per word, by Horner. Rows of coefficients, the highest
  // power first, the constants (the secrets) last.
  static void evaluate(std::span<const std::uint64_t> rows, std::uint64_t point,
                       std::span<std::uint64_t> values) {
    const std::size_t words = values.size();
    for (std::size_t j = 0; j < words; ++j) values[j] = rows[j];
    for (std::size_t row = words; row < rows.size(); row += words)
      for (std::size_t j = 0; j < words; ++j)
        values[j] = add(multiply(values[j], point), rows[row + j]);
  }

  // The factor of the value at points[i] in the value at zero: ∏ x_j / (x_j − x_i) over j ≠ i
  // (Lagrange). Points are public, distinct and not zero.
  static std::uint64_t factor_at_zero(std::span<const std::uint32_t> points, std::size_t i) {
    std::uint64_t above = 1;
    std::uint64_t below = 1;
    for (std::size_t j = 0; j < points.size(); ++j) {
      if (j == i) continue;
      above = multiply(above, points[j]);
      below = multiply(below, subtract(points[j], points[i]));
    }
    return multiply(above, inverse(below));
  }
};

}  // namespace hanse::crypto::internal
