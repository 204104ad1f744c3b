#include "crypto/internal/mlkem_ring.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace hanse::crypto::internal {
namespace {

constexpr int kQ = kModulus;

int modulo(int x) { return ((x % kQ) + kQ) % kQ; }

Polynomial drawn(base::RandomSource& random, int below = kQ) {
  Polynomial f;
  for (auto& x : f)
    x = static_cast<std::int16_t>(
        base::uniform_below(random, 2 * static_cast<std::uint64_t>(below) - 1));
  for (auto& x : f) x = static_cast<std::int16_t>(x - (below - 1));
  return f;
}

bool same(const Polynomial& a, const Polynomial& b) {
  return std::ranges::equal(a, b, {}, modulo, modulo);
}

bool small(const Polynomial& f) {
  return std::ranges::all_of(f, [](int x) { return -kQ < x && x < kQ; });
}

// The product modulo X^256 + 1, by its definition.
Polynomial schoolbook(const Polynomial& a, const Polynomial& b) {
  std::array<int, kDegree> sums{};
  for (std::size_t i = 0; i < kDegree; ++i)
    for (std::size_t j = 0; j < kDegree; ++j) {
      const int product = a[i] * b[j] * (i + j < kDegree ? 1 : -1);
      int& sum = sums[(i + j) % kDegree];
      sum = modulo(sum + product % kQ);
    }
  Polynomial f;
  std::ranges::transform(sums, f.begin(), [](int x) { return static_cast<std::int16_t>(x); });
  return f;
}

Polynomial plus(const Polynomial& a, const Polynomial& b) {
  Polynomial sum;
  for (std::size_t i = 0; i < kDegree; ++i) sum[i] = static_cast<std::int16_t>(modulo(a[i] + b[i]));
  return sum;
}

RC_GTEST_PROP(MlKemRing, products_are_those_of_the_ring, (std::uint64_t seed)) {
  base::SeededSimulationRandom random(seed, "ring");
  std::array<Polynomial, 3> a;
  std::array<Factor, 3> b;
  Polynomial expected{};
  for (std::size_t k = 0; k < 3; ++k) {
    a[k] = drawn(random);
    Polynomial other = drawn(random);
    expected = plus(expected, schoolbook(a[k], other));
    transform(a[k]);
    transform(other);
    RC_ASSERT(small(a[k]) && small(other));
    b[k] = factor_of(other);
  }
  Polynomial product;
  multiply({&a[0], &a[1], &a[2]}, b, product);
  transform_back(product);
  RC_ASSERT(small(product));
  RC_ASSERT(same(product, expected));
}

// The bounds that keep sixteen bits enough, at their edges.
TEST(MlKemRing, nothing_overflows_at_the_edges) {
  for (const int sign : {-1, 1}) {
    Polynomial edge;
    edge.fill(static_cast<std::int16_t>(sign * (kQ - 1)));
    Polynomial there = edge;
    transform(there);
    EXPECT_TRUE(small(there));
    Factor factor{edge, {}};
    factor.turned.fill(static_cast<std::int16_t>(kQ - 1));
    Polynomial product;
    multiply({&edge, &edge, &edge}, {factor, factor, factor}, product);
    EXPECT_TRUE(small(product));
    scale_up(product);
    // Six products of −1 or 1 in even places, where the turned ones are −1.
    for (std::size_t i = 0; i < kDegree; i += 2) {
      EXPECT_EQ(modulo(product[i]), modulo(sign == 1 ? 6 : 0));
      EXPECT_EQ(modulo(product[i + 1]), 6);
    }
  }
}

TEST(MlKemRing, reduction_is_right_for_every_sum) {
  for (int x = -32768; x < 32768; x += kDegree) {
    Polynomial f;
    Polynomial zero{};
    for (std::size_t i = 0; i < kDegree; ++i)
      f[i] = static_cast<std::int16_t>(x + static_cast<int>(i));
    Polynomial reduced = f;
    add(reduced, zero);
    EXPECT_TRUE(small(reduced) && same(reduced, f)) << x;
    reduced = f;
    subtract(reduced, zero);
    EXPECT_TRUE(small(reduced) && same(reduced, f)) << x;
  }
}

// FIPS 203, equation 4.7 by its definition, for every class and each of its representatives.
template <unsigned D>
void compresses_by_definition() {
  for (int first = -kQ + 1; first < kQ; first += kDegree) {
    Polynomial f{};
    for (std::size_t i = 0; i < kDegree && first + static_cast<int>(i) < kQ; ++i)
      f[i] = static_cast<std::int16_t>(first + static_cast<int>(i));
    std::array<std::byte, 32 * D> bytes;
    encode<D>(f, bytes);
    for (std::size_t i = 0; i < kDegree; ++i) {
      unsigned found = 0;
      for (unsigned bit = 0; bit < D; ++bit) {
        const std::size_t place = D * i + bit;
        found |= (std::to_integer<unsigned>(bytes[place / 8]) >> (place % 8) & 1U) << bit;
      }
      const int x = modulo(f[i]);
      const int expected = D == 12 ? x : (2 * x * (1 << D) + kQ) / (2 * kQ) % (1 << D);
      ASSERT_EQ(found, static_cast<unsigned>(expected)) << x;
    }
    Polynomial back;
    decode<D>(bytes, back);
    for (std::size_t i = 0; i < kDegree; ++i) {
      const int away = std::abs(modulo(back[i] - f[i]));
      ASSERT_LE(std::min(away, kQ - away), D == 12 ? 0 : (kQ + (1 << D)) / (2 << D));
    }
  }
}

TEST(MlKemRing, compression_is_rounding) {
  compresses_by_definition<1>();
  compresses_by_definition<4>();
  compresses_by_definition<10>();
  compresses_by_definition<12>();
}

// FIPS 203, algorithm 8: each coefficient is the difference of two sums of two bits.
TEST(MlKemRing, small_polynomials_follow_their_law) {
  std::array<int, 5> seen{};
  base::Bytes secret(32);
  for (unsigned i = 0; i < 256; ++i) {
    Polynomial f;
    sample_small(secret, static_cast<std::uint8_t>(i), f);
    for (const int x : f) ++seen.at(static_cast<std::size_t>(x + 2));
  }
  const int expected[] = {4096, 16384, 24576, 16384, 4096};  // of 65536, binomial
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(seen[i], expected[i], 6 * 128);
}

}  // namespace
}  // namespace hanse::crypto::internal
