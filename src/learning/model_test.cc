#include "learning/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "learning/gradient.h"
#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

void expect_refused(ArchitectureSpec spec, std::string_view text) {
  const base::Result<Architecture> result = Architecture::create(std::move(spec));
  ASSERT_FALSE(result.has_value()) << text;
  EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
  EXPECT_NE(result.error().text().find(text), std::string::npos) << result.error().text();
}

TEST(Architecture, ShapesThatMakeNoSenseAreRefused) {
  const ArchitectureSpec logistic{
      .kind = ModelKind::logistic, .inputs = 3, .hidden = {}, .outputs = 2};
  EXPECT_TRUE(Architecture::create(logistic).has_value());
  ArchitectureSpec spec = logistic;
  spec.task = Task::regression;
  expect_refused(spec, "a logistic model does classification");
  spec = logistic;
  spec.kind = ModelKind::linear;
  expect_refused(spec, "a linear model does regression");
  spec = logistic;
  spec.outputs = 1;
  expect_refused(spec, "found 1 for a classification");
  spec = logistic;
  spec.inputs = 0;
  expect_refused(spec, "found 0 and 2");
  spec = logistic;
  spec.hidden = {4};
  expect_refused(spec, "found 1 for 'logistic'");
  spec.kind = ModelKind::mlp;
  spec.hidden = {};
  expect_refused(spec, "found 0 for 'mlp'");
  spec.hidden = {4, 0};
  expect_refused(spec, "found 0");
  spec.hidden = std::vector<std::size_t>(17, 2);
  expect_refused(spec, "at most 16 hidden layers, found 17");
  spec.inputs = 28;
  spec.hidden = {65'536, 2000};
  expect_refused(spec, "65536");
  spec.hidden = {65'000, 500, 36};
  expect_refused(spec, "found 36 after 65502");
  spec.hidden = {8192, 4096};
  expect_refused(spec, "at most 8388608 parameters, this one 33804290");
  spec = {.kind = ModelKind::linear,
          .inputs = 2,
          .hidden = {},
          .outputs = 1,
          .task = Task::regression,
          .l2 = 0.1};
  expect_refused(spec, "ridge is linear with l2");
  spec.kind = ModelKind::ridge;
  EXPECT_TRUE(Architecture::create(spec).has_value());
  for (const double l2 :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    spec.l2 = l2;
    expect_refused(spec, "l2 must be finite");
  }
}

TEST(Architecture, NamesGoThereAndBack) {
  for (const ModelKind kind :
       {ModelKind::linear, ModelKind::ridge, ModelKind::logistic, ModelKind::mlp, ModelKind::cells})
    EXPECT_EQ(*model_kind(name_of(kind)), kind);
  for (const Task task : {Task::classification, Task::regression})
    EXPECT_EQ(*task_named(name_of(task)), task);
  EXPECT_EQ(model_kind("forest").error().text(),
            "model kind 'forest' is unknown; valid are: linear, ridge, logistic, mlp, cells");
}

TEST(Architecture, L2SparesBiases) {
  const Architecture of = test::architecture(ModelKind::ridge, Task::regression, 2, 1, 0.5);
  std::vector<double> gradient{1, 1, 1};
  of.add_l2_gradient(std::vector<double>{2, -4, 8}, gradient);
  EXPECT_EQ(gradient, (std::vector<double>{2, -1, 1}));
}

TEST(Model, LayersFollowOneAnotherWeightsThenBias) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 3, 4);
  ASSERT_EQ(of.layers().size(), 3u);
  EXPECT_EQ(of.layers()[0].offset, 0u);
  EXPECT_EQ(of.layers()[0].bias(), 21u);
  EXPECT_EQ(of.layers()[1].offset, 28u);
  EXPECT_EQ(of.layers()[2].offset, 68u);
  EXPECT_EQ(of.parameter_count(), 92u);
}

