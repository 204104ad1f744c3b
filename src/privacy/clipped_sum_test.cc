#include "privacy/clipped_sum.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/limits.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using Rows = std::vector<std::vector<double>>;

Layout layout_of(std::vector<Part> parts, int fraction_bits = 20, std::uint64_t max_units = 1000) {
  return {std::move(parts), math::Lattice::create(fraction_bits).value(), max_units};
}

double norm(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

// Contributions known one by one, summed as a batch: what gradients do without holding them.
class Explicit final : public BatchedUnits {
 public:
  explicit Explicit(Rows rows) : rows_(std::move(rows)) {
    for (const auto& row : rows_) norms_.push_back(norm(row));
  }
  std::span<const double> norms() const override { return norms_; }
  void weighted_sum(std::span<const double> factors, std::span<double> out) override {
    std::ranges::fill(out, 0.0);
    for (std::size_t i = 0; i < rows_.size(); ++i)
      for (std::size_t j = 0; j < out.size(); ++j) out[j] += factors[i] * rows_[i][j];
  }
  std::vector<double> norms_;

 private:
  Rows rows_;
};

// Vectors from far inside the clip to far outside.
rc::Gen<Rows> rows_of(std::size_t width) {
  const auto number =
      rc::gen::map(rc::gen::pair(rc::gen::inRange(-1000, 1001), rc::gen::inRange(-12, 4)),
                   [](const std::pair<int, int>& drawn) {
                     return std::ldexp(drawn.first / 1000.0, drawn.second);
                   });
  return rc::gen::container<Rows>(rc::gen::container<std::vector<double>>(width, number));
}

ClippedSum sum_one_by_one(const Layout& layout, const Rows& rows) {
  ClippedSumAccumulator accumulator(layout, "record");
  for (const auto& row : rows) RC_ASSERT(accumulator.add(row).has_value());
  return std::move(accumulator).finish();
}

// All of the rows belong to the layout's one part.
ClippedSum sum_in_batches(const Layout& layout, const Rows& rows, std::size_t batch) {
  ClippedSumAccumulator accumulator(layout, "record");
  for (std::size_t first = 0; first < rows.size(); first += batch) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t size = std::min(batch, rows.size() - first);
    Explicit units(Rows(begin, begin + static_cast<std::ptrdiff_t>(size)));
    RC_ASSERT(accumulator.add_batch(0, units, {}).has_value());
  }
  return std::move(accumulator).finish();
}

double distance(const ClippedSum& a, const ClippedSum& b) {
  std::vector<double> difference;
  for (std::size_t i = 0; i < a.values().size(); ++i)
    difference.push_back(a.layout().lattice.value_of(a.values()[i] - b.values()[i]));
  return norm(difference);
}

TEST(ClippedSum, IsWorkedByHand) {
  ClippedSumAccumulator accumulator(layout_of({{"xy", 2, 5}, {"n", 1, 1}}, 4), "record");
  ASSERT_TRUE(accumulator.add(std::vector<double>{3, -4, 1}).has_value());     // norm 5: as it is
  ASSERT_TRUE(accumulator.add(std::vector<double>{6, 8, 1}).has_value());      // norm 10: halved
  ASSERT_TRUE(accumulator.add(std::vector<double>{0, 0, -9}).has_value());     // only n is clipped
  ASSERT_TRUE(accumulator.add(std::vector<double>{.03, .04, 0}).has_value());  // 0.48, 0.64 steps
  const ClippedSum sum = std::move(accumulator).finish();
  EXPECT_EQ(sum.unit(), "record");
  EXPECT_EQ(std::vector(sum.values().begin(), sum.values().end()),
            (std::vector<std::int64_t>{6 * 16, 0 * 16 + 1, 1 * 16}));
}

// Each unit's vector, as it stands in the sum, is within the clip but for its rounding.
RC_GTEST_PROP(ClippedSum, ClipsEachUnit, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 6);
  const Rows rows = *rows_of(width);
  const double clip = std::ldexp(1.0, *rc::gen::inRange(-6, 4));
  const Layout layout = layout_of({{"part", width, clip}}, *rc::gen::inRange(0, 40));
  for (const auto& row : rows) {
    const ClippedSum sum = sum_one_by_one(layout, {row});
    std::vector<double> stands;
    for (const std::int64_t value : sum.values()) stands.push_back(layout.lattice.value_of(value));
    RC_ASSERT(norm(stands) <= sum.sensitivity(0));
    // What needs no clipping is not touched, but for its rounding.
    if (norm(row) > clip * (1 - 1e-12)) continue;
    for (std::size_t j = 0; j < width; ++j)
      RC_ASSERT(std::abs(stands[j] - row[j]) <= layout.lattice.step() / 2);
  }
}

