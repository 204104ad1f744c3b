#include "learning/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "learning/names.h"

namespace hanse::learning {
namespace {

constexpr NameTable<Metric, 10> kMetrics{{{Metric::accuracy, "accuracy"},
                                          {Metric::macro_f1, "macro_f1"},
                                          {Metric::mcc, "mcc"},
                                          {Metric::roc_auc, "roc_auc"},
                                          {Metric::pr_auc, "pr_auc"},
                                          {Metric::brier, "brier"},
                                          {Metric::ece, "ece"},
                                          {Metric::rmse, "rmse"},
                                          {Metric::mae, "mae"},
                                          {Metric::r2, "r2"}}};
constexpr std::array<Metric, 10> kAll{
    Metric::accuracy, Metric::macro_f1, Metric::mcc,  Metric::roc_auc, Metric::pr_auc,
    Metric::brier,    Metric::ece,      Metric::rmse, Metric::mae,     Metric::r2};

constexpr std::size_t kBins = 15;

using Labels = std::vector<std::size_t>;

tl::unexpected<base::Error> undefined(Metric metric, std::string_view reason) {
  return base::fail(base::ErrorCode::failed_precondition, "{} is undefined: {}", name_of(metric),
                    reason);
}

std::size_t top_label(std::span<const double> row) {
  return static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
}

Labels top_labels(const math::Matrix& predictions) {
  Labels labels;
  labels.reserve(predictions.rows());
  for (std::size_t row = 0; row < predictions.rows(); ++row)
    labels.push_back(top_label(predictions.row(row)));
  return labels;
}

double share_right(const Labels& predicted, const Labels& targets) {
  double right = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) right += predicted[i] == targets[i];
  return right / static_cast<double>(targets.size());
}

// Per label: records that have it, records predicted to have it, and both.
struct Counts {
  std::vector<double> have, predicted, both;

  Counts(const Labels& predictions, const Labels& targets, std::size_t labels)
      : have(labels), predicted(labels), both(labels) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      have[targets[i]] += 1;
      predicted[predictions[i]] += 1;
      if (targets[i] == predictions[i]) both[targets[i]] += 1;
    }
  }
};

double macro_f1(const Counts& counts) {
  double sum = 0;
  double labels = 0;
  for (std::size_t k = 0; k < counts.have.size(); ++k) {
    const double all = counts.have[k] + counts.predicted[k];
    if (all == 0) continue;
    sum += 2 * counts.both[k] / all;
    labels += 1;
  }
  return sum / labels;
}

// In counts, which are exact: (c s − Σ p t) / √((s² − Σ p²) (s² − Σ t²)).
double mcc(const Counts& counts) {
  const double records = std::accumulate(counts.have.begin(), counts.have.end(), 0.0);
  const double right = std::accumulate(counts.both.begin(), counts.both.end(), 0.0);
  double cross = 0;
  double predicted = 0;
  double have = 0;
  for (std::size_t k = 0; k < counts.have.size(); ++k) {
    cross += counts.predicted[k] * counts.have[k];
    predicted += counts.predicted[k] * counts.predicted[k];
    have += counts.have[k] * counts.have[k];
  }
  const double spread_predicted = records * records - predicted;
  const double spread_have = records * records - have;
  if (spread_predicted == 0 || spread_have == 0) return 0;
  return (right * records - cross) / std::sqrt(spread_predicted * spread_have);
}

// Records by falling score. Equal scores form one step of the curve, as no threshold parts them.
struct Step {
  double positives = 0;
  double negatives = 0;
};

std::vector<Step> curve(const math::Matrix& predictions, const Labels& targets, std::size_t label) {
  std::vector<std::size_t> order(targets.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return predictions.at(a, label) > predictions.at(b, label);
  });
  std::vector<Step> steps;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || predictions.at(order[i], label) != predictions.at(order[i - 1], label))
      steps.emplace_back();
    (targets[order[i]] == label ? steps.back().positives : steps.back().negatives) += 1;
  }
  return steps;
}

Step total_of(const std::vector<Step>& steps) {
  Step total;
  for (const Step& step : steps) {
    total.positives += step.positives;
    total.negatives += step.negatives;
  }
  return total;
}

base::Result<double> area_under_roc(const std::vector<Step>& steps) {
  const Step total = total_of(steps);
  if (total.positives == 0 || total.negatives == 0)
    return undefined(Metric::roc_auc, "a label occurs in none or in all of the records");
  double twice_area = 0;
  double positives = 0;
  for (const Step& step : steps) {
    twice_area += step.negatives * (2 * positives + step.positives);
    positives += step.positives;
  }
  return twice_area / (2 * total.positives * total.negatives);
}

base::Result<double> average_precision(const std::vector<Step>& steps) {
  const Step total = total_of(steps);
  if (total.positives == 0)
    return undefined(Metric::pr_auc, "a label occurs in none of the records");
  double area = 0;
  double positives = 0;
  double records = 0;
  for (const Step& step : steps) {
    positives += step.positives;
    records += step.positives + step.negatives;
    area += step.positives / total.positives * (positives / records);
  }
  return area;
}

