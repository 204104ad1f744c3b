#include "math/lattice.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "math/matrix.h"

namespace hanse::math {
namespace {

using base::ErrorCode;

Lattice lattice(int fraction_bits) { return Lattice::create(fraction_bits).value(); }

TEST(Lattice, HasZeroTo52FractionBits) {
  EXPECT_EQ(lattice(0).step(), 1.0);
  EXPECT_EQ(lattice(52).step(), 0x1p-52);
  for (const int bits : {-1, 53, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()})
    EXPECT_EQ(Lattice::create(bits).error().code(), ErrorCode::invalid_argument) << bits;
}

TEST(Lattice, RoundsToTheNearestPointTiesToEven) {
  EXPECT_EQ(lattice(0).quantise(2.5), 2);
  EXPECT_EQ(lattice(0).quantise(3.5), 4);
  EXPECT_EQ(lattice(0).quantise(-2.5), -2);
  EXPECT_EQ(lattice(0).quantise(2.5000001), 3);
  EXPECT_EQ(lattice(4).quantise(1.0), 16);
  EXPECT_EQ(lattice(4).quantise(-0.0), 0);
  EXPECT_EQ(lattice(52).quantise(0x1p-52), 1);
  EXPECT_EQ(lattice(0).quantise(1e-300), 0);
}

// A double in ±2^20, from its bits: many more small ones than a uniform draw has.
rc::Gen<double> reals() {
  return rc::gen::map(rc::gen::pair(rc::gen::inRange(-60, 20), rc::gen::arbitrary<std::int64_t>()),
                      [](const std::pair<int, std::int64_t>& drawn) {
                        const auto fraction = static_cast<double>(drawn.second) * 0x1p-63;
                        return std::ldexp(fraction, drawn.first);
                      });
}

RC_GTEST_PROP(Lattice, ErrsByAtMostHalfAStep, ()) {
  const Lattice grid = lattice(*rc::gen::inRange(0, 41));
  const double value = *reals();
  RC_ASSERT(std::abs(grid.value_of(grid.quantise(value)) - value) <= grid.step() / 2);
}

RC_GTEST_PROP(Lattice, LeavesItsOwnPointsAlone, ()) {
  const Lattice grid = lattice(*rc::gen::inRange(0, 53));
  const auto point =
      *rc::gen::inRange<std::int64_t>(-(std::int64_t{1} << 53), std::int64_t{1} << 53);
  RC_ASSERT(grid.quantise(grid.value_of(point)) == point);
}

RC_GTEST_PROP(Lattice, IsOddAndMonotonic, ()) {
  const Lattice grid = lattice(*rc::gen::inRange(0, 41));
  const double a = *reals();
  const double b = *reals();
  RC_ASSERT(grid.quantise(-a) == -grid.quantise(a));
  RC_ASSERT(grid.quantise(std::min(a, b)) <= grid.quantise(std::max(a, b)));
}

TEST(LatticeDeathTest, AbortsOnWhatNoWordHolds) {
  EXPECT_DEATH((void)lattice(0).quantise(0x1p62), "broken invariant");
  EXPECT_DEATH((void)lattice(52).quantise(-1024.0), "broken invariant");
  EXPECT_DEATH((void)lattice(0).quantise(std::nan("")), "broken invariant");
  EXPECT_DEATH((void)lattice(0).quantise(std::numeric_limits<double>::infinity()), "broken");
  EXPECT_EQ(lattice(0).quantise(std::nextafter(0x1p62, 0.0)), (std::int64_t{1} << 62) - 512);
}

// The proof against the sum itself, computed where nothing overflows.
RC_GTEST_PROP(ProveNoOverflow, HoldsForTheWorstSum, ()) {
  const int bits = *rc::gen::inRange(0, 53);
  const auto terms = *rc::gen::inRange<std::int64_t>(1, std::int64_t{1} << 24);
  const double range = std::ldexp(*rc::gen::inRange(1, 1 << 20), *rc::gen::inRange(-30, 30));
  const bool proven =
      prove_no_overflow(lattice(bits), static_cast<double>(terms), range).has_value();
  const double steps = std::ldexp(range, bits);
  RC_CLASSIFY(proven);
  if (!proven) {
    // Refused only when the bits are really needed, up to the factor of two it keeps in reserve.
    RC_ASSERT(steps * static_cast<double>(terms) >= 0x1p60);
    return;
  }
  __extension__ using Wide = __int128;
  const auto worst = static_cast<Wide>(lattice(bits).quantise(range)) * terms;
  RC_ASSERT(worst <= std::numeric_limits<std::int64_t>::max());
}

TEST(ProveNoOverflow, RefusesWithTheNumbers) {
  const auto refused = prove_no_overflow(lattice(40), 5000.0 * 1000.0, 100.0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
  // log2(5e6 · 100 · 2^40) = 68.9.
  for (const char* part : {"5000000 terms", "at most 100", "40 fraction bits", "68.9 bits of 62"})
    EXPECT_NE(refused.error().text().find(part), std::string::npos) << refused.error().text();
  EXPECT_FALSE(prove_no_overflow(lattice(0), std::nan(""), 1).has_value());
  EXPECT_FALSE(
      prove_no_overflow(lattice(0), 1, std::numeric_limits<double>::infinity()).has_value());
  EXPECT_FALSE(prove_no_overflow(lattice(0), 0x1p62, 1).has_value());
  EXPECT_TRUE(prove_no_overflow(lattice(0), 0x1p61, 1).has_value());
}

using Words = std::vector<std::int64_t>;

RC_GTEST_PROP(AddWords, DoesNotDependOnTheOrder, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(0, 8);
  auto terms = *rc::gen::container<std::vector<Words>>(
      rc::gen::container<Words>(width, rc::gen::arbitrary<std::int64_t>()));
  const auto total = [width](const std::vector<Words>& all) {
    Words sum(width);
    for (const Words& term : all) add_words(sum, term);
    return sum;
  };
  const Words forwards = total(terms);
  std::ranges::reverse(terms);
  RC_ASSERT(total(terms) == forwards);
}

TEST(AddWords, WrapsAsTheRingDoes) {
  Words sum{std::numeric_limits<std::int64_t>::max(), -5};
  add_words(sum, Words{1, 3});
  EXPECT_EQ(sum, (Words{std::numeric_limits<std::int64_t>::min(), -2}));
}

TEST(AddWordsDeathTest, AbortsOnDifferentSizes) {
  Words sum(2);
  EXPECT_DEATH(add_words(sum, Words(3)), "broken invariant");
}

TEST(Matrix, LiesRowAfterRow) {
  Matrix matrix(2, 3);
  std::iota(matrix.values().begin(), matrix.values().end(), 0.0);
  EXPECT_EQ(matrix.rows(), 2u);
  EXPECT_EQ(matrix.columns(), 3u);
  EXPECT_EQ(matrix.at(1, 2), 5.0);
  EXPECT_EQ(matrix.row(1).data(), matrix.values().data() + 3);
  EXPECT_EQ(matrix.row(1).size(), 3u);
  matrix.row(0)[1] = 9;
  EXPECT_EQ(matrix.at(0, 1), 9.0);
}

TEST(Matrix, MayHaveNoRows) {
  EXPECT_EQ(Matrix().rows(), 0u);
  EXPECT_TRUE(Matrix(0, 5).values().empty());
  EXPECT_NE(Matrix(0, 5), Matrix(0, 4));
}

}  // namespace
}  // namespace hanse::math
