// No claim of ours is falsified: every mechanism on a worst pair of neighbours, in both directions,
// against what its own loss says. One test in 10⁶ would fail by chance if seeds were not fixed.
#include "claims.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "falsifier.h"
#include "privacy/chain.h"
#include "privacy/mechanisms/above_threshold.h"
#include "privacy/mechanisms/discrete_laplace.h"
#include "privacy/mechanisms/histogram.h"
#include "privacy/mechanisms/mean.h"
#include "privacy/mechanisms/selection.h"
#include "privacy/mechanisms/skellam.h"
#include "privacy/mechanisms/tree_count.h"

namespace hanse::statistical {
namespace {

using privacy::Neighbours;
using privacy::Sensitivity;

const Sensitivity kCount = Sensitivity::of_count(Neighbours::add_remove);

base::Epsilon epsilon(double value) { return base::Epsilon::create(value).value(); }

// The claim stands; and so close to what is seen that it is no empty one.
void expect_stands(const std::string& name, Claim claim, const Observed& mechanism, double close,
                   std::size_t draws = 200'000) {
  const Verdict verdict = falsify(name, claim, mechanism, draws);
  EXPECT_FALSE(verdict.falsified()) << name;
  EXPECT_GE(verdict.epsilon_low, close * claim.epsilon) << name;
}

TEST(Claims, DiscreteGaussian) {
  for (const double sigma : {0.7, 1.0, 2.0, 5.0}) {
    const auto noise = privacy::DiscreteGaussian::create(sigma).value();
    expect_stands(
        fmt::format("discrete Gaussian {}", sigma), claim_of(noise.loss(kCount).value(), 1e-3),
        [&](int table, auto& random) { return table + noise.draw(random); }, 0.4);
  }
}

TEST(Claims, DiscreteLaplace) {
  for (const double scale : {0.5, 1.0, 3.5}) {
    const auto noise = privacy::DiscreteLaplace::create(scale).value();
    expect_stands(
        fmt::format("discrete Laplace {}", scale), claim_of(noise.loss(kCount).value(), 0),
        [&](int table, auto& random) { return table + noise.draw(random); }, 0.8);
  }
}

TEST(Claims, Skellam) {
  for (const double variance : {1.0, 4.0, 25.0}) {
    const auto noise = privacy::Skellam::create(variance).value();
    expect_stands(
        fmt::format("Skellam {}", variance), claim_of(noise.loss(kCount).value(), 1e-3),
        [&](int table, auto& random) { return table + noise.draw(random); }, 0.2);
  }
}

// The worst pair of the exponential mechanism: one score rises by Δ, all others fall.
constexpr std::array<std::array<std::int64_t, 12>, 2> kScores{
    {{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}};

TEST(Claims, ExponentialMechanism) {
  const auto score = Sensitivity::of_score(Neighbours::add_remove, 1).value();
  const auto mechanism = privacy::ExponentialMechanism::create(epsilon(1), score).value();
  expect_stands(
      "exponential mechanism", {1, 0},
      [&](int table, auto& random) {
        const auto& scores = kScores[static_cast<std::size_t>(table)];
        return static_cast<std::int64_t>(mechanism.select(scores, random).value());
      },
      0.6, 30'000);
}

TEST(Claims, OneShotTopK) {
  const auto score = Sensitivity::of_score(Neighbours::add_remove, 1).value();
  const auto mechanism = privacy::ExponentialMechanism::create(epsilon(1), score).value();
  const Claim pure{2, 0};  // k times ε
  EXPECT_EQ(mechanism.charge(2).count, 2u);
  expect_stands(
      "one-shot top 2", pure,
      [&](int table, auto& random) {
        const auto& scores = kScores[static_cast<std::size_t>(table)];
        const auto top = mechanism.select_top(scores, 2, random).value();
        return static_cast<std::int64_t>(top[0] * 12 + top[1]);
      },
      0.3, 15'000);
}

TEST(Claims, PermuteAndFlip) {
  const auto score = Sensitivity::of_score(Neighbours::add_remove, 1).value();
  const auto mechanism = privacy::PermuteAndFlip::create(epsilon(1), score).value();
  // Both candidates tie for one table; for the other they are two steps apart.
  constexpr std::array<std::array<std::int64_t, 2>, 2> kTwo{{{5, 4}, {4, 5}}};
  expect_stands(
      "permute and flip", {1, 0},
      [&](int table, auto& random) {
        const auto& scores = kTwo[static_cast<std::size_t>(table)];
        return static_cast<std::int64_t>(mechanism.select(scores, random).value());
      },
      0.5, 60'000);
}

// The answers to six questions as bits. All scores move together, or apart.
TEST(Claims, AboveThreshold) {
  const auto score = Sensitivity::of_score(Neighbours::add_remove, 1).value();
  const auto mechanism = privacy::AboveThreshold::create(epsilon(2), score, 1).value();
  for (const int sign : {1, -1}) {
    expect_stands(
        fmt::format("above threshold, moving {}", sign > 0 ? "together" : "apart"), {2, 0},
        [&](int table, auto& random) {
          auto questions = mechanism.start(1, random).value();
          std::int64_t seen = 1;
          for (int question = 0; question < 6 && questions.positives_left() > 0; ++question) {
            const int move = question == 5 ? sign * table : table;
            seen = seen * 2 + (questions.ask(move, random).value() ? 1 : 0);
          }
          return seen;
        },
        0.4);
  }
}

TEST(Claims, TreeCount) {
  const auto noise = privacy::DiscreteGaussian::create(3).value();
  const auto tree = privacy::TreeCount::create(4, noise).value();
  // The unit is in the first step, hence in every count; their digits joined into one number.
  expect_stands(
      "running count of 4 steps", claim_of(tree.loss(kCount).value(), 1e-2),
      [&](int table, auto& random) {
        auto counting = privacy::TreeCount::create(4, noise).value();
        std::int64_t seen = 0;
        for (int step = 0; step < 4; ++step) {
          const std::int64_t count = counting.add(step == 0 ? table : 0, random).value();
          if (step != 2) seen = seen * 64 + std::clamp<std::int64_t>(count + 16, 0, 63);
        }
        return seen / 4096 + (seen / 64) % 64 + seen % 64;
      },
      0.3);
}

TEST(Claims, Histogram) {
  const auto bins = privacy::Histogram::create({0, 1, 2}).value();
  const auto noise = privacy::DiscreteLaplace::create(2).value();
  const std::array<std::vector<double>, 2> replaced{{{0.5, 0.5}, {0.5, 1.5}}};
  expect_stands(
      "histogram, one replaced", claim_of(bins.loss(noise, Neighbours::replace_one).value(), 0),
      [&](int table, auto& random) {
        const auto seen = bins.release(replaced[static_cast<std::size_t>(table)], noise, random);
        return std::clamp<std::int64_t>(seen[0], -2, 4) * 16 +
               std::clamp<std::int64_t>(seen[1], -2, 4);
      },
      0.7);
}

TEST(Claims, MeanOverANoisedCount) {
  const privacy::Range range{0, 1, math::Lattice::create(3).value()};
  const auto mean =
      privacy::Mean::over_noised_count(range, privacy::DiscreteGaussian::create(8).value(),
                                       privacy::DiscreteGaussian::create(1.5).value())
          .value();
  const std::array<std::vector<double>, 2> tables{{{0, 0, 0, 0}, {0, 0, 0, 0, 1}}};
  expect_stands(
      "mean over a noised count", claim_of(mean.loss(Neighbours::add_remove).value(), 1e-2),
      [&](int table, auto& random) {
        return std::llround(1000 * mean.release(tables[static_cast<std::size_t>(table)], random));
      },
      0.5);
}

// A gradient of two parts, each with noise of its own, through the chain.
TEST(Claims, ClippedSumOfTwoParts) {
  const privacy::Layout layout{{{"a", 1, 2}, {"b", 1, 1}}, math::Lattice::create(2).value(), 4};
  const std::vector<privacy::PartNoise> noise{{privacy::DiscreteGaussian::create(12).value(), 0},
                                              {privacy::DiscreteGaussian::create(6).value(), 0}};
  const auto release = [&](int table, base::RandomSource& random) {
    privacy::ClippedSumAccumulator sum(layout, "record");
    EXPECT_TRUE(sum.add(std::vector<double>{1, -1}).has_value());
    EXPECT_TRUE(table == 0 || sum.add(std::vector<double>{1e9, -7}).has_value());
    return privacy::Noised::add(std::move(sum).finish(), noise, Neighbours::add_remove, random)
        .value();
  };
  base::SeededSimulationRandom random(1, "loss");
  expect_stands(
      "clipped sum of two parts", claim_of(release(0, random).charge().loss, 1e-2),
      [&](int table, auto& source) {
        const auto sealable = release(table, source).surrender();
        return sealable.values()[0] - 2 * sealable.values()[1];
      },
      0.3, 50'000);
}

}  // namespace
}  // namespace hanse::statistical
