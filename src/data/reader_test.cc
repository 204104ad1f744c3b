#include "data/reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/limits.h"
#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

Column column(std::string name, ColumnKind kind, std::string unit = "") {
  Column made;
  made.name = std::move(name);
  made.kind = kind;
  made.unit = std::move(unit);
  made.high = kind == ColumnKind::number ? 1 : 0;
  return made;
}

Column number(std::string name, std::string unit = "") {
  return column(std::move(name), ColumnKind::number, std::move(unit));
}

Column with_missing(Column made, Texts tokens) {
  made.missing.policy = MissingPolicy::drop;
  made.missing.tokens = std::move(tokens);
  return made;
}

struct Files {
  storage::Memory memory;

  Files() { HANSE_CHECK(memory.create_directory("d").has_value()); }
  Files& add(const std::string& path, std::string_view content) {
    HANSE_CHECK(memory.write(path, base::view_of(content)).has_value());
    return *this;
  }
  base::Result<Table> read(const TableSpec& spec, const std::vector<Column>& columns,
                           const ReadOptions& options = {}) const {
    return read_table({memory}, spec, columns, options);
  }
};

TableSpec spec_of(std::string path, TableFormat format = TableFormat::csv) {
  TableSpec spec;
  spec.path = std::move(path);
  spec.format = format;
  return spec;
}

base::Result<Table> read_csv(std::string_view content, const std::vector<Column>& columns,
                             const ReadOptions& options = {}) {
  return Files().add("t.csv", content).read(spec_of("t.csv"), columns, options);
}

const Numbers& numbers(const base::Result<Table>& table, std::string_view name) {
  return *table.value().find(name)->numbers();
}

const Texts& texts(const base::Result<Table>& table, std::string_view name) {
  return *table.value().find(name)->texts();
}

TEST(Reader, FindsColumnsByNameWithoutBlanksAndUnits) {
  const std::string_view csv = " a [Nm] ,b (rpm),a b,c [x]\n1,60,3,4\n";
  const auto table =
      read_csv(csv, {number("a", "kNm"), number("b", "Hz"), number("a b"), number("c [x]", "bar")});
  EXPECT_EQ(numbers(table, "a"), Numbers{0.001});
  EXPECT_EQ(numbers(table, "b"), Numbers{1});
  EXPECT_EQ(numbers(table, "a b"), Numbers{3});
  EXPECT_EQ(numbers(table, "c [x]"), Numbers{4});
  EXPECT_EQ(texts(read_csv(csv, {column("b", ColumnKind::group)}), "b"), Texts{"60"});

  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(read_csv(csv, {number("a", "bar")}), code, {"t.csv", "'a'", "'Nm'"}));
  EXPECT_TRUE(refused(read_csv(csv, {number("a")}), code, {"'a'", "'Nm'", "declares none"}));
  EXPECT_TRUE(refused(read_csv(csv, {number("c", "bar")}), code, {"'c'", "'x'"}));
  EXPECT_TRUE(refused(read_csv("t [K],t [C]\n1,1\n", {number("t", "K")}), code,
                      {"several columns", "'t [K]', 't [C]'"}));
  EXPECT_EQ(numbers(read_csv("t [K],t [C]\n1,2\n", {number("t [C]", "K")}), "t [C]"),
            Numbers{275.15});
  EXPECT_TRUE(refused(read_csv(csv, {number("z")}), ErrorCode::not_found,
                      {"'z'", "' a [Nm] ', 'b (rpm)'"}));
}

TEST(Reader, ReadsWithThePlantsNamesUnitsAndWords) {
  Column fault = column("fault", ColumnKind::label);
  fault.values = {"none", "crack"};
  const std::vector<Column> columns = {number("t", "K"), number("p", "bar"), fault};
  const auto map = ColumnMap::create({{.column = "t", .from = "Temp", .unit = "degF", .values = {}},
                                      {.column = "p", .from = "Druck", .unit = "", .values = {}},
                                      {.column = "fault",
                                       .from = "Befund",
                                       .unit = "",
                                       .values = {{"i.O.", "none"}, {"Riss", "crack"}}}})
                       .value();
  ASSERT_TRUE(map.check(columns).has_value());
  ReadOptions options;
  options.map = &map;
  const auto table =
      read_csv("Druck (mbar),Temp [C],Befund\n2000,212,i.O.\n0,32,Riss\n", columns, options);
  EXPECT_NEAR(numbers(table, "t")[0], 373.15, 1e-12);
  EXPECT_EQ(numbers(table, "p"), (Numbers{2, 0}));
  EXPECT_EQ(texts(table, "fault"), (Texts{"none", "crack"}));
  EXPECT_TRUE(refused(read_csv("t,p,fault\n1,1,none\n", columns, options), ErrorCode::not_found,
                      {"'Temp'", "the job's 't'"}));
}

