// Splits as declared, by time and on the last record, and what holds of all of them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/split.h"
#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Rows = std::vector<std::size_t>;
using Texts = std::vector<std::string>;

struct Record {
  std::string site;
  std::string group;
  double when = 0;
  std::string part = "train";
  std::string label = "B";
};

std::vector<SiteData> fleet_of(const std::vector<Record>& records, bool grouped = true) {
  Table table{.source = "t", .records = records.size(), .columns = {}};
  std::vector<double> when;
  Texts columns[4];
  for (const Record& record : records) {
    when.push_back(record.when);
    columns[0].push_back(record.site);
    columns[1].push_back(record.group);
    columns[2].push_back(record.part);
    columns[3].push_back(record.label);
  }
  table.columns = {{"x", std::vector<double>(records.size())},
                   {"w", when},
                   {"s", columns[0]},
                   {"g", columns[1]},
                   {"p", columns[2]},
                   {"y", columns[3]}};
  const auto kind = grouped ? ColumnKind::group : ColumnKind::ignore;
  auto schema =
      Schema::create({{.name = "x", .kind = ColumnKind::number, .low = 0, .high = 1},
                      {.name = "w", .kind = ColumnKind::order},
                      {.name = "s", .kind = ColumnKind::site},
                      {.name = "g", .kind = kind},
                      {.name = "p", .kind = ColumnKind::partition, .values = {"train", "test"}},
                      {.name = "y", .kind = ColumnKind::label, .values = {"B", "IR", "OR"}}});
  return encode(std::make_shared<const Schema>(std::move(schema).value()), table).value();
}

base::Result<std::vector<Fold>> split_with(std::span<const SiteData> sites, const SplitSpec& spec,
                                           std::uint64_t seed = 1) {
  base::SeededSimulationRandom random(seed, "split");
  return split(sites, spec, random);
}

constexpr SplitSpec kDeclared{.kind = SplitKind::declared};

TEST(Split, AsDeclared) {
  const auto sites = fleet_of(
      {{"a", "1", 0}, {"a", "2", 0, "test"}, {"b", "3", 0, "test"}, {"b", "3", 1, "test"}});
  const auto fold = split_with(sites, kDeclared).value().front();
  EXPECT_EQ(fold.sites[0].train, Rows{0});
  EXPECT_EQ(fold.sites[0].test, Rows{1});
  EXPECT_TRUE(fold.sites[1].train.empty());
  EXPECT_EQ(fold.sites[1].test, (Rows{0, 1}));
}

TEST(Split, AsDeclaredMayNotLeak) {
  const auto sites = fleet_of({{"a", "1", 0}, {"b", "1", 1, "test"}});
  EXPECT_TRUE(refused(split_with(sites, kDeclared), ErrorCode::failed_precondition, {"'1'"}));
  SplitSpec leaking = kDeclared;
  leaking.allow_leakage = true;
  EXPECT_TRUE(split_with(sites, leaking).has_value());
  EXPECT_TRUE(split_with(fleet_of({{"a", "1", 0}, {"b", "1", 1, "test"}}, false), kDeclared));
  EXPECT_TRUE(refused(split_with(fleet_of({{"a", "1", 0}}), kDeclared),
                      ErrorCode::failed_precondition, {"1 records train", "0 test"}));
}

TEST(Split, ByTimeTestsTheLastPartOfEachSite) {
  const auto sites = fleet_of({{"a", "", 5},
                               {"a", "", 1},
                               {"a", "", 4},
                               {"a", "", 2},
                               {"b", "", 9},
                               {"c", "", 3},
                               {"c", "", 3},
                               {"d", "", 1},
                               {"d", "", 1},
                               {"d", "", 1},
                               {"d", "", 2}},
                              false);
  const auto fold = split_with(sites, {.by = SplitBy::time, .test = 0.5}).value().front();
  EXPECT_EQ(fold.sites[0].train, (Rows{1, 3}));
  EXPECT_EQ(fold.sites[0].test, (Rows{0, 2}));
  EXPECT_EQ(fold.sites[1].train, Rows{0});          // the only one
  EXPECT_EQ(fold.sites[2].train, (Rows{0, 1}));     // all at one time
  EXPECT_EQ(fold.sites[3].train, (Rows{0, 1, 2}));  // what is at one time stays together
  EXPECT_EQ(fold.sites[3].test, Rows{3});
}

