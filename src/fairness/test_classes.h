// Records of two classes of sites, for the tests of what is counted by class.
#pragma once

#include <cmath>

#include "base/executor.h"
#include "fairness/class_histogram.h"
#include "fairness/queries.h"
#include "learning/test_problems.h"

namespace hanse::fairness::test {

inline constexpr std::size_t kFeatures = 3;

// One site's records, all of that class.
inline data::Dataset of_class(data::Dataset records, const std::string& name) {
  records.site_class.assign(records.size(), 0);
  records.site_class_names = {name};
  return records;
}

inline ClassHistogramOptions options(learning::Task task, std::size_t labels = 2) {
  const bool regresses = task == learning::Task::regression;
  return {learning::test::architecture(
              regresses ? learning::ModelKind::linear : learning::ModelKind::logistic, task,
              kFeatures, labels, regresses ? 0 : .01),
          {{"modern"}, {"legacy", "old"}},
          8};
}

inline query::QueryPlan plan_of(const ClassHistogramOptions& options, const learning::Model& model,
                                std::uint64_t max_units = 1000) {
  return {.kind = std::string(kClassHistogramKind),
          .job = *base::JobId::create("ovens"),
          .round = {1, 0},
          .unit = "record",
          .max_sites = 3,
          .layout = class_histogram_layout(options, math::Lattice::create(20).value(), max_units),
          .options = to_json(options),
          .parameters = base::Slice(base::to_little_endian(model.parameters()))};
}

inline base::Result<privacy::ClippedSum> answered(const query::QueryPlan& plan,
                                                  const data::Dataset& records) {
  query::Catalog catalog;
  fill(catalog);
  HANSE_TRY(const auto query, catalog.create(plan));
  base::SeededSimulationRandom random(1, "answer");
  base::InlineExecutor executor;
  HANSE_TRY(query::Answer answer, query->answer(records, random, executor));
  return std::get<privacy::ClippedSum>(std::move(answer));
}

// What the sites' answers come to without noise.
inline ClassCounts counted(const ClassHistogramOptions& options, const learning::Model& model,
                           const std::vector<data::Dataset>& sites) {
  std::uint64_t most = 1;
  for (const data::Dataset& site : sites) most = std::max<std::uint64_t>(most, site.size());
  const query::QueryPlan plan = plan_of(options, model, most);
  std::vector<std::int64_t> sum(plan.layout.words());
  for (const data::Dataset& site : sites)
    math::add_words(sum, answered(plan, site).value().values());
  return class_counts_in(
             privacy::Released::recorded(plan.layout, std::move(sum), sites.size()).value(),
             options)
      .value();
}

}  // namespace hanse::fairness::test
