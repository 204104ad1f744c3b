#include "fairness/histogram_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "fairness/calibration.h"
#include "fairness/corrected_maximum.h"
#include "fairness/test_classes.h"
#include "learning/odds_bins.h"

namespace hanse::fairness {
namespace {

constexpr std::size_t kBins = 32;

struct Histogram {
  std::vector<double> negatives = std::vector<double>(kBins);
  std::vector<double> positives = std::vector<double>(kBins);
  double noise = 0;

  ScoreCounts counts() const {
    return {negatives, positives, 0, 1, ScoreScale::probability, noise};
  }
};

// Labels that follow scores but not quite: a model that is a little too sure.
Histogram drawn(std::size_t records, std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "records");
  Histogram histogram;
  for (std::size_t i = 0; i < records; ++i) {
    const double score = 1 / (1 + std::exp(-1.5 * base::standard_normal(random)));
    const double truth = .1 + .8 * score;
    const auto bin = std::min(static_cast<std::size_t>(score * kBins), kBins - 1);
    (base::uniform_unit(random) < truth ? histogram.positives : histogram.negatives)[bin] += 1;
  }
  return histogram;
}

Histogram noised(Histogram histogram, double noise, base::RandomSource& random) {
  histogram.noise = noise;
  for (auto* counts : {&histogram.negatives, &histogram.positives})
    for (double& count : *counts) count += noise * base::standard_normal(random);
  return histogram;
}

using Metric = std::optional<Noised> ScoreMetrics::*;
constexpr std::array kMetrics{&ScoreMetrics::selection_rate,
                              &ScoreMetrics::error,
                              &ScoreMetrics::true_positive_rate,
                              &ScoreMetrics::false_positive_rate,
                              &ScoreMetrics::roc_auc,
                              &ScoreMetrics::average_precision,
                              &ScoreMetrics::brier,
                              &ScoreMetrics::log_loss,
                              &ScoreMetrics::overconfidence,
                              &ScoreMetrics::calibration_error};

ScoreMetrics metrics_of(const Histogram& histogram) {
  return score_metrics(histogram.counts(), kBins / 2).value();
}

// Scores given to twentieths, each the middle of its bin.
Histogram twentieths(const std::vector<std::pair<int, int>>& scores_and_labels) {
  Histogram histogram{std::vector<double>(19), std::vector<double>(19), 0};
  for (const auto& [score, label] : scores_and_labels)
    (label == 1 ? histogram.positives : histogram.negatives)[static_cast<std::size_t>(score - 1)] +=
        1;
  return histogram;
}

ScoreMetrics of_twentieths(const Histogram& histogram) {
  ScoreCounts counts = histogram.counts();
  counts.low = .025;
  counts.high = .975;
  return score_metrics(counts, 9).value();
}

// The examples in scikit-learn's reference (1.2): roc_auc_score and average_precision_score,
// brier_score_loss, log_loss.
TEST(HistogramMetrics, AreThoseOfScikitLearn) {
  const ScoreMetrics ranked = of_twentieths(twentieths({{2, 0}, {8, 0}, {7, 1}, {16, 1}}));
  EXPECT_NEAR(ranked.roc_auc->value, .75, 1e-12);
  EXPECT_NEAR(ranked.average_precision->value, .8333333, 1e-7);
  const ScoreMetrics squared = of_twentieths(twentieths({{2, 0}, {18, 1}, {16, 1}, {6, 0}}));
  EXPECT_NEAR(squared.brier->value, .0375, 1e-12);
  const ScoreMetrics logarithmic = of_twentieths(twentieths({{18, 1}, {2, 0}, {4, 0}, {13, 1}}));
  EXPECT_NEAR(logarithmic.log_loss->value, .21616, 5e-6);
}

// By hand: scores .25 and .75, counts 3, 1 and 1, 5.
TEST(HistogramMetrics, CountWhatIsDecided) {
  const std::vector<double> negatives{3, 1};
  const std::vector<double> positives{1, 5};
  const ScoreMetrics found = score_metrics({negatives, positives}, 1).value();
  EXPECT_NEAR(found.selection_rate->value, .6, 1e-12);
  EXPECT_NEAR(found.error->value, .2, 1e-12);
  EXPECT_NEAR(found.true_positive_rate->value, 5.0 / 6, 1e-12);
  EXPECT_NEAR(found.false_positive_rate->value, .25, 1e-12);
  // A binomial share's own: √(p (1 − p) / n).
  EXPECT_NEAR(found.error->sampling, std::sqrt(.2 * .8 / 10), 1e-12);
  EXPECT_NEAR(found.true_positive_rate->sampling, std::sqrt(5.0 / 6 / 6 / 6), 1e-12);
  EXPECT_EQ(found.error->noise, 0);
  // |1 − .25 · 4| + |5 − .75 · 6| over 10; scores sum to 5.5 where 6 labels are 1.
  EXPECT_NEAR(found.calibration_error->value, .05, 1e-12);
  EXPECT_NEAR(found.overconfidence->value, -.05, 1e-12);
  const Confusion same = confusion_at({negatives, positives}, 1).value();
  EXPECT_EQ(same.true_positives, 5);
  EXPECT_NEAR(*same.error(), found.error->value, 1e-12);
  EXPECT_NEAR(*same.false_positive_rate(), found.false_positive_rate->value, 1e-12);
  // Nobody and everybody.
  EXPECT_EQ(score_metrics({negatives, positives}, 2).value().selection_rate->value, 0);
  EXPECT_EQ(score_metrics({negatives, positives}, 0).value().true_positive_rate->value, 1);
}

// Every pair of records, one by one.
TEST(HistogramMetrics, RankAsPairsOfRecordsDo) {
  const Histogram histogram = drawn(600, 3);
  double won = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < kBins; ++i)
    for (std::size_t j = 0; j < kBins; ++j) {
      const double here = histogram.positives[i] * histogram.negatives[j];
      pairs += here;
      won += i > j ? here : i == j ? here / 2 : 0;
    }
  EXPECT_NEAR(metrics_of(histogram).roc_auc->value, won / pairs, 1e-12);
}

