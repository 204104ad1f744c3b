// What a report says of fairness between two groups of records.
#pragma once

#include "fairness/group_training.h"
#include "jobs/group_job.h"
#include "jobs/report_fairness.h"

namespace hanse::jobs {

// Without its metrics, which are not there yet.
ReportedFairness reported(const fairness::GroupSpec& spec, const data::Schema& schema);

// Error, disparity, each group's rate and error.
std::vector<FairnessRow> group_rows(const ReportedGroups& groups);

// Whether the bound was kept, and what that did to the error, in sentences.
std::vector<std::string> group_verdicts(const ReportedFairness& fairness);

// For report.html: the verdicts and a table.
std::string groups_section(const ReportedFairness& fairness);

}  // namespace hanse::jobs