// One unit more or less, anywhere in the table, moves the sum by at most the sensitivity. Coarse
// lattices make rounding the larger part of it.
RC_GTEST_PROP(ClippedSum, SensitivityBoundsNeighboursOneByOne, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 6);
  Rows rows = *rc::gen::nonEmpty(rows_of(width));
  const Layout layout = layout_of({{"part", width, 0.75}}, *rc::gen::inRange(0, 12));
  const ClippedSum all = sum_one_by_one(layout, rows);
  rows.erase(rows.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(rows)));
  const ClippedSum fewer = sum_one_by_one(layout, rows);
  RC_ASSERT(distance(all, fewer) <= all.sensitivity(0));
  if (!rows.empty()) RC_ASSERT(distance(all, fewer) <= fewer.sensitivity(0));
}

// Also in batches, where a record that is missing shifts all behind it into other batches.
RC_GTEST_PROP(ClippedSum, SensitivityBoundsNeighboursInBatches, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 4);
  Rows rows = *rc::gen::nonEmpty(rows_of(width));
  const auto batch = *rc::gen::inRange<std::size_t>(1, 5);
  const Layout layout = layout_of({{"part", width, 0.75}}, *rc::gen::inRange(0, 6));
  const ClippedSum all = sum_in_batches(layout, rows, batch);
  rows.erase(rows.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(rows)));
  const ClippedSum fewer = sum_in_batches(layout, rows, batch);
  RC_ASSERT(distance(all, fewer) <= all.sensitivity(0));
  if (!rows.empty()) RC_ASSERT(distance(all, fewer) <= fewer.sensitivity(0));
}

// The same by hand, on whole numbers in pairs: five sums of 0.6, each rounded up to 1. Without the
// first record the pairs shift: four sums of 0.4, each rounded down to 0, and 0.6 alone.
TEST(ClippedSum, CountsTheRoundingOfEveryBatch) {
  const Layout layout = layout_of({{"part", 1, 1}}, 0);
  Rows rows{{.8}, {-.2}, {.6}, {0}, {.4}, {.2}, {.2}, {.4}, {0}, {.6}};
  const ClippedSum all = sum_in_batches(layout, rows, 2);
  rows.erase(rows.begin());
  const ClippedSum fewer = sum_in_batches(layout, rows, 2);
  EXPECT_EQ(all.values()[0], 5);
  EXPECT_EQ(fewer.values()[0], 1);
  EXPECT_GE(all.sensitivity(0), 4);
  EXPECT_GE(fewer.sensitivity(0), 4);
  EXPECT_LE(all.sensitivity(0), 7.01);  // the clip, a step for each batch and for one more
}

// The plan's number bounds every site's, in batches as said or one by one.
RC_GTEST_PROP(Layout, ItsSensitivityBoundsEverySum, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 6);
  const Rows rows = *rows_of(width);
  const Layout layout = layout_of({{"part", width, 0.75}}, *rc::gen::inRange(0, 50),
                                  rows.size() + *rc::gen::inRange<std::size_t>(1, 9));
  const auto batch = *rc::gen::inRange<std::size_t>(1, 9);
  RC_ASSERT(sum_in_batches(layout, rows, batch).sensitivity(0) <=
            layout.clip_with_rounding(0, batch));
  RC_ASSERT(sum_one_by_one(layout, rows).sensitivity(0) <= layout.clip_with_rounding(0, 0));
}

