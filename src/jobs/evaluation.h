// A job's metrics on predictions, in physical units; then means over folds and what is sure of
// them.
#pragma once

#include "data/dataset.h"
#include "jobs/report.h"
#include "jobs/words.h"
#include "learning/metrics.h"
#include "learning/model.h"
#include "math/matrix.h"

namespace hanse::jobs {

// A regression's number back from [-1, 1] to the label's unit.
double physical(const data::Column& label, double scaled);

// Records with what a model said about them.
struct Judged {
  math::Matrix predictions;  // as Model::predict returns them
  std::vector<double> targets;

  std::size_t size() const { return targets.size(); }
};

Judged judge(const learning::Model& model, const data::Dataset& records);

// Undefined metrics have no value: none of them is defined on no records.
MetricValues evaluate(std::span<const learning::Metric> metrics, const data::Column& label,
                      const Judged& judged);

// What the three arms say about one site's test records in one fold.
struct SiteJudged {
  std::optional<Judged> local;  // none where the site sat out and so has no model of its own
  Judged federated;
  std::optional<Judged> pooled;     // none where the job trains no such model
  std::vector<std::string> groups;  // of each record; empty where records have none
};

// The metrics of the arms in one fold.
struct FoldValues {
  Arms arms;
  std::uint32_t judged = 0;            // sites or groups that the metrics are means over; or 1
  std::vector<MetricCount> undefined;  // of those, left out of a metric's mean; only above 0
};

// On the test records of these sites together, as `over` says. local is judged on the records of
// sites that have a model of their own, federated_minus_local on the same ones.
FoldValues evaluate_fold(std::span<const learning::Metric> metrics, const data::Column& label,
                         std::span<const SiteJudged* const> sites, Over over);

// Means over folds with their intervals (math::resampled_interval). federated and pooled are over
// the folds where both are defined, local over those where all three are, the difference over
// those where it is.
//
// `distinct`, where it is not 0: the folds are so many, dealt alike under seed after seed. Another
// seed then says something about training and nothing about other records, so a fold's mean over
// the seeds is one value.
ComparedArms compare(std::span<const Arms> folds, double test_to_train, std::size_t distinct = 0);

// Sites where joining makes the first metric worse.
std::vector<HurtSite> hurt_of(std::span<const SiteRow> sites);

}  // namespace hanse::jobs
