#include "jobs/evaluation.h"

#include <algorithm>

namespace hanse::jobs {
namespace {

bool defined_by_all(const Arms& arms, std::size_t metric) {
  return arms.local[metric].value && arms.federated[metric].value && arms.pooled[metric].value;
}

}  // namespace

double physical(const data::Column& label, double scaled) {
  return label.low + (scaled + 1) / 2 * (label.high - label.low);
}

Judged judge(const learning::Model& model, const data::Dataset& records) {
  return {model.predict(records.features), records.target};
}

Judged concatenate(std::span<const Judged> parts) {
  std::size_t rows = 0;
  std::size_t columns = 0;
  for (const Judged& part : parts) {
    rows += part.size();
    columns = std::max(columns, part.predictions.columns());
  }
  Judged all{math::Matrix(rows, columns), {}};
  std::size_t row = 0;
  for (const Judged& part : parts) {
    for (std::size_t i = 0; i < part.size(); ++i)
      std::ranges::copy(part.predictions.row(i), all.predictions.row(row++).begin());
    all.targets.insert(all.targets.end(), part.targets.begin(), part.targets.end());
  }
  return all;
}

MetricValues evaluate(std::span<const learning::Metric> metrics, const data::Column& label,
                      const Judged& judged) {
  Judged scaled = judged;
  if (label.values.empty()) {
    for (double& value : scaled.predictions.values()) value = physical(label, value);
    for (double& value : scaled.targets) value = physical(label, value);
  }
  MetricValues values;
  for (const learning::Metric metric : metrics) {
    const auto value = learning::evaluate(metric, scaled.predictions, scaled.targets);
    values.push_back({std::string(learning::name_of(metric)),
                      value ? std::optional<double>(*value) : std::nullopt});
  }
  return values;
}

Arms mean(std::span<const Arms> folds) {
  Arms means;
  for (std::size_t m = 0; m < (folds.empty() ? 0 : folds.front().local.size()); ++m) {
    double defined = 0;
    for (const Arms& fold : folds) defined += defined_by_all(fold, m);
    for (MetricValues Arms::* arm : {&Arms::local, &Arms::federated, &Arms::pooled}) {
      double sum = 0;
      for (const Arms& fold : folds)
        if (defined_by_all(fold, m)) sum += *(fold.*arm)[m].value;
      (means.*arm)
          .push_back({(folds.front().*arm)[m].name,
                      defined == 0 ? std::nullopt : std::optional(sum / defined)});
    }
  }
  return means;
}

}  // namespace hanse::jobs
