// Metrics as sums: what they are of records, of entities and of models that overflow, and what the
// released numbers say. Neighbours are in private_queries_test.cc.
#include "learning/metric_sums.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "learning/metrics.h"
#include "learning/options.h"
#include "learning/queries.h"
#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

query::QueryPlan plan_for(const Model& model, const std::string& unit, double clip) {
  query::QueryPlan plan{
      .kind = std::string(kMetricsKind),
      .job = *base::JobId::create("test"),
      .round = {1, 0},
      .unit = unit,
      .max_sites = 4,
      .layout = metrics_layout(*math::Lattice::create(28), 1000),
      .options = to_json(
          {.architecture = model.architecture(), .learner = {}, .metrics = MetricsOptions{clip}}),
      .parameters = base::Slice(base::to_little_endian(model.parameters()))};
  plan.noise =
      *noise_for(plan.layout, {.multiplier = 2, .units_are_records = false}, kMetricsCountShare);
  return plan;
}

// The sums of one site: both metrics, then the units.
std::vector<double> sums(const Model& model, const data::Dataset& records,
                         const std::string& unit = "record", double clip = 0) {
  const query::QueryPlan plan =
      plan_for(model, unit, clip > 0 ? clip : metrics_clip(model.architecture()));
  query::Catalog catalog;
  fill(catalog);
  base::SeededSimulationRandom random(1, "unused");
  base::InlineExecutor executor;
  const auto answer = (*catalog.create(plan))->answer(records, random, executor).value();
  std::vector<double> values;
  for (const std::int64_t word : std::get<privacy::ClippedSum>(answer).values())
    values.push_back(plan.layout.lattice.value_of(word));
  return values;
}

TEST(MetricSums, AreTheMetricsOfPredictions) {
  for (const Architecture& of : test::all_architectures(4, 3)) {
    const Model model = test::random_model(of, 3);
    const data::Dataset records = test::records_for(of, 600, 7);
    // So high that no record is cut off.
    const double clip = 1e3;
    const std::vector<double> found = sums(model, records, "record", clip);
    const math::Matrix predicted = model.predict(records.features);
    const auto expect = [&](Metric metric, double value) {
      EXPECT_NEAR(value, evaluate(metric, predicted, records.target).value(), 2e-4)
          << name_of(of.kind()) << " " << name_of(metric);
    };
    EXPECT_EQ(found[2], 600);
    const double first = std::numbers::sqrt2 * found[0] / 600;
    const double second = std::numbers::sqrt2 * found[1] / 600;
    if (of.task() == Task::regression) {
      expect(Metric::rmse, clip * std::sqrt(first));
      expect(Metric::mae, clip * second);
    } else {
      expect(Metric::accuracy, second);
      double loss = 0;
      for (std::size_t row = 0; row < 600; ++row)
        loss -= std::log(predicted.at(row, static_cast<std::size_t>(records.target[row]))) / 600;
      EXPECT_NEAR(clip * first, loss, 1e-4);
    }
  }
}

TEST(MetricSums, EachRecordIsCutOff) {
  const Architecture of = test::architecture(ModelKind::linear, Task::regression, 1, 1);
  const Model model = Model::create(of, {0, 0}).value();  // says 0
  data::Dataset records{.schema = nullptr, .features = math::Matrix(3, 1)};
  records.target = {0.5, -2, 50};
  const std::vector<double> found = sums(model, records);
  EXPECT_NEAR(std::numbers::sqrt2 * found[0], 0.25 + 1 + 1, 1e-7);
  EXPECT_NEAR(std::numbers::sqrt2 * found[1], 0.5 + 1 + 1, 1e-7);
}

TEST(MetricSums, AnEntityGivesTheMeanOfItsRecords) {
  for (const Architecture& of : test::all_architectures(4, 3)) {
    const Model model = test::random_model(of, 3);
    data::Dataset records = test::records_for(of, 600, 7);
    const std::vector<double> apart = sums(model, records);
    for (std::size_t row = 0; row < 600; ++row)
      records.unit.push_back(static_cast<std::uint32_t>(row / 300));
    const std::vector<double> together = sums(model, records, "machine");
    EXPECT_NEAR(together[0], apart[0] / 300, 1e-5);
    EXPECT_NEAR(together[1], apart[1] / 300, 1e-5);
    EXPECT_EQ(together[2], 2);
  }
}