// What is the label in one column would be a feature in another.
TEST(Reader, ReadsNoColumnTwice) {
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(read_csv("y [K],z\n1,2\n", {number("y", "K"), number("y [K]", "K")}), code,
                      {"t.csv", "'y'", "'y [K]'", "both"}));
  const auto map = ColumnMap::create({{.column = "x", .from = "y", .unit = "", .values = {}}});
  ReadOptions options;
  options.map = &map.value();
  EXPECT_TRUE(
      refused(read_csv("y,z\n1,2\n", {number("x"), number("y")}, options), code, {"'x'", "'y'"}));
  EXPECT_EQ(numbers(read_csv("y,z\n1,2\n", {number("x"), number("z")}, options), "x"), Numbers{1});
}

TEST(Reader, LeavesMissingValuesToThePipeline) {
  const std::vector<Column> columns = {with_missing(number("x", "K"), {"?", "-9", ""}),
                                       with_missing(column("s", ColumnKind::category), {"", "NA"})};
  const auto table = read_csv("x [C],s\n?,a\n-9.0,NA\n,\n0,b\n", columns);
  const Numbers& x = numbers(table, "x");
  EXPECT_TRUE(std::isnan(x[0]) && std::isnan(x[1]) && std::isnan(x[2]));
  EXPECT_EQ(x[3], 273.15);
  EXPECT_EQ(texts(table, "s"), (Texts{"a", "", "", "b"}));

  Column refusing = number("x");
  refusing.missing.tokens = {"?"};
  EXPECT_TRUE(refused(read_csv("x\n1\n?\n", {refusing}), ErrorCode::invalid_argument,
                      {"t.csv:3", "'x'", "missing", "'?'"}));
  for (const std::string_view cell : {"nan", "inf", "-inf", "1e999"})
    EXPECT_TRUE(refused(read_csv("x\n" + std::string(cell) + "\n", {number("x")}),
                        ErrorCode::invalid_argument, {"t.csv:2", cell}));
}

TEST(Reader, KnowsOtherSpellingsOfDeclaredNumbers) {
  Column grade = column("grade", ColumnKind::category);
  grade.values = {"1", "2.50", "none"};
  EXPECT_EQ(texts(read_csv("grade\n1.0\n1\n2.5\nnone\n3.0\n01\n", {grade}), "grade"),
            (Texts{"1", "1", "2.50", "none", "3.0", "1"}));
}

TEST(Reader, ReadsTimes) {
  const std::vector<Column> columns = {column("when", ColumnKind::order)};
  EXPECT_EQ(numbers(read_csv("when\n1970-01-01T00:01Z\n1970-01-02\n", columns), "when"),
            (Numbers{60, 86400}));
  EXPECT_EQ(numbers(read_csv("when\n5\n-1e3\n", columns), "when"), (Numbers{5, -1000}));
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(read_csv("when\n5\n1970-01-02\n", columns), code, {"t.csv:3", "as before"}));
  EXPECT_TRUE(refused(read_csv("when\n17.05.2024\n", columns), code, {"t.csv:2", "date"}));
}

