#include "data/schema.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;

Column number(std::string name, double low = 0, double high = 1) {
  return {.name = std::move(name),
          .kind = ColumnKind::number,
          .unit = "g",
          .low = low,
          .high = high,
          .values = {}};
}

Column with_values(std::string name, ColumnKind kind, std::vector<std::string> values) {
  return {.name = std::move(name), .kind = kind, .unit = {}, .values = std::move(values)};
}

const Column kLabel = with_values("fault", ColumnKind::label, {"no", "yes"});

TEST(Schema, CountsAndNamesFeatures) {
  const auto schema =
      Schema::create({number("x"), with_values("c", ColumnKind::category, {"a", "b", "c"}),
                      with_values("skip", ColumnKind::ignore, {}), kLabel})
          .value();
  EXPECT_EQ(schema.feature_count(), 4U);
  EXPECT_EQ(schema.feature_names(), (std::vector<std::string>{"x", "c=a", "c=b", "c=c"}));
  EXPECT_EQ(schema.label()->name, "fault");
  EXPECT_EQ(schema.find("x")->unit, "g");
  EXPECT_EQ(schema.find("y"), nullptr);
  EXPECT_TRUE(schema.has(ColumnKind::ignore));
  EXPECT_FALSE(schema.has(ColumnKind::site));
}

TEST(Schema, RefusesWithTheColumnsName) {
  const auto bad = [](std::vector<Column> columns) { return Schema::create(std::move(columns)); };
  const auto code = ErrorCode::invalid_argument;
  const double inf = std::numeric_limits<double>::infinity();
  const double most = std::numeric_limits<double>::max();
  EXPECT_TRUE(refused(bad({}), code, {"feature"}));
  EXPECT_TRUE(refused(bad({kLabel}), code, {"feature"}));
  EXPECT_TRUE(refused(bad({number("")}), code, {"no name"}));
  EXPECT_TRUE(refused(bad({number("x"), number("x")}), code, {"'x'", "twice"}));
  EXPECT_TRUE(refused(bad({number("x", 1, 1)}), code, {"'x'", "low 1 and high 1"}));
  EXPECT_TRUE(refused(bad({number("x", 0, inf)}), code, {"'x'", "inf"}));
  EXPECT_TRUE(refused(bad({number("x", -most, most)}), code, {"'x'"}));
  EXPECT_TRUE(refused(bad({number("x", -1e200, 0)}), code, {"'x'", "±1e+100", "-1e+200"}));
  EXPECT_TRUE(Schema::create({number("x", -1e100, 1e100)}).has_value());
  EXPECT_TRUE(refused(bad({number("x"), kLabel, with_values("l", ColumnKind::label, {"a", "b"})}),
                      code, {"one label", "2"}));
  EXPECT_TRUE(refused(bad({number("x"), with_values("a", ColumnKind::order, {}),
                           with_values("b", ColumnKind::order, {})}),
                      code, {"one order", "2"}));
  EXPECT_TRUE(Schema::create({number("x"), with_values("a", ColumnKind::site, {}),
                              with_values("b", ColumnKind::site, {})})
                  .has_value());
  EXPECT_TRUE(refused(bad({number("x"), with_values("p", ColumnKind::partition, {"a", "b", "c"})}),
                      code, {"'p'", "train", "found 3"}));
  Column timed = with_values("t", ColumnKind::order, {});
  timed.high = 1;
  EXPECT_TRUE(refused(bad({number("x"), timed}), code, {"'t'", "only numbers have a range"}));
  EXPECT_TRUE(refused(bad({with_values("c", ColumnKind::category, {})}), code, {"'c'", "two"}));
  EXPECT_TRUE(refused(bad({with_values("c", ColumnKind::category, {"a", "a"})}), code,
                      {"'c'", "'a'", "twice"}));
  EXPECT_TRUE(refused(bad({with_values("c", ColumnKind::category, {"a", ""})}), code, {"empty"}));
  EXPECT_TRUE(refused(bad({number("x"), with_values("l", ColumnKind::label, {})}), code,
                      {"'l'", "range", "label's values"}));
  EXPECT_TRUE(refused(bad({number("x"), with_values("g", ColumnKind::group, {"a"})}), code,
                      {"'g'", "values"}));
}

Column missing(Column column, Missing how) {
  column.missing = std::move(how);
  return column;
}