TEST(Split, ByTimeMayNotLeak) {
  const auto sites = fleet_of({{"a", "1", 0}, {"a", "1", 1}});
  SplitSpec spec{.by = SplitBy::time};
  EXPECT_TRUE(refused(split_with(sites, spec), ErrorCode::failed_precondition, {"'1'"}));
  spec.allow_leakage = true;
  EXPECT_TRUE(split_with(sites, spec).has_value());
  spec.kind = SplitKind::k_fold;
  EXPECT_TRUE(refused(split_with(sites, spec), ErrorCode::invalid_argument, {"yet to come"}));
}

TEST(Split, OnTheLastRecordOfEachGroup) {
  const auto sites = fleet_of({{"a", "1", 0},
                               {"a", "2", 7, "test"},
                               {"a", "2", 9, "test"},
                               {"a", "2", 8, "test"},
                               {"b", "2", 9, "test"},
                               {"b", "3", 1, "test"}});
  SplitSpec spec = kDeclared;
  spec.test_on = TestOn::last;
  const auto fold = split_with(sites, spec).value().front();
  EXPECT_EQ(fold.sites[0].test, Rows{2});
  EXPECT_EQ(fold.sites[1].test, Rows{1});  // group 2 was as late at the first site
  EXPECT_EQ(fold.sites[0].train, Rows{0});
}

TEST(Split, NeedsTheColumnsItLooksAt) {
  const auto schema = std::make_shared<const Schema>(
      Schema::create({{.name = "x", .kind = ColumnKind::number, .low = 0, .high = 1}}).value());
  std::vector<SiteData> sites = {
      {.site = base::SiteId::create("a").value(), .site_class = {}, .records = {.schema = schema}}};
  const auto bad = [&](const SplitSpec& spec) { return split_with(sites, spec); };
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(bad(kDeclared), code, {"partition"}));
  EXPECT_TRUE(refused(bad({.by = SplitBy::time}), code, {"order"}));
  EXPECT_TRUE(refused(bad({.by = SplitBy::record, .test_on = TestOn::last}), code, {"group"}));
}

// Two bearings at each of three plants: whichever is tested, its plant trains on the other.
TEST(Split, ASiteWithSeveralGroupsTrainsInEveryFold) {
  std::vector<Record> records;
  for (const std::string site : {"a", "b", "c"})
    for (const std::string number : {"1", "2"})
      for (int i = 0; i < 3; ++i) records.push_back({site, number + site, 0});
  const auto sites = fleet_of(records);
  for (const bool shuffle : {false, true})
    for (std::size_t count = 2; count <= 6; ++count)
      for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const SplitSpec spec{.kind = SplitKind::k_fold, .folds = count, .shuffle = shuffle};
        const auto folds = split_with(sites, spec, seed).value();
        for (const Fold& fold : folds)
          for (const SiteSplit& site : fold.sites) EXPECT_GE(site.train.size(), 3U) << count;
      }
}

TEST(Split, ShufflesGroupsOnRequest) {
  std::vector<Record> records;
  for (int g = 0; g < 8; ++g) records.push_back({"a", std::to_string(g), 0});
  const auto sites = fleet_of(records);
  std::set<Rows> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    seen.insert(split_with(sites, {.kind = SplitKind::k_fold, .folds = 4, .shuffle = true}, seed)
                    ->front()
                    .sites[0]
                    .test);
  EXPECT_GT(seen.size(), 10U);
  EXPECT_EQ(split_with(sites, {.kind = SplitKind::k_fold, .folds = 4})->front().sites[0].test,
            (Rows{0, 4}));
}

