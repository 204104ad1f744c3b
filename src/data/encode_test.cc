#include "data/encode.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;

Column column(std::string name, ColumnKind kind, std::vector<std::string> values = {}) {
  Column made{.name = std::move(name), .kind = kind, .values = std::move(values)};
  if (has_range(made)) made.high = 10;
  return made;
}

std::shared_ptr<const Schema> schema_of(std::vector<Column> columns) {
  return std::make_shared<const Schema>(Schema::create(std::move(columns)).value());
}

const std::vector<Column> kColumns = {column("x", ColumnKind::number),
                                      column("c", ColumnKind::category, {"a", "b"}),
                                      column("y", ColumnKind::label, {"no", "yes"}),
                                      column("fault", ColumnKind::group),
                                      column("size", ColumnKind::group),
                                      column("plant", ColumnKind::site)};

Table table() {
  return {.source = "t",
          .records = 3,
          .columns = {{"x", Numbers{0, 10, 7.5}},
                      {"c", Texts{"a", "b", "a"}},
                      {"y", Texts{"no", "yes", "yes"}},
                      {"fault", Texts{"B", "B", "IR"}},
                      {"size", Texts{"7", "7", "14"}},
                      {"plant", Texts{"north", "south", "north"}}}};
}

template <class Cells>
Table with(std::string_view name, Cells cells) {
  Table changed = table();
  for (TableColumn& c : changed.columns)
    if (c.name == name) c.cells = std::move(cells);
  return changed;
}

TEST(Encode, ScalesAndDealsOutToSites) {
  const auto sites = encode(schema_of(kColumns), table()).value();
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].site.text(), "north");
  const Dataset& north = sites[0].records;
  ASSERT_EQ(north.size(), 2U);
  EXPECT_EQ(Numbers(north.features.row(0).begin(), north.features.row(0).end()),
            (Numbers{-1, 1, 0}));
  EXPECT_EQ(Numbers(north.features.row(1).begin(), north.features.row(1).end()),
            (Numbers{0.5, 1, 0}));
  EXPECT_EQ(north.target, (Numbers{0, 1}));
  EXPECT_EQ(north.group_names, (Texts{"B_7", "IR_14"}));
  EXPECT_EQ(north.group, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(sites[1].records.group_names, Texts{"B_7"});
  EXPECT_EQ(north.clipped_values, 0U);
}

TEST(Encode, ClipsAndCounts) {
  const auto sites = encode(schema_of(kColumns), with("x", Numbers{-5, 11, 1e300})).value();
  EXPECT_EQ(sites[0].records.features.at(0, 0), -1);
  EXPECT_EQ(sites[0].records.features.at(1, 0), 1);
  EXPECT_EQ(sites[0].records.clipped_values, 2U);
  EXPECT_EQ(sites[1].records.clipped_values, 1U);
}

TEST(Encode, RegressionLabelsAreScaledToo) {
  const auto sites =
      encode(schema_of({column("x", ColumnKind::number), column("y", ColumnKind::label)}),
             with("y", Numbers{0, 5, 20}))
          .value();
  ASSERT_EQ(sites.size(), 1U);
  EXPECT_EQ(sites[0].site.text(), "all");
  EXPECT_EQ(sites[0].records.target, (Numbers{-1, 0, 1}));
  EXPECT_EQ(sites[0].records.clipped_values, 1U);
  EXPECT_TRUE(sites[0].records.group.empty());
}

TEST(Encode, RefusesWithRecordAndColumn) {
  const auto bad = [](const Table& t) { return encode(schema_of(kColumns), t); };
  const auto code = ErrorCode::invalid_argument;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(refused(bad(with("x", Numbers{0, nan, 0})), code, {"t: record 2", "'x'", "nan"}));
  EXPECT_TRUE(refused(bad(with("x", Numbers{0, 0, 1 / 0.0})), code, {"record 3", "inf"}));
  EXPECT_TRUE(
      refused(bad(with("c", Texts{"a", "b", "z"})), code, {"record 3", "'c'", "'a', 'b'", "'z'"}));
  EXPECT_TRUE(refused(bad(with("y", Texts{"maybe", "no", "no"})), code, {"record 1", "'maybe'"}));
  EXPECT_TRUE(refused(bad(with("size", Texts{"7", "", "7"})), code, {"record 2", "'size'"}));
  EXPECT_TRUE(refused(bad(with("plant", Texts{"a", "b/c", "a"})), code, {"record 2", "'plant'"}));
  EXPECT_TRUE(refused(bad(with("x", Texts{"1", "2", "3"})), code, {"'x'", "numbers", "texts"}));
  EXPECT_TRUE(refused(bad({.source = "t", .records = 0, .columns = {}}),
                      base::ErrorCode::failed_precondition, {"t", "none"}));
  Table lacking = table();
  lacking.columns.pop_back();
  EXPECT_TRUE(refused(bad(lacking), ErrorCode::not_found, {"'plant'"}));
  EXPECT_TRUE(
      refused(encode(schema_of({column("x", ColumnKind::number)}), table()), code, {"label"}));
}

