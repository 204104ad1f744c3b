// Selection by its exact probabilities; the sparse vector's states.
#include "privacy/mechanisms/selection.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "privacy/mechanisms/above_threshold.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;

base::Epsilon epsilon(double value) { return base::Epsilon::create(value).value(); }
Sensitivity steps(std::uint64_t count) {
  return Sensitivity::of_score(Neighbours::add_remove, count).value();
}

// 7 standard errors, fixed seeds.
void expect_share(int found, int draws, double p) {
  EXPECT_LE(std::abs(found - draws * p), 7 * std::sqrt(draws * p * (1 - p))) << p;
}

constexpr int kDraws = 20'000;
constexpr std::array<std::int64_t, 3> kScores{10, 12, 7};

TEST(ExponentialMechanism, HasItsProbabilities) {
  const auto mechanism = ExponentialMechanism::create(epsilon(1.5), steps(2)).value();
  base::SeededSimulationRandom random(1, "exponential");
  std::array<int, 3> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[mechanism.select(kScores, random).value()];
  std::array<double, 3> weights{};
  double total = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    weights[i] = std::exp(1.5 * static_cast<double>(kScores[i]) / 4);
    total += weights[i];
  }
  for (std::size_t i = 0; i < 3; ++i) expect_share(counts[i], kDraws, weights[i] / total);
}

TEST(ExponentialMechanism, TakesTheTopOneAfterTheOther) {
  const auto mechanism = ExponentialMechanism::create(epsilon(1), steps(1)).value();
  base::SeededSimulationRandom random(2, "top");
  int found = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto top = mechanism.select_top(kScores, 2, random).value();
    ASSERT_NE(top[0], top[1]);
    found += top[0] == 1 && top[1] == 0 ? 1 : 0;
  }
  const auto weight = [](double score) { return std::exp(score / 2); };
  const double p =
      weight(12) / (weight(10) + weight(12) + weight(7)) * weight(10) / (weight(10) + weight(7));
  expect_share(found, kDraws, p);
  EXPECT_EQ(mechanism.select_top(kScores, 3, random).value().size(), 3u);
  EXPECT_EQ(mechanism.charge(3).count, 3u);
  EXPECT_EQ(std::get<loss::BoundedRange>(mechanism.loss().kind()).epsilon, 1);
}

// P(i) = E over orders: for three candidates, by hand over the coins (McKenna, Sheldon 2020).
TEST(PermuteAndFlip, HasItsProbabilities) {
  const auto mechanism = PermuteAndFlip::create(epsilon(1), steps(1)).value();
  base::SeededSimulationRandom random(3, "permute");
  std::array<int, 3> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[mechanism.select(kScores, random).value()];
  const double a = std::exp(-1);                   // 2 behind the best
  const double c = std::exp(-2.5);                 // 5 behind
  const double p_a = a * (1.0 / 3 + (1 - c) / 6);  // first; or second, after the last one's no
  const double p_c = c * (1.0 / 3 + (1 - a) / 6);
  expect_share(counts[0], kDraws, p_a);
  expect_share(counts[2], kDraws, p_c);
  EXPECT_EQ(std::get<loss::Pure>(mechanism.loss().kind()).epsilon, 1);
}

// Scores from one end of the words to the other: nothing overflows, the best one wins.
TEST(Selection, TakesTheFarthestScores) {
  constexpr std::array<std::int64_t, 2> kFar{std::numeric_limits<std::int64_t>::min(),
                                             std::numeric_limits<std::int64_t>::max()};
  base::SeededSimulationRandom random(4, "far");
  const auto exponential = ExponentialMechanism::create(epsilon(1), steps(1)).value();
  const auto flip = PermuteAndFlip::create(epsilon(1), steps(1)).value();
  EXPECT_EQ(exponential.select(kFar, random).value(), 1u);
  EXPECT_EQ(flip.select(kFar, random).value(), 1u);
  // The second of two is the one that is left, however unlikely it was.
  EXPECT_EQ(exponential.select_top(kFar, 2, random).value(), (std::vector<std::size_t>{1, 0}));
}

TEST(Selection, RefusesTheRest) {
  base::SeededSimulationRandom random(5, "refused");
  EXPECT_FALSE(ExponentialMechanism::create(epsilon(0), steps(1)).has_value());
  EXPECT_FALSE(PermuteAndFlip::create(epsilon(1), steps(1).weighted(0.5).value()).has_value());
  const auto mechanism = ExponentialMechanism::create(epsilon(1), steps(1)).value();
  EXPECT_EQ(mechanism.select({}, random).error().code(), ErrorCode::invalid_argument);
  EXPECT_FALSE(mechanism.select_top(kScores, 0, random).has_value());
  EXPECT_FALSE(mechanism.select_top(kScores, 4, random).has_value());
  const std::vector<std::int64_t> many(kMaxCandidates + 1);
  EXPECT_FALSE(mechanism.select(many, random).has_value());
}

TEST(AboveThreshold, EndsAfterItsPositives) {
  base::SeededSimulationRandom random(6, "questions");
  const auto mechanism = AboveThreshold::create(epsilon(1), steps(1), 2).value();
  EXPECT_EQ(std::get<loss::Pure>(mechanism.loss().kind()).epsilon, 1);
  auto questions = mechanism.start(0, random).value();
  constexpr std::int64_t kFar = 1'000'000;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(questions.ask(-kFar, random).value());
  EXPECT_TRUE(questions.ask(kFar, random).value());
  EXPECT_EQ(questions.ask(std::numeric_limits<std::int64_t>::max(), random).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(questions.positives_left(), 1u);
  EXPECT_TRUE(questions.ask(kFar, random).value());
  EXPECT_EQ(questions.ask(kFar, random).error().code(), ErrorCode::failed_precondition);
}

// P(score + noise ≥ threshold + noise) with scales 4·positives·Δ/ε and 2Δ/ε (Lyu, Su, Li 2017).
TEST(AboveThreshold, HasTheScalesOfItsProof) {
  constexpr int kThreshold = 30;
  const auto mechanism = AboveThreshold::create(epsilon(2), steps(2), 3).value();
  const auto law = [](double scale, int x) {
    return std::tanh(1 / (2 * scale)) * std::exp(-std::abs(x) / scale);
  };
  double p = 0;
  for (int once = -100; once <= 100; ++once)
    for (int each = kThreshold + once; each <= 600; ++each) p += law(2, once) * law(12, each);
  base::SeededSimulationRandom random(8, "scales");
  int found = 0;
  for (int i = 0; i < kDraws; ++i)
    found += mechanism.start(kThreshold, random).value().ask(0, random).value() ? 1 : 0;
  expect_share(found, kDraws, p);
}

TEST(AboveThreshold, RefusesTheRest) {
  base::SeededSimulationRandom random(7, "refused");
  EXPECT_FALSE(AboveThreshold::create(epsilon(0), steps(1), 1).has_value());
  EXPECT_FALSE(AboveThreshold::create(epsilon(1), steps(1), 0).has_value());
  EXPECT_FALSE(AboveThreshold::create(epsilon(1), steps(1).weighted(0.5).value(), 1).has_value());
  const auto mechanism = AboveThreshold::create(epsilon(1), steps(1), 1).value();
  EXPECT_FALSE(mechanism.start(std::numeric_limits<std::int64_t>::min(), random).has_value());
}

}  // namespace
}  // namespace hanse::privacy
