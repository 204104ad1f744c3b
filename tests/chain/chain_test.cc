// Records at several sites → ClippedSum → Noised → SealedVector → Sum → Released.
#include "privacy/chain.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aggregation/backend.h"

namespace hanse {
namespace {

using base::ErrorCode;
using Rows = std::vector<std::vector<double>>;

base::SiteId site(std::size_t number) {
  return base::SiteId::create(fmt::format("plant-{}", number)).value();
}

privacy::Layout layout_of(std::vector<privacy::Part> parts, int fraction_bits = 20) {
  return {std::move(parts), math::Lattice::create(fraction_bits).value(), 100};
}

aggregation::Setup setup_of(std::size_t sites, const privacy::Layout& layout) {
  aggregation::Setup setup{.offer = {}, .layout = {}, .cohort = {}};
  for (const privacy::Part& part : layout.parts)
    setup.layout.push_back({layout.words(part), layout.bound(part)});
  for (std::size_t i = 0; i < sites; ++i) setup.cohort.push_back(site(i));
  return setup;
}

privacy::ClippedSum clipped(const privacy::Layout& layout, const Rows& rows) {
  privacy::ClippedSumAccumulator accumulator(layout, "record");
  for (const auto& row : rows) EXPECT_TRUE(accumulator.add(row).has_value());
  return std::move(accumulator).finish();
}

math::Sealable sealable(const privacy::Layout& layout, const Rows& rows) {
  return privacy::Noised::in_the_clear(clipped(layout, rows), privacy::InTheClear()).surrender();
}

// Everything a site sends for its records.
base::Slice send(const aggregation::Setup& setup, std::size_t from, const privacy::Layout& layout,
                 const Rows& rows) {
  const auto machine = aggregation::plain().site(setup, {site(from)}, {}).value();
  auto step = machine->advance(sealable(layout, rows));
  EXPECT_TRUE(step.has_value() && step->sealed.has_value() && step->send.empty());
  return step->sealed->bytes();
}

// The sum over the fleet is the sum over all records at one place, to the last bit, in any order.
RC_GTEST_PROP(Chain, TheFleetsSumIsTheSumOfAllRecords, ()) {
  const privacy::Layout layout = layout_of({{"gradient", 2, 0.7}, {"count", 1, 1}});
  const auto number = rc::gen::map(rc::gen::inRange(-5000, 5001),
                                   [](int drawn) { return static_cast<double>(drawn) / 1000; });
  const auto fleet = *rc::gen::nonEmpty(rc::gen::resize(
      8, rc::gen::container<std::vector<Rows>>(
             rc::gen::container<Rows>(rc::gen::container<std::vector<double>>(3, number)))));
  const aggregation::Setup setup = setup_of(fleet.size(), layout);
  auto coordinator = aggregation::plain().coordinator(setup, {}).value();
  std::vector<std::size_t> order(fleet.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::rotate(order,
                      order.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(order)));

  Rows all;
  for (const std::size_t i : order) {
    const std::vector<base::Slice> slices{send(setup, i, layout, fleet[i])};
    RC_ASSERT(coordinator->advance(site(i), slices).has_value());
    all.insert(all.end(), fleet[i].begin(), fleet[i].end());
  }
  auto sum = std::move(*coordinator).finish();
  RC_ASSERT(sum.has_value());
  const auto released = privacy::Released::create(layout, std::move(*sum).open());
  RC_ASSERT(released.has_value());
  RC_ASSERT(released->contributors() == fleet.size());

  const privacy::ClippedSum pooled = clipped(layout, all);
  RC_ASSERT(std::ranges::equal(released->integers(), pooled.values()));
  for (std::size_t i = 0; i < 2; ++i)
    RC_ASSERT(released->part("gradient").value()[i] == layout.lattice.value_of(pooled.values()[i]));
  RC_ASSERT(released->part("count").value()[0] == layout.lattice.value_of(pooled.values()[2]));
  RC_ASSERT(released->part("loss").error().code() == ErrorCode::not_found);
}

TEST(PlainSite, SealsOnceAndWhatThePlanAsks) {
  const privacy::Layout layout = layout_of({{"part", 2, 10}}, 0);
  const aggregation::Setup setup = setup_of(1, layout);
  const auto machine = aggregation::plain().site(setup, {site(0)}, {}).value();
  const privacy::Layout wider = layout_of({{"part", 3, 10}}, 0);
  EXPECT_EQ(machine->advance(sealable(wider, {{1, 2, 3}})).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(machine->advance(base::ByteView{}).error().code(), ErrorCode::invalid_argument);
  // Unchanged by what it refused.
  const auto step = machine->advance(sealable(layout, {{3, -4}}));
  ASSERT_TRUE(step.has_value());
  const base::ByteView bytes = step->sealed->bytes().view();
  EXPECT_EQ(base::int64_from_little_endian(bytes).value(), (std::vector<std::int64_t>{3, -4}));
  EXPECT_EQ(machine->advance(sealable(layout, {{3, -4}})).error().code(),
            ErrorCode::failed_precondition);
}

TEST(Released, RefusesASumOfAnotherPlan) {
  const privacy::Layout layout = layout_of({{"part", 2, 1}});
  const aggregation::Setup setup = setup_of(1, layout);
  auto coordinator = aggregation::plain().coordinator(setup, {}).value();
  const std::vector<base::Slice> slices{send(setup, 0, layout, {{1, 0}})};
  ASSERT_TRUE(coordinator->advance(site(0), slices).has_value());
  auto sum = std::move(*coordinator).finish();
  ASSERT_TRUE(sum.has_value());
  const auto released =
      privacy::Released::create(layout_of({{"part", 3, 1}}), std::move(*sum).open());
  EXPECT_EQ(released.error().code(), ErrorCode::corruption);
}

// Turned at the sites, turned back once it is open: the sum of all records to what rounding them
// leaves, whose deviation is at most half a step for each record.
TEST(Chain, ARotatedSumComesBack) {
  privacy::Layout layout = layout_of({{"gradient", 300, 1}, {"count", 1, 1}}, 10);
  layout.rotation = 5;
  constexpr std::size_t kSites = 4;
  constexpr std::size_t kRecords = 25;
  const aggregation::Setup setup = setup_of(kSites, layout);
  auto coordinator = aggregation::plain().coordinator(setup, {}).value();
  base::SeededSimulationRandom random(1, "chain");
  std::vector<double> truth(301);
  for (std::size_t from = 0; from < kSites; ++from) {
    privacy::ClippedSumAccumulator sum(layout, "record");
    for (std::size_t record = 0; record < kRecords; ++record) {
      std::vector<double> row(301);
      for (double& value : row) value = base::standard_normal(random) / 25;  // norm about 0.7
      row.back() = 1;
      ASSERT_TRUE(sum.add(row, random).has_value());
      for (std::size_t i = 0; i < row.size(); ++i) truth[i] += row[i];
    }
    auto words = privacy::Noised::in_the_clear(std::move(sum).finish(), privacy::InTheClear());
    const auto machine = aggregation::plain().site(setup, {site(from)}, {}).value();
    auto step = machine->advance(std::move(words).surrender());
    ASSERT_TRUE(step.has_value() && step->sealed.has_value());
    ASSERT_TRUE(coordinator->advance(site(from), std::vector{step->sealed->bytes()}).has_value());
  }
  auto sum = std::move(*coordinator).finish();
  ASSERT_TRUE(sum.has_value());
  const auto released = privacy::Released::create(layout, std::move(*sum).open());
  ASSERT_TRUE(released.has_value());
  EXPECT_EQ(released->integers().size(), 512U + 1U);
  const std::vector<double> gradient = released->part("gradient").value();
  ASSERT_EQ(gradient.size(), 300U);
  const double deviation = std::ldexp(std::sqrt(kSites * kRecords / 4.0), -10);
  double squares = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_NEAR(gradient[i], truth[i], 6 * deviation) << i;
    squares += (gradient[i] - truth[i]) * (gradient[i] - truth[i]) / 300;
  }
  EXPECT_GT(std::sqrt(squares), deviation / 2);
  EXPECT_DOUBLE_EQ(released->part("count").value()[0], kSites * kRecords);
}

}  // namespace
}  // namespace hanse