// A model that overflows is wrong about every record, and no unit is missing for it.
TEST(MetricSums, NoNumberIsWhollyWrong) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 5, 3);
  const std::vector<double> huge(of.parameter_count(), 1e300);
  const std::vector<double> found =
      sums(Model::create(of, huge).value(), test::records_for(of, 100, 7));
  EXPECT_NEAR(std::numbers::sqrt2 * found[0], 100, 1e-5);
  EXPECT_EQ(found[1], 0);
  EXPECT_EQ(found[2], 100);
}

TEST(MetricSums, NobodyIsASumToo) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  EXPECT_EQ(sums(test::random_model(of, 3), test::records_for(of, 0, 7)),
            (std::vector<double>{0, 0, 0}));
}

TEST(MetricSums, ReleasedNumbersStayInTheirRange) {
  const MetricsNoise noise{.metrics = 3, .count = 4};
  for (const Architecture& of : test::all_architectures(4, 3))
    for (const double count : {-50.0, 0.0, 1.0, 1000.0})
      for (const double sum : {-1e3, -1.0, 0.0, 0.4, 1e5}) {
        const std::vector<double> values{sum, sum};
        const auto released = released_metrics(of, values, count, noise);
        ASSERT_EQ(released.size(), 2u);
        for (const ReleasedMetric& one : released) {
          EXPECT_GE(one.value, 0);
          EXPECT_LE(one.value, one.name == "loss" ? metrics_clip(of) : 1);
          EXPECT_TRUE(std::isfinite(one.error) && one.error > 0);
        }
      }
}

// What is said of the noise of a mean: to first order that of both its numbers.
TEST(MetricSums, ErrorsAreThoseOfTheNoise) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 4, 2);
  const std::vector<double> values{100 / std::numbers::sqrt2, 800 / std::numbers::sqrt2};
  const auto released = released_metrics(of, values, 1000, {.metrics = 3, .count = 4});
  EXPECT_EQ(released[0].name, "loss");
  EXPECT_NEAR(released[0].value, 0.1 * 3 * std::log(2), 1e-12);
  EXPECT_EQ(released[1].name, "accuracy");
  EXPECT_NEAR(released[1].value, 0.8, 1e-12);
  EXPECT_NEAR(released[1].error, std::hypot(3 * std::numbers::sqrt2, 0.8 * 4) / 1000, 1e-12);
}

TEST(MetricSums, PlansOfAnotherShapeAreRefused) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 4, 2);
  const query::QueryPlan good = plan_for(test::random_model(of, 3), "record", 2);
  ASSERT_TRUE(create_metrics(good).has_value());
  const auto refused = [&](auto spoil, std::string_view part) {
    query::QueryPlan plan = good;
    spoil(plan);
    const auto created = create_metrics(plan);
    ASSERT_FALSE(created.has_value()) << part;
    EXPECT_EQ(created.error().code(), base::ErrorCode::invalid_argument);
    EXPECT_NE(created.error().text().find(part), std::string::npos) << created.error().text();
  };
  refused([](auto& plan) { plan.noise = {}; }, "in_the_clear");
  refused([](auto& plan) { plan.noise.parts.pop_back(); }, "noise of each of its 2 parts");
  refused([](auto& plan) { plan.layout.parts[0].coordinates = 3; }, "metrics[2]");
  refused([](auto& plan) { plan.parameters = {}; }, "bytes of parameters");
  refused([&](auto& plan) { plan.options = to_json({.architecture = of, .learner = {}}); },
          "'metrics'");
  for (const auto* clip : {"0", "-1", "\"much\"", "1e999"})
    refused(
        [&](auto& plan) {
          const std::size_t at = plan.options.find("2.0");
          plan.options.replace(at, 3, clip);
        },
        clip == std::string("1e999") ? "one JSON object" : "'clip' must be");
}

}  // namespace
}  // namespace hanse::learning
