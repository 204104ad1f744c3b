// Enclosures against long double and against themselves, and coins against their probability.
#include "privacy/mechanisms/exact.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace hanse::privacy {
namespace {

double number(const Natural& value, std::size_t bits) {
  const std::size_t length = value.bit_length();
  const std::size_t drop = length > 63 ? length - 63 : 0;
  return std::ldexp(static_cast<double>(value.shifted_right(drop).low_word()),
                    static_cast<int>(drop) - static_cast<int>(bits));
}

RC_GTEST_PROP(ExpMinus, EnclosesTheExponential, (std::uint32_t numerator, std::uint16_t divisor)) {
  const int shift = *rc::gen::inRange(-40, 3);
  const std::uint64_t by = std::uint64_t{divisor} + 1;
  const Enclosure found = exp_minus({numerator, shift, {by, 3}}, 80);
  const double x = std::ldexp(static_cast<double>(numerator), shift) / static_cast<double>(by) / 3;
  RC_ASSERT(found.low <= found.high);
  RC_ASSERT(number(found.low, found.bits) <= std::exp(-x) * (1 + 1e-14 * (1 + x)));
  RC_ASSERT(number(found.high, found.bits) >= std::exp(-x) * (1 - 1e-14 * (1 + x)));
}

// More bits: a narrower enclosure, around the same number, of the width that is promised.
RC_GTEST_PROP(ExpMinus, NarrowsWithBits, (std::uint32_t numerator)) {
  const Ratio x{numerator, -26, {1, 1}};
  Enclosure before = exp_minus(x, 64);
  for (const std::size_t bits : {128, 256, 1024}) {
    const Enclosure after = exp_minus(x, bits);
    RC_ASSERT(after.high.minus(after.low) <= Natural(2).shifted_left(after.bits - bits));
    const Enclosure coarse = after.on_grid(before.bits);
    RC_ASSERT(before.low <= coarse.high && coarse.low <= before.high);
    before = after;
  }
}

TEST(ExpMinus, IsExactAtZeroAndSmallFarOut) {
  const Enclosure one = exp_minus({0, 0, {1, 1}}, 70);
  EXPECT_EQ(one.low, one.high);
  EXPECT_EQ(one.low, Natural(1).shifted_left(70));
  const Enclosure tiny = exp_minus({Wide{1} << 100, 0, {1, 1}}, 70);
  EXPECT_TRUE(tiny.low.is_zero());
  EXPECT_EQ(tiny.high, Natural(1));
}

TEST(Dyadic, IsTheDoubleItself) {
  for (const double value : {1.0, 0.1, 1e300, 1e-300, 5e-324, 3.0}) {
    const Dyadic dyadic = Dyadic::of(value);
    EXPECT_EQ(dyadic.mantissa % 2, 1u);
    EXPECT_EQ(std::ldexp(static_cast<double>(dyadic.mantissa), dyadic.exponent), value);
  }
}

// 7 standard errors: seeds are fixed, and a false alarm is rarer than 10⁻¹¹.
TEST(BernoulliExp, HasItsProbability) {
  base::SeededSimulationRandom random(3, "coins");
  Entropy entropy(random, 512);
  for (const double x : {0.0, 0.01, 0.7, 3.0}) {
    const Dyadic dyadic = Dyadic::of(x > 0 ? x : 1);
    const Ratio ratio{x > 0 ? dyadic.mantissa : 0, dyadic.exponent, {1, 1}};
    constexpr int kDraws = 20'000;
    int heads = 0;
    for (int i = 0; i < kDraws; ++i) heads += bernoulli_exp(ratio, entropy) ? 1 : 0;
    const double p = std::exp(-x);
    EXPECT_LE(std::abs(heads - kDraws * p), 7 * std::sqrt(kDraws * p * (1 - p))) << x;
  }
}

// A source whose words are given: the first leave the coin open, the last decides it.
class Given final : public base::RandomSource {
 public:
  explicit Given(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  void fill(std::span<std::byte> out) override {
    ASSERT_EQ(out.size(), sizeof(std::uint64_t));
    ASSERT_LT(at_, words_.size());
    std::memcpy(out.data(), &words_[at_++], out.size());
  }
  std::size_t taken() const { return at_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t at_ = 0;
};

// exp(−1) = 0.5e2d58d8b3bcdf1a badec7829054f90d … in hexadecimal.
TEST(LazyUniform, RevealsNoMoreThanItNeeds) {
  constexpr std::uint64_t kFirst = 0x5e2d58d8b3bcdf1a;
  constexpr std::uint64_t kSecond = 0xbadec7829054f90d;
  const Ratio one{1, 0, {1, 1}};
  struct Case {
    std::vector<std::uint64_t> words;
    bool below;
    std::size_t taken;
  };
  const Case cases[] = {{{kFirst - 1}, true, 1},
                        {{kFirst + 1}, false, 1},
                        {{kFirst, kSecond - 1}, true, 2},
                        {{kFirst, kSecond + 1}, false, 2}};
  for (const Case& of : cases) {
    Given given(of.words);
    Entropy entropy(given, 1);
    EXPECT_EQ(bernoulli_exp(one, entropy), of.below) << of.words.size();
    EXPECT_EQ(given.taken(), of.taken);
  }
}

TEST(UniformBelow, IsUniformAndWithin) {
  base::SeededSimulationRandom random(4, "uniform");
  Entropy entropy(random, 512);
  std::array<int, 5> counts{};
  for (int i = 0; i < 50'000; ++i) ++counts[uniform_below(entropy, 5)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 7 * std::sqrt(8000));
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_LT(uniform_below(entropy, most), most);
  EXPECT_EQ(uniform_below(entropy, 1), 0u);
}

}  // namespace
}  // namespace hanse::privacy
