// The door to randomness.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace hanse::base {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

// The operating system's CSPRNG (getrandom). Thread-safe; aborts where the system has none. Built
// in apps/ only.
class SystemRandom final : public RandomSource {
 public:
  void fill(std::span<std::byte> out) override;
};

// The same bytes for the same seed and label, on every machine: AES-256 in counter mode keyed by
// SHA-256(seed ‖ label). For simulation and tests, never where a secret depends on it. Not
// thread-safe.
class SeededSimulationRandom final : public RandomSource {
 public:
  // Streams of different labels are independent.
  SeededSimulationRandom(std::uint64_t seed, std::string_view label);
  ~SeededSimulationRandom() override;
  void fill(std::span<std::byte> out) override;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

std::uint64_t uniform_word(RandomSource& random);

// Uniform on 0 … bound−1, without modulo bias. bound > 0.
std::uint64_t uniform_below(RandomSource& random, std::uint64_t bound);

// Uniform on the multiples of 2^-53 in [0, 1).
double uniform_unit(RandomSource& random);

// Standard normal by Box and Muller 1958. For simulated data and initial parameters; not a privacy
// mechanism.
double standard_normal(RandomSource& random);

// A uniform permutation in place (Fisher and Yates; Durstenfeld 1964).
void shuffle(RandomSource& random, std::span<std::size_t> items);

}  // namespace hanse::base
