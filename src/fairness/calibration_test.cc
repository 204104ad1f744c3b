#include "fairness/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fairness/test_classes.h"
#include "learning/personal.h"

namespace hanse::fairness {
namespace {

using learning::Task;
using test::kFeatures;
using test::of_class;

// Records whose label follows the model's own probabilities, stretched and shifted.
data::Dataset following(const learning::Model& model, std::size_t records, double stretch,
                        double shift, std::uint64_t seed) {
  data::Dataset set = learning::test::labelled(records, kFeatures, 2, seed);
  base::SeededSimulationRandom random(seed, "labels");
  const math::Matrix predicted = model.predict(set.features);
  for (std::size_t i = 0; i < records; ++i) {
    const double odds = std::log(predicted.at(i, 1) / predicted.at(i, 0));
    const double p = 1 / (1 + std::exp(-(stretch * odds + shift)));
    set.target[i] = base::uniform_unit(random) < p ? 1 : 0;
  }
  return set;
}

double log_loss(const learning::Model& model, const data::Dataset& records) {
  const math::Matrix predicted = model.predict(records.features);
  double sum = 0;
  for (std::size_t i = 0; i < records.size(); ++i)
    sum -= std::log(predicted.at(i, static_cast<std::size_t>(records.target[i])));
  return sum / static_cast<double>(records.size());
}

ClassHistogramOptions fine() {
  ClassHistogramOptions options = test::options(Task::classification);
  options.bins = 64;
  return options;
}

TEST(Calibration, FindsTheStretchAndShiftThatAClassNeeds) {
  const ClassHistogramOptions options = fine();
  const learning::Model model = learning::test::random_model(options.architecture, 3);
  const data::Dataset odd = of_class(following(model, 40'000, .5, .8, 2), "legacy");
  const ClassCounts counts =
      test::counted(options, model, {of_class(following(model, 40'000, 1, 0, 1), "modern"), odd});
  const std::vector<Calibration> fitted = fit_calibrations(counts, options);
  EXPECT_NEAR(fitted[0].stretch, 1, .05);
  EXPECT_NEAR(fitted[0].shift, 0, .05);
  EXPECT_NEAR(fitted[1].stretch, .5, .05);
  EXPECT_NEAR(fitted[1].shift, .8, .05);
  const learning::Model better = calibrated(model, fitted[1]).value();
  EXPECT_LT(log_loss(better, odd), log_loss(model, odd) - .02);
  // The histogram says what both lose.
  EXPECT_NEAR(mean_loss(counts, options, 1, {})->value, log_loss(model, odd), 5e-3);
  EXPECT_NEAR(mean_loss(counts, options, 1, fitted[1])->value, log_loss(better, odd), 5e-3);
  EXPECT_EQ(mean_loss(counts, options, 1, {})->noise, 0);
}

// Where the noise says more than the records, the model stays as it is.
TEST(Calibration, StaysWhereNoiseOutweighsTheRecords) {
  const ClassHistogramOptions options = fine();
  const learning::Model model = learning::test::random_model(options.architecture, 3);
  ClassCounts counts = test::counted(options, model,
                                     {of_class(following(model, 60, .2, 2, 1), "modern"),
                                      of_class(following(model, 60, .2, 2, 2), "legacy")});
  counts.count_noise = 400;
  base::SeededSimulationRandom random(4, "noise");
  for (auto& of_class : counts.counts)
    for (auto& of_label : of_class)
      for (double& count : of_label) count += counts.count_noise * base::standard_normal(random);
  for (const Calibration& one : fit_calibrations(counts, options)) {
    EXPECT_NEAR(one.stretch, 1, kPriorOfOdds.stretch);
    EXPECT_NEAR(one.shift, 0, kPriorOfOdds.stretch);
  }
}

TEST(Calibration, StretchesManyLabelsWithoutAShift) {
  ClassHistogramOptions options = test::options(Task::classification, 4);
  options.bins = 64;
  // A model that is surer than its records warrant.
  const learning::Model model =
      learning::stretched(learning::test::random_model(options.architecture, 3), 4,
                          std::vector<double>(4))
          .value();
  const data::Dataset records =
      of_class(learning::test::labelled(20'000, kFeatures, 4, 1), "legacy");
  const ClassCounts counts = test::counted(options, model, {records});
  const std::vector<Calibration> fitted = fit_calibrations(counts, options);
  EXPECT_LT(fitted[1].stretch, .7);
  EXPECT_NEAR(fitted[1].shift, 0, 1e-6);
  EXPECT_EQ(fitted[0], Calibration{}) << "nothing is known of it";
  const learning::Model better = calibrated(model, fitted[1]).value();
  EXPECT_LT(log_loss(better, records), log_loss(model, records) - .1);
}

TEST(Calibration, MovesARegressionToTheClassesLine) {
  const ClassHistogramOptions options = test::options(Task::regression);
  const learning::Model model = learning::test::random_model(options.architecture, 6);
  data::Dataset records = learning::test::valued(20'000, kFeatures, 1);
  base::SeededSimulationRandom random(1, "targets");
  const math::Matrix predicted = model.predict(records.features);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const double p = std::clamp(predicted.at(i, 0), -1.0, 1.0);
    records.target[i] = .6 * p + .2 + .02 * base::standard_normal(random);
  }
  const ClassCounts counts = test::counted(options, model, {of_class(records, "modern")});
  const std::vector<Calibration> fitted = fit_calibrations(counts, options);
  EXPECT_NEAR(fitted[0].stretch, .6, .02);
  EXPECT_NEAR(fitted[0].shift, .2, .02);
}

TEST(Calibration, NoLossOfNobody) {
  const ClassHistogramOptions options = fine();
  const learning::Model model = learning::test::random_model(options.architecture, 3);
  const ClassCounts counts =
      test::counted(options, model, {of_class(following(model, 100, 1, 0, 1), "modern")});
  EXPECT_TRUE(mean_loss(counts, options, 0, {}));
  EXPECT_FALSE(mean_loss(counts, options, 1, {}));
}

}  // namespace
}  // namespace hanse::fairness
