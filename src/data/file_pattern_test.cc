#include "data/file_pattern.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Fields = FilePattern::Fields;

std::optional<Fields> match(std::string_view pattern, std::string_view name) {
  return FilePattern::create(pattern).value().match(name);
}

TEST(FilePattern, FindsFields) {
  const std::string_view cwru = "{rpm}_{fault}_{size}_DE12.npy";
  EXPECT_EQ(match(cwru, "1797_IR_14_DE12.npy"),
            (Fields{{"rpm", "1797"}, {"fault", "IR"}, {"size", "14"}}));
  EXPECT_EQ(match("{name}", "x.npy"), (Fields{{"name", "x.npy"}}));
  EXPECT_EQ(match("run-{n}", "run-7"), (Fields{{"n", "7"}}));
  EXPECT_EQ(match("{a}_{b}", "1_2_3"), (Fields{{"a", "1"}, {"b", "2_3"}}));
  EXPECT_EQ(match("_{a}_{b}", "__x_y"), (Fields{{"a", "_x"}, {"b", "y"}}));
  EXPECT_EQ(match("{a}__{b}", "1___2"), (Fields{{"a", "1"}, {"b", "_2"}}));
}

TEST(FilePattern, SkipsOtherNames) {
  const std::string_view cwru = "{rpm}_{fault}_{size}_DE12.npy";
  for (const std::string_view name :
       {"1797_Normal_DE.npy", "1797_IR_14_DE12.npy.bak", "_IR_14_DE12.npy", "1797_IR__DE12.npy",
        "1797_IR_DE12.npy", "", "DE12.npy"})
    EXPECT_EQ(match(cwru, name), std::nullopt) << name;
  EXPECT_EQ(match("run-{n}", "run-"), std::nullopt);
  EXPECT_EQ(match("run-{n}", "rerun-1"), std::nullopt);
}

TEST(FilePattern, RefusesWhatIsNoPattern) {
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(FilePattern::create(""), code, {"no field"}));
  EXPECT_TRUE(refused(FilePattern::create("a.npy"), code, {"'a.npy'", "no field"}));
  EXPECT_TRUE(refused(FilePattern::create("{a"), code, {"without a '}'"}));
  EXPECT_TRUE(refused(FilePattern::create("a}{b}"), code, {"without a '{'"}));
  EXPECT_TRUE(refused(FilePattern::create("{a}}"), code, {"without a '{'"}));
  EXPECT_TRUE(refused(FilePattern::create("{}"), code, {"without a name"}));
  EXPECT_TRUE(refused(FilePattern::create("{{a}"), code, {"without a name"}));
  EXPECT_TRUE(refused(FilePattern::create("{a}{b}"), code, {"'b'"}));
  EXPECT_TRUE(refused(FilePattern::create("{a}_{a}"), code, {"'a' occurs twice"}));
  EXPECT_TRUE(refused(FilePattern::create("d/{a}"), code, {"'/'"}));
}

// Fields that hold none of the pattern's characters come back.
RC_GTEST_PROP(FilePatternLaws, WhatWasPutTogetherComesApart, ()) {
  const auto field = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', '1')));
  const auto literal =
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('_', '.')));
  const auto parts = *rc::gen::inRange(1, 5);
  std::string pattern;
  std::string name;
  Fields expected;
  for (int i = 0; i < parts; ++i) {
    const std::string between = *literal;
    const std::string value = *field;
    pattern += fmt::format("{}{{f{}}}", between, i);
    name += between + value;
    expected[fmt::format("f{}", i)] = value;
  }
  RC_ASSERT(match(pattern, name) == expected);
  RC_ASSERT(match(pattern + ".npy", name) == std::nullopt);
  RC_ASSERT(match(pattern + ".npy", name + ".npy") == expected);
}

}  // namespace
}  // namespace hanse::data
