#include "privacy/rotation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/digest.h"

namespace hanse::privacy {
namespace {

constexpr std::string_view kDomain = "hanse rotation signs 1";

// Two levels of the transform at once, between the quarters of `values`; eight numbers at a time,
// which a compiler turns into vector instructions.
void join_quarters(std::span<double> values) {
  constexpr std::size_t kLanes = 8;
  const std::size_t quarter = values.size() / 4;
  double* const first = values.data();
  for (std::size_t i = 0; i < quarter; i += kLanes) {
    std::array<double, kLanes> a, b, c, d;
    std::memcpy(a.data(), first + i, sizeof a);
    std::memcpy(b.data(), first + quarter + i, sizeof b);
    std::memcpy(c.data(), first + 2 * quarter + i, sizeof c);
    std::memcpy(d.data(), first + 3 * quarter + i, sizeof d);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double sum = a[lane] + b[lane];
      const double difference = a[lane] - b[lane];
      const double other_sum = c[lane] + d[lane];
      const double other_difference = c[lane] - d[lane];
      a[lane] = sum + other_sum;
      b[lane] = difference + other_difference;
      c[lane] = sum - other_sum;
      d[lane] = difference - other_difference;
    }
    std::memcpy(first + i, a.data(), sizeof a);
    std::memcpy(first + quarter + i, b.data(), sizeof b);
    std::memcpy(first + 2 * quarter + i, c.data(), sizeof c);
    std::memcpy(first + 3 * quarter + i, d.data(), sizeof d);
  }
}

// The Hadamard transform in Sylvester's order, not normalised. Depth first, so that what fits a
// cache is finished in it.
void hadamard(std::span<double> values) {
  constexpr std::size_t kSmall = 16;
  if (values.size() > kSmall) {
    const std::size_t quarter = values.size() / 4;
    for (std::size_t q = 0; q < 4; ++q) hadamard(values.subspan(q * quarter, quarter));
    join_quarters(values);
    return;
  }
  double* const at = values.data();  // a span would look at each index
  for (std::size_t half = 1; half < values.size(); half *= 2)
    for (std::size_t first = 0; first < values.size(); first += 2 * half)
      for (std::size_t i = first; i < first + half; ++i) {
        const double low = at[i];
        const double high = at[i + half];
        at[i] = low + high;
        at[i + half] = low - high;
      }
}

double root(std::size_t words) { return std::sqrt(static_cast<double>(words)); }

// Up with probability `part`, in [0, 1], whose first 16 bits did not decide.
bool decide_up(double part, base::RandomSource& random) {
  std::uint32_t word = 0;
  random.fill(std::as_writable_bytes(std::span(&word, 1)));
  return word < static_cast<std::uint64_t>(part * 0x1p32);
}

// The squared norm of what rounding made. 16 bits of randomness for a value, and more for one in
// 65,536: fetching them is most of the work.
std::uint64_t round_once(std::span<const double> values, base::RandomSource& random,
                         std::span<std::int64_t> out) {
  constexpr std::size_t kBlock = 2048;
  std::array<std::uint16_t, kBlock> words;
  std::uint64_t squares = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, values.size() - begin);
    random.fill(std::as_writable_bytes(std::span(words).first(count)));
    for (std::size_t i = 0; i < count; ++i) {
      const double value = values[begin + i];
      auto rounded = static_cast<std::int64_t>(value);
      rounded -= static_cast<double>(rounded) > value ? 1 : 0;
      const double above = (value - static_cast<double>(rounded)) * 0x1p16;  // in [0, 2^16]
      const auto first = static_cast<std::int32_t>(above);
      const std::int32_t apart = words[i] - first;
      rounded += static_cast<std::uint32_t>(apart) >> 31;  // no branch: nobody could predict it
      if (apart == 0 && decide_up(above - first, random)) ++rounded;
      out[begin + i] = rounded;
      squares += static_cast<std::uint64_t>(rounded * rounded);
    }
  }
  return squares;
}

}  // namespace

Rotation::Rotation(std::uint64_t seed, std::size_t part, std::size_t coordinates)
    : words_(words_for(coordinates)), signs_((words_ + 63) / 64) {
  constexpr std::size_t kAtOnce = base::Digest::kSize / sizeof(std::uint64_t);
  base::Hasher hasher;
  for (std::size_t first = 0; first < signs_.size(); first += kAtOnce) {
    const std::array<std::uint64_t, 3> of{seed, part, first / kAtOnce};
    hasher.add(base::view_of(kDomain));
    hasher.add(std::as_bytes(std::span(of)));
    const base::Digest bits = hasher.finish();
    const std::size_t count = std::min(kAtOnce, signs_.size() - first);
    std::memcpy(signs_.data() + first, bits.bytes().data(), count * sizeof(std::uint64_t));
  }
}

std::size_t Rotation::words_for(std::size_t coordinates) { return std::bit_ceil(coordinates); }

double Rotation::sign_of(std::size_t word, double value) const {
  const std::uint64_t sign = signs_[word / 64] >> (word % 64) << 63;
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) ^ sign);
}

void Rotation::turn(std::span<const double> values, double factor, std::span<double> out) const {
  HANSE_CHECK(values.size() <= words_ && out.size() == words_);
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = sign_of(i, values[i] * factor);
  std::ranges::fill(out.subspan(values.size()), 0.0);
  hadamard(out);
  const double scale = 1 / root(words_);
  for (double& word : out) word *= scale;
}

void Rotation::turn_back(std::span<double> words) const {
  HANSE_CHECK(words.size() == words_);
  hadamard(words);
  const double scale = 1 / root(words_);
  for (std::size_t i = 0; i < words_; ++i) words[i] = sign_of(i, words[i] * scale);
}

std::uint64_t rounded_norm_squared(double norm, std::size_t words, double redrawn) {
  const double d = static_cast<double>(words);
  HANSE_CHECK(norm + root(words) <= kMostSteps && redrawn > 0 && redrawn < 1);
  const double often =
      norm * norm + d / 4 + std::sqrt(2 * std::log(1 / redrawn)) * (norm + root(words) / 2);
  const double always = (norm + root(words)) * (norm + root(words));
  return static_cast<std::uint64_t>(std::min(often, always));
}

void round_at_random(std::span<const double> values, std::uint64_t most, base::RandomSource& random,
                     std::span<std::int64_t> out) {
  HANSE_CHECK(values.size() == out.size());
  // No sum of squares comes round: each value is rounded by less than 1, so that the norm of all is
  // below kMostSteps + √d, and d is far below 2^52.
  for (int tries = 0; tries < kTries; ++tries)
    if (round_once(values, random, out) <= most) return;
  std::ranges::fill(out, 0);
}

}  // namespace hanse::privacy
