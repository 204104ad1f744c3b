// Running counts, histograms and means: the sums under the noise, the edges, the losses.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "privacy/accounting/accountant.h"
#include "privacy/accounting/golden_table.h"
#include "privacy/mechanisms/histogram.h"
#include "privacy/mechanisms/mean.h"
#include "privacy/mechanisms/tree_count.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;

// Noise of σ = 2^−6 is 0 but with probability exp(−2048).
DiscreteGaussian almost_none() { return DiscreteGaussian::create(0x1p-6).value(); }

RC_GTEST_PROP(TreeCount, CountsEveryPrefix, (const std::vector<std::int8_t>& values)) {
  if (values.empty()) return;
  auto tree = TreeCount::create(values.size(), almost_none()).value();
  base::SeededSimulationRandom random(1, "tree");
  std::int64_t sum = 0;
  for (const std::int8_t value : values) {
    sum += value;
    RC_ASSERT(tree.add(value, random).value() == sum);
  }
  RC_ASSERT(tree.add(1, random).error().code() == ErrorCode::failed_precondition);
}

// A prefix of length t has one noise for each binary digit 1 of t.
TEST(TreeCount, AddsOneNoiseForEachNode) {
  const auto noise = DiscreteGaussian::create(10).value();
  constexpr int kRuns = 4000;
  std::array<double, 8> squares{};
  base::SeededSimulationRandom random(2, "nodes");
  for (int run = 0; run < kRuns; ++run) {
    auto tree = TreeCount::create(7, noise).value();
    for (std::size_t t = 1; t <= 7; ++t)
      squares[t] += std::pow(static_cast<double>(tree.add(0, random).value()), 2) / kRuns;
  }
  for (std::size_t t = 1; t <= 7; ++t) {
    const double expected = 100.0 * std::popcount(t);
    EXPECT_NEAR(squares[t], expected, 7 * expected * std::sqrt(2.0 / kRuns)) << t;
  }
}

// tree_aggregation of tests/golden/privacy/dp_constants.csv, by its RDP.
TEST(TreeCount, CostsWhatTheReferenceSays) {
  int rows = 0;
  for (const auto& row : testing::golden_table("dp_constants.csv")) {
    if (row.at("kind") != "tree_aggregation") continue;
    const auto of = testing::parameters(row.at("params"));
    const auto noise = DiscreteGaussian::create(of.at("sigma")).value();
    const auto tree = TreeCount::create(static_cast<std::uint64_t>(of.at("steps")), noise).value();
    const auto loss = tree.loss(Sensitivity::of_count(Neighbours::add_remove)).value();
    const auto accountant = make_accountant(AccountantKind::rdp);
    ASSERT_TRUE(accountant->add({loss, 1}).has_value());
    const double found = accountant->epsilon(base::Delta::create(of.at("delta")).value());
    EXPECT_NEAR(found / std::stod(row.at("value")), 1, 0.01) << row.at("params");
    ++rows;
  }
  EXPECT_EQ(rows, 3);
}

// What a unit moves, node by node: it is in one step, or replaced by one in any other.
TEST(TreeCount, StatesWhatAUnitMovesInAllNodes) {
  const auto noise = DiscreteGaussian::create(1).value();
  for (std::uint64_t steps = 1; steps <= 16; ++steps) {
    // The node that step t completes ends at t and is as long as the lowest binary digit of t.
    const auto holds = [](std::uint64_t node, std::uint64_t step) {
      return step <= node && step + (node & (~node + 1)) > node ? 1 : 0;
    };
    int added = 0;
    int replaced = 0;
    for (std::uint64_t one = 1; one <= steps; ++one) {
      for (std::uint64_t other = 1; other <= steps; ++other) {
        int square = 0;
        int difference = 0;
        for (std::uint64_t node = 1; node <= steps; ++node) {
          square += holds(node, one);
          difference += std::abs(holds(node, one) - holds(node, other));
        }
        added = std::max(added, square);
        replaced = std::max(replaced, difference);
      }
    }
    const auto tree = TreeCount::create(steps, noise).value();
    const auto sensitivity = [&tree](Neighbours neighbours) {
      const auto loss = tree.loss(Sensitivity::of_count(neighbours)).value();
      return std::get<loss::DiscreteGaussian>(loss.kind()).sensitivity;
    };
    EXPECT_GE(sensitivity(Neighbours::add_remove), std::sqrt(added)) << steps;
    EXPECT_NEAR(sensitivity(Neighbours::add_remove), std::sqrt(added), 1e-12) << steps;
    EXPECT_GE(sensitivity(Neighbours::replace_one), std::sqrt(replaced)) << steps;
  }
}