TEST(Model, PredictsAHandWorkedNetwork) {
  const Architecture of = *Architecture::create(
      {.kind = ModelKind::mlp, .inputs = 2, .hidden = {2}, .outputs = 1, .task = Task::regression});
  // Hidden: relu(x0 + 2 x1 + 1), relu(3 x0 - x1 - 1). Out: 2 h0 - h1 + 0.5.
  const Model model = *Model::create(of, {1, 3, 2, -1, 1, -1, 2, -1, 0.5});
  math::Matrix features(2, 2);
  features.at(0, 0) = 1;
  features.at(0, 1) = 1;
  features.at(1, 0) = -1;
  features.at(1, 1) = -1;
  const math::Matrix out = model.predict(features);
  EXPECT_DOUBLE_EQ(out.at(0, 0), 2 * 4 - 1 + 0.5);
  EXPECT_DOUBLE_EQ(out.at(1, 0), 0.5);
}

TEST(Model, PredictsProbabilitiesForAnyNumberOfRecords) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 2, 3);
  const Model model = test::random_model(of, 5);
  EXPECT_EQ(model.predict(math::Matrix(0, 2)).rows(), 0u);
  const data::Dataset records = test::labelled(2 * kBlock + 3, 2, 3, 6);
  const math::Matrix out = model.predict(records.features);
  ASSERT_EQ(out.rows(), records.size());
  for (std::size_t row = 0; row < out.rows(); ++row) {
    double sum = 0;
    std::vector<double> scores(3);
    for (std::size_t k = 0; k < 3; ++k) {
      scores[k] = model.parameters()[6 + k];
      for (std::size_t i = 0; i < 2; ++i)
        scores[k] += records.features.at(row, i) * model.parameters()[i * 3 + k];
      sum += std::exp(scores[k]);
    }
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(out.at(row, k), std::exp(scores[k]) / sum, 1e-14);
  }
}

TEST(Model, StartsAtZeroWhereTheObjectiveIsConvex) {
  base::SeededSimulationRandom random(1, "start");
  for (const Architecture& of : test::all_architectures(3, 4)) {
    if (of.kind() == ModelKind::mlp) continue;
    const Model model = Model::initial(of, random);
    for (const double value : model.parameters()) EXPECT_EQ(value, 0);
  }
}

TEST(Model, StartsNetworksWithTheVariancesOfHeAndGlorot) {
  const Architecture of = *Architecture::create(
      {.kind = ModelKind::mlp, .inputs = 200, .hidden = {300}, .outputs = 100});
  base::SeededSimulationRandom random(2, "start");
  const Model model = Model::initial(of, random);
  const std::vector<double> expected{2.0 / 200, 2.0 / 400};
  for (std::size_t l = 0; l < 2; ++l) {
    const Layer& layer = of.layers()[l];
    double square = 0;
    for (std::size_t i = layer.offset; i < layer.bias(); ++i)
      square += model.parameters()[i] * model.parameters()[i];
    // 30,000 draws or more: six standard deviations of the variance's estimate are 5 %.
    EXPECT_NEAR(square / static_cast<double>(layer.weights()), expected[l], 0.05 * expected[l]);
    for (std::size_t k = 0; k < layer.outputs; ++k)
      EXPECT_EQ(model.parameters()[layer.bias() + k], 0);
  }
}

TEST(Model, ParametersThatDoNotFitAreRefused) {
  const Architecture of = test::architecture(ModelKind::linear, Task::regression, 2, 1);
  EXPECT_EQ(Model::create(of, {1, 2}).error().text(), "the architecture has 3 parameters, found 2");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Model::create(of, {1, nan, 2}).error().code(), base::ErrorCode::invalid_argument);
}

// A category of three values from column 1 on, and a number in column 0 cut into four.
ArchitectureSpec of_cells() {
  return {.kind = ModelKind::cells,
          .inputs = 4,
          .hidden = {},
          .outputs = 2,
          .axes = {{.column = 1, .values = 3, .cells = 3},
                   {.column = 0, .low = -1, .high = 1, .cells = 4}}};
}