// A label that one plant has once is no obstacle where the fleet has enough of it.
TEST(Split, ByRecordLooksAtTheWholeFleet) {
  std::vector<Record> records = {{"a", "", 0, "train", "IR"}};
  for (int i = 0; i < 9; ++i) records.push_back({"a", "", 0});
  const SplitSpec spec{.kind = SplitKind::k_fold, .by = SplitBy::record, .folds = 3};
  EXPECT_TRUE(refused(split_with(fleet_of(records, false), spec), ErrorCode::failed_precondition,
                      {"label 'IR'", "1 record;", "at least 3"}));
  SplitSpec plain = spec;
  plain.stratify = false;
  EXPECT_TRUE(split_with(fleet_of(records, false), plain).has_value());
  for (int i = 0; i < 9; ++i) records.push_back({"b", "", 0, "train", "IR"});
  const auto sites = fleet_of(records, false);
  const auto folds = split_with(sites, spec).value();
  for (const Fold& fold : folds) {
    EXPECT_NEAR(static_cast<double>(fold.sites[0].test.size()), 10 / 3.0, 1);
    EXPECT_EQ(fold.sites[1].test.size(), 3U);
  }
}

SplitSpec any_spec() {
  using enum SplitKind;
  SplitSpec spec{.kind = *rc::gen::element(holdout, k_fold, declared),
                 .by = *rc::gen::element(SplitBy::group, SplitBy::record, SplitBy::time),
                 .test = *rc::gen::inRange(1, 100) / 100.0,
                 .folds = *rc::gen::inRange<std::size_t>(2, 5),
                 .stratify = *rc::gen::arbitrary<bool>(),
                 .shuffle = *rc::gen::arbitrary<bool>(),
                 .test_on = *rc::gen::element(TestOn::all, TestOn::last)};
  return spec;
}

// Whatever the kind of split, the sites, the table and the seed: either it is refused, or no group
// that tests trains at any site, and no record is on both sides.
RC_GTEST_PROP(SplitLaws, NoTestGroupInTraining, ()) {
  std::vector<Record> records;
  const int groups = *rc::gen::inRange(2, 15);
  for (int g = 0; g < groups; ++g) {
    const std::string part = *rc::gen::element<std::string>("train", "test");
    const bool strays = *rc::gen::inRange(0, 20) == 0;  // one record on the other side
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i)
      records.push_back({*rc::gen::element<std::string>("a", "b", "c"), fmt::format("{}", g),
                         static_cast<double>(*rc::gen::inRange(0, 9)),
                         strays && i == 1 ? "test" : part,
                         *rc::gen::element<std::string>("B", "IR")});
  }
  const auto sites = fleet_of(records);
  const auto folds = split_with(sites, any_spec(), *rc::gen::arbitrary<std::uint64_t>());
  RC_CLASSIFY(folds.has_value(), "split");
  if (!folds) return;
  for (const Fold& fold : *folds) {
    std::set<std::string> trained;
    std::size_t tests = 0;
    for (std::size_t s = 0; s < sites.size(); ++s)
      for (const std::size_t row : fold.sites[s].train)
        trained.insert(sites[s].records.group_names[sites[s].records.group[row]]);
    for (std::size_t s = 0; s < sites.size(); ++s) {
      tests += fold.sites[s].test.size();
      RC_ASSERT(std::ranges::is_sorted(fold.sites[s].test));
      for (const std::size_t row : fold.sites[s].test)
        RC_ASSERT(!trained.contains(sites[s].records.group_names[sites[s].records.group[row]]));
    }
    RC_ASSERT(!trained.empty());
    RC_ASSERT(tests > 0U);
  }
}

}  // namespace
}  // namespace hanse::data