// Of label 1 if there are two, else the mean over labels.
base::Result<double> over_labels(const math::Matrix& predictions, const Labels& targets,
                                 base::Result<double> (*area)(const std::vector<Step>&)) {
  if (predictions.columns() == 2) return area(curve(predictions, targets, 1));
  double sum = 0;
  for (std::size_t label = 0; label < predictions.columns(); ++label) {
    HANSE_TRY(const double value, area(curve(predictions, targets, label)));
    sum += value;
  }
  return sum / static_cast<double>(predictions.columns());
}

double brier(const math::Matrix& predictions, const Labels& targets) {
  double sum = 0;
  for (std::size_t row = 0; row < predictions.rows(); ++row) {
    for (std::size_t k = predictions.columns() == 2 ? 1 : 0; k < predictions.columns(); ++k) {
      const double error = predictions.at(row, k) - (targets[row] == k ? 1.0 : 0.0);
      sum += error * error;
    }
  }
  return sum / static_cast<double>(predictions.rows());
}

double ece(const math::Matrix& predictions, const Labels& predicted, const Labels& targets) {
  std::array<double, kBins> gap{};  // records right minus confidence, summed
  for (std::size_t row = 0; row < predictions.rows(); ++row) {
    const double confidence = predictions.at(row, predicted[row]);
    std::size_t index = 0;
    while (index + 1 < kBins &&
           confidence > static_cast<double>(index + 1) / static_cast<double>(kBins))
      ++index;
    gap[index] += (predicted[row] == targets[row] ? 1.0 : 0.0) - confidence;
  }
  double sum = 0;
  for (const double value : gap) sum += std::abs(value);
  return sum / static_cast<double>(predictions.rows());
}

base::Result<double> classification(Metric metric, const math::Matrix& predictions,
                                    std::span<const double> targets) {
  Labels labels;
  for (const double target : targets) {
    HANSE_CHECK(target >= 0 && target < static_cast<double>(predictions.columns()));
    labels.push_back(static_cast<std::size_t>(target));
  }
  const Labels predicted = top_labels(predictions);
  switch (metric) {
    case Metric::accuracy:
      return share_right(predicted, labels);
    case Metric::macro_f1:
      return macro_f1(Counts(predicted, labels, predictions.columns()));
    case Metric::mcc:
      return mcc(Counts(predicted, labels, predictions.columns()));
    case Metric::roc_auc:
      return over_labels(predictions, labels, area_under_roc);
    case Metric::pr_auc:
      return over_labels(predictions, labels, average_precision);
    case Metric::brier:
      return brier(predictions, labels);
    default:
      return ece(predictions, predicted, labels);
  }
}

base::Result<double> r2(double squares, std::span<const double> targets) {
  const double records = static_cast<double>(targets.size());
  const double mean = std::accumulate(targets.begin(), targets.end(), 0.0) / records;
  double total = 0;
  for (const double target : targets) total += (target - mean) * (target - mean);
  if (std::ranges::all_of(targets, [&](double target) { return target == targets[0]; }))
    return undefined(Metric::r2, "all targets are equal");
  return 1 - squares / total;
}

base::Result<double> regression(Metric metric, const math::Matrix& predictions,
                                std::span<const double> targets) {
  const double records = static_cast<double>(targets.size());
  double squares = 0;
  double absolutes = 0;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const double error = targets[row] - predictions.at(row, 0);
    squares += error * error;
    absolutes += std::abs(error);
  }
  if (metric == Metric::rmse) return std::sqrt(squares / records);
  if (metric == Metric::mae) return absolutes / records;
  return r2(squares, targets);
}

}  // namespace

std::string_view name_of(Metric metric) { return name_in(kMetrics, metric); }

base::Result<Metric> metric_named(std::string_view name) {
  return value_in(kMetrics, "metric", name);
}

std::span<const Metric> all_metrics() { return kAll; }

Task task_of(Metric metric) {
  const bool regression = metric == Metric::rmse || metric == Metric::mae || metric == Metric::r2;
  return regression ? Task::regression : Task::classification;
}

bool lower_is_better(Metric metric) {
  return metric == Metric::brier || metric == Metric::ece || metric == Metric::rmse ||
         metric == Metric::mae;
}

base::Result<double> evaluate(Metric metric, const math::Matrix& predictions,
                              std::span<const double> targets) {
  const bool classifies = task_of(metric) == Task::classification;
  HANSE_CHECK(predictions.rows() == targets.size());
  HANSE_CHECK(classifies ? predictions.columns() >= 2 : predictions.columns() == 1);
  if (targets.empty()) return undefined(metric, "there are no records");
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::ranges::all_of(predictions.values(), finite))
    return undefined(metric, "a prediction is not finite");
  HANSE_TRY(const double value, classifies ? classification(metric, predictions, targets)
                                           : regression(metric, predictions, targets));
  if (!finite(value)) return undefined(metric, "its value is too large for a number");
  return value;
}

}  // namespace hanse::learning
