// Small problems and models for the tests of training.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "data/dataset.h"
#include "learning/model.h"

namespace hanse::learning::test {

// Labels by a noisy linear rule on uniform features in [-1, 1].
inline data::Dataset labelled(std::size_t records, std::size_t features, std::size_t labels,
                              std::uint64_t seed, double noise = 0.3) {
  base::SeededSimulationRandom rule(1, "rule");
  base::SeededSimulationRandom random(seed, "records");
  std::vector<double> directions(features * labels);
  for (double& value : directions) value = base::standard_normal(rule);
  data::Dataset set{.schema = nullptr,
                    .features = math::Matrix(records, features),
                    .target = {},
                    .group = std::vector<std::uint32_t>(records),
                    .group_names = {"all"}};
  for (std::size_t row = 0; row < records; ++row) {
    std::vector<double> scores(labels);
    for (std::size_t i = 0; i < features; ++i) {
      const double value = 2 * base::uniform_unit(random) - 1;
      set.features.at(row, i) = value;
      for (std::size_t k = 0; k < labels; ++k) scores[k] += value * directions[i * labels + k];
    }
    for (double& score : scores) score += noise * base::standard_normal(random);
    set.target.push_back(static_cast<double>(std::ranges::max_element(scores) - scores.begin()));
  }
  return set;
}

// Values of a noisy linear function of uniform features in [-1, 1].
inline data::Dataset valued(std::size_t records, std::size_t features, std::uint64_t seed,
                            double noise = 0.1) {
  data::Dataset set = labelled(records, features, 2, seed);
  base::SeededSimulationRandom random(seed, "values");
  for (std::size_t row = 0; row < records; ++row) {
    double value = 0.2 + noise * base::standard_normal(random);
    for (std::size_t i = 0; i < features; ++i)
      value += set.features.at(row, i) / static_cast<double>(i + 1);
    set.target[row] = value;
  }
  return set;
}

// Of that task; l2 above 0 makes a ridge of a linear model.
inline Architecture architecture(ModelKind kind, Task task, std::size_t inputs, std::size_t outputs,
                                 double l2 = 0) {
  ArchitectureSpec spec{.kind = kind,
                        .inputs = inputs,
                        .hidden = {},
                        .outputs = task == Task::regression ? 1 : outputs,
                        .task = task,
                        .l2 = l2};
  if (kind == ModelKind::mlp) spec.hidden = {7, 5};
  base::Result<Architecture> created = Architecture::create(std::move(spec));
  HANSE_CHECK(created.has_value());
  return *std::move(created);
}

// One of each kind and task.
inline std::vector<Architecture> all_architectures(std::size_t inputs, std::size_t labels) {
  return {architecture(ModelKind::linear, Task::regression, inputs, labels),
          architecture(ModelKind::ridge, Task::regression, inputs, labels, 0.1),
          architecture(ModelKind::logistic, Task::classification, inputs, labels, 0.1),
          architecture(ModelKind::mlp, Task::classification, inputs, labels),
          architecture(ModelKind::mlp, Task::regression, inputs, labels)};
}

// A model away from zero, where all gradients are busy.
inline Model random_model(const Architecture& of, std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "model");
  std::vector<double> parameters(of.parameter_count());
  for (double& value : parameters) value = 0.5 * base::standard_normal(random);
  base::Result<Model> model = Model::create(of, std::move(parameters));
  HANSE_CHECK(model.has_value());
  return *std::move(model);
}

// Records that suit the architecture.
inline data::Dataset records_for(const Architecture& of, std::size_t count, std::uint64_t seed) {
  return of.task() == Task::regression ? valued(count, of.inputs(), seed)
                                       : labelled(count, of.inputs(), of.outputs(), seed);
}

inline std::vector<std::size_t> rows_up_to(std::size_t count) {
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

}  // namespace hanse::learning::test