TEST(Reader, ReadsWhitespaceTables) {
  TableSpec spec = spec_of("t.txt", TableFormat::whitespace);
  const std::vector<Column> columns = {number("x"), column("s", ColumnKind::group)};
  const auto read = [&](std::string_view content) {
    return Files().add("t.txt", content).read(spec, columns);
  };
  const auto named = read("x  s\n 1\ta  \r\n\n  \n-2.5 b");
  EXPECT_EQ(numbers(named, "x"), (Numbers{1, -2.5}));
  EXPECT_EQ(texts(named, "s"), (Texts{"a", "b"}));
  spec.header = {"s", "x"};
  EXPECT_EQ(numbers(read("a 1 \nb 2 \n"), "x"), (Numbers{1, 2}));
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(read("a 1\n\nb\n"), code, {"t.txt:3", "2 fields", "found 1"}));
  EXPECT_TRUE(refused(read("a 1 2\n"), code, {"t.txt:1", "more"}));
  EXPECT_TRUE(refused(read("a\rb 1\n"), code, {"t.txt:1", "carriage return"}));
  EXPECT_TRUE(refused(read(std::string_view("a\0 1\n", 5)), code, {"t.txt:1", "NUL"}));
  EXPECT_TRUE(refused(read("\xE4 1\n"), code, {"t.txt:1", "UTF-8"}));
  EXPECT_TRUE(refused(read(std::string(base::kMaxRecordBytes + 1, ' ')), code, {"t.txt:1"}));
  spec.header = {};
  EXPECT_TRUE(refused(read(" \n"), code, {"t.txt", "header"}));
}

// Version 1.0, doubles: NumPy Enhancement Proposal 1.
std::string npy(const Numbers& values, std::string_view shape, bool fortran) {
  const std::string header = fmt::format("{{'descr': '<f8', 'fortran_order': {}, 'shape': {}, }}\n",
                                         fortran ? "True" : "False", shape);
  std::string file("\x93NUMPY\1\0", 8);
  file += {static_cast<char>(header.size()), '\0'};
  file += header;
  return file.append(reinterpret_cast<const char*>(values.data()), 8 * values.size());
}

TEST(Reader, ReadsArrays) {
  TableSpec spec = spec_of("a.npy", TableFormat::npy);
  spec.header = {"x", "s"};
  spec.row_number = "row";
  const std::vector<Column> columns = {with_missing(number("x"), {"-9"}),
                                       column("s", ColumnKind::group), number("row")};
  for (const bool fortran : {false, true}) {
    const Numbers values =
        fortran ? Numbers{1, -9, NAN, 4, 5, 6.5} : Numbers{1, 4, -9, 5, NAN, 6.5};
    const auto table = Files().add("a.npy", npy(values, "(3, 2)", fortran)).read(spec, columns);
    EXPECT_EQ(numbers(table, "x")[0], 1);
    EXPECT_TRUE(std::isnan(numbers(table, "x")[1]) && std::isnan(numbers(table, "x")[2]));
    EXPECT_EQ(texts(table, "s"), (Texts{"4", "5", "6.5"}));
    EXPECT_EQ(numbers(table, "row"), (Numbers{1, 2, 3}));
  }
  const auto code = ErrorCode::invalid_argument;
  const Files two = std::move(Files().add("a.npy", npy({1, NAN}, "(2,)", false)));
  EXPECT_TRUE(refused(two.read(spec, columns), code, {"a.npy", "2 columns", "found 1"}));
  spec.header = {};
  EXPECT_TRUE(refused(two.read(spec, {number("column_1")}), code, {"a.npy: row 2", "NaN"}));
  Files huge;
  huge.add("a.npy", npy({}, "(1, 99999999)", false));
  EXPECT_TRUE(refused(huge.read(spec, columns), ErrorCode::corruption, {"a.npy"}));
}

