#include "data/inspect.h"

#include <gtest/gtest.h>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;

base::Result<TableFacts> inspect(std::string_view content, std::size_t chunk_bytes = 1 << 18) {
  storage::Memory memory;
  HANSE_CHECK(memory.write("t.csv", base::view_of(content)).has_value());
  TableSpec spec;
  spec.path = "t.csv";
  return inspect_table({memory}, spec, chunk_bytes);
}

TEST(Inspect, SaysWhatColumnsLookLike) {
  const auto facts = inspect(
      "id,torque [Nm],state,when,notes,kind (A/B),mixed\n"
      "1,-2.5,ok,2024-01-01,,x,1\n"
      "2,?,hot,2024-01-02,,x,2\n"
      "5,40,ok,2024-01-03,NA,x,n.d.\n");
  ASSERT_TRUE(facts.has_value()) << facts.error().text();
  EXPECT_EQ(facts->source, "t.csv");
  EXPECT_EQ(facts->records, 3U);
  EXPECT_EQ(facts->files, 1U);
  ASSERT_EQ(facts->columns.size(), 7U);
  const auto column = [&](std::size_t i) -> const ColumnFacts& { return facts->columns[i]; };
  const ColumnFacts &id = column(0), &torque = column(1), &state = column(2), &when = column(3),
                    &notes = column(4), &kind = column(5), &mixed = column(6);
  EXPECT_EQ(id.look, CellsLook::number);
  EXPECT_TRUE(id.whole && id.ascending);
  EXPECT_EQ(id.least, 1);
  EXPECT_EQ(id.greatest, 5);
  EXPECT_EQ(torque.name, "torque");
  EXPECT_EQ(torque.unit, "Nm");
  EXPECT_EQ(torque.header, "torque [Nm]");
  EXPECT_EQ(torque.missing, (std::map<std::string, std::uint64_t>{{"?", 1}}));
  EXPECT_FALSE(torque.whole);
  EXPECT_EQ(torque.numbers, 2U);
  EXPECT_EQ(state.look, CellsLook::text);
  EXPECT_EQ(state.values, (Texts{"ok", "hot"}));
  EXPECT_EQ(state.distinct, 2U);
  EXPECT_FALSE(state.more_distinct);
  EXPECT_EQ(state.first_text, "");
  EXPECT_EQ(when.look, CellsLook::time);
  EXPECT_TRUE(when.ascending);
  EXPECT_EQ(notes.look, CellsLook::empty);
  EXPECT_EQ(notes.missing, (std::map<std::string, std::uint64_t>{{"", 2}, {"NA", 1}}));
  EXPECT_EQ(kind.name, "kind (A/B)");
  EXPECT_EQ(kind.distinct, 1U);
  EXPECT_EQ(mixed.look, CellsLook::text);
  EXPECT_EQ(mixed.numbers, 2U);
  EXPECT_EQ(mixed.first_text, "n.d.");
  EXPECT_EQ(mixed.first_text_place, "t.csv:4");
  EXPECT_FALSE(mixed.ascending);
}

TEST(Inspect, CountsDifferentValuesUpToALimit) {
  std::string content = "x\n";
  for (std::size_t i = 0; i < kMaxDistinct; ++i) content += fmt::format("{}\n{}\n", i, i);
  const auto full = inspect(content).value().columns[0];
  EXPECT_EQ(full.distinct, kMaxDistinct);
  EXPECT_FALSE(full.more_distinct);
  EXPECT_FALSE(full.ascending);
  EXPECT_EQ(full.values.size(), kMaxShownValues);
  const auto over = inspect(content + "-1\n", 3).value().columns[0];
  EXPECT_EQ(over.distinct, kMaxDistinct);
  EXPECT_TRUE(over.more_distinct);
}

TEST(Inspect, TellsColumnsApartThatDifferInTheirUnits) {
  const auto facts = inspect("t [K],t [C]\n1,1\n").value();
  EXPECT_EQ(facts.columns[0].name, "t [K]");
  EXPECT_EQ(facts.columns[1].name, "t [C]");
  EXPECT_EQ(facts.columns[1].unit, "C");
}

TEST(Inspect, LooksAtFoldersAndArrays) {
  storage::Memory memory;
  HANSE_CHECK(memory.create_directory("d").has_value());
  for (const std::string name : {"d/1_a.csv", "d/2_b.csv"})
    HANSE_CHECK(memory.write(name, base::view_of("x\n1\n")).has_value());
  TableSpec spec;
  spec.path = "d";
  spec.files = "{run}_{kind}.csv";
  const auto facts = inspect_table({memory}, spec).value();
  EXPECT_EQ(facts.source, "d/{run}_{kind}.csv");
  EXPECT_EQ(facts.files, 2U);
  ASSERT_EQ(facts.columns.size(), 3U);
  EXPECT_EQ(facts.columns[0].header, "x");
  EXPECT_EQ(facts.columns[1].values, (Texts{"a", "b"}));
  EXPECT_EQ(facts.columns[2].look, CellsLook::number);
}

TEST(Inspect, RefusesWhatNoReaderTakes) {
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(inspect(""), code, {"t.csv", "empty"}));
  EXPECT_TRUE(refused(inspect("a,a\n"), code, {"t.csv", "'a'"}));
  EXPECT_TRUE(refused(inspect("a,b\n1\n"), code, {"t.csv:2"}));
}

TEST(Inspect, SeesHowAFileIsWritten) {
  const auto separator = [](std::string_view content, std::vector<std::string> header = {}) {
    storage::Memory memory;
    HANSE_CHECK(memory.write("t.csv", base::view_of(content)).has_value());
    TableSpec spec;
    spec.path = "t.csv";
    spec.header = std::move(header);
    return probable_separator({memory}, spec).value();
  };
  EXPECT_EQ(separator("a,b\n1;2;3;4"), ',');
  EXPECT_EQ(separator("a;b [m, mean];c\n"), ';');
  EXPECT_EQ(separator("\"a;\"\";;\",b\n"), ',');
  EXPECT_EQ(separator("a\tb"), '\t');
  EXPECT_EQ(separator("a"), ',');
  EXPECT_EQ(separator(""), ',');
  EXPECT_EQ(separator("1,5;2,5;3,5\n", {"a", "b", "c"}), ';');
  const auto facts = inspect("a,b\n\"1,5\",x\n2,y\nk.A.,z\n").value();
  EXPECT_EQ(facts.columns[0].comma_numbers, 1U);
  EXPECT_EQ(facts.columns[0].texts, 1U);
  EXPECT_EQ(facts.columns[0].missing.at("k.A."), 1U);
  EXPECT_EQ(facts.columns[1].comma_numbers, 0U);
}

}  // namespace
}  // namespace hanse::data
