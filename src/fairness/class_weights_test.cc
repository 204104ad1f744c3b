#include "fairness/class_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace hanse::fairness {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;
using Losses = std::vector<std::optional<Noised>>;

FairSpec spec(Method method, ConstraintKind constraint = ConstraintKind::gap) {
  return {.method = method,
          .classes = {{"modern"}, {"legacy"}, {"old"}},
          .weights = {.6, .3, .1},
          .constraint = constraint,
          .bound = .1};
}

Losses exactly(std::initializer_list<double> values, double noise = 0) {
  Losses losses;
  for (const double value : values) losses.push_back(Noised{value, noise, 0});
  return losses;
}

Weighing after(const FairSpec& some, const Losses& losses, int rounds = 1) {
  Weighing weighing = first_weighing(some);
  for (int round = 0; round < rounds; ++round) weighing = next_weighing(some, weighing, losses);
  return weighing;
}

MATCHER_P(SharesAre, expected, "") {
  return ::testing::ExplainMatchResult(Pointwise(DoubleNear(1e-12), expected), arg.shares,
                                       result_listener);
}

TEST(ClassWeights, AreWhatThePapersSay) {
  const Losses losses = exactly({.2, .4, .6});
  // Exponentiated gradient: w_g exp(4 R_g), normed.
  const double agnostic = .6 * std::exp(.8) + .3 * std::exp(1.6) + .1 * std::exp(2.4);
  EXPECT_THAT(after(spec(Method::agnostic), losses),
              SharesAre(std::vector{.6 * std::exp(.8) / agnostic, .3 * std::exp(1.6) / agnostic,
                                    .1 * std::exp(2.4) / agnostic}));
  // w_g R_g²: .024, .048, .036.
  EXPECT_THAT(after(spec(Method::q_fedavg), losses),
              SharesAre(std::vector{.024 / .108, .048 / .108, .036 / .108}));
  // Ranks −2, 0, 2 times .45: .6 · .1, .3, .1 · 1.9.
  EXPECT_THAT(after(spec(Method::gifair), losses),
              SharesAre(std::vector{.06 / .55, .3 / .55, .19 / .55}));
  EXPECT_EQ(after(spec(Method::measure), losses), first_weighing(spec(Method::measure)));
}

TEST(ClassWeights, TheSaddlePointLiftsWhatMissesTheBoundAndLetsGoAgain) {
  // Pairs: legacy over modern by .2, old over modern by .4, old over legacy by .2, each less .1.
  const FairSpec gap = spec(Method::saddle_point);
  const Weighing lifted = after(gap, exactly({.2, .4, .6}));
  // λ: −.2 − .6, +.2 − .2, +.6 + .2; modern's share is held at .05 of .6.
  EXPECT_THAT(lifted, SharesAre(std::vector{.03 / 1.23, .3 / 1.23, .9 / 1.23}));
  Weighing calm = lifted;
  for (int round = 0; round < 5; ++round) calm = next_weighing(gap, calm, exactly({.4, .4, .4}));
  EXPECT_THAT(calm, SharesAre(gap.weights));

  const FairSpec worst = spec(Method::saddle_point, ConstraintKind::worst_class);
  // ν = 2 (R − .1).
  EXPECT_THAT(after(worst, exactly({.05, .2, .3})),
              SharesAre(std::vector{.6 / 1.6, .5 / 1.6, .5 / 1.6}));
  EXPECT_THAT(after(worst, exactly({.05, .05, .05})), SharesAre(worst.weights));
}

TEST(ClassWeights, AnExcessIsOverTheClasssOwnBest) {
  FairSpec excess = spec(Method::combination, ConstraintKind::excess_gap);
  excess.best = {.2, .4, .6};
  EXPECT_THAT(after(excess, exactly({.25, .45, .65})), SharesAre(excess.weights));
  excess.best = {.25, .45, .3};
  const Weighing lifted = after(excess, exactly({.25, .45, .65}));
  EXPECT_GT(lifted.shares[2], .1);
  EXPECT_LT(lifted.shares[0], .6);
}

TEST(ClassWeights, WhatIsUnknownMovesNothing) {
  for (const Method method :
       {Method::saddle_point, Method::agnostic, Method::q_fedavg, Method::gifair})
    EXPECT_THAT(after(spec(method), {std::nullopt, std::nullopt, std::nullopt}),
                SharesAre(spec(method).weights))
        << name_of(method);
}

TEST(ClassWeights, SharesStayAboveNothingAndAreOneTogether) {
  for (const Method method :
       {Method::saddle_point, Method::agnostic, Method::q_fedavg, Method::gifair})
    for (const double huge : {0.0, 1.0, 4.0, 1e6}) {
      const Weighing weighing = after(spec(method), exactly({-huge, 0.5, huge}), 20);
      EXPECT_NEAR(std::accumulate(weighing.shares.begin(), weighing.shares.end(), 0.0), 1, 1e-9);
      for (const double share : weighing.shares) EXPECT_GE(share, 0);
      const RecordWeights weights = record_weights(weighing, std::vector{600.0, 300.0, 100.0});
      for (const double weight : weights.of_class) {
        EXPECT_GE(weight, kLeastWeight);
        EXPECT_LE(weight, 1);
      }
    }
}

TEST(ClassWeights, RecordsWeighSoThatClassesHaveTheirShares) {
  const Weighing weighing{{.5, .3, .2}, {}};
  const std::vector<double> records{800, 150, 50};
  const RecordWeights weights = record_weights(weighing, records);
  EXPECT_EQ(weights.of_class[2], 1);
  double all = 0;
  for (std::size_t c = 0; c < 3; ++c) all += weights.of_class[c] * records[c];
  for (std::size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(weights.of_class[c] * records[c] / all, weighing.shares[c], 1e-12);
  EXPECT_NEAR(weights.part, all / 1000, 1e-12);
  // One record would weigh as a class does: noise would be all of the sum.
  const RecordWeights drawn = record_weights({{.01, .01, .98}, {}}, records);
  EXPECT_EQ(drawn.part, kLeastPart);
  EXPECT_EQ(drawn.of_class[2], 1);
  all = 0;
  for (std::size_t c = 0; c < 3; ++c) all += drawn.of_class[c] * records[c];
  EXPECT_NEAR(all, kLeastPart * 1000, 1e-9);
}

// All alike, and parts whose sum is rounded up: no more than all of the records.
TEST(ClassWeights, NoSumStandsForMoreThanAllRecords) {
  for (int a = 1; a < 8; ++a)
    for (int b = 1; b < 8; ++b)
      for (int c = 1; c < 8; ++c) {
        const std::vector<double> records{50.0 * a, 50.0 * b, 50.0 * c, 50};
        const double all = 50.0 * (a + b + c + 1);
        Weighing alike;
        for (const double own : records) alike.shares.push_back(own / all);
        EXPECT_LE(record_weights(alike, records).part, 1) << a << b << c;
      }
}

TEST(ClassWeights, WhatNoiseExplainsMovesNothing) {
  for (const Method method :
       {Method::saddle_point, Method::agnostic, Method::gifair, Method::q_fedavg}) {
    const FairSpec some = spec(method);
    const Weighing drowned = after(some, exactly({.2, .4, .6}, .5));
    EXPECT_THAT(drowned, SharesAre(some.weights)) << name_of(method);
    const double exact = after(some, exactly({.2, .4, .6})).shares[2];
    const double noised = after(some, exactly({.2, .4, .6}, .1)).shares[2];
    EXPECT_LE(noised, exact);
    EXPECT_GT(noised, some.weights[2]) << name_of(method);
  }
}

}  // namespace
}  // namespace hanse::fairness
