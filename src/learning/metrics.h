// How good predictions are, by the names and values of scikit-learn.
//
// Predictions are what Model::predict returns: one row per record with the probabilities of the
// labels, or one column with the value. Targets are label indices or values.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "learning/model.h"
#include "math/matrix.h"

namespace hanse::learning {

enum class Metric {
  accuracy,  // share of records whose most probable label is right; of equals, the first
  macro_f1,  // mean F1 over the labels that occur as target or prediction
  mcc,       // Matthews' correlation (multiclass: Gorodkin 2004); 0 where targets or predictions
             // are all of one label, as scikit-learn has it
  roc_auc,   // area under the ROC curve of label 1; with more than 2 labels, mean one-vs-rest
  pr_auc,    // average precision, Σ (R_i − R_{i−1}) P_i, of label 1; more labels: mean one-vs-rest
  brier,     // 2 labels: mean (p_1 − y)²; more: mean Σ_k (p_k − y_k)² (Brier 1950)
  ece,       // Σ |share right − mean p| · |bin| / n over 15 bins (k/15, (k+1)/15] of the greatest p
             // (Guo et al. 2017, (3))
  rmse,      // square root of the mean squared error
  mae,       // mean absolute error
  r2,        // 1 − residual / total sum of squares
};

std::string_view name_of(Metric metric);
base::Result<Metric> metric_named(std::string_view name);
std::span<const Metric> all_metrics();
// The task that the metric judges.
Task task_of(Metric metric);
// Lower is better: brier, ece, rmse, mae.
bool lower_is_better(Metric metric);

// Undefined on these records (none, a label that never occurs, a constant target), a prediction or
// a result that is not finite: failed_precondition with the reason. Shapes and label indices must
// agree: checked, aborts.
base::Result<double> evaluate(Metric metric, const math::Matrix& predictions,
                              std::span<const double> targets);

}  // namespace hanse::learning
