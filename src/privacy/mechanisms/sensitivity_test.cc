// What one unit can move, under either relation.
#include "privacy/mechanisms/sensitivity.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

namespace hanse::privacy {
namespace {

using base::ErrorCode;

TEST(Sensitivity, OfEachAnswer) {
  const auto count = Sensitivity::of_count(Neighbours::replace_one);
  EXPECT_EQ(count.neighbours(), Neighbours::replace_one);
  EXPECT_EQ(count.l1(), 1);
  const auto added = Sensitivity::of_histogram(Neighbours::add_remove, 3).value();
  EXPECT_EQ(added.l1(), 3);
  EXPECT_EQ(added.l2(), 3);
  const auto replaced = Sensitivity::of_histogram(Neighbours::replace_one, 3).value();
  EXPECT_EQ(replaced.l1(), 6);
  EXPECT_GE(replaced.l2() * replaced.l2(), 18);
  EXPECT_NEAR(replaced.l2(), std::sqrt(18), 1e-14);
  EXPECT_EQ(replaced.linf(), 3);
  EXPECT_EQ(Sensitivity::of_sum(Neighbours::add_remove, 5).value().l2(), 5);
  EXPECT_EQ(Sensitivity::of_sum(Neighbours::replace_one, 5).value().l2(), 10);
  EXPECT_EQ(Sensitivity::of_score(Neighbours::replace_one, 5).value().linf(), 5);
  const auto vector = Sensitivity::of_vector(Neighbours::add_remove, 2, 9).value();
  EXPECT_EQ(vector.l1(), 6);
  EXPECT_EQ(vector.l2(), 2);
}

// A weighted contribution charges w·C, and never a bit less.
RC_GTEST_PROP(Sensitivity, GrowsWithWeightAndRepetition,
              (std::uint16_t weight, std::uint8_t more)) {
  const double w = (weight + 1) / 300.0;
  const auto one = Sensitivity::of_vector(Neighbours::add_remove, 0.7, 11).value();
  const auto weighted = one.weighted(w).value();
  const double rounding = w == std::floor(w) ? 0 : std::sqrt(11.0);
  RC_ASSERT(static_cast<long double>(weighted.l2()) >=
            static_cast<long double>(w) * 0.7 + rounding);
  RC_ASSERT(weighted.l2() <= (w * 0.7 + rounding) * (1 + 1e-15));
  const std::uint64_t times = more + std::uint64_t{1};
  const auto repeated = one.repeated(times).value();
  RC_ASSERT(repeated.l1() >= one.l1() * static_cast<double>(times));
  RC_ASSERT(repeated.l2() * repeated.l2() >= 0.49 * static_cast<double>(times) * (1 - 1e-15));
  RC_ASSERT(repeated.linf() == one.linf());
}

TEST(Sensitivity, StaysExactWhereADoubleIs) {
  const auto one = Sensitivity::of_count(Neighbours::add_remove);
  EXPECT_EQ(one.weighted(3).value().l1(), 3);
  EXPECT_EQ(one.repeated(16).value().l2(), 4);
  const std::uint64_t odd = (std::uint64_t{1} << 60) + 1;
  EXPECT_GT(Sensitivity::of_sum(Neighbours::add_remove, odd).value().l1(), 0x1p60);
}

// Beyond the words and below the doubles: never less than the truth.
TEST(Sensitivity, RoundsUpAtTheEnds) {
  const auto tiny = Sensitivity::of_vector(Neighbours::add_remove, 5e-324, 1).value();
  EXPECT_GT(tiny.repeated(2).value().l2(), tiny.l2());
  const auto wide = Sensitivity::of_vector(Neighbours::add_remove, 1, 0xaaaaaaaaaaaaaaab).value();
  EXPECT_GE(wide.repeated(3).value().coordinates(), wide.coordinates());
}

TEST(Sensitivity, RefusesWhatIsNone) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(Sensitivity::of_histogram(Neighbours::add_remove, 0).has_value());
  EXPECT_FALSE(Sensitivity::of_sum(Neighbours::add_remove, 0).has_value());
  EXPECT_FALSE(Sensitivity::of_sum(Neighbours::add_remove, ~std::uint64_t{0}).has_value());
  EXPECT_FALSE(Sensitivity::of_vector(Neighbours::add_remove, 1, 0).has_value());
  const auto one = Sensitivity::of_count(Neighbours::add_remove);
  for (const double bad : {0.0, -1.0, infinity, std::nan("")}) {
    EXPECT_EQ(one.weighted(bad).error().code(), ErrorCode::invalid_argument) << bad;
    EXPECT_FALSE(Sensitivity::of_vector(Neighbours::add_remove, bad, 1).has_value()) << bad;
  }
  EXPECT_FALSE(one.repeated(0).has_value());
}

}  // namespace
}  // namespace hanse::privacy
