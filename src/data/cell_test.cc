#include "data/cell.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace hanse::data {
namespace {

double number(std::string_view text) {
  double value = 0;
  EXPECT_EQ(parse_number(text, value), std::errc()) << text;
  return value;
}

double time_of(std::string_view text) {
  double value = NAN;
  EXPECT_TRUE(parse_time(text, value)) << text;
  return value;
}

TEST(Cell, ReadsNumbers) {
  EXPECT_EQ(number("0"), 0);
  EXPECT_EQ(number("-12.5"), -12.5);
  EXPECT_EQ(number("12345678"), 12345678);
  EXPECT_EQ(number("12345678.9"), 12345678.9);
  EXPECT_EQ(number("1234567.8"), 1234567.8);
  EXPECT_EQ(number("12345678."), 12345678);
  EXPECT_EQ(number("9007199254740993"), 9007199254740992);  // ties to even
  EXPECT_EQ(number("2e3"), 2000);
  EXPECT_EQ(number("4.9406564584124654e-324"), 5e-324);
  EXPECT_TRUE(std::signbit(number("-0")));
  EXPECT_TRUE(std::isnan(number("nan")));
}

TEST(Cell, RefusesWhatIsNoNumber) {
  for (const std::string_view text :
       {"",           "-",         ".",        "-.",    "+1",
        " 1",         "1 ",        "1,5",      "1.2.3", "12345678.9.1",
        "1.345678.9", "12345678-", "1234a678", "0x10",  "1e",
        "--1",        "/",         ":",        "1/2",   "١"}) {
    double value = 7;
    EXPECT_EQ(parse_number(text, value), std::errc::invalid_argument) << text;
  }
  double value = 7;
  EXPECT_EQ(parse_number("1e999", value), std::errc::result_out_of_range);
}

// Any text of a number's letters: as the standard library reads it, to the bit.
RC_GTEST_PROP(CellLaws, NumbersAreTheNearestDoubles, ()) {
  const auto letter = rc::gen::weightedElement<char>(
      {{30, '0'}, {20, '1'}, {20, '7'}, {30, '9'}, {9, '.'}, {2, '-'}, {2, 'e'}, {1, '/'}});
  const auto text = *rc::gen::scale(0.3, rc::gen::container<std::string>(letter));
  double expected = 7;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, expected);
  double value = 7;
  const std::errc found = parse_number(text, value);
  RC_ASSERT(found ==
            (problem == std::errc() && stop != end ? std::errc::invalid_argument : problem));
  if (found == std::errc())
    RC_ASSERT(std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(expected));
}

RC_GTEST_PROP(CellLaws, NumbersComeBack, (double value, unsigned digits)) {
  RC_ASSERT(number(fmt::format("{}", value)) == value);
  const auto fixed = fmt::format("{:.{}f}", std::fmod(value, 1e6), digits % 9);
  RC_ASSERT(number(fixed) == std::strtod(fixed.c_str(), nullptr));
}

TEST(Cell, ReadsTimes) {
  EXPECT_EQ(time_of("1970-01-01"), 0);
  EXPECT_EQ(time_of("2024-02-29"), 1'709'164'800);  // date -u -d 2024-02-29 +%s
  EXPECT_EQ(time_of("2024-05-17T08:30:15Z"), 1'715'934'615);
  EXPECT_EQ(time_of("2024-05-17 08:30:15"), 1'715'934'615);
  EXPECT_EQ(time_of("2024-05-17T08:30"), 1'715'934'600);
  EXPECT_EQ(time_of("2024-05-17T10:30:15+02:00"), 1'715'934'615);
  EXPECT_EQ(time_of("2024-05-17T10:30:15+0200"), 1'715'934'615);
  EXPECT_EQ(time_of("2024-05-17 03:00:15.25-05:30"), 1'715'934'615.25);
  EXPECT_EQ(time_of("2024-05-17 10:30:15,5+02"), 1'715'934'615.5);
  EXPECT_EQ(time_of("1969-12-31T23:59:59.5Z"), -0.5);
}

TEST(Cell, RefusesWhatIsNoTime) {
  for (const std::string_view text :
       {"", "2024", "2024-13-01", "2023-02-29", "0000-01-01", "24-01-01", "2024-01-01T",
        "2024-01-01T24:00", "2024-01-01T10:60", "2024-01-01T10:00:60", "2024-01-01T10:00:00.",
        "2024-01-01T10:00+", "2024-01-01T10:00+24:00", "2024-01-01T10:00 Z", "2024-01-01 ",
        "2024-01-01Z", "17.05.2024", "2024/05/17"}) {
    double value = 7;
    EXPECT_FALSE(parse_time(text, value)) << text;
    EXPECT_EQ(value, 7) << text;
  }
}

// The Unicode Standard 15.0, table 3-7, at its edges.
TEST(Cell, TellsUtf8) {
  for (const std::string_view text :
       {"", "abc", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA4z"})
    EXPECT_TRUE(is_utf8(text)) << shown(text);
  for (const std::string_view text :
       {"\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82\x41", "\xFF"})
    EXPECT_FALSE(is_utf8(text)) << shown(text);
  EXPECT_TRUE(is_ascii("0123456789"));
  EXPECT_FALSE(is_ascii("01234567\x80"));
  EXPECT_FALSE(
      is_ascii("\x80"
               "1234567"));
}

TEST(Cell, ShowsTextsThatNoTerminalObeys) {
  EXPECT_EQ(shown("a"), "'a'");
  EXPECT_EQ(shown("a\x1B[2J\n"), "'a\\x1B[2J\\x0A'");
  EXPECT_EQ(shown("\xE4"), "'\\xE4'");
  EXPECT_EQ(shown("ä"), "'ä'");
  EXPECT_EQ(shown(std::string(39, 'a') + "ä"), "'" + std::string(39, 'a') + "…'");
  EXPECT_EQ(shown(std::string(1000, 'a')), "'" + std::string(40, 'a') + "…'");
}

TEST(Cell, ReadsDecimalCommas) {
  double value = 0;
  EXPECT_EQ(parse_number("-1,5", ',', value), std::errc());
  EXPECT_EQ(value, -1.5);
  EXPECT_EQ(parse_number("2,5e3", ',', value), std::errc());
  EXPECT_EQ(value, 2500);
  EXPECT_EQ(parse_number("7", ',', value), std::errc());
  EXPECT_EQ(value, 7);
  for (const char* none : {"1.5", "1.000,5", "1,000,5", ",", "", "1,5 "})
    EXPECT_EQ(parse_number(none, ',', value), std::errc::invalid_argument) << none;
  EXPECT_EQ(parse_number("1,5", '.', value), std::errc::invalid_argument);
}

}  // namespace
}  // namespace hanse::data
