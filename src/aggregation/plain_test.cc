// The coordinator's side of plain aggregation. A site's side takes what only privacy makes: see
// tests/chain.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "aggregation/backend.h"

namespace hanse::aggregation {
namespace {

using base::ErrorCode;
using Words = std::vector<std::int64_t>;

base::SiteId site(int number) {
  return base::SiteId::create(fmt::format("plant-{}", number)).value();
}

Setup setup_of(int sites, std::size_t coordinates) {
  // A bound for each half of the words, which no word of a test goes beyond unless it means to.
  const std::int64_t bound = std::int64_t{1} << 60;
  Setup setup{.offer = {},
              .layout = {{coordinates / 2, bound}, {coordinates - coordinates / 2, bound}},
              .cohort = {}};
  for (int i = 0; i < sites; ++i) setup.cohort.push_back(site(i));
  return setup;
}

std::vector<base::Slice> sealed(const Words& words) {
  return {base::Slice(base::to_little_endian(words))};
}

std::unique_ptr<CoordinatorMachine> coordinator_of(Setup setup) {
  return plain().coordinator(std::move(setup), {}).value();
}

Words opened(std::unique_ptr<CoordinatorMachine> machine) {
  auto sum = std::move(*machine).finish();
  RC_ASSERT(sum.has_value());
  const math::Opened opened = std::move(*sum).open();
  return {opened.values().begin(), opened.values().end()};
}

TEST(PlainCoordinator, AddsAndCounts) {
  auto machine = coordinator_of(setup_of(3, 2));
  EXPECT_EQ(plain().name(), "plain");
  EXPECT_EQ(machine->sealed_size(), 16u);
  ASSERT_TRUE(machine->advance(site(0), sealed({1, -5})).has_value());
  ASSERT_TRUE(machine->advance(site(2), sealed({10, 3})).has_value());
  ASSERT_TRUE(machine->leave(site(1)).has_value());
  const math::Opened sum = std::move(*machine).finish().value().open();
  EXPECT_EQ(sum.contributors(), 2u);
  EXPECT_EQ(sum.values()[0], 11);
  EXPECT_EQ(sum.values()[1], -2);
}

// The same integers whatever the order of arrival and wherever the chunks are cut.
RC_GTEST_PROP(PlainCoordinator, DoesNotDependOnOrderOrSlices, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 20);
  const auto vectors = *rc::gen::container<std::vector<Words>>(
      5,
      rc::gen::container<Words>(width, rc::gen::map(rc::gen::arbitrary<std::int64_t>(),
                                                    [](std::int64_t word) { return word / 16; })));
  auto whole = coordinator_of(setup_of(5, width));
  for (int i = 0; i < 5; ++i)
    RC_ASSERT(whole->advance(site(i), sealed(vectors[static_cast<std::size_t>(i)])).has_value());

