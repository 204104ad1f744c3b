// Where training arrives: the models and scores that scikit-learn reaches on the same records, and
// every strategy near pooled training without tuning.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "chain.h"
#include "learning/metrics.h"

namespace hanse::learning {
namespace {

using Json = nlohmann::json;
using test::unwrap;

const Json& golden() {
  static const Json json = [] {
    std::ifstream file(HANSE_SOURCE_DIR "/tests/golden/learning/training.json");
    return Json::parse(file);
  }();
  return json;
}

data::Dataset dataset(const Json& features, const Json& targets) {
  data::Dataset records{.schema = nullptr,
                        .features = math::Matrix(features.size(), features[0].size()),
                        .target = targets.get<std::vector<double>>(),
                        .group = std::vector<std::uint32_t>(features.size()),
                        .group_names = {"all"}};
  for (std::size_t row = 0; row < features.size(); ++row)
    for (std::size_t i = 0; i < features[row].size(); ++i)
      records.features.at(row, i) = features[row][i];
  return records;
}

TEST(Training, FindsTheModelsOfScikitLearn) {
  for (const Json& problem : golden().at("convex")) {
    const data::Dataset records = dataset(problem.at("features"), problem.at("targets"));
    const ModelKind kind = unwrap(model_kind(problem.at("kind").get<std::string>()));
    const Task task = kind == ModelKind::logistic ? Task::classification : Task::regression;
    const Architecture of = test::architecture(kind, task, records.features.columns(),
                                               problem.at("bias").size(), problem.at("l2"));
    base::SeededSimulationRandom random(1, "training");
    const LearnerSpec spec{
        .optimiser = {.kind = OptimiserKind::sgd, .learning_rate = 0.2, .momentum = 0.9},
        .epochs = 3000,
        .batch = 200};
    const Model found = unwrap(train(Model::initial(of, random), records, spec, random));
    std::size_t at = 0;
    for (const Json& row : problem.at("weights"))
      for (const Json& weight : row)
        EXPECT_NEAR(found.parameters()[at++], weight.get<double>(), 1e-6) << name_of(kind);
    for (const Json& bias : problem.at("bias"))
      EXPECT_NEAR(found.parameters()[at++], bias.get<double>(), 1e-6) << name_of(kind);
  }
}

// Median over starts, as the golden value is: one start says little about a network.
double median_score(Task task, const data::Dataset& records, const data::Dataset& unseen) {
  const Architecture of =
      unwrap(Architecture::create({.kind = ModelKind::mlp,
                                   .inputs = 2,
                                   .hidden = {16, 8},
                                   .outputs = task == Task::regression ? 1u : 3u,
                                   .task = task}));
  std::vector<double> scores;
  for (std::uint64_t seed = 0; seed < 9; ++seed) {
    base::SeededSimulationRandom random(seed, "training");
    const LearnerSpec spec{.optimiser = {.learning_rate = 0.01}, .epochs = 60, .batch = 32};
    const Model model = unwrap(train(Model::initial(of, random), records, spec, random));
    const Metric metric = task == Task::regression ? Metric::r2 : Metric::accuracy;
    scores.push_back(unwrap(evaluate(metric, model.predict(unseen.features), unseen.target)));
  }
  std::ranges::nth_element(scores, scores.begin() + 4);
  return scores[4];
}

TEST(Training, NetworksScoreAsScikitLearns) {
  const Json& problem = golden().at("network");
  const Json& x = problem.at("features");
  const Json& unseen = problem.at("test_features");
  EXPECT_GE(median_score(Task::classification, dataset(x, problem.at("labels")),
                         dataset(unseen, problem.at("test_labels"))),
            problem.at("median_accuracy").get<double>() - 0.02);
  EXPECT_GE(median_score(Task::regression, dataset(x, problem.at("values")),
                         dataset(unseen, problem.at("test_values"))),
            problem.at("median_r2").get<double>() - 0.02);
}

// Five sites with skewed labels: each keeps all records of two labels and a quarter of the others.
std::vector<data::Dataset> skewed_fleet() {
  std::vector<data::Dataset> fleet;
  for (std::uint64_t site = 0; site < 5; ++site) {
    const data::Dataset all = test::labelled(600, 6, 4, 100 + site);
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < all.size(); ++row) {
      const auto label = static_cast<std::uint64_t>(all.target[row]);
      if ((label + site) % 4 < 2 || row % 4 == 0) rows.push_back(row);
    }
    fleet.push_back(all.select(rows));
  }
  return fleet;
}

data::Dataset pooled(const std::vector<data::Dataset>& fleet) {
  data::Dataset all = fleet[0];
  all.schema = nullptr;
  std::vector<double> values;
  all.target.clear();
  for (const data::Dataset& site : fleet) {
    values.insert(values.end(), site.features.values().begin(), site.features.values().end());
    all.target.insert(all.target.end(), site.target.begin(), site.target.end());
  }
  all.features = math::Matrix(all.target.size(), 6);
  std::ranges::copy(values, all.features.values().begin());
  all.group.assign(all.size(), 0);
  return all;
}

class Untuned : public testing::TestWithParam<StrategyKind> {};
INSTANTIATE_TEST_SUITE_P(Strategies, Untuned,
                         testing::Values(StrategyKind::fedsgd, StrategyKind::fedavg,
                                         StrategyKind::fedprox, StrategyKind::fedadam,
                                         StrategyKind::fedyogi),
                         [](const auto& kind) { return std::string(name_of(kind.param)); });

TEST_P(Untuned, DefaultsComeNearPooledTraining) {
  const std::vector<data::Dataset> fleet = skewed_fleet();
  const data::Dataset together = pooled(fleet);
  const data::Dataset unseen = test::labelled(2000, 6, 4, 999);
  const StrategySpec spec = default_spec(GetParam());
  // A step of FedSGD is one gradient, a round of the others an epoch.
  const std::uint32_t rounds = GetParam() == StrategyKind::fedsgd ? 200 : 40;
  for (const ModelKind kind : {ModelKind::logistic, ModelKind::mlp}) {
    const Architecture of = test::architecture(kind, Task::classification, 6, 4);
    base::SeededSimulationRandom random(3, "start");
    const Model start = Model::initial(of, random);
    LearnerSpec learner = learner_of(spec);
    learner.epochs *= 40;
    const Model central = unwrap(train(start, together, learner, random));
    const Iterate federated = test::run(*test::strategy(spec), start, fleet, rounds);
    const auto accuracy = [&](const Model& model) {
      return unwrap(evaluate(Metric::accuracy, model.predict(unseen.features), unseen.target));
    };
    EXPECT_GE(accuracy(federated.model), accuracy(central) - 0.02) << name_of(kind);
  }
}

}  // namespace
}  // namespace hanse::learning
