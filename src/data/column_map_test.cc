#include "data/column_map.h"

#include <gtest/gtest.h>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;

std::vector<Column> columns() {
  std::vector<Column> made(4);
  made[0].name = "torque";
  made[0].kind = ColumnKind::number;
  made[0].unit = "Nm";
  made[1].name = "fault";
  made[1].kind = ColumnKind::label;
  made[1].values = {"none", "crack"};
  made[1].missing.tokens = {"?"};
  made[2].name = "notes";
  made[3].name = "speed";
  made[3].kind = ColumnKind::number;
  return made;
}

base::Result<void> check(const MappedColumn& mapped) {
  return ColumnMap::create({mapped}).value().check(columns());
}

TEST(ColumnMap, FindsColumnsByTheJobsName) {
  const auto map = ColumnMap::create({{"torque", "Moment", "kNm", {}}}).value();
  ASSERT_NE(map.find("torque"), nullptr);
  EXPECT_EQ(map.find("torque")->from, "Moment");
  EXPECT_EQ(map.find("Moment"), nullptr);
}

TEST(ColumnMap, TakesWhatTheJobUnderstands) {
  EXPECT_TRUE(check({"torque", "Moment", "lbf·ft", {}}).has_value());
  EXPECT_TRUE(check({"fault", "Befund", "", {{"i.O.", "none"}, {"k.A.", "?"}}}).has_value());
  EXPECT_TRUE(check({"speed", "Drehzahl", "", {}}).has_value());
}

TEST(ColumnMap, RefusesWithColumnExpectedAndFound) {
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(check({"troque", "", "", {}}), code, {"'troque'", "did you mean 'torque'"}));
  EXPECT_TRUE(refused(check({"humidity", "", "", {}}), code, {"it has torque, fault"}));
  EXPECT_TRUE(refused(check({"torque", "", "bar", {}}), code, {"'torque'", "'Nm'", "'bar'"}));
  EXPECT_TRUE(refused(check({"speed", "", "rpm", {}}), code, {"'rpm'", "declares no unit"}));
  EXPECT_TRUE(refused(check({"torque", "", "", {{"a", "b"}}}), code, {"words for a number"}));
  EXPECT_TRUE(refused(check({"fault", "", "Nm", {}}), code, {"unit 'Nm'", "text"}));
  EXPECT_TRUE(
      refused(check({"fault", "", "", {{"Riss", "break"}}}), code, {"'break'", "none, crack"}));
  EXPECT_TRUE(refused(check({"notes", "", "", {}}), code, {"'notes'", "ignores"}));
  EXPECT_TRUE(
      refused(ColumnMap::create({{"a", "x", "", {}}, {"a", "y", "", {}}}), code, {"'a'", "twice"}));
  EXPECT_TRUE(refused(ColumnMap::create({{"a", "x", "", {}}, {"x", "", "", {}}}), code,
                      {"'x'", "another column"}));
  EXPECT_TRUE(refused(ColumnMap::create({{"", "x", "", {}}}), code, {"name"}));
}

}  // namespace
}  // namespace hanse::data
