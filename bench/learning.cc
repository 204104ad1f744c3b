// Speed of training, as rows of JSON. The problem is that of bench/peers/learning.py: 10,000
// records of 8 features, 4 labels, hidden layers 32 and 16, batches of 200, Adam, doubles, one
// thread.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/executor.h"
#include "base/random.h"
#include "learning/learner.h"
#include "learning/queries.h"
#include "learning/strategy.h"
#include "learning/whitening.h"

namespace {

using namespace hanse;

constexpr std::size_t kRecords = 10'000;
constexpr std::size_t kFeatures = 8;
constexpr std::size_t kLabels = 4;
constexpr int kRepeats = 15;
constexpr std::uint32_t kEpochs = 10;

data::Dataset problem() {
  base::SeededSimulationRandom random(7, "bench/learning");
  data::Dataset records{.schema = nullptr,
                        .features = math::Matrix(kRecords, kFeatures),
                        .target = {},
                        .group = std::vector<std::uint32_t>(kRecords),
                        .group_names = {"all"}};
  std::vector<double> directions(kFeatures * kLabels);
  for (double& value : directions) value = base::standard_normal(random);
  for (std::size_t row = 0; row < kRecords; ++row) {
    std::vector<double> scores(kLabels);
    for (std::size_t column = 0; column < kFeatures; ++column) {
      const double value = 2 * base::uniform_unit(random) - 1;
      records.features.at(row, column) = value;
      for (std::size_t k = 0; k < kLabels; ++k)
        scores[k] += 2 * value * directions[column * kLabels + k];
    }
    for (double& score : scores) score = std::tanh(score) + 0.3 * base::standard_normal(random);
    records.target.push_back(
        static_cast<double>(std::ranges::max_element(scores) - scores.begin()));
  }
  return records;
}

double milliseconds(const learning::Model& start, const data::Dataset& records,
                    const learning::LearnerSpec& spec, const learning::Kernels& kernels) {
  base::SeededSimulationRandom random(7, "order");
  const auto begin = std::chrono::steady_clock::now();
  const auto model = learning::train(start, records, spec, random, kernels);
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  HANSE_CHECK(model.has_value());
  return taken.count();
}

// Of one epoch: the median of several runs.
double epoch(const learning::Model& start, const data::Dataset& records, double clip,
             const learning::Kernels& kernels) {
  learning::LearnerSpec spec{.optimiser = {.kind = learning::OptimiserKind::adam},
                             .epochs = kEpochs,
                             .batch = 200,
                             .clip = clip};
  std::vector<double> taken;
  for (int i = 0; i < kRepeats; ++i)
    taken.push_back(milliseconds(start, records, spec, kernels) / kEpochs);
  std::ranges::nth_element(taken, taken.begin() + kRepeats / 2);
  return taken[kRepeats / 2];
}

// One round's answer of a site: the sum of clipped gradients, noised if the plan is private. The
// median of several.
double answer(const learning::Strategy& strategy, const learning::Iterate& iterate,
              const data::Dataset& records) {
  const auto plan = strategy.plan(iterate, {1, 0});
  HANSE_CHECK(plan.has_value());
  query::Catalog catalog;
  learning::fill(catalog);
  base::SeededSimulationRandom random(7, "noise");
  base::InlineExecutor executor;
  std::vector<double> taken;
  for (int i = 0; i < 5 * kRepeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    auto found = (*catalog.create(*plan))->answer(records, random, executor);
    HANSE_CHECK(found.has_value());
    auto sum = std::get<privacy::ClippedSum>(*std::move(found));
    const auto leaves = plan->noise.is_private()
                            ? privacy::Noised::add(std::move(sum), plan->noise, random)
                            : privacy::Noised::in_the_clear(std::move(sum), privacy::InTheClear());
    HANSE_CHECK(leaves.has_value());
    const std::chrono::duration<double, std::milli> lasted =
        std::chrono::steady_clock::now() - begin;
    taken.push_back(lasted.count());
  }
  std::ranges::nth_element(taken, taken.begin() + std::ssize(taken) / 2);
  return taken[taken.size() / 2];
}

// A private step beside the same step in the clear, in the features as they are and in whitened
// inputs.
void private_steps(const learning::Model& start, const data::Dataset& records) {
  const auto made = [](const learning::StrategySpec& spec) {
    auto strategy = learning::create_strategy(spec, *base::JobId::create("bench"), 4);
    HANSE_CHECK(strategy.has_value());
    return *std::move(strategy);
  };
  learning::StrategySpec spec = learning::default_spec(learning::StrategyKind::fedsgd);
  learning::Iterate iterate{.model = start, .moments = {}, .steps = 1};
  const double clear = answer(*made(spec), iterate, records);
  spec.privacy = learning::PrivateSpec{.shares = 4};
  learning::spend(*spec.privacy, 0.03, 0.29);
  iterate.findings = learning::Findings{.units = kRecords, .clip = 1, .rate = 1};
  const double noised = answer(*made(spec), iterate, records);
  iterate.findings->map.resize(learning::map_size(kFeatures));
  for (std::size_t i = 0; i < kFeatures; ++i) iterate.findings->map[i * kFeatures + i] = 2;
  const double whitened = answer(*made(spec), iterate, records);
  for (const auto& [name, value] :
       {std::pair{"private_step", noised}, std::pair{"private_step_whitened", whitened}})
    fmt::print(R"({{"name":"{}","value":{:.4f},"unit":"ms","peer":"in the clear",)"
               R"("peer_value":{:.4f}}})"
               "\n",
               name, value, clear);
}

}  // namespace

int main() {
  const data::Dataset records = problem();
  base::SeededSimulationRandom random(7, "initial");
  const auto architecture =
      learning::Architecture::create({.kind = learning::ModelKind::mlp,
                                      .inputs = kFeatures,
                                      .hidden = {32, 16},
                                      .outputs = kLabels,
                                      .task = learning::Task::classification});
  HANSE_CHECK(architecture.has_value());
  const learning::Model start = learning::Model::initial(*architecture, random);
  const double plain = epoch(start, records, 0, learning::best_kernels());
  const double clipped = epoch(start, records, 1, learning::best_kernels());
  fmt::print(R"({{"name":"mlp_epoch","value":{:.4f},"unit":"ms"}})"
             "\n",
             plain);
  // Its own peer: the ratio is the share of plain speed that per-example clipping leaves.
  fmt::print(R"({{"name":"mlp_epoch_clipped","value":{:.4f},"unit":"ms",)"
             R"("peer":"without clipping","peer_value":{:.4f}}})"
             "\n",
             clipped, plain);
  private_steps(start, records);
  for (const learning::Kernels* kernels : learning::supported_kernels())
    fmt::print(R"({{"name":"mlp_epoch_{}","value":{:.4f},"unit":"ms"}})"
               "\n",
               kernels->name, epoch(start, records, 0, *kernels));
  return 0;
}