TEST(Encode, PredictingNeedsNoLabel) {
  Table unlabelled = table();
  std::erase_if(unlabelled.columns, [](const TableColumn& c) { return c.name == "y"; });
  EXPECT_TRUE(refused(encode(schema_of(kColumns), unlabelled), ErrorCode::not_found, {"'y'"}));
  const auto sites =
      encode(schema_of(kColumns), unlabelled, {.purpose = Purpose::predicting}).value();
  EXPECT_TRUE(std::isnan(sites[0].records.target[0]));
  const auto labelled =
      encode(schema_of(kColumns), table(), {.purpose = Purpose::predicting}).value();
  EXPECT_EQ(labelled[0].records.target, (Numbers{0, 1}));
}

// Everything a table may say of a record beside its features.
std::vector<Column> full_columns() {
  return {column("x", ColumnKind::number),
          column("i", ColumnKind::input),
          column("note", ColumnKind::text),
          column("when", ColumnKind::order),
          column("part", ColumnKind::partition, {"train", "test"}),
          column("roll", ColumnKind::unit),
          column("plant", ColumnKind::site),
          column("line", ColumnKind::site),
          column("age", ColumnKind::site_class)};
}

Table full_table() {
  return {.source = "t",
          .records = 3,
          .columns = {{"x", Numbers{0, 10, 5}},
                      {"i", Numbers{-1, 10, 11}},
                      {"when", Numbers{100, -1e12, 3}},
                      {"part", Texts{"train", "test", "test"}},
                      {"roll", Texts{"r2", "r1", "r2"}},
                      {"plant", Texts{"n", "s", "n"}},
                      {"line", Texts{"1", "1", "1"}},
                      {"age", Texts{"new", "old", "new"}}}};
}

base::Result<std::vector<SiteData>> encoded(const Table& table, EncodeOptions options = {}) {
  std::vector<Column> columns = full_columns();
  columns.push_back(column("y", ColumnKind::label));
  Table labelled = table;
  labelled.columns.push_back({"y", Numbers(table.records, 5)});
  return encode(schema_of(columns), labelled, options);
}

TEST(Encode, KeepsWhatSplittingAndPrivacyNeed) {
  const auto sites = encoded(full_table()).value();
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].site.text(), "n_1");
  EXPECT_EQ(sites[0].site_class, "new");
  EXPECT_EQ(sites[1].site.text(), "s_1");
  EXPECT_EQ(sites[1].site_class, "old");
  EXPECT_EQ(sites[0].records.order, (Numbers{100, 3}));
  EXPECT_EQ(sites[0].records.partition, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(sites[0].records.unit, (std::vector<std::uint32_t>{0, 0}));
  EXPECT_EQ(sites[0].records.features.columns(), 1U);
  EXPECT_EQ(sites[0].records.clipped_values, 2U);  // inputs beyond their range
  EXPECT_EQ(sites[1].records.clipped_values, 0U);
}

TEST(Encode, TakesSitesThatWereDealt) {
  const std::vector<SiteOfRecord> dealt = {{"b", "new"}, {"a", "old"}, {"b", "new"}};
  const auto sites = encoded(full_table(), {.sites = dealt}).value();
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].site.text(), "a");
  EXPECT_EQ(sites[1].site_class, "new");
  EXPECT_EQ(sites[1].records.order, (Numbers{100, 3}));
}

TEST(Encode, RefusesKeysThatAreNone) {
  const auto bad = [](std::string_view name, auto cells) {
    Table changed = full_table();
    for (TableColumn& c : changed.columns)
      if (c.name == name) c.cells = cells;
    return encoded(changed);
  };
  const auto code = ErrorCode::invalid_argument;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(refused(bad("age", Texts{"new", "old", "old"}), code,
                      {"record 3", "'n_1'", "'new'", "'old'"}));
  EXPECT_TRUE(refused(bad("roll", Texts{"r", "", "r"}), code, {"record 2", "'roll'", "nothing"}));
  EXPECT_TRUE(refused(bad("line", Texts{"", "1", "1"}), code, {"record 1", "'line'", "nothing"}));
  EXPECT_TRUE(refused(bad("part", Texts{"", "1", "1"}), code, {"record 1", "'part'", "nothing"}));
  EXPECT_TRUE(refused(bad("when", Numbers{0, 0, nan}), code, {"record 3", "'when'", "policy"}));
  Table later = full_table();
  later.numbers = {2, 5, 9};
  std::get<0>(later.columns[0].cells)[1] = nan;
  EXPECT_TRUE(refused(encoded(later), code, {"record 5", "'x'"}));
}

TEST(Encode, PredictingNeedsFeaturesOnly) {
  const Table bare{.source = "t", .records = 1, .columns = {{"x", Numbers{5}}}};
  EXPECT_TRUE(refused(encoded(bare), ErrorCode::not_found, {"'i'"}));
  EncodeOptions options;
  options.purpose = Purpose::predicting;
  const auto sites = encode(schema_of(full_columns()), bare, options).value();
  EXPECT_EQ(sites.front().site.text(), "all");
  EXPECT_TRUE(sites.front().records.order.empty());
}