TEST(Cells, AreLookedUp) {
  const Architecture of = *Architecture::create(of_cells());
  EXPECT_EQ(of.parameter_count(), 12U);
  EXPECT_TRUE(of.layers().empty());
  std::vector<double> parameters;
  for (int cell = 0; cell < 12; ++cell) parameters.push_back(cell / 16.0);
  const Model model = *Model::create(of, parameters);
  // By hand: value and number, and the cell that they are in.
  const std::vector<std::tuple<std::size_t, double, double>> expected{
      {0, -1, 0}, {0, -.51, 0}, {0, -.5, 1}, {0, 0, 2}, {1, .49, 6},
      {1, .5, 7}, {2, 1, 11},   {2, 9, 11},  {2, -9, 8}};
  math::Matrix records(expected.size() + 2, 4);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    records.at(i, 0) = std::get<1>(expected[i]);
    records.at(i, 1 + std::get<0>(expected[i])) = 1;
  }
  records.at(expected.size(), 0) = 0;  // of none of the values
  records.at(expected.size() + 1, 0) = std::nan("");
  records.at(expected.size() + 1, 1) = 1;
  const math::Matrix out = model.predict(records);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(out.at(i, 1), std::get<2>(expected[i]) / 16) << i;
    EXPECT_EQ(out.at(i, 0), 1 - out.at(i, 1)) << i;
  }
  EXPECT_TRUE(std::isnan(out.at(expected.size(), 1)));
  EXPECT_TRUE(std::isnan(out.at(expected.size() + 1, 0)));
  base::SeededSimulationRandom random(1, "start");
  const Model first = Model::initial(of, random);
  for (const double value : first.parameters()) EXPECT_EQ(value, .5);
}

TEST(Cells, ThatMakeNoSenseAreRefused) {
  const auto refused = [](const std::string& says, const auto& change) {
    ArchitectureSpec spec = of_cells();
    change(spec);
    expect_refused(spec, says);
  };
  refused("found 3 outputs", [](ArchitectureSpec& s) { s.outputs = 3; });
  refused("found 1 outputs of a regression", [](ArchitectureSpec& s) {
    s.task = Task::regression;
    s.outputs = 1;
  });
  refused("1 layers", [](ArchitectureSpec& s) { s.hidden = {2}; });
  refused("l2 0.5", [](ArchitectureSpec& s) { s.l2 = .5; });
  refused("1 to 9 axes, found 0", [](ArchitectureSpec& s) { s.axes.clear(); });
  refused("1 to 9 axes, found 10", [](ArchitectureSpec& s) { s.axes.resize(10); });
  refused("3 columns from 2 on", [](ArchitectureSpec& s) { s.axes[0].column = 2; });
  refused("1 columns from 4294967295 on", [](ArchitectureSpec& s) { s.axes[1].column = ~0U; });
  refused("columns from 1 on", [](ArchitectureSpec& s) { s.axes[0].values = ~0U; });
  refused("two axes read column 1", [](ArchitectureSpec& s) { s.axes[1].column = 1; });
  refused("has a cell for each", [](ArchitectureSpec& s) { s.axes[0].cells = 2; });
  refused("found 0", [](ArchitectureSpec& s) { s.axes[1].cells = 0; });
  refused("at most 65536", [](ArchitectureSpec& s) { s.axes[1].cells = 22'000; });
  refused("two finite numbers", [](ArchitectureSpec& s) { s.axes[1].high = -1; });
  refused("two finite numbers", [](ArchitectureSpec& s) { s.axes[1].low = std::nan(""); });
  refused("two finite numbers", [](ArchitectureSpec& s) {
    s.axes[1].low = -1e308;
    s.axes[1].high = 1e308;
  });
  refused("a logistic model has no axes",
          [](ArchitectureSpec& s) { s.kind = ModelKind::logistic; });
  const Architecture of = *Architecture::create(of_cells());
  for (const double beyond : {-1e-9, 1.0000001, std::numeric_limits<double>::infinity()}) {
    std::vector<double> parameters(12, .5);
    parameters[7] = beyond;
    EXPECT_FALSE(Model::create(of, parameters)) << beyond;
  }
}

}  // namespace
}  // namespace hanse::learning
