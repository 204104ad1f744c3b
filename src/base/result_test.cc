#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace hanse::base {
namespace {

// The one table, walked: each face of the program can rely on what it finds.
TEST(ErrorTable, HasOneRowPerCodeInOrder) {
  ASSERT_EQ(error_table().size(), static_cast<std::size_t>(ErrorCode::internal) + 1);
  std::size_t index = 0;
  for (const ErrorRow& row : error_table()) {
    EXPECT_EQ(static_cast<std::size_t>(row.code), index++);
    EXPECT_EQ(&error_row(row.code), &row);
  }
}

TEST(ErrorTable, GivesEachCodeItsOwnNameAndExitCode) {
  std::set<std::string_view> names;
  std::set<int> exits;
  for (const ErrorRow& row : error_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(exits.insert(row.exit_code).second) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), row.name.npos) << row.name;
    // 0 is success, 1 and 2 are the shell's, 64 to 78 sysexits', from 126 the shell's again.
    EXPECT_GT(row.exit_code, 2) << row.name;
    EXPECT_LT(row.exit_code, 64) << row.name;
    EXPECT_GE(row.http_status, 400) << row.name;
    EXPECT_LT(row.http_status, 600) << row.name;
    EXPECT_TRUE(row.python_exception.ends_with("Error")) << row.name;
  }
}

// What is published does not change: scripts test these numbers.
TEST(ErrorTable, KeepsItsPublishedNumbers) {
  EXPECT_EQ(error_row(ErrorCode::invalid_argument).exit_code, 3);
  EXPECT_EQ(error_row(ErrorCode::not_found).exit_code, 5);
  EXPECT_EQ(error_row(ErrorCode::already_exists).exit_code, 6);
  EXPECT_EQ(error_row(ErrorCode::internal).exit_code, 14);
}

TEST(Error, SaysWhere) {
  const Error inner(ErrorCode::not_found, "no key 'rounds'");
  const Error outer = inner.within("a.toml").within("job");
  EXPECT_EQ(outer.code(), ErrorCode::not_found);
  EXPECT_EQ(outer.text(), "job: a.toml: no key 'rounds'");
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::invalid_argument, "{} is odd", value);
  return value / 2;
}

Result<int> quarter(int value) {
  HANSE_TRY(const int once, half(value));
  HANSE_TRY(const int twice, half(once));
  return twice;
}

Result<void> check_even(int value, int& calls) {
  ++calls;
  HANSE_TRY_VOID(half(value));
  ++calls;
  return {};
}

TEST(Result, TryGoesOnOrReturnsTheError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().text(), "3 is odd");
  EXPECT_EQ(quarter(5).error().text(), "5 is odd");
  int calls = 0;
  EXPECT_FALSE(check_even(1, calls).has_value());
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(check_even(2, calls).has_value());
  EXPECT_EQ(calls, 3);
}

Result<std::unique_ptr<int>> box(int value) { return std::make_unique<int>(value); }

Result<int> unbox() {
  HANSE_TRY(const std::unique_ptr<int> boxed, box(7));
  return *boxed;
}

TEST(Result, MovesWhatCannotBeCopied) { EXPECT_EQ(unbox().value(), 7); }

TEST(CheckDeathTest, ABrokenInvariantAbortsAndSaysWhere) {
  EXPECT_DEATH(HANSE_CHECK(1 + 1 == 3), "1 \\+ 1 == 3.*result_test.cc");
  HANSE_CHECK(1 + 1 == 2);
}

}  // namespace
}  // namespace hanse::base