// Order is kept, nothing is lost, everything lies in [-1, 1], and a site's records do not depend on
// the other sites.
RC_GTEST_PROP(EncodeLaws, EachRecordGoesToItsSite, (const Numbers& values)) {
  RC_PRE(!values.empty());
  Table t{.source = "t", .records = values.size(), .columns = {}};
  Texts plants;
  for (std::size_t i = 0; i < values.size(); ++i)
    plants.push_back(*rc::gen::element<std::string>("a", "b", "c"));
  t.columns = {{"x", values}, {"plant", plants}};
  const auto schema =
      schema_of({column("x", ColumnKind::number), column("plant", ColumnKind::site)});
  const auto sites = encode(schema, t, {.purpose = Purpose::predicting}).value();
  std::size_t records = 0;
  for (const SiteData& site : sites) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (plants[i] != site.site.text()) continue;
      const double expected = 2 * std::clamp(values[i], 0.0, 10.0) / 10 - 1;
      RC_ASSERT(std::abs(site.records.features.at(next++, 0) - expected) < 1e-15);
    }
    RC_ASSERT(next == site.records.size());
    records += next;
  }
  RC_ASSERT(records == values.size());
}

TEST(Dataset, ConcatenatesAndSelects) {
  const auto sites = encode(schema_of(kColumns), table()).value();
  const std::vector<Dataset> parts = {sites[0].records, sites[1].records};
  const Dataset all = concatenate(parts);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all.group_names, (Texts{"B_7", "IR_14"}));
  EXPECT_EQ(all.group, (std::vector<std::uint32_t>{0, 1, 0}));
  EXPECT_EQ(all.target, (Numbers{0, 1, 1}));
  EXPECT_EQ(all.features.at(2, 0), 1);
  const std::vector<std::size_t> rows = {2, 0};
  const Dataset some = all.select(rows);
  EXPECT_EQ(some.target, (Numbers{1, 0}));
  EXPECT_EQ(some.features.at(0, 0), 1);
  Dataset other = sites[1].records;
  other.group_names = {"OR_21"};
  const std::vector<Dataset> strangers = {sites[0].records, other, sites[1].records};
  EXPECT_EQ(concatenate(strangers).group_names, (Texts{"B_7", "IR_14", "OR_21"}));
  EXPECT_EQ(concatenate(strangers).group, (std::vector<std::uint32_t>{0, 1, 2, 0}));
  const std::vector<Dataset> with_empty = {sites[0].records.select({}), sites[1].records};
  EXPECT_EQ(concatenate(with_empty).size(), 1U);
}

TEST(Dataset, ConcatenatesAndSelectsUnitsTimesAndPartitions) {
  const auto sites = encoded(full_table()).value();
  const std::vector<Dataset> parts = {sites[1].records, sites[0].records, sites[1].records};
  const Dataset all = concatenate(parts);
  EXPECT_EQ(all.unit, (std::vector<std::uint32_t>{0, 1, 1, 2}));  // a unit is its part's own
  EXPECT_EQ(all.order, (Numbers{-1e12, 100, 3, -1e12}));
  EXPECT_EQ(all.partition, (std::vector<std::uint8_t>{1, 0, 1, 1}));
  const std::vector<std::size_t> rows = {3, 1};
  const Dataset some = all.select(rows);
  EXPECT_EQ(some.unit, (std::vector<std::uint32_t>{2, 1}));
  EXPECT_EQ(some.order, (Numbers{-1e12, 100}));
  EXPECT_EQ(some.partition, (std::vector<std::uint8_t>{1, 0}));
}

TEST(GroupName, TellsDifferentFieldsApart) {
  EXPECT_EQ(group_name(Texts{"B", "14"}), "B_14");
  EXPECT_EQ(group_name(Texts{"1797_B_14.npy"}), "1797_B_14.npy");
  EXPECT_NE(group_name(Texts{"a_b", "c"}), group_name(Texts{"a", "b_c"}));
  EXPECT_NE(group_name(Texts{"a_", "b"}), group_name(Texts{"a", "_b"}));
  EXPECT_NE(group_name(Texts{"a\\", "b"}), group_name(Texts{"a", "\\b"}));
}

RC_GTEST_PROP(GroupNameLaws, IsOneToOne, ()) {
  const auto fields = rc::gen::container<Texts>(
      2, rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', '_', '\\'))));
  const Texts a = *fields;
  const Texts b = *fields;
  RC_ASSERT((group_name(a) == group_name(b)) == (a == b));
}

TEST(Encode, NamesOfSitesHaveNoBlanks) {
  const auto sites =
      encode(schema_of(kColumns), with("plant", Texts{"New York", "Oslo", "New York"})).value();
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].site.text(), "New_York");
  EXPECT_EQ(sites[0].records.size(), 2U);
  EXPECT_TRUE(
      refused(encode(schema_of(kColumns), with("plant", Texts{"New York", "Oslo", "New_York"})),
              ErrorCode::invalid_argument, {"record 3", "'New York'", "'New_York'"}));
}

}  // namespace
}  // namespace hanse::data