  auto pieces = coordinator_of(setup_of(5, width));
  const auto cut = *rc::gen::inRange<std::size_t>(0, width + 1) * 8;
  for (int i = 4; i >= 0; --i) {
    const base::Slice all = sealed(vectors[static_cast<std::size_t>(i)]).front();
    const std::vector<base::Slice> slices{all.part(0, cut), all.part(cut, all.size() - cut)};
    RC_ASSERT(pieces->advance(site(i), slices).has_value());
  }
  RC_ASSERT(opened(std::move(whole)) == opened(std::move(pieces)));
}

TEST(PlainCoordinator, ReadsBytesThatLieAnywhere) {
  base::Bytes bytes(1);
  const base::Bytes words = base::to_little_endian(Words{7, -7});
  bytes.insert(bytes.end(), words.begin(), words.end());
  const std::vector<base::Slice> slices{base::Slice(bytes).part(1, 16)};
  auto machine = coordinator_of(setup_of(1, 2));
  ASSERT_TRUE(machine->advance(site(0), slices).has_value());
  EXPECT_EQ(opened(std::move(machine)), (Words{7, -7}));
}

TEST(PlainCoordinator, RefusesAndIsUnchanged) {
  auto machine = coordinator_of(setup_of(2, 2));
  ASSERT_TRUE(machine->advance(site(0), sealed({1, 2})).has_value());
  const auto code = [&](const base::SiteId& from, const std::vector<base::Slice>& slices) {
    return machine->advance(from, slices).error().code();
  };
  EXPECT_EQ(code(site(7), sealed({1, 2})), ErrorCode::permission_denied);
  EXPECT_EQ(code(site(0), sealed({1, 2})), ErrorCode::already_exists);
  EXPECT_EQ(code(site(1), sealed({1})), ErrorCode::corruption);
  EXPECT_EQ(code(site(1), sealed({1, 2, 3})), ErrorCode::corruption);
  EXPECT_EQ(code(site(1), std::vector<base::Slice>{}), ErrorCode::corruption);
  const base::Slice ragged{base::Bytes(12)};
  EXPECT_EQ(code(site(1), {ragged, base::Slice(base::Bytes(4))}), ErrorCode::corruption);
  EXPECT_EQ(machine->advance(site(1), base::ByteView{}).error().code(),
            ErrorCode::invalid_argument);
  ASSERT_TRUE(machine->advance(site(1), sealed({10, 20})).has_value());
  EXPECT_EQ(opened(std::move(machine)), (Words{11, 22}));
}

TEST(PlainCoordinator, HasNoSumOfNothing) {
  auto machine = coordinator_of(setup_of(2, 2));
  EXPECT_EQ(std::move(*machine).finish().error().code(), ErrorCode::failed_precondition);
}

// A site that makes numbers up moves the sum as far as an honest one could, and no further.
TEST(PlainCoordinator, RefusesWordsBeyondTheirBound) {
  const aggregation::Setup setup{
      .offer = {}, .layout = {{1, 10}, {2, 3}}, .cohort = {site(0), site(1)}};
  auto machine = coordinator_of(setup);
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  for (const Words& words :
       {Words{11, 0, 0}, Words{0, 0, 4}, Words{0, -4, 0}, Words{kLeast, 0, 0}}) {
    const auto refused = machine->advance(site(0), sealed(words));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), base::ErrorCode::corruption);
  }
  ASSERT_TRUE(machine->advance(site(0), sealed({-10, 3, -3})).has_value());
  ASSERT_TRUE(machine->leave(site(1)).has_value());
  const math::Opened sum = std::move(*machine).finish().value().open();
  EXPECT_EQ(sum.contributors(), 1U) << "what was refused changed nothing";
  EXPECT_EQ(sum.values()[0], -10);
}

// Whoever neither contributed nor left is waited for; who left says nothing more; what was counted
// stays, whoever leaves.
TEST(PlainCoordinator, WaitsForAllThatDidNotLeave) {
  aggregation::Setup setup = setup_of(3, 2);
  setup.min_sites = 2;
  auto machine = coordinator_of(setup);
  EXPECT_EQ(machine->waiting_for(), setup.cohort);
  ASSERT_TRUE(machine->advance(site(1), sealed({1, 2})).has_value());
  EXPECT_EQ(machine->waiting_for(), (std::vector{site(0), site(2)}));
  EXPECT_FALSE(machine->is_done());
  ASSERT_TRUE(machine->leave(site(1)).has_value());
  ASSERT_TRUE(machine->leave(site(0)).has_value());
  ASSERT_TRUE(machine->leave(site(0)).has_value()) << "twice is once";
  EXPECT_FALSE(machine->wants_input(site(0)));
  EXPECT_EQ(machine->advance(site(0), sealed({1, 2})).error().code(),
            ErrorCode::failed_precondition);
  EXPECT_EQ(machine->leave(site(2)).error().code(), ErrorCode::aborted);
  EXPECT_TRUE(machine->wants_input(site(2)));
  ASSERT_TRUE(machine->advance(site(2), sealed({1, 2})).has_value());
  EXPECT_TRUE(machine->is_done());
  EXPECT_EQ(opened(std::move(machine)), (Words{2, 4}));
}

TEST(PlainCoordinator, HasNoSumWhileItWaits) {
  auto machine = coordinator_of(setup_of(2, 2));
  ASSERT_TRUE(machine->advance(site(0), sealed({1, 2})).has_value());
  EXPECT_EQ(std::move(*machine).finish().error().code(), ErrorCode::failed_precondition);
}

TEST(Plain, RefusesSetupsAndEntriesThatAreNotIts) {
  const std::vector<base::Bytes> foreign{base::Bytes(3)};
  const Self self{site(0)};
  EXPECT_EQ(plain().site(setup_of(2, 2), self, foreign).error().code(), ErrorCode::corruption);
  EXPECT_EQ(plain().coordinator(setup_of(2, 2), foreign).error().code(), ErrorCode::corruption);
  aggregation::Setup few = setup_of(2, 2);
  few.min_sites = 3;
  EXPECT_EQ(plain().coordinator(few, {}).error().code(), ErrorCode::invalid_argument);
  aggregation::Setup wide = setup_of(2, 2);
  wide.layout[1].bound = std::int64_t{1} << 62;
  EXPECT_EQ(plain().coordinator(wide, {}).error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::aggregation
