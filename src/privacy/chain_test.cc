// PrivateIterate and the entrance; the way through aggregation and back is tests/chain.
#include "privacy/chain.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

namespace hanse::privacy {
namespace {

using base::ErrorCode;

Layout layout_of(std::vector<Part> parts, int fraction_bits = 8, std::uint64_t max_units = 10) {
  return {std::move(parts), math::Lattice::create(fraction_bits).value(), max_units};
}

std::vector<std::int64_t> integers(std::span<const std::int64_t> values) {
  return {values.begin(), values.end()};
}

TEST(PrivateIterate, StandsOnTheLattice) {
  const auto iterate =
      PrivateIterate::create(layout_of({{"update", 2, 1}, {"weight", 1, 1}}),
                             std::vector<double>{-10, 0.251, 10}, PrivacyLoss::unbounded());
  ASSERT_TRUE(iterate.has_value());
  EXPECT_EQ(integers(iterate->values()), (std::vector<std::int64_t>{-2560, 64, 2560}));
  EXPECT_FALSE(iterate->loss().is_bounded());
}

TEST(PrivateIterate, RefusesWhatIsBeyondItsRangeAndSaysWhere) {
  const Layout layout = layout_of({{"update", 2, 1}, {"weight", 1, 0.5}});
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {std::nextafter(5.0, 6.0), -5.1, infinity, -infinity, std::nan("")}) {
    const auto iterate =
        PrivateIterate::create(layout, std::vector<double>{0, 10, bad}, PrivacyLoss::unbounded());
    ASSERT_FALSE(iterate.has_value()) << bad;
    EXPECT_EQ(iterate.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(iterate.error().text().find("coordinate 0 of 'weight'"), std::string::npos)
        << iterate.error().text();
  }
}

RC_GTEST_PROP(PrivateIterate, RoundsEachCoordinateByHalfAStep, ()) {
  const Layout layout = layout_of({{"update", 3, 2}}, *rc::gen::inRange(0, 40));
  std::vector<double> values;
  for (int i = 0; i < 3; ++i) values.push_back(*rc::gen::inRange(-20'000, 20'001) / 1000.0);
  const auto iterate = PrivateIterate::create(layout, values, PrivacyLoss::unbounded());
  RC_ASSERT(iterate.has_value());
  for (std::size_t i = 0; i < values.size(); ++i)
    RC_ASSERT(std::abs(layout.lattice.value_of(iterate->values()[i]) - values[i]) <=
              layout.lattice.step() / 2);
}

TEST(PrivateIterateDeathTest, AbortsOnAnotherSizeThanItsLayout) {
  EXPECT_DEATH((void)PrivateIterate::create(layout_of({{"update", 2, 1}}), std::vector<double>{1},
                                            PrivacyLoss::unbounded()),
               "broken invariant");
}

// In the clear means: the integers as they are. Plan and report print the same name.
TEST(InTheClear, ChangesNothing) {
  EXPECT_EQ(InTheClear::kName, "in_the_clear");
  const Layout layout = layout_of({{"part", 2, 5}});
  ClippedSumAccumulator accumulator(layout, "record");
  ASSERT_TRUE(accumulator.add(std::vector<double>{3, -4}).has_value());
  const math::Sealable sum =
      Noised::in_the_clear(std::move(accumulator).finish(), InTheClear()).surrender();
  EXPECT_EQ(integers(sum.values()), (std::vector<std::int64_t>{768, -1024}));

  auto iterate =
      PrivateIterate::create(layout, std::vector<double>{0.5, 7}, PrivacyLoss::unbounded());
  const math::Sealable parameters =
      Noised::in_the_clear(*std::move(iterate), InTheClear()).surrender();
  EXPECT_EQ(integers(parameters.values()), (std::vector<std::int64_t>{128, 1792}));
}

}  // namespace
}  // namespace hanse::privacy
