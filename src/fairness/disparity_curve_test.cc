#include "fairness/disparity_curve.h"

#include <gtest/gtest.h>

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
  // Between them linear: −.5 at 0 and .2 at −.5, so −.15 at −.25 and −.05 a little further.
  EXPECT_NEAR(curve.solve(.15).value().tau, -.25, 1e-12);
  EXPECT_NEAR(curve.solve(0).value().tau, -.5 * 5 / 7, 1e-12);
  EXPECT_EQ(curve.solve(.5).value().tau, 0);
}

TEST(DisparityCurve, KeepsTheBoundAtTheLeastPrice) {
  const ThresholdTree tree = ThresholdTree::create(6).value();
  base::SeededSimulationRandom random(4, "curve");
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
    const PriceOfDisparity price = curve.solve(bound).value();
    EXPECT_LE(std::abs(price.disparity), bound + 1e-9);
    // A smaller price breaks it.
    if (price.tau != 0) {
      EXPECT_GT(std::abs(curve.disparity(price.tau * (1 - 1e-6))), bound - 1e-9);
    }
  }
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
    const PriceOfDisparity found = search_price(tree, bound, ask).value();
    const PriceOfDisparity known =
        DisparityCurve::create(tree, counts).value().solve(bound).value();
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
  EXPECT_FALSE(curve.solve(NAN).has_value());
  EXPECT_FALSE(curve.solve(-.1).has_value());
}

}  // namespace
}  // namespace hanse::fairness
