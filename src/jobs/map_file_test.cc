#include "jobs/map_file.h"

#include <gtest/gtest.h>

#include "storage/memory.h"

namespace hanse::jobs {
namespace {

using data::ColumnKind;

std::vector<data::Column> columns() {
  return {{.name = "degrees", .kind = ColumnKind::number, .unit = "degC", .low = 0, .high = 900},
          {.name = "state", .kind = ColumnKind::category, .values = {"cold", "hot"}}};
}

base::Result<MapFile> load(std::string_view text) {
  storage::Memory memory;
  EXPECT_TRUE(memory.write("map.toml", base::view_of(text)));
  return load_map(memory, "map.toml", columns());
}

void expect_error(std::string_view text, const std::vector<std::string>& parts) {
  const auto map = load(text);
  ASSERT_FALSE(map) << text;
  EXPECT_EQ(map.error().code(), base::ErrorCode::invalid_argument);
  for (const std::string& part : parts)
    EXPECT_NE(map.error().text().find(part), std::string::npos) << map.error().text();
}

TEST(MapFile, SaysAPlantsNamesUnitsAndWords) {
  const auto map = load(R"(
[column.degrees]
from = "Ofentemperatur"
unit = "K"
[column.state]
values = { "kalt" = "cold", "heiß" = "hot" }
)");
  ASSERT_TRUE(map) << map.error().text();
  const data::MappedColumn* degrees = map->columns.find("degrees");
  ASSERT_NE(degrees, nullptr);
  EXPECT_EQ(degrees->from, "Ofentemperatur");
  EXPECT_EQ(degrees->unit, "K");
  ASSERT_NE(map->columns.find("state"), nullptr);
  EXPECT_EQ(map->columns.find("state")->values.at("heiß"), "hot");
}

TEST(MapFile, SaysHowAPlantsTableIsWritten) {
  const auto map = load("[table]\nseparator = \";\"\ndecimal = \",\"\n");
  ASSERT_TRUE(map) << map.error().text();
  data::TableSpec spec;
  map->apply(spec);
  EXPECT_EQ(spec.separator, ';');
  EXPECT_EQ(spec.decimal, ',');
  data::TableSpec array;
  array.format = data::TableFormat::npy;
  spec = array;
  map->apply(spec);
  EXPECT_EQ(spec, array);
  const auto silent = load("[column.degrees]\nfrom = \"T\"\n");
  spec.separator = '|';
  spec.decimal = ',';
  silent->apply(spec);
  EXPECT_EQ(spec.separator, '|');
  EXPECT_EQ(spec.decimal, ',');
  expect_error("[table]\nseparator = \"ab\"\n", {"map.toml:2:", "table.separator", "one ASCII"});
  expect_error("[table]\ndecimal = \";\"\n", {"table.decimal", "\".\" or \",\""});
  expect_error("[table]\ndecimals = \",\"\n", {"did you mean 'decimal'"});
  expect_error("", {"missing: column"});
}

TEST(MapFile, IsReadStrictly) {
  expect_error("[column.degrees]\nform = \"T\"\n", {"map.toml:2:", "did you mean 'from'"});
  expect_error("[column.degrees]\nfrom = 3\n", {"column.degrees.from", "a string"});
  expect_error("[columns.degrees]\n", {"'column'"});
  expect_error("[column.degrees\n", {"map.toml:1"});
  expect_error("[column]\ndegrees = \"T\"\n", {"column.degrees", "a table"});
}

TEST(MapFile, IsHeldAgainstTheJob) {
  expect_error("[column.degres]\nfrom = \"T\"\n", {"map.toml", "degres", "degrees"});
  expect_error("[column.degrees]\nunit = \"bar\"\n", {"map.toml", "bar"});
  expect_error("[column.state]\nvalues = { kalt = \"frozen\" }\n", {"frozen"});
}

}  // namespace
}  // namespace hanse::jobs
