#include "fairness/group_metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
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

// One of n has all: ln n is the most that Theil's index reaches, (n − 1)/2 that of order 2.
TEST(Inequality, IsGreatestWhereOneHasAll) {
  std::vector<double> benefits(8);
  benefits[5] = 3;
  const auto groups = digits("00001111");
  EXPECT_NEAR(inequality(benefits, groups, 2, 1).value().total(), std::log(8), 1e-12);
  EXPECT_NEAR(inequality(benefits, groups, 2, 1).value().between, std::log(2), 1e-12);
  EXPECT_NEAR(inequality(benefits, groups, 2).value().total(), 3.5, 1e-12);
  // ln of the mean over the geometric mean, of 1 and 4.
  EXPECT_NEAR(inequality(std::vector{1.0, 4.0}, digits("01"), 2, 0).value().total(),
              std::log(2.5 / 2), 1e-12);
}

// Benefits decision − label + 1 of fairlearn's example, by the definition and apart from this code.
TEST(Inequality, IsThatOfDecisionsAndLabels) {
  const Example example;
  std::vector<double> benefits;
  for (std::size_t i = 0; i < example.labels.size(); ++i)
    benefits.push_back(1.0 + example.decisions[i] - example.labels[i]);
  const auto squared = inequality(benefits, example.groups, 3).value();
  EXPECT_NEAR(squared.total(), .34375, 1e-12);
  EXPECT_NEAR(squared.between, .02880859375, 1e-12);
  const auto theil = inequality(benefits, example.groups, 3, 1).value();
  EXPECT_NEAR(theil.total(), .4643566259363563, 1e-12);
  EXPECT_NEAR(theil.between, .027729134141804265, 1e-12);
}

TEST(Inequality, RefusesOrdersThatItHasNot) {
  const std::vector<double> benefits{1, 0, 2};
  EXPECT_FALSE(inequality(benefits, digits("001"), 2, 0));
  EXPECT_TRUE(inequality(benefits, digits("001"), 2, .5));
  EXPECT_FALSE(inequality(benefits, digits("001"), 2, -1));
  EXPECT_FALSE(inequality(benefits, digits("001"), 2, 9));
  EXPECT_FALSE(inequality(benefits, digits("001"), 2, std::nan("")));
  EXPECT_FALSE(inequality(std::vector{1e308, 1e308}, digits("01"), 2));
}

// However records are grouped; of order 2, variance over twice the squared mean.
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
  const std::vector<std::uint32_t> one(30);
  for (const double order : {0.0, .5, 1.0, 2.0, 3.0}) {
    const auto found = inequality(benefits, groups, 3, order);
    const auto whole = inequality(benefits, one, 1, order);
    RC_ASSERT(found.has_value() && whole.has_value());
    RC_ASSERT(std::abs(found->total() - whole->total()) < 1e-9);
    RC_ASSERT(std::abs(whole->between) < 1e-12);
    RC_ASSERT(found->between > -1e-12 && found->within > -1e-12);
    if (order == 2)
      RC_ASSERT(std::abs(found->total() - (squares / 30 - mean * mean) / (2 * mean * mean)) < 1e-9);
  }
}

TEST(GroupLosses, AreMeansWithTheirGap) {
  const std::vector<double> losses{.1, .3, .6, .8, .2};
  const auto found = group_losses(losses, digits("00113"), 4).value();
  EXPECT_NEAR(*found.means[0], .2, 1e-12);
  EXPECT_NEAR(*found.means[1], .7, 1e-12);
  EXPECT_FALSE(found.means[2]);
  EXPECT_NEAR(found.overall, .4, 1e-12);
  EXPECT_NEAR(found.spread()->most, .7, 1e-12);
  EXPECT_NEAR(found.spread()->difference(), .5, 1e-12);
  EXPECT_NEAR(found.spread()->ratio(), .2 / .7, 1e-12);
  EXPECT_FALSE(GroupLosses{}.spread());
  EXPECT_FALSE(group_losses({}, {}, 2));
  EXPECT_FALSE(group_losses(losses, digits("00113"), 3));
  EXPECT_FALSE(group_losses(losses, digits("0011"), 4));
  EXPECT_FALSE(group_losses(std::vector{-.1}, digits("0"), 1));
  EXPECT_FALSE(group_losses(std::vector{std::nan("")}, digits("0"), 1));
}

}  // namespace
}  // namespace hanse::fairness