// A weight is on what clipping left: a unit, however long, moves the sum by weight · clip and
// rounding at most, one by one or in batches; and the plan's number is that.
RC_GTEST_PROP(ClippedSum, AWeightedUnitMovesTheSumByWeightTimesClip, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 4);
  Rows rows = *rc::gen::nonEmpty(rows_of(width));
  const auto batch = *rc::gen::inRange<std::size_t>(1, 5);
  Layout layout = layout_of({{"part", width, 0.75}}, *rc::gen::inRange(0, 40), rows.size() + 1);
  layout.weight = 1.0 / *rc::gen::inRange(1, 100);
  const auto sums = [&] {
    return std::pair(sum_one_by_one(layout, rows), sum_in_batches(layout, rows, batch));
  };
  const auto all = sums();
  rows.erase(rows.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(rows)));
  const auto fewer = sums();
  RC_ASSERT(distance(all.first, fewer.first) <= all.first.sensitivity(0));
  RC_ASSERT(distance(all.second, fewer.second) <= all.second.sensitivity(0));
  RC_ASSERT(all.first.sensitivity(0) <= layout.clip_with_rounding(0, 0));
  RC_ASSERT(all.second.sensitivity(0) <= layout.clip_with_rounding(0, batch));
  RC_ASSERT(layout.most(layout.parts[0]) == 0.75 * layout.weight);
}

// A lowered clip cuts the first part alone, and only what is longer than it.
TEST(ClippedSum, ALoweredClipCutsTheFirstPart) {
  Layout layout = layout_of({{"update", 2, 1}, {"count", 1, 1}});
  ClippedSumAccumulator sum(layout, "record");
  sum.lower_clip(.25);
  ASSERT_TRUE(sum.add(std::vector<double>{3, 4, 1}));
  const ClippedSum found = std::move(sum).finish();
  const double step = layout.lattice.step();
  EXPECT_NEAR(static_cast<double>(found.values()[0]) * step, .25 * .6, 1e-6);
  EXPECT_NEAR(static_cast<double>(found.values()[1]) * step, .25 * .8, 1e-6);
  EXPECT_NEAR(static_cast<double>(found.values()[2]) * step, 1, 1e-6);
  ClippedSumAccumulator within(layout, "record");
  within.lower_clip(.25);
  ASSERT_TRUE(within.add(std::vector<double>{.12, .16, 0}));
  EXPECT_NEAR(static_cast<double>(std::move(within).finish().values()[1]) * step, .16, 1e-6);
}

// The bound is no wider than that: a long unit reaches it, and without the weight goes beyond.
TEST(ClippedSum, AWeightIsOnWhatClippingLeft) {
  Layout layout = layout_of({{"part", 1, 1}, {"n", 1, 1}}, 20);
  const Rows rows{{100, 1}, {0.5, 1}};
  const ClippedSum usual = sum_one_by_one(layout, rows);
  layout.weight = 0.25;
  const ClippedSum weighted = sum_one_by_one(layout, rows);
  EXPECT_EQ(usual.values()[0], 3 << 19);
  EXPECT_EQ(weighted.values()[0], 3 << 17);
  EXPECT_EQ(weighted.values()[1], 1 << 19);
  EXPECT_NEAR(weighted.sensitivity(0), 0.25, 1e-6);
  EXPECT_LT(layout.bound(layout.parts[0]), usual.layout().bound(layout.parts[0]));
  for (const double weight : {0.0, -1.0, 1.01, std::nan("")}) {
    layout.weight = weight;
    EXPECT_EQ(check_layout(layout, 1).error().code(), ErrorCode::invalid_argument) << weight;
  }
}

TEST(Layout, StatesItsSensitivityInSteps) {
  const Layout layout = layout_of({{"part", 4, 3}}, 4, 10);
  const auto one = layout.sensitivity(0, 0, Neighbours::add_remove).value();
  EXPECT_EQ(one.l2(), 3 * 16 + 1);  // half a step on each of four coordinates
  EXPECT_EQ(layout.sensitivity(0, 0, Neighbours::replace_one).value().l2(), 2 * (3 * 16 + 1));
  const auto batched = layout.sensitivity(0, 4, Neighbours::add_remove).value();
  EXPECT_NEAR(batched.l2(), 3 * 16 + (3 + 1) * 2, 1e-9);  // three batches and one more
}

RC_GTEST_PROP(ClippedSum, BatchesAgreeWithUnitsToTheirRounding, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 6);
  const Rows rows = *rows_of(width);
  const Layout layout = layout_of({{"part", width, 0.5}}, 30);
  const ClippedSum batched = sum_in_batches(layout, rows, *rc::gen::inRange<std::size_t>(1, 9));
  const ClippedSum single = sum_one_by_one(layout, rows);
  const double roundings = static_cast<double>(2 * rows.size() + 2) * layout.lattice.step();
  RC_ASSERT(distance(batched, single) <= roundings * std::sqrt(static_cast<double>(width)));
}

