#include "jobs/evaluation.h"

#include <algorithm>

namespace hanse::jobs {

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

MetricValues mean(std::span<const MetricValues> folds) {
  MetricValues means;
  for (std::size_t m = 0; m < (folds.empty() ? 0 : folds.front().size()); ++m) {
    double sum = 0;
    std::size_t defined = 0;
    for (const MetricValues& fold : folds) {
      if (!fold[m].value) continue;
      sum += *fold[m].value;
      ++defined;
    }
    means.push_back(
        {folds.front()[m].name,
         defined == 0 ? std::nullopt : std::optional<double>(sum / static_cast<double>(defined))});
  }
  return means;
}

}  // namespace hanse::jobs
