// What one fold of a simulation says of fairness between two groups of records.
#pragma once

#include "jobs/evaluation.h"
#include "jobs/records.h"
#include "jobs/training.h"

namespace hanse::jobs {

// The group of each record, by the model's first axis; records of neither are in none.
std::vector<std::optional<std::size_t>> groups_by_axis(const learning::Axis& axis,
                                                       const data::Dataset& records);

// What a rule does to two groups, added up over sites.
class GroupTally {
 public:
  explicit GroupTally(const fairness::GroupSpec& spec) : spec_(spec) {}

  // Judged by learning/metrics.h's rule: the most probable label.
  void add(const Judged& judged, std::span<const std::optional<std::size_t>> groups);
  // "error" over all records, "disparity": how far the groups' shares of the positive label lie
  // apart; then for each group "rate_GROUP", that share, and "error_GROUP". Undefined where they
  // need a group without records.
  MetricValues values() const;

 private:
  struct Counts {
    double records = 0;
    double wrong = 0;
    double positive = 0;
  };
  fairness::GroupSpec spec_;
  std::array<Counts, fairness::kGroups> of_group_ = {};
};

// As ReportedFairness::metrics has them, on the fold's test records: with the bound, without it,
// and with it on pooled records where that was trained.
base::Result<Arms> fairness_between_groups(const Job& job, const data::Schema& schema,
                                           std::span<const SiteFold> parts,
                                           const learning::Iterate& federated,
                                           const SharedIterate& pooled);

}  // namespace hanse::jobs
