#include "data/csv.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/limits.h"
#include "data/reader.h"
#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::file_of;
using testing::refused;
using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;

// x is a number, s a text; both are wanted.
std::vector<Column> columns() {
  Column x;
  x.name = "x";
  x.kind = ColumnKind::number;
  x.high = 1;
  Column s;
  s.name = "s";
  s.kind = ColumnKind::group;
  return {x, s};
}

base::Result<Table> read(std::string_view content, char separator = ',',
                         const ReadOptions& options = {}) {
  storage::Memory memory;
  HANSE_CHECK(memory.write("t.csv", base::view_of(content)).has_value());
  TableSpec spec;
  spec.path = "t.csv";
  spec.separator = separator;
  return read_table({memory}, spec, columns(), options);
}

ReadOptions in_pieces(std::size_t chunk) {
  ReadOptions options;
  options.chunk_bytes = chunk;
  return options;
}

void expect_table(const base::Result<Table>& table, const Numbers& x, const Texts& s) {
  ASSERT_TRUE(table.has_value()) << table.error().text();
  EXPECT_EQ(table->records, x.size());
  EXPECT_EQ(*table->find("x")->numbers(), x);
  EXPECT_EQ(*table->find("s")->texts(), s);
}

TEST(Csv, ReadsPlainLines) {
  expect_table(read("x,s\n1.5,a\n-2e3,b\n"), {1.5, -2000}, {"a", "b"});
  expect_table(read("x,s\r\n1,a\r\n2,b"), {1, 2}, {"a", "b"});
  expect_table(read("\xEF\xBB\xBFx,s\n1,a"), {1}, {"a"});
  expect_table(read("s,other,x\na,ignored,1\n"), {1}, {"a"});
  expect_table(read("x,s\n"), {}, {});
  expect_table(read("x,s\n1,\n2,"), {1, 2}, {"", ""});
  expect_table(read("x;s\n1;a,b\n", ';'), {1}, {"a,b"});
}

TEST(Csv, ReadsQuotedFields) {
  expect_table(read("\"x\",\"s\"\n\"1\",\"a,b\"\n"), {1}, {"a,b"});
  expect_table(read("x,s\n1,\"a \"\"b\"\"\"\n"), {1}, {"a \"b\""});
  expect_table(read("x,s\n1,\"two\r\nlines\"\r\n2,b\r\n"), {1, 2}, {"two\r\nlines", "b"});
  expect_table(read("s,x\n\"\",1"), {1}, {""});
}

TEST(Csv, RefusesWithPlaceExpectedAndFound) {
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(read(""), code, {"t.csv", "header", "empty file"}));
  EXPECT_TRUE(refused(read("x,s\n1,a\n2\n"), code, {"t.csv:3", "2 fields", "found 1"}));
  EXPECT_TRUE(refused(read("x,s\n1,a,b\n"), code, {"t.csv:2", "2 fields", "more"}));
  EXPECT_TRUE(refused(read("x,s\n\n"), code, {"t.csv:2", "found 1"}));
  EXPECT_TRUE(refused(read("x,s\nabc,a\n"), code, {"t.csv:2", "'x'", "a number", "'abc'"}));
  EXPECT_TRUE(refused(read("x,s\n1.5 ,a\n"), code, {"'x'", "'1.5 '"}));
  EXPECT_TRUE(refused(read("x,s\n,a\n"), code, {"'x'", "an empty field"}));
  EXPECT_TRUE(refused(read("x,s\n1e999,a\n"), code, {"a double can hold"}));
  EXPECT_TRUE(refused(read("x,s\n1,a\"b\n"), code, {"t.csv:2", "a quote inside"}));
  EXPECT_TRUE(refused(read("x,s\n1,\"a\"b\n"), code, {"t.csv:2", "after a closing quote"}));
  EXPECT_TRUE(refused(read("x,s\n1,\"a\nb\n"), code, {"opened in line 2", "never closes"}));
  EXPECT_TRUE(refused(read("x,s\n1,a\rb\n"), code, {"t.csv:2", "carriage return"}));
  EXPECT_TRUE(refused(read(std::string_view("x,s\n1,a\0\n", 9)), code, {"t.csv:2", "NUL"}));
  EXPECT_TRUE(refused(read(std::string_view("x,s\n1,\"\0\"\n", 10)), code, {"t.csv:2", "NUL"}));
  EXPECT_TRUE(refused(read("x,s,x\n"), code, {"t.csv: column 3", "'x'"}));
  EXPECT_TRUE(refused(read("x,s\n", '"'), code, {"separator"}));
  EXPECT_TRUE(refused(read("y,s\n1,a\n"), ErrorCode::not_found, {"'x'", "'y', 's'"}));
}

