#include "data/split.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;

struct Record {
  std::string site;
  std::string group;
  std::string label;
};

std::vector<SiteData> fleet_of(const std::vector<Record>& records, bool grouped = true) {
  Table table{.source = "t", .records = records.size(), .columns = {}};
  std::vector<double> x;
  Texts sites;
  Texts groups;
  Texts labels;
  for (const Record& record : records) {
    x.push_back(static_cast<double>(x.size()));
    sites.push_back(record.site);
    groups.push_back(record.group);
    labels.push_back(record.label);
  }
  table.columns = {{"x", x}, {"s", sites}, {"g", groups}, {"y", labels}};
  const auto kind = grouped ? ColumnKind::group : ColumnKind::ignore;
  auto schema = Schema::create(
      {{.name = "x", .kind = ColumnKind::number, .unit = {}, .low = 0, .high = 1e6, .values = {}},
       {.name = "s", .kind = ColumnKind::site, .unit = {}, .values = {}},
       {.name = "g", .kind = kind, .unit = {}, .values = {}},
       {.name = "y", .kind = ColumnKind::label, .unit = {}, .values = {"B", "IR", "OR"}}});
  return encode(std::make_shared<const Schema>(std::move(schema).value()), table).value();
}

base::Result<std::vector<Fold>> split_with(std::span<const SiteData> sites, const SplitSpec& spec,
                                           std::uint64_t seed = 1) {
  base::SeededSimulationRandom random(seed, "split");
  return split(sites, spec, random);
}

std::set<std::string> groups_at(const Dataset& records, std::span<const std::size_t> rows) {
  std::set<std::string> names;
  for (const std::size_t row : rows) names.insert(records.group_names[records.group[row]]);
  return names;
}

// As the recordings of Case Western Reserve University are: each bearing at each of four speeds.
std::vector<SiteData> bearings_at_all_speeds() {
  std::vector<Record> records;
  for (const std::string speed : {"1730", "1750", "1772", "1797"})
    for (const std::string fault : {"B", "IR", "OR"})
      for (const std::string size : {"7", "14", "21"})
        for (int window = 0; window < 3; ++window)
          records.push_back({speed, fault + "_" + size, fault});
  return fleet_of(records);
}

TEST(Split, AFoldHoldsOutOneSizeOfEachFaultAtAllSites) {
  const auto sites = bearings_at_all_speeds();
  const auto folds = split_with(sites, {.kind = SplitKind::k_fold, .folds = 3}).value();
  ASSERT_EQ(folds.size(), 3U);
  const Texts sizes = {"14", "21", "7"};  // in the byte order of the names
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t s = 0; s < sites.size(); ++s) {
      const SiteSplit& split = folds[k].sites[s];
      EXPECT_EQ(groups_at(sites[s].records, split.test),
                (std::set<std::string>{"B_" + sizes[k], "IR_" + sizes[k], "OR_" + sizes[k]}));
      EXPECT_EQ(split.test.size(), 9U);
      EXPECT_EQ(split.train.size(), 18U);
    }
  }
}

TEST(Split, AHoldOutSpreadsOverSitesAndLabels) {
  std::vector<Record> records;
  for (const std::string site : {"a", "b"})
    for (const std::string label : {"B", "IR"})
      for (int bearing = 0; bearing < 10; ++bearing)
        records.push_back({site, fmt::format("{}-{}-{}", site, label, bearing), label});
  const auto sites = fleet_of(records);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto fold = split_with(sites, {.test = 0.3}, seed).value().front();
    for (std::size_t s = 0; s < 2; ++s) {
      std::map<double, int> of_label;
      for (const std::size_t row : fold.sites[s].test) ++of_label[sites[s].records.target[row]];
      EXPECT_EQ(of_label, (std::map<double, int>{{0, 3}, {1, 3}}));
    }
  }
}

TEST(Split, FollowsTheSeed) {
  const auto sites = bearings_at_all_speeds();
  std::set<std::set<std::string>> seen;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto one = split_with(sites, {.test = 0.3}, seed).value().front();
    const auto two = split_with(sites, {.test = 0.3}, seed).value().front();
    EXPECT_EQ(one.sites[0].test, two.sites[0].test);
    seen.insert(groups_at(sites[0].records, one.sites[0].test));
  }
  EXPECT_GT(seen.size(), 5U);
}

TEST(Split, RefusesToLeak) {
  const auto grouped = bearings_at_all_speeds();
  SplitSpec by_record{.by = SplitBy::record, .test = 0.5};
  EXPECT_TRUE(refused(split_with(grouped, by_record), ErrorCode::invalid_argument,
                      {"group", "allow_leakage"}));
  by_record.allow_leakage = true;
  const auto leaking = split_with(grouped, by_record).value().front().sites[0];
  const auto tested = groups_at(grouped[0].records, leaking.test);
  const auto trained = groups_at(grouped[0].records, leaking.train);
  EXPECT_TRUE(
      std::ranges::any_of(tested, [&](const auto& name) { return trained.contains(name); }));
}

