#include "learning/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace hanse::learning {
namespace {

math::Matrix matrix(const std::vector<std::vector<double>>& rows) {
  math::Matrix result(rows.size(), rows.empty() ? 0 : rows[0].size());
  for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(rows[i], result.row(i).begin());
  return result;
}

// tests/golden/learning/metrics.json: null is undefined.
TEST(Metrics, AgreeWithScikitLearn) {
  std::ifstream file(HANSE_SOURCE_DIR "/tests/golden/learning/metrics.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  std::set<std::string> seen;
  for (const nlohmann::json& example : golden.at("cases")) {
    const math::Matrix predictions = matrix(example.at("predictions"));
    const std::vector<double> targets = example.at("targets");
    for (const auto& [name, expected] : example.at("expected").items()) {
      seen.insert(name);
      const base::Result<double> found = evaluate(*metric_named(name), predictions, targets);
      ASSERT_EQ(found.has_value(), !expected.is_null()) << example.at("name") << ", " << name;
      if (!found) continue;
      EXPECT_NEAR(*found, expected.get<double>(), 1e-12) << example.at("name") << ", " << name;
    }
  }
  EXPECT_EQ(seen.size(), all_metrics().size());
}

void expect_undefined(Metric metric, const math::Matrix& predictions,
                      const std::vector<double>& targets) {
  const base::Result<double> result = evaluate(metric, predictions, targets);
  ASSERT_FALSE(result.has_value()) << name_of(metric) << " is " << *result;
  EXPECT_EQ(result.error().code(), base::ErrorCode::failed_precondition);
  EXPECT_EQ(result.error().text().find(name_of(metric)), 0u) << result.error().text();
}

TEST(Metrics, UndefinedIsSaidAndNeverZero) {
  for (const Metric metric : all_metrics())
    expect_undefined(metric, math::Matrix(0, task_of(metric) == Task::regression ? 1 : 2), {});
  const math::Matrix two = matrix({{0.5, 0.5}, {0.2, 0.8}, {0.9, 0.1}});
  expect_undefined(Metric::roc_auc, two, {1, 1, 1});
  expect_undefined(Metric::roc_auc, two, {0, 0, 0});
  expect_undefined(Metric::pr_auc, two, {0, 0, 0});
  EXPECT_EQ(*evaluate(Metric::pr_auc, two, std::vector<double>{1, 1, 1}), 1);
  // One of three labels never occurs.
  const math::Matrix three = matrix({{0.5, 0.3, 0.2}, {0.2, 0.7, 0.1}});
  expect_undefined(Metric::roc_auc, three, {0, 1});
  expect_undefined(Metric::pr_auc, three, {0, 1});
  EXPECT_EQ(*evaluate(Metric::accuracy, three, std::vector<double>{0, 1}), 1);
  EXPECT_EQ(*evaluate(Metric::macro_f1, three, std::vector<double>{0, 1}), 1);
  expect_undefined(Metric::r2, matrix({{1}, {2}}), {0.1, 0.1});
  expect_undefined(Metric::r2, matrix({{1}}), {2});
}

// scikit-learn 1.2.1: matthews_corrcoef([0, 1, 0, 1], [0, 0, 0, 0]) is 0.0, and so for one target.
TEST(Metrics, ConstantPredictionsCorrelateWithNothing) {
  const math::Matrix constant = matrix({{0.9, 0.1}, {0.9, 0.1}, {0.9, 0.1}, {0.9, 0.1}});
  EXPECT_EQ(*evaluate(Metric::mcc, constant, std::vector<double>{0, 1, 0, 1}), 0);
  const math::Matrix varied = matrix({{0.9, 0.1}, {0.1, 0.9}});
  EXPECT_EQ(*evaluate(Metric::mcc, varied, std::vector<double>{1, 1}), 0);
}

// No NaN is sorted and no infinity reported.
TEST(Metrics, WhatIsNotFiniteIsUndefined) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Metric metric : all_metrics()) {
    const bool values = task_of(metric) == Task::regression;
    for (const double bad : {nan, infinity})
      expect_undefined(metric, values ? matrix({{bad}, {1}}) : matrix({{bad, 0.5}, {0.5, 0.5}}),
                       {0, 1});
  }
  expect_undefined(Metric::rmse, matrix({{1e200}, {1}}), {0, 1});
  expect_undefined(Metric::r2, matrix({{1e200}, {1}}), {0, 1});
  EXPECT_EQ(*evaluate(Metric::mae, matrix({{1e200}, {1}}), std::vector<double>{0, 1}), 5e199);
}

TEST(Metrics, OfEqualProbabilitiesTheFirstLabelIsPredicted) {
  const math::Matrix tied = matrix({{0.4, 0.4, 0.2}, {0.2, 0.4, 0.4}});
  EXPECT_EQ(*evaluate(Metric::accuracy, tied, std::vector<double>{0, 1}), 1);
  EXPECT_EQ(*evaluate(Metric::accuracy, tied, std::vector<double>{1, 2}), 0);
}

TEST(Metrics, EceWorkedByHand) {
  // Tops .61 (wrong) and .62 (right) share a bin, .95 (right) has another:
  // |(0 − .61) + (1 − .62)| / 3 + |1 − .95| / 3.
  const math::Matrix predictions = matrix({{0.61, 0.39}, {0.62, 0.38}, {0.05, 0.95}});
  EXPECT_NEAR(*evaluate(Metric::ece, predictions, std::vector<double>{1, 0, 1}),
              (0.61 - (1 - 0.62)) / 3 + 0.05 / 3, 1e-15);
}

TEST(Metrics, NamesTasksAndDirections) {
  for (const Metric metric : all_metrics()) EXPECT_EQ(*metric_named(name_of(metric)), metric);
  EXPECT_NE(metric_named("auc").error().text().find("roc_auc"), std::string::npos);
  EXPECT_EQ(task_of(Metric::rmse), Task::regression);
  EXPECT_EQ(task_of(Metric::ece), Task::classification);
  EXPECT_TRUE(lower_is_better(Metric::brier));
  EXPECT_FALSE(lower_is_better(Metric::r2));
}

}  // namespace
}  // namespace hanse::learning