struct Spread {
  std::array<double, kMetrics.size()> mean{};
  std::array<double, kMetrics.size()> deviation{};
};

template <class Draw>
Spread over_draws(int draws, const Draw& draw) {
  Spread found;
  std::array<double, kMetrics.size()> squares{};
  for (int d = 0; d < draws; ++d) {
    const ScoreMetrics metrics = draw(d);
    for (std::size_t m = 0; m < kMetrics.size(); ++m) {
      const double value = (metrics.*kMetrics[m])->value;
      found.mean[m] += value / draws;
      squares[m] += value * value / draws;
    }
  }
  for (std::size_t m = 0; m < kMetrics.size(); ++m)
    found.deviation[m] = std::sqrt(squares[m] - found.mean[m] * found.mean[m]);
  return found;
}

// A deviation estimated by 2,000 draws is within 1.6 %; 8 % is five of these.
TEST(HistogramMetrics, KnowTheirNoise) {
  const Histogram exact = drawn(20'000, 4);
  const ScoreMetrics truth = metrics_of(exact);
  Histogram told = exact;
  told.noise = 20;
  const ScoreMetrics says = metrics_of(told);
  base::SeededSimulationRandom random(4, "noise");
  const Spread found = over_draws(2000, [&](int) { return metrics_of(noised(exact, 20, random)); });
  for (std::size_t m = 0; m < kMetrics.size(); ++m) {
    const double noise = (says.*kMetrics[m])->noise;
    if (kMetrics[m] == &ScoreMetrics::calibration_error) {
      EXPECT_LT(found.deviation[m], 1.08 * noise) << "an upper bound: |x| folds noise";
      continue;
    }
    EXPECT_NEAR(found.deviation[m], noise, .08 * noise) << m;
    EXPECT_NEAR(found.mean[m], (truth.*kMetrics[m])->value, .2 * noise) << m;
  }
}

TEST(HistogramMetrics, KnowTheirSampling) {
  const ScoreMetrics says = metrics_of(drawn(1'000'000, 5));
  const Spread found = over_draws(
      2000, [](int d) { return metrics_of(drawn(2000, 100 + static_cast<std::uint64_t>(d))); });
  for (std::size_t m = 0; m < kMetrics.size(); ++m) {
    const double sampling = (says.*kMetrics[m])->sampling * std::sqrt(1'000'000 / 2000.0);
    if (kMetrics[m] == &ScoreMetrics::calibration_error) {
      EXPECT_LT(found.deviation[m], 1.08 * sampling);
      continue;
    }
    EXPECT_NEAR(found.deviation[m], sampling, .08 * sampling) << m;
  }
}

// The falsifier: 1.96 deviations cover as they should, and without the noise they do not.
TEST(HistogramMetrics, CoverTheTruthWithNoiseOnly) {
  constexpr int kDraws = 1000;
  const ScoreMetrics truth = metrics_of(drawn(1'000'000, 6));
  base::SeededSimulationRandom random(6, "noise");
  std::array<int, kMetrics.size()> covered{};
  std::array<int, kMetrics.size()> careless{};
  for (int d = 0; d < kDraws; ++d) {
    const Histogram histogram = drawn(4000, 5000 + static_cast<std::uint64_t>(d));
    const ScoreMetrics found = metrics_of(noised(histogram, 12, random));
    for (std::size_t m = 0; m < kMetrics.size(); ++m) {
      const Noised& one = *(found.*kMetrics[m]);
      const double apart = std::abs(one.value - (truth.*kMetrics[m])->value);
      covered[m] += apart <= 1.96 * one.deviation();
      careless[m] += apart <= 1.96 * one.sampling;
    }
  }
  for (std::size_t m = 0; m < kMetrics.size(); ++m) {
    if (kMetrics[m] == &ScoreMetrics::calibration_error) continue;
    EXPECT_GE(covered[m], .922 * kDraws) << m;
    EXPECT_LT(careless[m], .9 * kDraws) << m;
  }
}

// Labels by the middles themselves: what is left is chance, and is said to be.
TEST(HistogramMetrics, SayWhatCalibrationErrorIsChance) {
  base::SeededSimulationRandom random(7, "calibrated");
  double found = 0;
  double chance = 0;
  for (int d = 0; d < 200; ++d) {
    Histogram histogram;
    for (std::size_t bin = 0; bin < kBins; ++bin)
      for (int i = 0; i < 100; ++i) {
        const double middle = (static_cast<double>(bin) + .5) / kBins;
        (base::uniform_unit(random) < middle ? histogram.positives : histogram.negatives)[bin] += 1;
      }
    const ScoreMetrics metrics = metrics_of(noised(histogram, 5, random));
    found += metrics.calibration_error->value / 200;
    chance += metrics.chance_calibration_error / 200;
  }
  EXPECT_NEAR(found, chance, .02 * chance);
  const ScoreMetrics sure = metrics_of(drawn(100'000, 8));
  EXPECT_GT(sure.calibration_error->value, 5 * sure.chance_calibration_error);
}

// Beside calibration.h, which has the same loss from the fleet's own histogram.
TEST(HistogramMetrics, AgreeWithTheMeanLossOfAClass) {
  ClassHistogramOptions options = test::options(learning::Task::classification);
  options.bins = kBins;
  const learning::Model model = learning::test::random_model(options.architecture, 9);
  const data::Dataset records = learning::test::labelled(500, test::kFeatures, 2, 9);
  ClassCounts counts = test::counted(options, model, {test::of_class(records, "modern")});
  counts.count_noise = 1.5;
  const auto expected = mean_loss(counts, options, 0, {});
  std::vector<double> negatives = counts.counts[0][0];
  std::ranges::reverse(negatives);
  const ScoreMetrics found = score_metrics({.negatives = negatives,
                                            .positives = counts.counts[0][1],
                                            .low = -learning::kOddsSpan,
                                            .high = learning::kOddsSpan,
                                            .scale = ScoreScale::log_odds,
                                            .noise = counts.count_noise},
                                           kBins / 2)
                                 .value();
  EXPECT_NEAR(found.log_loss->value, expected->value, 1e-12);
  EXPECT_NEAR(found.log_loss->noise, expected->noise, 1e-12);
  EXPECT_NEAR(found.log_loss->sampling, expected->sampling, 1e-12);
  // And beside the model itself: bins from the middle on are its decisions.
  const math::Matrix predicted = model.predict(records.features);
  double wrong = 0;
  for (std::size_t i = 0; i < records.size(); ++i)
    wrong += (predicted.at(i, 1) >= .5 ? 1 : 0) != records.target[i];
  EXPECT_NEAR(found.error->value, wrong / 500, 1e-12);
}

TEST(ResidualMetrics, AreThoseOfTheMiddles) {
  const std::vector<double> counts{6, 3, 0, 1};
  const ResidualMetrics found = residual_metrics({counts, 2, 1}, 2).value();
  EXPECT_FALSE(found.mean_absolute->noise == 0);
  EXPECT_NEAR(found.mean_absolute->value, (6 * .25 + 3 * .75 + 1.75) / 10, 1e-12);
  EXPECT_NEAR(found.mean_square->value, (6 * .0625 + 3 * .5625 + 3.0625) / 10, 1e-12);
  EXPECT_NEAR(found.beyond->value, .1, 1e-12);
  EXPECT_NEAR(found.beyond->noise, std::sqrt(2 * .01 + 2 * .81) / 10, 1e-12);
  EXPECT_FALSE(residual_metrics({counts, 0, 1}, 2));
  EXPECT_FALSE(residual_metrics({counts, 2, 1}, 5));
}

// Classes that are alike: the gap of their errors, corrected, is nothing.
TEST(HistogramMetrics, FeedTheGapBetweenClasses) {
  base::SeededSimulationRandom random(10, "noise");
  std::vector<double> errors;
  std::vector<double> deviations;
  for (std::uint64_t c = 0; c < 4; ++c) {
    const ScoreMetrics found = metrics_of(noised(drawn(4000, 10 + c), 12, random));
    errors.push_back(found.error->value);
    deviations.push_back(found.error->deviation());
  }
  const Corrected gap = corrected_gap(errors, deviations).value();
  EXPECT_EQ(gap.interval.low, 0);
  EXPECT_LT(gap.value, gap.released);
}

TEST(HistogramMetrics, SayNothingWhereNoiseOutweighsCounts) {
  Histogram few = drawn(100, 11);
  few.noise = 20;
  const ScoreMetrics found = metrics_of(few);
  for (const Metric metric : kMetrics) EXPECT_FALSE(found.*metric);
  EXPECT_EQ(found.chance_calibration_error, 0);
  Histogram one_label = drawn(1000, 12);
  one_label.positives.assign(kBins, 0);
  const ScoreMetrics half = metrics_of(one_label);
  EXPECT_FALSE(half.true_positive_rate);
  EXPECT_FALSE(half.roc_auc);
  EXPECT_FALSE(half.average_precision);
  EXPECT_TRUE(half.error);
  EXPECT_TRUE(half.false_positive_rate);
}

TEST(HistogramMetrics, RefuseWhatIsNoHistogram) {
  const std::vector<double> two{1, 2};
  const std::vector<double> three{1, 2, 3};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> broken{1, nan};
  const std::vector<double> vast{1, 1e300};
  EXPECT_FALSE(score_metrics({}, 0));
  EXPECT_FALSE(score_metrics({two, three}, 1));
  EXPECT_FALSE(score_metrics({two, two}, 3));
  EXPECT_FALSE(score_metrics({two, broken}, 1));
  EXPECT_FALSE(score_metrics({vast, two}, 1));
  EXPECT_FALSE(score_metrics({two, two, 1, 0}, 1));
  EXPECT_FALSE(score_metrics({two, two, -1, 1}, 1));
  EXPECT_FALSE(score_metrics({two, two, nan, 1}, 1));
  EXPECT_FALSE(score_metrics({two, two, 0, 1, ScoreScale::probability, -1}, 1));
  EXPECT_FALSE(score_metrics({two, two, 0, 1, ScoreScale::probability, nan}, 1));
  EXPECT_TRUE(score_metrics({two, two, -4, 4, ScoreScale::log_odds}, 1));
  EXPECT_FALSE(confusion_at({two, two}, 3));
  const std::vector<double> many(kMaxScoreBins + 1);
  EXPECT_FALSE(score_metrics({many, many}, 1));
  EXPECT_FALSE(residual_metrics({broken, 1, 0}, 1));
}

}  // namespace
}  // namespace hanse::fairness
