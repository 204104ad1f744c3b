// Coins whose probability is a number nobody can write down: a uniform real in [0, 1) is revealed
// bit by bit until it is surely on one side.
#pragma once

#include <concepts>
#include <cstdint>

#include "privacy/mechanisms/entropy.h"
#include "privacy/mechanisms/natural.h"

namespace hanse::privacy {

// A double that is finite and above 0 is mantissa · 2^exponent, and nothing is rounded.
struct Dyadic {
  std::uint64_t mantissa = 1;  // odd
  int exponent = 0;

  static Dyadic of(double value);
};

// numerator · 2^shift / (divisors[0] · divisors[1])
struct Ratio {
  Wide numerator = 0;
  int shift = 0;
  std::uint64_t divisors[2] = {1, 1};
};

// A number known to lie in [low, high] · 2^−bits.
struct Enclosure {
  Natural low;
  Natural high;
  std::size_t bits = 0;

  // The same of the number times factor · 2^shift / divisor.
  Enclosure scaled(std::uint64_t factor, std::size_t shift, std::uint64_t divisor) const;
  // The same with both ends on multiples of 2^−target.
  Enclosure on_grid(std::size_t target) const;
  // Its ends on that grid; what is 2^64 or more saturates.
  std::uint64_t low_word(std::size_t target) const;
  std::uint64_t high_word(std::size_t target) const;
};

// exp(−x), no wider than 2^(1−bits) and known to at least `bits` bits.
Enclosure exp_minus(const Ratio& x, std::size_t bits);

// A uniform real in [0, 1), of which no more is drawn than is asked for.
class LazyUniform {
 public:
  explicit LazyUniform(Entropy& entropy) : LazyUniform(entropy, entropy.word()) {}
  // Its first 64 bits are known already.
  LazyUniform(Entropy& entropy, std::uint64_t first)
      : entropy_(entropy), digits_(first), bits_(64) {}

  // Its first bits, a multiple of 64, as a whole number.
  const Natural& digits(std::size_t bits) {
    reveal(bits);
    return digits_;
  }

  // Whether it is below p, exactly: `enclose(bits)` brackets p ever more narrowly. Ends with
  // probability 1; each 64 bits more are needed with probability about 2^−64.
  template <std::invocable<std::size_t> Enclose>
  bool is_below(const Enclose& enclose) {
    for (std::size_t bits = 64;; bits += 64) {
      reveal(bits);
      switch (compare(enclose(bits))) {
        case Side::below:
          return true;
        case Side::above:
          return false;
        case Side::open:
          break;
      }
    }
  }

 private:
  enum class Side { below, above, open };
  void reveal(std::size_t bits);
  Side compare(const Enclosure& probability) const;

  Entropy& entropy_;
  Natural digits_;
  std::size_t bits_;
};

// True with probability exp(−x), exactly.
bool bernoulli_exp(const Ratio& x, Entropy& entropy);

// Uniform on 0 … bound−1; bound > 0 (Lemire 2019).
std::uint64_t uniform_below(Entropy& entropy, std::uint64_t bound);

}  // namespace hanse::privacy