TEST(TreeCount, RefusesTheRest) {
  EXPECT_FALSE(TreeCount::create(0, almost_none()).has_value());
  EXPECT_FALSE(TreeCount::create((1 << 20) + 1, almost_none()).has_value());
  auto tree = TreeCount::create(4, almost_none()).value();
  EXPECT_EQ(tree.levels(), 3u);
  base::SeededSimulationRandom random(3, "refused");
  EXPECT_FALSE(tree.add(std::numeric_limits<std::int64_t>::min(), random).has_value());
  EXPECT_EQ(tree.add(5, random).value(), 5);
}

TEST(Histogram, CountsInPublicBins) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto bins = Histogram::create({0, 1, 3}).value();
  const std::vector<double> values{-infinity, -5, 0, 0.99, 1, 2.9, 3, infinity, std::nan("")};
  EXPECT_EQ(bins.count(values), (std::vector<std::int64_t>{4, 4}));
  EXPECT_EQ(bins.count({}), (std::vector<std::int64_t>{0, 0}));
  base::SeededSimulationRandom random(4, "bins");
  EXPECT_EQ(bins.release(values, almost_none(), random), (std::vector<std::int64_t>{4, 4}));
  const auto loss = bins.loss(almost_none(), Neighbours::replace_one).value();
  EXPECT_EQ(std::get<loss::DiscreteGaussian>(loss.kind()).coordinates, 2u);
}

TEST(Histogram, RefusesEdgesThatAreNone) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto& edges : {std::vector<double>{},
                            {1},
                            {1, 1},
                            {2, 1},
                            {0, infinity},
                            {std::nan(""), 1},
                            std::vector<double>((1 << 20) + 1, 0)})
    EXPECT_EQ(Histogram::create(edges).error().code(), ErrorCode::invalid_argument);
}

Range range(double lower, double upper, int fraction_bits = 10) {
  return {lower, upper, math::Lattice::create(fraction_bits).value()};
}

TEST(Mean, IsTheMeanOfClampedValues) {
  base::SeededSimulationRandom random(5, "mean");
  const std::vector<double> values{1, 2, 3, 1e300, std::nan("")};  // 1e300 counts as 4, NaN as 2
  const auto noised = Mean::over_noised_count(range(0, 4), almost_none(), almost_none()).value();
  EXPECT_NEAR(noised.release(values, random), 12.0 / 5, 1e-12);
  const auto planned = Mean::over_public_count(range(0, 4), 5, almost_none()).value();
  EXPECT_NEAR(planned.release(values, random), 12.0 / 5, 1e-12);
  EXPECT_EQ(noised.release({}, random), 2);  // the middle
  const auto loud =
      Mean::over_noised_count(range(0, 4), DiscreteGaussian::create(1e9).value(), almost_none())
          .value();
  for (int i = 0; i < 100; ++i) {
    const double mean = loud.release(values, random);
    EXPECT_TRUE(mean >= 0 && mean <= 4) << mean;
  }
}

TEST(Mean, StatesItsLoss) {
  const auto noise = DiscreteGaussian::create(4096).value();
  const auto planned = Mean::over_public_count(range(0, 4), 5, noise).value();
  const auto replaced = planned.loss(Neighbours::replace_one).value();
  EXPECT_EQ(std::get<loss::DiscreteGaussian>(replaced.kind()).sensitivity, 4096);  // the range
  const auto count_noise = DiscreteGaussian::create(2).value();
  const auto noised = Mean::over_noised_count(range(0, 4), noise, count_noise).value();
  const auto loss = noised.loss(Neighbours::add_remove).value();
  const auto& kind = std::get<loss::DiscreteGaussian>(loss.kind());
  EXPECT_NEAR(kind.sensitivity / kind.sigma, std::hypot(0.5, 0.5), 1e-12);
}

TEST(Mean, RefusesRangesThatAreNone) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Range& bad :
       {range(1, 1), range(2, 1), range(0, infinity), range(std::nan(""), 1), range(0, 0x1p40, 10)})
    EXPECT_EQ(Mean::over_public_count(bad, 5, almost_none()).error().code(),
              ErrorCode::invalid_argument);
  EXPECT_FALSE(Mean::over_public_count(range(0, 1), 0, almost_none()).has_value());
}

}  // namespace
}  // namespace hanse::privacy