TEST(Csv, CountsLinesThroughQuotedLineBreaks) {
  EXPECT_TRUE(
      refused(read("x,s\n1,\"a\nb\nc\"\nz,d\n"), ErrorCode::invalid_argument, {"t.csv:5", "'z'"}));
}

TEST(Csv, BoundsFieldsAndColumns) {
  const std::string longest(base::kMaxFieldBytes, 'a');
  expect_table(read("x,s\n1," + longest + "\n"), {1}, {longest});
  expect_table(read("x,s\n1,\"" + longest + "\"\n"), {1}, {longest});
  EXPECT_TRUE(
      refused(read("x,s\n1," + longest + "a\n"), ErrorCode::invalid_argument, {"t.csv:2", "more"}));
  EXPECT_TRUE(refused(read("x,s\n1,\"" + longest + "a\"\n"), ErrorCode::invalid_argument,
                      {"t.csv:2", "more"}));
  std::string header = "x,s";
  for (std::size_t i = 0; i < base::kMaxColumns; ++i) header += "," + std::to_string(i);
  EXPECT_TRUE(refused(read(header), ErrorCode::invalid_argument, {"columns", "separator"}));
}

TEST(Csv, LeavesOutWhatPredictingDoesNotNeed) {
  ReadOptions predicting;
  predicting.features_only_required = true;
  const auto table = read("x\n0.5\n", ',', predicting);
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->find("s"), nullptr);
  EXPECT_TRUE(refused(read("s\na\n", ',', predicting), ErrorCode::not_found, {"'x'"}));
}

// Fields in quotes or not, as RFC 4180 allows, with everything that is hard in them.
rc::Gen<std::string> field_text() {
  return rc::gen::container<std::string>(rc::gen::element('a', ',', '"', '\n', '\r', ' ', '\t'));
}

std::string in_quotes(const std::string& field) {
  std::string quoted = "\"";
  for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

RC_GTEST_PROP(CsvLaws, WhatWasWrittenIsReadWhateverThePieces, (const Numbers& raw)) {
  Numbers x;
  Texts s;
  std::string content = "x,s";
  const std::string newline = *rc::gen::element<std::string>("\n", "\r\n");
  for (const double value : raw) {
    x.push_back(value);
    s.push_back(*field_text());
    const bool plain = s.back().find_first_of(",\"\r\n") == std::string::npos;
    content += newline + fmt::format("{}", value) + "," +
               (plain && *rc::gen::arbitrary<bool>() ? s.back() : in_quotes(s.back()));
  }
  if (*rc::gen::arbitrary<bool>()) content += newline;
  const auto chunk = static_cast<std::size_t>(*rc::gen::inRange(1, 40));
  const auto table = read(content, ',', in_pieces(chunk));
  RC_ASSERT(table.has_value());
  RC_ASSERT(*table->find("x")->numbers() == x);
  RC_ASSERT(*table->find("s")->texts() == s);
}

// Good or bad: the same table or the same words.
RC_GTEST_PROP(CsvLaws, AnyBytesReadTheSameInAnyPieces, ()) {
  const auto bytes = *rc::gen::container<std::string>(
      rc::gen::element('1', ',', '"', '\n', '\r', '\0', 'a', '\xC3', '\xA4'));
  const std::string content = "x,s\n" + bytes;
  const auto whole = read(content);
  const auto chunk = static_cast<std::size_t>(*rc::gen::inRange(1, 12));
  const auto pieces = read(content, ',', in_pieces(chunk));
  RC_ASSERT(whole.has_value() == pieces.has_value());
  if (!whole) {
    RC_ASSERT(whole.error().text() == pieces.error().text());
    return;
  }
  RC_ASSERT(*whole->find("x")->numbers() == *pieces->find("x")->numbers());
  RC_ASSERT(*whole->find("s")->texts() == *pieces->find("s")->texts());
}

}  // namespace
}  // namespace hanse::data