TEST(Split, ByRecordWhereNothingBelongsTogether) {
  std::vector<Record> records;
  for (int i = 0; i < 40; ++i) records.push_back({"a", "", i % 4 == 0 ? "B" : "IR"});
  const auto sites = fleet_of(records, false);
  const auto fold =
      split_with(sites, {.by = SplitBy::record, .test = 0.3}).value().front().sites[0];
  const auto of_b = std::ranges::count(fold.test, 0, [](std::size_t row) { return row % 4; });
  EXPECT_EQ(of_b, 3);
  EXPECT_EQ(fold.test.size(), 12U);
  EXPECT_TRUE(
      refused(split_with(sites, {}), ErrorCode::invalid_argument, {"kind group", "by record"}));
}

TEST(Split, SaysWhatIsTooFew) {
  const auto sites = fleet_of({{"a", "g1", "B"}, {"a", "g2", "B"}, {"a", "g3", "IR"}});
  EXPECT_TRUE(refused(split_with(sites, {}), ErrorCode::failed_precondition,
                      {"label 'IR'", "1 group;", "at least 2"}));
  EXPECT_TRUE(refused(split_with(sites, {.kind = SplitKind::k_fold, .folds = 3}),
                      ErrorCode::failed_precondition, {"label 'B'", "2 groups", "at least 3"}));
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(split_with(sites, {.test = 0}), code, {"found 0"}));
  EXPECT_TRUE(refused(split_with(sites, {.test = 1}), code, {"found 1"}));
  EXPECT_TRUE(refused(split_with(sites, {.test = std::nan("")}), code, {"nan"}));
  EXPECT_TRUE(refused(split_with(sites, {.kind = SplitKind::k_fold, .folds = 1}), code, {"1"}));
  EXPECT_TRUE(refused(split_with({}, {}), code, {"site"}));
}

// Whatever the fleet: every record on exactly one side, each tested once over all folds, no group
// on both sides anywhere, every label in both sets.
RC_GTEST_PROP(SplitLaws, EachRecordOnceAndNoGroupTwice, ()) {
  const auto folds = static_cast<std::size_t>(*rc::gen::inRange(2, 5));
  const auto groups = *rc::gen::inRange(static_cast<int>(folds), 12);
  std::vector<Record> records;
  for (const std::string label : {"B", "IR"})
    for (int g = 0; g < groups; ++g)
      for (int copies = *rc::gen::inRange(1, 4); copies > 0; --copies)
        records.push_back(
            {*rc::gen::element<std::string>("a", "b", "c"), fmt::format("{}{}", label, g), label});
  const auto sites = fleet_of(records);
  const bool k_fold = *rc::gen::arbitrary<bool>();
  const SplitSpec spec{.kind = k_fold ? SplitKind::k_fold : SplitKind::holdout,
                       .test = *rc::gen::inRange(1, 100) / 100.0,
                       .folds = folds};
  const auto result = split_with(sites, spec, *rc::gen::arbitrary<std::uint64_t>()).value();
  RC_ASSERT(result.size() == (k_fold ? folds : 1));
  for (std::size_t s = 0; s < sites.size(); ++s) {
    std::vector<std::size_t> tested(sites[s].records.size());
    for (const Fold& fold : result) {
      std::vector<std::size_t> seen = fold.sites[s].train;
      seen.insert(seen.end(), fold.sites[s].test.begin(), fold.sites[s].test.end());
      std::ranges::sort(seen);
      RC_ASSERT(seen.size() == tested.size());
      for (std::size_t row = 0; row < seen.size(); ++row) RC_ASSERT(seen[row] == row);
      for (const std::size_t row : fold.sites[s].test) ++tested[row];
    }
    for (const std::size_t times : tested) RC_ASSERT((k_fold ? times == 1 : times <= 1));
  }
  for (const Fold& fold : result) {
    std::set<double> labels[2];
    std::set<std::string> names[2];
    for (std::size_t s = 0; s < sites.size(); ++s) {
      for (const int side : {0, 1}) {
        const auto& rows = side == 0 ? fold.sites[s].train : fold.sites[s].test;
        for (const std::size_t row : rows) labels[side].insert(sites[s].records.target[row]);
        names[side].merge(groups_at(sites[s].records, rows));
      }
    }
    RC_ASSERT(labels[0].size() == 2U);
    RC_ASSERT(labels[1].size() == 2U);
    for (const std::string& name : names[0]) RC_ASSERT(!names[1].contains(name));
  }
}

}  // namespace
}  // namespace hanse::data
