#include "fairness/class_norms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"
#include "learning/unit_sums.h"

namespace hanse::fairness {
namespace {

using learning::kNormBins;

// `clipped` records above the clip and the others in the octave below it.
std::vector<double> counts(double records, double clipped) {
  std::vector<double> of_class(kNormBins);
  of_class[learning::kClippedFrom - 1] = records - clipped;
  of_class[learning::kClippedFrom] = clipped;
  return of_class;
}

// C (1 + r_g/r), by hand: of 900 + 100 records 90 + 60 are clipped, r = .15, r_g = .1 and .6.
TEST(ClassNorms, ClipsAreThoseOfThePaper) {
  const ClassNorms norms{{counts(900, 90), counts(100, 60)}, 0};
  const std::vector<double> clips = clips_of(norms);
  EXPECT_NEAR(clips[0], (1 + .1 / .15) / (1 + .6 / .15), 1e-12);
  EXPECT_EQ(clips[1], 1);
}

TEST(ClassNorms, WhereNothingIsClippedNoClipMoves) {
  EXPECT_EQ(clips_of({{counts(900, 0), counts(100, 0)}, 0}), (std::vector<double>{1, 1}));
  // Alike: no class needs a clip of its own.
  EXPECT_EQ(clips_of({{counts(900, 90), counts(100, 10)}, 0}), (std::vector<double>{1, 1}));
}

// Counts that noise outweighs move nothing; known ones do.
TEST(ClassNorms, WhatNoiseExplainsMovesNothing) {
  EXPECT_EQ(clips_of({{counts(900, 90), counts(100, 60)}, 400}), (std::vector<double>{1, 1}));
  const double one = clips_of({{counts(900, 90), counts(100, 60)}, 0})[0];
  const double drawn = clips_of({{counts(900, 90), counts(100, 60)}, 3})[0];
  EXPECT_GT(drawn, one);
  EXPECT_LT(drawn, 1);
}

TEST(ClassNorms, TheMedianLiesInItsOctave) {
  std::vector<double> of_class(kNormBins);
  of_class[4] = 40;  // 1/2 to 1
  of_class[5] = 60;  // 1 to 2
  const auto median = median_norm({{of_class}, 0}, 0);
  ASSERT_TRUE(median);
  EXPECT_NEAR(median->value, std::exp2(10.0 / 60), 1e-12);
  of_class.assign(kNormBins, 0);
  of_class[0] = 100;
  EXPECT_FALSE(median_norm({{of_class}, 0}, 0));
  of_class.assign(kNormBins, 0);
  of_class[kNormBins - 1] = 100;
  EXPECT_FALSE(median_norm({{of_class}, 0}, 0));
}

// The deviations that come with the numbers are those of many draws of the noise.
TEST(ClassNorms, KnowTheirNoise) {
  constexpr double kNoise = 5;
  const ClassNorms truth{{counts(2000, 500)}, kNoise};
  const double part = clipped_part(truth, 0)->value;
  const double median = median_norm(truth, 0)->value;
  base::SeededSimulationRandom random(1, "noise");
  double part_squares = 0;
  double median_squares = 0;
  constexpr int kDraws = 2000;
  for (int draw = 0; draw < kDraws; ++draw) {
    ClassNorms noised = truth;
    for (double& count : noised.counts[0]) count += kNoise * base::standard_normal(random);
    part_squares += std::pow(clipped_part(noised, 0)->value - part, 2);
    median_squares += std::pow(median_norm(noised, 0)->value - median, 2);
  }
  EXPECT_NEAR(std::sqrt(part_squares / kDraws), clipped_part(truth, 0)->noise,
              .1 * clipped_part(truth, 0)->noise);
  EXPECT_NEAR(std::sqrt(median_squares / kDraws), median_norm(truth, 0)->noise,
              .25 * median_norm(truth, 0)->noise);
}

TEST(ClassNorms, AreNotSaidOfTooFewRecords) {
  const ClassNorms norms{{counts(50, 20)}, 10};
  EXPECT_FALSE(clipped_part(norms, 0));
  EXPECT_FALSE(median_norm(norms, 0));
  EXPECT_EQ(records_in(norms, 0).value, 50);
  EXPECT_NEAR(records_in(norms, 0).noise, 10 * std::sqrt(10.0), 1e-12);
}

}  // namespace
}  // namespace hanse::fairness
