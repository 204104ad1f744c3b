#include "privacy/rotation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace hanse::privacy {
namespace {

using Vector = std::vector<double>;

double norm(std::span<const double> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

Vector turned(const Rotation& rotation, std::span<const double> values, double factor = 1) {
  Vector out(rotation.words());
  rotation.turn(values, factor, out);
  return out;
}

Vector normals(std::size_t size, std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "normals");
  Vector values(size);
  for (double& value : values) value = base::standard_normal(random);
  return values;
}

// A vector of the given shape whose norm is `length`.
Vector shaped(std::string_view shape, std::size_t size, double length) {
  Vector values(size, 1.0);
  if (shape == "one") std::ranges::fill(std::span(values).subspan(1), 0.0);
  if (shape == "random") values = normals(size, 5);
  const double is = norm(values);
  for (double& value : values) value *= length / is;
  return values;
}

// By the definition: row k of H has the signs (−1)^(number of common bits of k and i); the sign of
// D at i shows where the unit vector e_i lands.
TEST(Rotation, IsTheHadamardMatrixAfterSigns) {
  for (const std::size_t size : {1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u, 256u}) {
    const Rotation rotation(7, 0, size);
    for (std::size_t i = 0; i < size; ++i) {
      Vector unit(size);
      unit[i] = 1;
      const Vector column = turned(rotation, unit);
      const double sign = column[0] > 0 ? 1 : -1;
      for (std::size_t k = 0; k < size; ++k) {
        const double entry = std::popcount(i & k) % 2 == 0 ? sign : -sign;
        ASSERT_NEAR(column[k], entry / std::sqrt(static_cast<double>(size)), 1e-15)
            << size << " " << i << " " << k;
      }
    }
  }
}

RC_GTEST_PROP(Rotation, KeepsNormsAndIsUndone, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(1, 3000);
  const Rotation rotation(*rc::gen::inRange<std::uint64_t>(1, 1000), 3, size);
  const Vector values = normals(size, *rc::gen::arbitrary<std::uint64_t>());
  Vector words = turned(rotation, values, 2);
  RC_ASSERT(words.size() == std::bit_ceil(size));
  RC_ASSERT(std::abs(norm(words) / norm(values) - 2) < 1e-12);
  rotation.turn_back(words);
  for (std::size_t i = 0; i < words.size(); ++i)
    RC_ASSERT(std::abs(words[i] - (i < size ? 2 * values[i] : 0)) < 1e-12);
}

// What rotation is for: of a vector on one coordinate every word carries the same.
TEST(Rotation, SpreadsOneCoordinateOverAllWords) {
  const Rotation rotation(9, 1, 1000);
  for (const double word : turned(rotation, shaped("one", 1000, 5)))
    ASSERT_NEAR(std::abs(word), 5 / 32.0, 1e-14);
}

TEST(Rotation, FloatingPointErrsByNoMoreThanSaid) {
  for (const std::size_t size : {64u, 4096u, 1u << 17}) {
    const Rotation rotation(11, 0, size);
    const Vector values = normals(size, 1);
    Vector back = turned(rotation, values);
    rotation.turn_back(back);
    for (std::size_t i = 0; i < size; ++i) back[i] -= values[i];
    const double levels = std::log2(static_cast<double>(size));
    EXPECT_LE(norm(back) / norm(values), 2 * (5 + levels) * 0x1p-53) << size;
  }
}

std::string signs(std::uint64_t seed, std::size_t part, std::size_t size) {
  Vector first(size);
  std::string text;
  const Rotation rotation(seed, part, size);
  for (std::size_t i = 0; i < size; ++i) {
    std::ranges::fill(first, 0.0);
    first[i] = 1;
    text += turned(rotation, first)[0] > 0 ? '+' : '-';
  }
  return text;
}

// Every site has the same; by a program of its own from SHA-256("hanse rotation signs 1" ‖ seed ‖
// part ‖ block), lowest bit first, the numbers as eight bytes, little-endian.
TEST(Rotation, SignsAreThoseOfTheFormat) {
  EXPECT_EQ(signs(1, 0, 32), "++++++-+-++-++--+++++++-+--+++++");
  EXPECT_EQ(signs(1, 1, 32), "+-+++-+--------++++---+--+-+--++");
  EXPECT_EQ(signs(2, 0, 32), "-++-+++-+-+++++-++-+-+--+-----+-");
  // The second block begins at word 256.
  EXPECT_EQ(signs(1, 0, 512).substr(256, 32), "+++-++-----+--++-++-+-+++--+-+--");
}

TEST(RoundedNormSquared, IsTheTheoremsNumber) {
  // c = 10, d = 16: 100 + 4 + √(2·ln e)·(10 + 2), and (10 + 4)².
  EXPECT_EQ(rounded_norm_squared(10, 16, std::exp(-1.0)), 120u);  // 104 + 12·√2 = 120.97
  EXPECT_EQ(rounded_norm_squared(10, 16, std::exp(-0.5)), 116u);
  EXPECT_EQ(rounded_norm_squared(10, 16, 1e-30), 196u);
  EXPECT_EQ(rounded_norm_squared(0, 1), 1u);
  EXPECT_EQ(rounded_norm_squared(0x1p26 - 1, 1, 1e-300), std::uint64_t{1} << 52);
  EXPECT_LT(std::sqrt(rounded_norm_squared(1 << 15, 1 << 20)), (1 << 15) * 1.0003);
}

TEST(RoundedNormSquaredDeathTest, AbortsWhereSquaresAreNotExact) {
  EXPECT_DEATH((void)rounded_norm_squared(0x1p26, 1), "broken invariant");
}

// All 2^d ways to round x: the probability that the squared norm exceeds `most`, the largest
// squared norm, and the mean of those within.
struct AllRoundings {
  AllRoundings(std::span<const double> x, double most) : mean(x.size()) {
    double within = 0;
    for (std::size_t way = 0; way < std::size_t{1} << x.size(); ++way) {
      double chance = 1;
      double squares = 0;
      Vector rounded(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const bool up = (way >> i) % 2 == 1;
        rounded[i] = std::floor(x[i]) + (up ? 1 : 0);
        chance *= up ? x[i] - std::floor(x[i]) : 1 - (x[i] - std::floor(x[i]));
        squares += rounded[i] * rounded[i];
      }
      if (chance > 0) largest = std::max(largest, squares);
      if (squares > most) {
        beyond += chance;
        continue;
      }
      within += chance;
      for (std::size_t i = 0; i < x.size(); ++i) mean[i] += chance * rounded[i];
    }
    for (double& value : mean) value /= within;
  }
  double beyond = 0;
  double largest = 0;
  Vector mean;
};

// Theorems 1 and 2 of the proof, on a grid of vectors within the norm: a brute-force maximum.
TEST(RoundedNormSquared, HoldsForEveryRoundingOfSmallVectors) {
  for (const std::size_t d : {1u, 2u, 4u})
    for (const double c : {0.3, 1.0, 1.9, 3.0})
      for (const double beta : {0.5, 0.1, 0.01}) {
        const double most = static_cast<double>(rounded_norm_squared(c, d, beta));
        const int steps = d == 4 ? 8 : 60;
        std::vector<int> at(d, -steps);
        for (bool more = true; more;) {
          Vector x(d);
          for (std::size_t i = 0; i < d; ++i) x[i] = c * at[i] / steps;
          if (norm(x) <= c) {
            const AllRoundings all(x, most);
            ASSERT_LE(all.largest, (c + std::sqrt(d)) * (c + std::sqrt(d)));
            ASSERT_LE(all.beyond, beta + 1e-12);
            double bias = 0;
            for (std::size_t i = 0; i < d; ++i) bias = std::hypot(bias, all.mean[i] - x[i]);
            ASSERT_LE(bias, beta * std::sqrt(d) + 1e-12);
          }
          std::size_t i = 0;
          while (i < d && ++at[i] > steps) at[i++] = -steps;
          more = i < d;
        }
      }
}

// Adversarial shapes at the norm, in more words than can be enumerated.
TEST(RoundAtRandom, NeverGoesBeyondTheNorm) {
  base::SeededSimulationRandom random(1, "rounding");
  for (const std::size_t d : {1u, 3u, 64u, 1500u})
    for (const double c : {0.4, 2.5, 100.0, 1e6})
      for (const std::string_view shape : {"one", "flat", "random"}) {
        const Vector x = shaped(shape, d, c);
        const std::uint64_t most = rounded_norm_squared(c, d);
        std::vector<std::int64_t> out(d);
        for (int draw = 0; draw < 200; ++draw) {
          round_at_random(x, most, random, out);
          std::uint64_t squares = 0;
          for (std::size_t i = 0; i < d; ++i) {
            squares += static_cast<std::uint64_t>(out[i] * out[i]);
            ASSERT_LT(std::abs(static_cast<double>(out[i]) - x[i]), 1) << shape;
          }
          ASSERT_LE(squares, most) << shape << " " << c << " " << d;
        }
      }
}

// A bound that roundings do exceed: what comes is drawn again, and has the mean of those within.
TEST(RoundAtRandom, DrawsAgainWhatIsBeyond) {
  const Vector x{0.5, 1.5, -0.5};
  const AllRoundings all(x, 5);
  ASSERT_GT(all.beyond, 0.1);
  base::SeededSimulationRandom random(2, "again");
  constexpr int kDraws = 40'000;
  Vector mean(3);
  std::vector<std::int64_t> out(3);
  for (int draw = 0; draw < kDraws; ++draw) {
    round_at_random(x, 5, random, out);
    ASSERT_LE(out[0] * out[0] + out[1] * out[1] + out[2] * out[2], 5);
    for (std::size_t i = 0; i < 3; ++i) mean[i] += static_cast<double>(out[i]) / kDraws;
  }
  // Of values one apart the deviation is at most 1/2: five of the mean's.
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(mean[i], all.mean[i], 2.5 / std::sqrt(kDraws));
  EXPECT_GT(std::abs(all.mean[1] - x[1]), 2.5 / std::sqrt(kDraws));  // it could tell
}

TEST(RoundAtRandom, HasNoBias) {
  constexpr std::size_t kSize = 256;
  constexpr int kDraws = 20'000;
  const Vector x = shaped("random", kSize, 30);
  const std::uint64_t most = rounded_norm_squared(30, kSize);
  base::SeededSimulationRandom random(3, "bias");
  Vector mean(kSize);
  std::vector<std::int64_t> out(kSize);
  for (int draw = 0; draw < kDraws; ++draw) {
    round_at_random(x, most, random, out);
    for (std::size_t i = 0; i < kSize; ++i) mean[i] += static_cast<double>(out[i]) / kDraws;
  }
  for (std::size_t i = 0; i < kSize; ++i) {
    const double up = x[i] - std::floor(x[i]);
    // Six deviations in 256 places; what is nearly whole may err by one draw.
    EXPECT_NEAR(mean[i], x[i], 6 * std::sqrt(up * (1 - up) / kDraws) + 3.0 / kDraws) << i;
  }
}

// The same words again and again.
class Constant final : public base::RandomSource {
 public:
  explicit Constant(std::byte value) : value_(value) {}
  void fill(std::span<std::byte> out) override {
    ++calls_;
    std::ranges::fill(out, value_);
  }
  int calls_ = 0;

 private:
  std::byte value_;
};

TEST(RoundAtRandom, EndsAtNothingWhenNothingFits) {
  Constant always_up(std::byte{0});
  std::vector<std::int64_t> out(2, 7);
  round_at_random(Vector{0.5, 3.5}, 10, always_up, out);  // always (1, 4)
  EXPECT_EQ(out, (std::vector<std::int64_t>{0, 0}));
  EXPECT_EQ(always_up.calls_, kTries);
  Constant always_down(std::byte{255});
  round_at_random(Vector{0.5, 3.5}, 10, always_down, out);
  EXPECT_EQ(out, (std::vector<std::int64_t>{0, 3}));
  round_at_random(Vector{-0.5, -3.0}, 10, always_down, out);
  EXPECT_EQ(out, (std::vector<std::int64_t>{-1, -3}));
  EXPECT_EQ(always_down.calls_, 2);
}

}  // namespace
}  // namespace hanse::privacy
