// What a report says of labels that were chosen in cycles.
#pragma once

#include "jobs/job.h"
#include "jobs/report.h"

namespace hanse::jobs {

// Of a job that labels in cycles, without its cycles, which are not over.
base::Result<ReportedActive> reported_active(const Job& job, const data::Schema& schema,
                                             std::uint32_t sites);

// For report.html: the verdict, the learning curve beside its control, and a table; per group too.
std::string active_section(const ReportedActive& active);

}  // namespace hanse::jobs
