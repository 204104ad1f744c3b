// What a report says of fairness between classes of sites.
#pragma once

#include "fairness/fair_spec.h"
#include "jobs/report.h"

namespace hanse::jobs {

// Without its metrics, which are not there yet.
ReportedFairness reported(const fairness::FairSpec& spec, bool is_private);

// Rows of a table: what is compared, by the names of fairness_values.
struct FairnessRow {
  std::string name;   // for people
  std::string value;  // in the metrics
};
// Fleet, worst class, gaps, each class.
std::vector<FairnessRow> rows_of(const ReportedFairness& fairness);

// For report.html: the verdicts, a picture of each class's loss and a table.
std::string fairness_section(const ReportedFairness& fairness);

}  // namespace hanse::jobs