TEST(Schema, RefusesPoliciesForMissingValuesThatDoNotFit) {
  const auto bad = [](const Column& column, Missing how) {
    return Schema::create({number("other"), missing(column, std::move(how))});
  };
  const auto code = ErrorCode::invalid_argument;
  const Column x = number("x", 2, 4);
  const Column c = with_values("c", ColumnKind::category, {"a", "b"});
  const Texts tokens = {"?"};
  using enum MissingPolicy;
  EXPECT_TRUE(refused(bad(x, {.policy = drop}), code, {"'x'", "declare tokens"}));
  EXPECT_TRUE(refused(bad(x, {.policy = value, .tokens = tokens, .value = "5"}), code,
                      {"'x'", "'5'", "from 2 to 4"}));
  EXPECT_TRUE(
      refused(bad(x, {.policy = value, .tokens = tokens, .value = "nan"}), code, {"'nan'"}));
  EXPECT_TRUE(refused(bad(x, {.policy = value, .tokens = tokens, .value = "3x"}), code, {"'3x'"}));
  EXPECT_TRUE(refused(bad(c, {.policy = value, .tokens = tokens, .value = "z"}), code,
                      {"'c'", "'z'", "a, b"}));
  EXPECT_TRUE(refused(bad(x, {.policy = drop, .tokens = tokens, .value = "3"}), code, {"'3'"}));
  EXPECT_TRUE(
      refused(bad(x, {.policy = drop, .tokens = tokens, .indicator = true}), code, {"indicator"}));
  EXPECT_TRUE(refused(bad(c, {.policy = neutral, .tokens = tokens, .indicator = true}), code,
                      {"'c'", "indicator"}));
  EXPECT_TRUE(refused(bad(kLabel, {.policy = neutral, .tokens = tokens}), code, {"label", "drop"}));
  for (const ColumnKind kind : {ColumnKind::group, ColumnKind::site, ColumnKind::unit,
                                ColumnKind::order, ColumnKind::site_class, ColumnKind::text}) {
    const Column key = with_values("k", kind, {});
    EXPECT_TRUE(refused(bad(key, {.policy = neutral, .tokens = tokens}), code, {"'k'", "drop"}));
    EXPECT_TRUE(bad(key, {.policy = drop, .tokens = tokens}).has_value());
  }
  EXPECT_TRUE(refused(bad(with_values("i", ColumnKind::ignore, {}), {.tokens = tokens}), code,
                      {"'i'", "read past"}));
}

TEST(Schema, KnowsWhatStandsIn) {
  using enum MissingPolicy;
  const Texts tokens = {""};
  EXPECT_EQ(stand_in(missing(number("x", 2, 4), {.policy = neutral, .tokens = tokens})), 3);
  EXPECT_EQ(
      stand_in(missing(number("x", 2, 4), {.policy = value, .tokens = tokens, .value = "2.5"})),
      2.5);
}

// The digest tells apart what changes an encoded record, and nothing else.
TEST(Schema, DigestFollowsTheMeaning) {
  const auto digest = [](std::vector<Column> columns) {
    return Schema::create(std::move(columns))->digest();
  };
  const Column group = with_values("g", ColumnKind::group, {});
  const auto base = digest({number("x"), number("y"), kLabel});
  EXPECT_EQ(base, digest({number("x"), number("y"), kLabel}));
  EXPECT_EQ(base, digest({group, number("x"), number("y"), kLabel}));
  EXPECT_EQ(base, digest({number("x", -0.0, 1), number("y"), kLabel}));
  EXPECT_NE(base, digest({number("y"), number("x"), kLabel}));
  EXPECT_NE(base, digest({number("x", 0, 2), number("y"), kLabel}));
  EXPECT_NE(base, digest({number("x"), number("y")}));
  EXPECT_NE(base, digest({number("x"), number("y"),
                          with_values("fault", ColumnKind::label, {"yes", "no"})}));
  // What a missing value becomes is its meaning; how it is spelt, or that its record goes, is not.
  const auto treated = [&](MissingPolicy policy, Texts tokens, std::string value = "") {
    const Column x = missing(number("x"), {policy, std::move(tokens), std::move(value)});
    return digest({x, number("y"), kLabel});
  };
  EXPECT_EQ(base, treated(MissingPolicy::drop, {"?"}));
  EXPECT_NE(base, treated(MissingPolicy::neutral, {"?"}));
  EXPECT_EQ(treated(MissingPolicy::neutral, {"?"}), treated(MissingPolicy::neutral, {"", "NA"}));
  EXPECT_NE(treated(MissingPolicy::value, {"?"}, "0"), treated(MissingPolicy::value, {"?"}, "1"));
  const auto made = [](std::string_view how) {
    return Schema::create({number("x")}, base::Digest::of(base::view_of(how)))->digest();
  };
  EXPECT_EQ(made("a"), made("a"));
  EXPECT_NE(made("a"), made("b"));
  EXPECT_NE(made("a"), digest({number("x")}));
  // Where one text ends matters.
  EXPECT_NE(digest({with_values("c", ColumnKind::category, {"ab", "c"})}),
            digest({with_values("c", ColumnKind::category, {"a", "bc"})}));
}

}  // namespace
}  // namespace hanse::data