TEST(ClippedSum, ABatchCarriesItsOtherParts) {
  const Layout layout = layout_of({{"loss", 1, 2}, {"gradient", 2, 5}, {"count", 1, 1}}, 8);
  Explicit units({{3, 4}, {6, 8}});
  ClippedSumAccumulator accumulator(layout, "record");
  ASSERT_TRUE(accumulator.add_batch(1, units, std::vector<double>{0.5, 1, 7, 1}).has_value());
  const ClippedSum sum = std::move(accumulator).finish();
  EXPECT_EQ(sum.values()[0], 256 / 2 + 2 * 256);  // 7 is clipped to 2
  EXPECT_EQ(sum.values()[1], 6 * 256);
  EXPECT_EQ(sum.values()[2], 8 * 256);
  EXPECT_EQ(sum.values()[3], 2 * 256);
}

RC_GTEST_PROP(ClippedSum, MergesInAnyOrderToTheSameIntegers, ()) {
  const Rows rows = *rows_of(3);
  const Layout layout = layout_of({{"part", 3, 0.5}}, 20);
  std::vector<std::vector<std::int64_t>> results;
  for (const std::size_t parts : {1, 2, 7}) {
    std::vector<ClippedSumAccumulator> accumulators(parts, ClippedSumAccumulator(layout, "record"));
    for (std::size_t i = 0; i < rows.size(); ++i)
      RC_ASSERT(accumulators[i % parts].add(rows[i]).has_value());
    if (parts == 7) std::ranges::reverse(accumulators);
    ClippedSumAccumulator total(layout, "record");
    for (const auto& accumulator : accumulators) RC_ASSERT(total.merge(accumulator).has_value());
    const ClippedSum sum = std::move(total).finish();
    results.emplace_back(sum.values().begin(), sum.values().end());
  }
  RC_ASSERT(results[0] == results[1]);
  RC_ASSERT(results[0] == results[2]);
}

TEST(ClippedSumAccumulator, RefusesWhatIsNotFiniteAndIsUnchanged) {
  const Layout layout = layout_of({{"part", 2, 1}}, 8);
  ClippedSumAccumulator accumulator(layout, "record");
  ASSERT_TRUE(accumulator.add(std::vector<double>{0.5, 0}).has_value());
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(accumulator.add(std::vector<double>{0.5, bad}).error().code(),
              ErrorCode::invalid_argument);
    Explicit units({{0.5, bad}, {0.1, 0.1}});
    EXPECT_EQ(accumulator.add_batch(0, units, {}).error().code(), ErrorCode::invalid_argument);
  }
  EXPECT_EQ(std::move(accumulator).finish().values()[0], 128);
}

// Squares that overflow must not let a large vector pass, nor turn a sum into NaN.
TEST(ClippedSumAccumulator, HoldsTheClipForTheLargestNumbers) {
  const Layout layout = layout_of({{"part", 2, 1}}, 20);
  ClippedSumAccumulator accumulator(layout, "record");
  const double largest = std::numeric_limits<double>::max();
  ASSERT_TRUE(accumulator.add(std::vector<double>{largest, -largest}).has_value());
  const ClippedSum sum = std::move(accumulator).finish();
  EXPECT_LE(std::hypot(layout.lattice.value_of(sum.values()[0]),
                       layout.lattice.value_of(sum.values()[1])),
            sum.sensitivity(0));
}

