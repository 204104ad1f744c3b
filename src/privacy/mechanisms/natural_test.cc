// Arithmetic against 128-bit words, and laws beyond them.
#include "privacy/mechanisms/natural.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hanse::privacy {
namespace {

Natural natural(std::uint64_t value) { return Natural(Wide{value}); }

RC_GTEST_PROP(Natural, AgreesWithWords, (std::uint64_t a, std::uint64_t b)) {
  RC_ASSERT(natural(a).plus(natural(b)) == Natural(Wide{a} + b));
  RC_ASSERT(natural(a).times(natural(b)) == Natural(Wide{a} * b));
  RC_ASSERT((natural(a) < natural(b)) == (a < b));
  if (a >= b) RC_ASSERT(natural(a).minus(natural(b)) == natural(a - b));
  if (b > 0)
    RC_ASSERT(Natural(Wide{a} * 12345 + 6).divided_by(b) == Natural((Wide{a} * 12345 + 6) / b));
}

// (x·d + r)/d = x, (x + y) − y = x, and shifts are products of powers of two, at any length.
RC_GTEST_PROP(Natural, KeepsTheLawsBeyondWords,
              (std::uint64_t a, std::uint64_t b, std::uint64_t d, std::uint16_t far)) {
  const std::size_t bits = far % 300;
  const Natural x = natural(a).shifted_left(130).plus(natural(b).shifted_left(3));
  const Natural y = natural(b).shifted_left(170).plus(natural(a));
  RC_ASSERT(x.plus(y).minus(y) == x);
  RC_ASSERT(x.times(y) == y.times(x));
  RC_ASSERT(x.shifted_left(bits).shifted_right(bits) == x);
  RC_ASSERT(x.shifted_left(bits) == x.times(natural(1).shifted_left(bits)));
  if (d == 0) return;
  RC_ASSERT(x.times(natural(d)).plus(natural(d - 1)).divided_by(d) == x);
}

TEST(Natural, KnowsItsLength) {
  EXPECT_EQ(natural(0).bit_length(), 0u);
  EXPECT_EQ(natural(1).bit_length(), 1u);
  EXPECT_EQ(natural(1).shifted_left(200).bit_length(), 201u);
  EXPECT_EQ(natural(1).shifted_left(64).low_word(), 0u);
  EXPECT_TRUE(natural(5).shifted_right(3).is_zero());
}

TEST(NaturalDeathTest, AbortsBelowZeroAndOverZero) {
  EXPECT_DEATH((void)natural(1).minus(natural(2)), "broken invariant");
  EXPECT_DEATH((void)natural(1).divided_by(0), "broken invariant");
}

}  // namespace
}  // namespace hanse::privacy
