#include "fairness/disparity_curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/random.h"

namespace hanse::fairness {
namespace {

using Counts = std::vector<std::vector<double>>;

// By hand: four leaves between −1, −½, 0, ½ and 1.
TEST(DisparityCurve, HasTheRatesOfItsCounts) {
  const ThresholdTree tree = ThresholdTree::create(2).value();
  const Counts counts = {{1, 2, 3, 4}, {4, 4, 1, 1}};
  const DisparityCurve curve = DisparityCurve::create(tree, counts).value();
  EXPECT_DOUBLE_EQ(curve.rate(0, -1), 1);
  EXPECT_DOUBLE_EQ(curve.rate(0, 0), .7);
  EXPECT_DOUBLE_EQ(curve.rate(0, .5), .4);
  EXPECT_DOUBLE_EQ(curve.rate(0, .75), .2);
  EXPECT_DOUBLE_EQ(curve.rate(1, 0), .2);
  EXPECT_DOUBLE_EQ(curve.disparity(0), .2 - .7);
  EXPECT_DOUBLE_EQ(curve.disparity(-.5), .6 - .4);
  // −.5 at 0 and .2 at −.5: group 1 gains .4 in between, at its scores −.4 and −.1 half each, and
  // group 0 loses .3 at .2.
  const GroupScores scores = {{{-.7, .2, .5}, {-.6, -.4, -.1, 0}}};
  const auto at = [&](double bound) { return curve.solve(bound, scores).value(); };
  EXPECT_EQ(at(.5).tau, 0);
  EXPECT_DOUBLE_EQ(at(.45).tau, -.15);
  EXPECT_NEAR(at(.45).disparity, -.3, 1e-12);
  EXPECT_DOUBLE_EQ(at(.25).tau, -.3);
  EXPECT_NEAR(at(.25).disparity, 0, 1e-12);
  EXPECT_DOUBLE_EQ(at(.01).tau, -.3);
  // Without scores, of a leaf that noise filled: all of it in the middle.
  EXPECT_EQ(curve.solve(.25, {}).value().tau, -.5);
}

// Two scores that change sides at one price change together.
TEST(DisparityCurve, DoesNotPartWhatIsAtOnePlace) {
  const ThresholdTree tree = ThresholdTree::create(2).value();
  const DisparityCurve curve =
      DisparityCurve::create(tree, Counts{{0, 5, 5, 0}, {0, 2, 8, 0}}).value();
  const GroupScores scores = {{{-.25, .25}, {-.25, .25}}};
  const PriceOfDisparity price = curve.solve(.05, scores).value();
  EXPECT_EQ(price.tau, 0) << "behind .25 the disparity is -1";
  EXPECT_DOUBLE_EQ(price.disparity, .8 - .5);
}

TEST(DisparityCurve, KeepsTheBoundAtTheLeastPrice) {
  const ThresholdTree tree = ThresholdTree::create(10).value();
  base::SeededSimulationRandom random(4, "curve");
  GroupScores scores;
  const double step = std::ldexp(1, -15);
  for (double score = -1; score <= 1; score += step)
    for (std::vector<double>& own : scores) own.push_back(score);
  for (int draw = 0; draw < 200; ++draw) {
    Counts counts(kGroups, std::vector<double>(tree.leaves()));
    const double tilt = 4 * base::uniform_unit(random) - 2;
    for (std::size_t leaf = 0; leaf < tree.leaves(); ++leaf) {
      const double z = tree.threshold(leaf);
      counts[0][leaf] = 50 * std::exp(tilt * z) + 20 * base::standard_normal(random);
      counts[1][leaf] = 50 * std::exp(-tilt * z) + 20 * base::standard_normal(random);
    }
    const DisparityCurve curve = DisparityCurve::create(tree, counts).value();
    double last = 2;
    for (double tau = -1; tau <= 1; tau += 1.0 / 128) {
      EXPECT_LE(curve.disparity(tau), last + 1e-12);
      last = curve.disparity(tau);
    }
    const double bound = .3 * base::uniform_unit(random);
    const PriceOfDisparity price = curve.solve(bound, scores).value();
    EXPECT_LE(std::abs(price.disparity), bound + 1e-9);
    // A smaller price breaks it; smaller by two of the steps between scores.
    if (price.tau != 0) {
      const double less = price.tau - std::copysign(2 * step, price.tau);
      EXPECT_GT(std::abs(curve.disparity(less)), bound - 1e-9);
    }
  }
}

// Nine scores in all, each of many records: whatever the price, it is on a side of each of them
// where the counts say that the bound is kept, if there is one.
TEST(DisparityCurve, StandsBesideScoresThatAreEqual) {
  const ThresholdTree tree = ThresholdTree::create(13).value();
  base::SeededSimulationRandom random(6, "atoms");
  std::size_t kept = 0;
  for (int draw = 0; draw < 200; ++draw) {
    std::vector<std::pair<double, std::array<double, kGroups>>> atoms;
    Counts counts(kGroups, std::vector<double>(tree.leaves()));
    GroupScores scores;
    for (int i = 0; i < 9; ++i) {
      const double score = 2 * base::uniform_unit(random) - 1;
      const std::array<double, kGroups> size{100 * base::uniform_unit(random) * (1 - score),
                                             100 * base::uniform_unit(random) * (1 + score)};
      atoms.emplace_back(score, size);
      for (std::size_t group = 0; group < kGroups; ++group) {
        counts[group][tree.leaf_of(score)] += size[group];
        scores[group].push_back(score);
      }
    }
    for (std::vector<double>& own : scores) std::ranges::sort(own);
    const auto disparity = [&](double tau) {
      std::array<double, kGroups> taken = {};
      std::array<double, kGroups> all = {};
      for (const auto& [score, size] : atoms)
        for (std::size_t group = 0; group < kGroups; ++group) {
          all[group] += size[group];
          if (score >= (group == 1 ? tau : -tau)) taken[group] += size[group];
        }
      return taken[1] / all[1] - taken[0] / all[0];
    };
    const double bound = .2 * base::uniform_unit(random);
    double least = 2;
    for (std::size_t j = 0; j <= tree.leaves(); ++j)
      least = std::min(least, std::abs(disparity(tree.threshold(j))));
    const PriceOfDisparity price =
        DisparityCurve::create(tree, counts).value().solve(bound, scores).value();
    EXPECT_NEAR(price.disparity, disparity(price.tau), 1e-9);
    EXPECT_LE(std::abs(price.disparity), std::max(bound, least) + 1e-9);
    kept += std::abs(price.disparity) <= bound ? 1 : 0;
  }
  EXPECT_GT(kept, 100U);
}

TEST(MakeFalling, IsTheClosestFallingSequence) {
  std::vector<double> values = {3, 5, 1, 2, 2, 0};
  make_falling(values);
  EXPECT_EQ(values, (std::vector<double>{4, 4, 5.0 / 3, 5.0 / 3, 5.0 / 3, 0}));
  std::vector<double> falling = {2, 1, 1, 0};
  make_falling(falling);
  EXPECT_EQ(falling, (std::vector<double>{2, 1, 1, 0}));
  make_falling({});
}

// Without noise the search of one place and the curve of the tree agree to one interval.
TEST(SearchPrice, AgreesWithTheCurve) {
  const ThresholdTree tree = ThresholdTree::create(7).value();
  base::SeededSimulationRandom random(5, "search");
  GroupScores scores;
  for (std::vector<double>& own : scores) {
    own.resize(1000);
    for (double& score : own) score = 2 * base::uniform_unit(random) - 1;
    std::ranges::sort(own);
  }
  for (int draw = 0; draw < 50; ++draw) {
    Counts counts(kGroups, std::vector<double>(tree.leaves()));
    const double tilt = 4 * base::uniform_unit(random) - 2;
    for (std::size_t leaf = 0; leaf < tree.leaves(); ++leaf) {
      counts[0][leaf] = 50 * std::exp(tilt * tree.threshold(leaf));
      counts[1][leaf] = 50 * std::exp(-tilt * tree.threshold(leaf));
    }
    std::size_t asked = 0;
    const TailQuestion ask = [&](const std::array<std::size_t, kGroups>& from)
        -> base::Result<std::array<double, kGroups>> {
      ++asked;
      std::array<double, kGroups> tails = {};
      for (std::size_t group = 0; group < kGroups; ++group)
        tails[group] =
            std::accumulate(counts[group].begin() + static_cast<std::ptrdiff_t>(from[group]),
                            counts[group].end(), 0.0);
      return tails;
    };
    const double bound = .3 * base::uniform_unit(random);
    const PriceOfDisparity found = search_price(tree, bound, scores, ask).value();
    const PriceOfDisparity known =
        DisparityCurve::create(tree, counts).value().solve(bound, scores).value();
    EXPECT_NEAR(found.tau, known.tau, 1e-9);
    EXPECT_NEAR(found.disparity, known.disparity, 1e-9);
    EXPECT_LE(asked, tree.levels() + 1);
  }
}

TEST(DisparityCurve, RefusesWhatHasNoRate) {
  const ThresholdTree tree = ThresholdTree::create(1).value();
  EXPECT_FALSE(DisparityCurve::create(tree, Counts{{1, 1}}).has_value());
  EXPECT_FALSE(DisparityCurve::create(tree, Counts{{1, 1}, {1, 1, 1}}).has_value());
  EXPECT_FALSE(DisparityCurve::create(tree, Counts{{1, 1}, {1, -1}}).has_value());
  EXPECT_FALSE(DisparityCurve::create(tree, Counts{{1, 1}, {1, NAN}}).has_value());
  const DisparityCurve curve = DisparityCurve::create(tree, Counts{{1, 1}, {1, 3}}).value();
  EXPECT_FALSE(curve.solve(NAN, {}).has_value());
  EXPECT_FALSE(curve.solve(-.1, {}).has_value());
}

}  // namespace
}  // namespace hanse::fairness