TEST(ClippedSumAccumulator, RefusesMoreUnitsThanPlannedAndIsUnchanged) {
  const Layout layout = layout_of({{"part", 1, 1}}, 8, 3);
  ClippedSumAccumulator accumulator(layout, "record");
  ASSERT_TRUE(accumulator.add(std::vector<double>{1}).has_value());
  ASSERT_TRUE(accumulator.add(std::vector<double>{1}).has_value());
  Explicit two({{1}, {1}});
  EXPECT_EQ(accumulator.add_batch(0, two, {}).error().code(), ErrorCode::failed_precondition);
  ClippedSumAccumulator other = accumulator;
  EXPECT_EQ(other.merge(accumulator).error().code(), ErrorCode::failed_precondition);
  ASSERT_TRUE(accumulator.add(std::vector<double>{1}).has_value());
  EXPECT_EQ(accumulator.add(std::vector<double>{1}).error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(std::move(accumulator).finish().values()[0], 3 * 256);
}

TEST(ClippedSumAccumulatorDeathTest, AbortsOnABatchThatLiesAboutItsNorms) {
  const Layout layout = layout_of({{"part", 1, 1}}, 8);
  Explicit units({{9}, {9}});
  units.norms_ = {0.5, 0.5};
  ClippedSumAccumulator accumulator(layout, "record");
  EXPECT_DEATH((void)accumulator.add_batch(0, units, {}), "broken invariant");
}

TEST(ClippedSumAccumulatorDeathTest, AbortsOnTheWrongWidth) {
  ClippedSumAccumulator accumulator(layout_of({{"part", 2, 1}}), "record");
  EXPECT_DEATH((void)accumulator.add(std::vector<double>{1}), "broken invariant");
  EXPECT_DEATH((void)accumulator.merge({layout_of({{"part", 3, 1}}), "record"}), "broken");
  EXPECT_DEATH((void)accumulator.merge({layout_of({{"part", 2, 1}}), "bearing"}), "broken");
}

TEST(Layout, FindsItsParts) {
  const Layout layout = layout_of({{"a", 2, 1}, {"b", 3, 1}});
  EXPECT_EQ(layout.coordinates(), 5u);
  EXPECT_EQ(layout.offset("a").value(), 0u);
  EXPECT_EQ(layout.offset("b").value(), 2u);
  EXPECT_EQ(layout.offset("c").error().code(), ErrorCode::not_found);
}

TEST(CheckLayout, AcceptsWhatCannotOverflow) {
  EXPECT_TRUE(check_layout(layout_of({{"a", 2, 1}, {"b", 3, 0.5}}), 5).has_value());
  EXPECT_TRUE(check_layout(layout_of({{"a", 1, 1}}, 52, 1), 1).has_value());
}

TEST(CheckLayout, RefusesTheRest) {
  const std::size_t words = base::kMaxBlobBytes / 8;
  const double infinity = std::numeric_limits<double>::infinity();
  const Layout refused[] = {
      layout_of({}),
      layout_of({{"a", 1, 1}}, 20, 0),
      layout_of({{"", 1, 1}}),
      layout_of({{"a", 1, 1}, {"a", 1, 1}}),
      layout_of({{"a", 0, 1}}),
      layout_of({{"a", 1, 0}}),
      layout_of({{"a", 1, -1}}),
      layout_of({{"a", 1, infinity}}),
      layout_of({{"a", 1, std::nan("")}}),
      layout_of({{"a", words + 1, 1}}),
      layout_of({{"a", words, 1}, {"b", 1, 1}}),
      layout_of({{"a", std::numeric_limits<std::size_t>::max(), 1}, {"b", 2, 1}}),
      layout_of({{"a", 1, 1}}, 52, 1 << 20),  // overflows
      layout_of({{"a", 1, 1}}, 0, std::numeric_limits<std::uint64_t>::max()),
  };
  for (const Layout& layout : refused) {
    const auto checked = check_layout(layout, 5);
    ASSERT_FALSE(checked.has_value()) << &layout - refused;
    EXPECT_EQ(checked.error().code(), ErrorCode::invalid_argument);
  }
  for (const std::size_t sites : {std::size_t{0}, base::kMaxSites + 1})
    EXPECT_FALSE(check_layout(layout_of({{"a", 1, 1}}), sites).has_value()) << sites;
}

// What check_layout lets through, the worst case does not overflow.
RC_GTEST_PROP(CheckLayout, ProvesTheWorstCase, ()) {
  const auto sites = *rc::gen::inRange<std::size_t>(1, 50);
  const auto units = *rc::gen::inRange<std::uint64_t>(1, 8);
  const double clip = std::ldexp(1.0, *rc::gen::inRange(0, 40));
  const Layout layout = layout_of({{"part", 1, clip}}, *rc::gen::inRange(0, 30), units);
  if (!check_layout(layout, sites)) return;
  const Rows rows(units, {-2 * clip});
  const std::int64_t one = sum_one_by_one(layout, rows).values()[0];
  __extension__ using Wide = __int128;
  RC_ASSERT(static_cast<Wide>(one) * static_cast<Wide>(sites) >=
            static_cast<Wide>(std::numeric_limits<std::int64_t>::min()));
  RC_ASSERT(one <= 0);
}

}  // namespace
}  // namespace hanse::privacy
