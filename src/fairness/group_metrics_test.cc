#include "fairness/group_metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string_view>

namespace hanse::fairness {
namespace {

std::vector<std::uint32_t> digits(std::string_view text, char zero = '0') {
  std::vector<std::uint32_t> values;
  for (const char c : text)
    if (c != ' ') values.push_back(static_cast<std::uint32_t>(c - zero));
  return values;
}

// The example of fairlearn's user guide, "Common fairness metrics" (0.10).
struct Example {
  std::vector<std::uint32_t> labels = digits("011110101000111111");
  std::vector<std::uint32_t> decisions = digits("001011100111100110");
  std::vector<std::uint32_t> groups = digits("b b a b b c c c a a c a b c c b c c", 'a');
};

TEST(GroupMetrics, AreThoseOfFairlearn) {
  const Example example;
  const auto found = confusions(example.labels, example.decisions, example.groups, 3).value();
  EXPECT_NEAR(*together(found).selection_rate(), .555556, 5e-7);
  const std::array<double, 3> right{.5, .6, .4};
  const std::array<double, 3> wrong{1, 0, .666667};
  for (std::size_t g = 0; g < 3; ++g) {
    EXPECT_NEAR(*found[g].true_positive_rate(), right[g], 5e-7);
    EXPECT_NEAR(*found[g].false_positive_rate(), wrong[g], 5e-7);
  }
  EXPECT_NEAR(*demographic_parity_difference(found), .25, 1e-12);
  EXPECT_NEAR(*demographic_parity_ratio(found), .666667, 5e-7);
  EXPECT_NEAR(*equalised_odds_difference(found), 1, 1e-12);
  EXPECT_NEAR(*equalised_odds_ratio(found), 0, 1e-12);
}

TEST(GroupMetrics, SayNothingOfNobody) {
  const Example example;
  const auto found = confusions(example.labels, example.decisions, example.groups, 4).value();
  EXPECT_FALSE(found[3].selection_rate());
  EXPECT_FALSE(found[3].error());
  EXPECT_NEAR(*demographic_parity_difference(found), .25, 1e-12) << "left out";
  EXPECT_FALSE(demographic_parity_difference({}));
  EXPECT_FALSE(equalised_odds_difference({}));
}

TEST(GroupMetrics, RefuseWhatDoesNotFit) {
  const Example example;
  EXPECT_FALSE(confusions(example.labels, example.decisions, example.groups, 2));
  EXPECT_FALSE(confusions(example.labels, digits("01"), example.groups, 3));
  EXPECT_FALSE(confusions(example.labels, digits("001011100111100112"), example.groups, 3));
  EXPECT_FALSE(confusions(digits("01"), digits("01"), example.groups, 3));
  EXPECT_FALSE(inequality(std::vector{1.0, -1.0}, digits("01"), 2));
  EXPECT_FALSE(inequality(std::vector{0.0, 0.0}, digits("01"), 2));
  EXPECT_FALSE(inequality(std::vector{1.0}, digits("01"), 2));
}

// By hand: benefits 1, 1 and 2, 0 of two groups with one mean: nothing lies between them.
TEST(Inequality, IsWithinGroupsAndBetweenThem) {
  const auto even = inequality(std::vector{1.0, 1.0, 2.0, 0.0}, digits("0011"), 2).value();
  EXPECT_NEAR(even.between, 0, 1e-12);
  EXPECT_NEAR(even.within, 2.0 / 8, 1e-12);
  const auto apart = inequality(std::vector{1.0, 1.0, 3.0, 3.0}, digits("0011"), 2).value();
  EXPECT_NEAR(apart.within, 0, 1e-12);
  EXPECT_NEAR(apart.between, 4.0 / (2 * 4 * 4), 1e-12);
}

// Variance over twice the squared mean, however records are grouped.
RC_GTEST_PROP(Inequality, TotalsTheSameForAllGroupings, (std::uint32_t seed)) {
  std::vector<double> benefits;
  std::vector<std::uint32_t> groups;
  std::uint32_t state = seed | 1U;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 30; ++i) {
    state = state * 1664525U + 1013904223U;
    benefits.push_back(static_cast<double>(state >> 24U) + 1);
    groups.push_back((state >> 8U) % 3);
    sum += benefits.back();
    squares += benefits.back() * benefits.back();
  }
  const double mean = sum / 30;
  const auto found = inequality(benefits, groups, 3);
  RC_ASSERT(found.has_value());
  RC_ASSERT(std::abs(found->total() - (squares / 30 - mean * mean) / (2 * mean * mean)) < 1e-9);
}

}  // namespace
}  // namespace hanse::fairness
