// A job in a reader's words, for reports of either mode.
#pragma once

#include "jobs/job.h"
#include "jobs/report.h"

namespace hanse::jobs {

base::Result<ReportedJob> reported_job(const Job& job);

}  // namespace hanse::jobs