TEST(Reader, ReadsAFolderAsOneTable) {
  Files files;
  files.add("d/2_x_B.csv", "t [C],s\n0,b\n").add("d/1_y_A.csv", "s,t [K]\na,1\na2,2\n");
  files.add("d/3_z_C.csv", "broken").add("d/readme.txt", "no table");
  TableSpec spec = spec_of("d");
  spec.files = "{run}_{machine}_{kind}.csv";
  spec.only = {{"kind", {"A", "B"}}};
  spec.constants = {{"plant", "Kiel"}};
  spec.row_number = "row";
  const std::vector<Column> columns = {
      number("t", "K"), column("s", ColumnKind::text),     column("machine", ColumnKind::group),
      number("run"),    column("plant", ColumnKind::site), column("row", ColumnKind::order)};
  const auto table = files.read(spec, columns);
  ASSERT_TRUE(table.has_value()) << table.error().text();
  EXPECT_EQ(table->source, "d/{run}_{machine}_{kind}.csv");
  EXPECT_EQ(numbers(table, "t"), (Numbers{1, 2, 273.15}));
  EXPECT_EQ(texts(table, "s"), (Texts{"a", "a2", "b"}));
  EXPECT_EQ(texts(table, "machine"), (Texts{"y", "y", "x"}));
  EXPECT_EQ(numbers(table, "run"), (Numbers{1, 1, 2}));
  EXPECT_EQ(texts(table, "plant"), (Texts{"Kiel", "Kiel", "Kiel"}));
  EXPECT_EQ(numbers(table, "row"), (Numbers{1, 2, 1}));

  files.add("d/2_x_B.csv", "t [C],s\n0,b\nhot,c\n");
  EXPECT_TRUE(refused(files.read(spec, columns), ErrorCode::invalid_argument,
                      {"d/2_x_B.csv:3", "'t'", "'hot'"}));
  files.add("d/2_x_B.csv", "t [C]\n0\n");
  EXPECT_TRUE(refused(files.read(spec, columns), ErrorCode::not_found, {"d/2_x_B.csv", "'s'"}));
  files.add("d/2_x_B.csv", "t [C],s,plant\n0,b,Bonn\n");
  EXPECT_TRUE(
      refused(files.read(spec, columns), ErrorCode::invalid_argument, {"d/2_x_B.csv", "'plant'"}));
  spec.only = {{"kind", {"Z"}}};
  EXPECT_TRUE(refused(files.read(spec, columns), ErrorCode::not_found, {"'d'", "among 4"}));
}

TEST(Reader, RefusesSpecsThatContradictThemselves) {
  const auto code = ErrorCode::invalid_argument;
  TableSpec spec = spec_of("t.csv");
  EXPECT_TRUE(check_table_spec(spec).has_value());
  spec.only = {{"run", {"1"}}};
  EXPECT_TRUE(refused(check_table_spec(spec), code, {"only"}));
  spec.files = "{machine}.csv";
  EXPECT_TRUE(refused(check_table_spec(spec), code, {"only", "'run'"}));
  spec.only = {};
  spec.constants = {{"machine", "1"}};
  EXPECT_TRUE(refused(check_table_spec(spec), code, {"'machine'"}));
  spec.constants = {{"plant", "1"}};
  spec.row_number = "plant";
  EXPECT_TRUE(refused(check_table_spec(spec), code, {"row_number", "'plant'"}));
  spec.row_number = "";
  spec.header = {"a", "a"};
  EXPECT_TRUE(refused(check_table_spec(spec), code, {"header", "'a'"}));
  spec.header = {"a", "plant"};
  EXPECT_TRUE(refused(check_table_spec(spec), code, {"'plant'"}));
  spec.query = "SELECT 1";
  EXPECT_TRUE(refused(check_table_spec(spec), code, {"query"}));
  EXPECT_TRUE(refused(check_table_spec(spec_of("")), code, {"path"}));
  EXPECT_TRUE(refused(check_table_spec(spec_of("u", TableFormat::postgresql)), code, {"query"}));
}

// A database of our own rows.
class Rows final : public storage::Databases, public storage::Cursor {
 public:
  Rows(Texts columns, std::vector<std::vector<std::optional<std::string>>> rows)
      : columns_(std::move(columns)), rows_(std::move(rows)) {}

  base::Result<std::unique_ptr<Cursor>> query(const std::string&, const std::string&) override {
    return std::make_unique<Rows>(columns_, rows_);
  }
  const Texts& columns() const override { return columns_; }
  base::Result<bool> next() override {
    if (at_ == rows_.size()) return base::fail(ErrorCode::unavailable, "the database went away");
    return ++at_ < rows_.size() + 1;
  }
  std::optional<std::string_view> cell(std::size_t column) const override {
    return rows_[at_ - 1][column];
  }

 private:
  Texts columns_;
  std::vector<std::vector<std::optional<std::string>>> rows_;
  std::size_t at_ = 0;
};

