#include "jobs/record_bound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace hanse::jobs {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const data::Dataset> table(const std::vector<double>& values) {
  data::Dataset records;
  records.features = math::Matrix(values.size(), 1);
  for (std::size_t row = 0; row < values.size(); ++row) records.features.at(row, 0) = values[row];
  records.target.assign(values.size(), 1);
  return std::make_shared<const data::Dataset>(std::move(records));
}

std::vector<double> counted(std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i) / 7;
  return values;
}

std::multiset<double> kept(const std::vector<double>& values, std::uint64_t promised,
                           std::uint64_t most) {
  const auto bounded = bounded_records(table(values), "record", promised, most);
  EXPECT_TRUE(bounded) << bounded.error().text();
  std::multiset<double> left;
  for (std::size_t row = 0; row < (*bounded)->size(); ++row)
    left.insert((*bounded)->features.at(row, 0));
  return left;
}

// P[Bin(n, p) > most], exactly.
double overfull(std::uint64_t n, std::uint64_t most, double p) {
  double sum = 0;
  for (std::uint64_t k = most + 1; k <= n; ++k) {
    const auto a = static_cast<double>(n);
    const auto b = static_cast<double>(k);
    sum += std::exp(std::lgamma(a + 1) - std::lgamma(b + 1) - std::lgamma(a - b + 1) +
                    b * std::log(p) + (a - b) * std::log1p(-p));
  }
  return sum;
}

TEST(RecordBound, TooManyComeAsRarelyAsItSays) {
  for (const auto& [n, most] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {2, 1}, {10, 3}, {100, 50}, {100, 99}, {1000, 10}, {10'000, 5000}, {10'000, 1}}) {
    const double p = keep_probability(n, most);
    EXPECT_GT(p, 0) << n << ' ' << most;
    EXPECT_LE(overfull(n, most, p), kMaxOverfull * (1 + 1e-9)) << n << ' ' << most;
  }
  // And most of what is allowed is used where there is much.
  EXPECT_GT(keep_probability(100'000, 50'000), 0.48);
  EXPECT_EQ(keep_probability(100, 100), 1);
}

TEST(RecordBound, ATableThatIsPromisedSmallEnoughStaysWhole) {
  EXPECT_EQ(kept(counted(50), 100, 100).size(), 50u);
  const auto units = bounded_records(table(counted(5)), "patient", 100, 100);
  EXPECT_TRUE(units);
}

// Add/remove neighbours stay neighbours, equal records included.
TEST(RecordBound, OneRecordMoreChangesOneOfTheAnswer) {
  std::vector<double> values = counted(400);
  for (int n = 0; n < 200; ++n) values.push_back(0.5);  // many equal ones
  const std::multiset<double> before = kept(values, 1000, 500);
  EXPECT_GT(before.size(), 100u);
  EXPECT_GT(before.count(0.5), 20u) << "equal ones are drawn one by one";
  EXPECT_LT(before.count(0.5), 180u);
  std::size_t changed = 0;
  for (const double added : {0.5, 1000.0, 1001.0, 1002.0, 1003.0, 1004.0, 1005.0, 1006.0}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{300}, values.size()}) {
      std::vector<double> more = values;
      more.insert(more.begin() + static_cast<std::ptrdiff_t>(at), added);
      std::multiset<double> after = kept(more, 1000, 500);
      const std::size_t grown = after.size() - before.size();
      ASSERT_LE(grown, 1u);
      changed += grown;
      if (grown == 1) after.erase(after.find(added));
      EXPECT_EQ(after, before) << added << " at " << at;
    }
  }
  EXPECT_GT(changed, 0u);
}

TEST(RecordBound, WhatCannotBeFulfilledIsRefused) {
  const auto units = bounded_records(table(counted(5)), "patient", 1000, 100);
  ASSERT_FALSE(units);
  EXPECT_EQ(units.error().code(), base::ErrorCode::permission_denied);
  EXPECT_THAT(units.error().text(), HasSubstr("limits.max_records is 1000"));
  // More than was promised.
  const auto many = bounded_records(table(counted(2000)), "record", 101, 100);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code(), base::ErrorCode::permission_denied);
}

}  // namespace
}  // namespace hanse::jobs
