#include "fairness/class_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "fairness/test_classes.h"

namespace hanse::fairness {
namespace {

using learning::Task;
using test::answered;
using test::kFeatures;
using test::of_class;

// Counts by hand: each record once, where its own label's log-odds lie.
TEST(ClassHistogram, CountsEachRecordByClassLabelAndScore) {
  const ClassHistogramOptions options = test::options(Task::classification, 3);
  const learning::Model model = learning::test::random_model(options.architecture, 5);
  const std::vector<data::Dataset> sites{
      of_class(learning::test::labelled(200, kFeatures, 3, 1), "modern"),
      of_class(learning::test::labelled(70, kFeatures, 3, 2), "old"),
      of_class(learning::test::labelled(50, kFeatures, 3, 3), "legacy")};
  const ClassCounts counts = test::counted(options, model, sites);
  std::vector<std::vector<std::vector<double>>> expected(
      2, std::vector<std::vector<double>>(3, std::vector<double>(8)));
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const math::Matrix predicted = model.predict(sites[s].features);
    for (std::size_t i = 0; i < sites[s].size(); ++i) {
      const auto label = static_cast<std::size_t>(sites[s].target[i]);
      const double p = predicted.at(i, label);
      const double place = (std::log(p / (1 - p)) + 4) / (2 * 4) * 8;
      expected[s == 0 ? 0 : 1][label][static_cast<std::size_t>(std::clamp(place, 0.0, 7.0))] += 1;
    }
  }
  EXPECT_EQ(counts.counts, expected);
  EXPECT_EQ(counts.total(0), 200);
  EXPECT_EQ(counts.total(1), 120);
}

TEST(ClassHistogram, HasMomentsOfARegression) {
  const ClassHistogramOptions options = test::options(Task::regression);
  const learning::Model model = learning::test::random_model(options.architecture, 5);
  data::Dataset records = learning::test::valued(300, kFeatures, 1);
  for (double& target : records.target) target = std::clamp(target, -1.0, 1.0);
  const ClassCounts counts = test::counted(options, model, {of_class(records, "old")});
  const math::Matrix predicted = model.predict(records.features);
  std::array<double, kMoments> expected{};
  for (std::size_t i = 0; i < records.size(); ++i) {
    const double p = std::clamp(predicted.at(i, 0), -1.0, 1.0);
    const double y = records.target[i];
    expected[0] += p;
    expected[1] += p * p;
    expected[2] += y;
    expected[3] += p * y;
  }
  for (std::size_t i = 0; i < kMoments; ++i) {
    EXPECT_NEAR(counts.moments[1][i], expected[i], 1e-3);
    EXPECT_EQ(counts.moments[0][i], 0);
  }
  EXPECT_EQ(counts.total(1), 300);
  EXPECT_EQ(counts.total(0), 0);
}

// What a record adds has the norm that is charged, and nobody else's numbers move: the sensitivity.
RC_GTEST_PROP(ClassHistogram, ARecordMovesNoMoreThanTheClip, (bool regresses, std::uint32_t seed)) {
  const ClassHistogramOptions options =
      test::options(regresses ? Task::regression : Task::classification);
  const learning::Model model = learning::test::random_model(options.architecture, seed);
  data::Dataset records = regresses ? learning::test::valued(20, kFeatures, seed)
                                    : learning::test::labelled(20, kFeatures, 2, seed);
  for (double& target : records.target) target = std::clamp(target, -1.0, 1.0);
  records = of_class(std::move(records), "legacy");
  const query::QueryPlan plan = test::plan_of(options, model);
  std::vector<std::size_t> rows(19);
  std::iota(rows.begin(), rows.end(), 0);
  const auto with = answered(plan, records).value();
  const auto without = answered(plan, records.select(rows)).value();
  std::size_t at = 0;
  for (const privacy::Part& part : plan.layout.parts) {
    double squares = 0;
    for (std::size_t i = 0; i < part.coordinates; ++i, ++at) {
      const double moved = static_cast<double>(with.values()[at] - without.values()[at]) *
                           plan.layout.lattice.step();
      squares += moved * moved;
    }
    RC_ASSERT(std::sqrt(squares) <= part.clip + 1e-4);
  }
}

TEST(ClassHistogram, LeavesOutWhatCannotBeLearnedFromAndWhatIsTooMuch) {
  const ClassHistogramOptions options = test::options(Task::classification);
  const learning::Model model = learning::test::random_model(options.architecture, 5);
  data::Dataset records = of_class(learning::test::labelled(50, kFeatures, 2, 1), "old");
  records.features.at(7, 1) = std::numeric_limits<double>::quiet_NaN();
  const auto total = [&](std::uint64_t max_units) {
    const query::QueryPlan plan = test::plan_of(options, model, max_units);
    const auto sum = answered(plan, records).value();
    return class_counts_in(privacy::Released::recorded(
                               plan.layout, {sum.values().begin(), sum.values().end()}, 1)
                               .value(),
                           options)
        .value()
        .total(1);
  };
  EXPECT_EQ(total(1000), 49);
  EXPECT_EQ(total(20), 19);  // the first twenty, one of which counts nowhere
}

TEST(ClassHistogram, AnswersForDeclaredClassesAlone) {
  const ClassHistogramOptions options = test::options(Task::classification);
  const learning::Model model = learning::test::random_model(options.architecture, 5);
  const data::Dataset records = learning::test::labelled(5, kFeatures, 2, 1);
  EXPECT_FALSE(answered(test::plan_of(options, model), records)) << "of no class";
  EXPECT_FALSE(answered(test::plan_of(options, model), of_class(records, "new")));
}

TEST(ClassHistogram, OptionsComeBackAndNothingElseIsTaken) {
  const ClassHistogramOptions options = test::options(Task::classification);
  const std::string json = to_json(options);
  EXPECT_EQ(class_histogram_options_from_json(json), options);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string other = json;
    other.replace(other.find(from), from.size(), to);
    EXPECT_FALSE(class_histogram_options_from_json(other)) << other;
  };
  refused("\"bins\":8", "\"bins\":1");
  refused("\"bins\":8", "\"bins\":257");
  refused("\"bins\":8", "\"bins\":8.0");
  refused("\"bins\":8", "\"bins\":8,\"more\":1");
  refused("[\"modern\"]", "[]");
  refused("[\"modern\"]", "[\"old\"]");
  refused("[\"modern\"]", "\"modern\"");
  refused("[\"modern\"]", "[[[[[\"modern\"]]]]]");
  EXPECT_FALSE(class_histogram_options_from_json(""));
  EXPECT_FALSE(class_histogram_options_from_json(" " + json));
}

TEST(ClassHistogram, RefusesAPlanThatDoesNotFit) {
  const ClassHistogramOptions options = test::options(Task::regression);
  const learning::Model model = learning::test::random_model(options.architecture, 5);
  const query::QueryPlan good = test::plan_of(options, model);
  ASSERT_TRUE(create_class_histogram(good));
  query::QueryPlan plan = good;
  plan.unit = "machine";
  EXPECT_FALSE(create_class_histogram(plan));
  plan = good;
  plan.layout.parts[1].clip = 1;
  EXPECT_FALSE(create_class_histogram(plan));
  plan = good;
  plan.layout.parts.pop_back();
  EXPECT_FALSE(create_class_histogram(plan));
  plan = good;
  plan.parameters = base::Slice(base::Bytes(8));
  EXPECT_FALSE(create_class_histogram(plan));
}

}  // namespace
}  // namespace hanse::fairness