TEST(Reader, ReadsRowsOfADatabaseUntilItGoesAway) {
  Rows database({"x", "s"}, {{"1.5", "a"}, {std::nullopt, std::nullopt}, {"2", ""}});
  const storage::Memory memory;
  TableSpec spec = spec_of("postgresql://me:s3cret@host/plant", TableFormat::postgresql);
  spec.query = "SELECT x, s FROM t";
  const std::vector<Column> columns = {with_missing(number("x"), {"?"}),
                                       with_missing(column("s", ColumnKind::text), {"?"})};
  const auto reader = open_table({memory, &database}, spec, columns).value();
  Table table;
  EXPECT_EQ(reader->read(table, 2).value(), 2U);
  EXPECT_EQ(table.source, "postgresql://host/plant");
  const auto more = reader->read(table, 2);
  EXPECT_TRUE(refused(more, ErrorCode::unavailable, {"postgresql://host/plant", "went away"}));
  EXPECT_EQ(table.records, 3U);
  EXPECT_EQ(table.find("x")->numbers()->size(), 3U);
  EXPECT_TRUE(std::isnan(table.find("x")->numbers()->at(1)));
  EXPECT_EQ(*table.find("s")->texts(), (Texts{"a", "", ""}));
  EXPECT_TRUE(refused(reader->read(table, 2), ErrorCode::unavailable, {"went away"}));

  EXPECT_TRUE(refused(read_table({memory, &database}, spec, std::vector{number("x")}),
                      ErrorCode::invalid_argument, {"row 2", "NULL"}));
  EXPECT_TRUE(refused(read_table({memory}, spec, columns), ErrorCode::unsupported, {"databases"}));
}

// However many records at a time, and whether or not an error ends them.
RC_GTEST_PROP(ReaderLaws, BatchesPutTogetherAreTheTable, ()) {
  const auto bytes = *rc::gen::container<std::string>(
      rc::gen::weightedElement<char>({{8, '1'}, {6, ','}, {6, '\n'}, {1, '"'}, {1, 'a'}}));
  Files files;
  files.add("t.csv", "x,s\n" + bytes);
  const std::vector<Column> columns = {with_missing(number("x"), {""}),
                                       column("s", ColumnKind::text)};
  const auto whole = files.read(spec_of("t.csv"), columns);
  const auto reader = open_table({files.memory}, spec_of("t.csv"), columns).value();
  const auto batch = static_cast<std::size_t>(*rc::gen::inRange(1, 5));
  Table table;
  base::Result<std::size_t> got = batch;
  while (got && *got > 0) {
    got = reader->read(table, batch);
    for (const TableColumn& cells : table.columns)
      RC_ASSERT(std::visit([](const auto& all) { return all.size(); }, cells.cells) ==
                table.records);
  }
  RC_ASSERT(got.has_value() == whole.has_value());
  if (!whole) RC_ASSERT(got.error().text() == whole.error().text());
  if (whole) RC_ASSERT(*table.find("s")->texts() == texts(whole, "s"));
}

TEST(Reader, TakesDecimalCommasWhereTheSpecSaysSo) {
  Files files;
  files.add("d/2.5.csv", "a;b;c\n1,5;1,0;-999,0\n-2e1;2;0,25\n");
  TableSpec spec = spec_of("d");
  spec.files = "{dose}.csv";
  spec.separator = ';';
  spec.decimal = ',';
  Column level = column("b", ColumnKind::category);
  level.values = {"1", "2"};
  const std::vector<Column> columns = {number("a"), level, with_missing(number("c"), {"-999"}),
                                       number("dose")};
  const auto table = files.read(spec, columns);
  ASSERT_TRUE(table.has_value()) << table.error().text();
  EXPECT_EQ(numbers(table, "a"), (Numbers{1.5, -20}));
  EXPECT_EQ(texts(table, "b"), (Texts{"1", "2"}));
  EXPECT_TRUE(std::isnan(numbers(table, "c")[0]));
  EXPECT_EQ(numbers(table, "c")[1], .25);
  EXPECT_EQ(numbers(table, "dose"), (Numbers{2.5, 2.5}));
  files.add("d/2.5.csv", "a;b;c\n1.5;1;2\n");
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(files.read(spec, columns), code, {"'a'", "decimal comma", "'1.5'"}));
  spec.decimal = '.';
  files.add("d/2.5.csv", "a;b;c\n1,5;1;2\n");
  EXPECT_TRUE(refused(files.read(spec, columns), code, {"'a'", "'1,5'", "decimal = \",\""}));
  spec.separator = ',';
  EXPECT_TRUE(refused(files.read(spec, columns), ErrorCode::not_found, {"'a;b;c'", "separator"}));
  spec.decimal = ';';
  EXPECT_TRUE(refused(files.read(spec, columns), code, {"decimal", "\";\""}));
}

}  // namespace
}  // namespace hanse::data
