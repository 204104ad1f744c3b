// A job's metrics on predictions, in physical units.
#pragma once

#include "data/dataset.h"
#include "jobs/report.h"
#include "learning/metrics.h"
#include "learning/model.h"
#include "math/matrix.h"

namespace hanse::jobs {

// A regression's number back from [-1, 1] to the label's unit.
double physical(const data::Column& label, double scaled);

// Records with what a model said about them. Grows by append.
struct Judged {
  math::Matrix predictions;  // as Model::predict returns them
  std::vector<double> targets;

  std::size_t size() const { return targets.size(); }
};

Judged judge(const learning::Model& model, const data::Dataset& records);

// The records of all parts, one part after another.
Judged concatenate(std::span<const Judged> parts);

// Undefined metrics have no value: none of them is defined on no records.
MetricValues evaluate(std::span<const learning::Metric> metrics, const data::Column& label,
                      const Judged& judged);

// The mean over folds of each metric, over those where all three arms have it: arms are compared on
// the same folds.
Arms mean(std::span<const Arms> folds);

}  // namespace hanse::jobs
