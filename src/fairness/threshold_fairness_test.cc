#include "fairness/threshold_fairness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"

namespace hanse::fairness {
namespace {

TEST(ThresholdTree, LeavesHoldTheirLowerEndAndNotTheirUpper) {
  for (const std::uint32_t levels : {1U, 3U, 8U, 16U}) {
    const ThresholdTree tree = ThresholdTree::create(levels).value();
    EXPECT_EQ(tree.threshold(0), -1);
    EXPECT_EQ(tree.threshold(tree.leaves()), 1);
    EXPECT_EQ(tree.threshold(tree.leaves() / 2), 0);
    for (std::size_t j = 0; j < tree.leaves(); j += 1 + tree.leaves() / 64) {
      EXPECT_EQ(tree.leaf_of(tree.threshold(j)), j);
      if (j > 0) {
        EXPECT_EQ(tree.leaf_of(std::nextafter(tree.threshold(j), -2.0)), j - 1);
      }
    }
    EXPECT_EQ(tree.leaf_of(1), tree.leaves() - 1);
    EXPECT_EQ(tree.leaf_of(INFINITY), tree.leaves() - 1);
    EXPECT_EQ(tree.leaf_of(-INFINITY), 0U);
  }
  EXPECT_FALSE(ThresholdTree::create(0).has_value());
  EXPECT_FALSE(ThresholdTree::create(17).has_value());
}

// What is charged is what a record moves: a 1 in levels + 1 places, whatever its score and group.
TEST(ThresholdTree, ARecordMovesWhatItsSensitivitySays) {
  base::SeededSimulationRandom random(1, "tree");
  for (const std::uint32_t levels : {1U, 4U, 7U}) {
    const ThresholdTree tree = ThresholdTree::create(levels).value();
    for (int draw = 0; draw < 50; ++draw) {
      std::vector<std::int64_t> vector(tree.coordinates());
      const auto group = static_cast<std::uint32_t>(base::uniform_below(random, 2));
      tree.count(group, 2.4 * base::uniform_unit(random) - 1.2, vector);
      const double square = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0);
      EXPECT_EQ(square, levels + 1);
      EXPECT_EQ(std::accumulate(vector.begin(), vector.end(), std::int64_t{0}), levels + 1);
      EXPECT_EQ(vector[group * tree.nodes()], 1);
      EXPECT_LE(std::sqrt(square), tree.sensitivity(privacy::Neighbours::add_remove).l2());
    }
    const double once = tree.sensitivity(privacy::Neighbours::add_remove).l2();
    EXPECT_NEAR(once, std::sqrt(levels + 1.0), 1e-12);
    EXPECT_NEAR(tree.sensitivity(privacy::Neighbours::replace_one).l2(), std::sqrt(2.0) * once,
                1e-12);
  }
}

TEST(ThresholdTree, ExactCountsComeBack) {
  const ThresholdTree tree = ThresholdTree::create(5).value();
  base::SeededSimulationRandom random(2, "exact");
  std::vector<std::int64_t> vector(tree.coordinates());
  std::vector<std::vector<double>> expected(kGroups, std::vector<double>(tree.leaves()));
  for (int draw = 0; draw < 3000; ++draw) {
    const auto group = static_cast<std::uint32_t>(base::uniform_below(random, 2));
    const double score = 2 * base::uniform_unit(random) - 1;
    tree.count(group, score, vector);
    ++expected[group][tree.leaf_of(score)];
  }
  const std::vector<double> exact(vector.begin(), vector.end());
  const auto leaves = tree.leaf_counts(exact).value();
  for (std::size_t group = 0; group < kGroups; ++group)
    for (std::size_t leaf = 0; leaf < tree.leaves(); ++leaf)
      EXPECT_NEAR(leaves[group][leaf], expected[group][leaf], 1e-9);
}

// The normal equations of least squares, an independent way to the same numbers: for each leaf the
// residuals of all nodes above it add up to nothing.
TEST(ThresholdTree, LeafCountsAreTheLeastSquares) {
  const ThresholdTree tree = ThresholdTree::create(4).value();
  base::SeededSimulationRandom random(3, "least squares");
  std::vector<double> noised(tree.coordinates());
  for (double& value : noised) value = 10 * base::standard_normal(random);
  const auto leaves = tree.leaf_counts(noised).value();
  for (std::size_t group = 0; group < kGroups; ++group) {
    std::vector<double> fitted(tree.nodes());
    std::copy(leaves[group].begin(), leaves[group].end(), fitted.end() - 16);
    for (std::size_t v = tree.leaves() - 1; v-- > 0;)
      fitted[v] = fitted[2 * v + 1] + fitted[2 * v + 2];
    for (std::size_t leaf = 0; leaf < tree.leaves(); ++leaf) {
      double residuals = 0;
      for (std::size_t v = tree.leaves() - 1 + leaf;; v = (v - 1) / 2) {
        residuals += noised[group * tree.nodes() + v] - fitted[v];
        if (v == 0) break;
      }
      EXPECT_NEAR(residuals, 0, 1e-10);
    }
  }
}

TEST(ThresholdTree, RefusesOtherVectors) {
  const ThresholdTree tree = ThresholdTree::create(2).value();
  std::vector<double> vector(tree.coordinates());
  EXPECT_TRUE(tree.leaf_counts(vector).has_value());
  vector[3] = NAN;
  EXPECT_FALSE(tree.leaf_counts(vector).has_value());
  vector.pop_back();
  EXPECT_FALSE(tree.leaf_counts(vector).has_value());
}

}  // namespace
}  // namespace hanse::fairness
