// A training taken again from what was released: the audit log says which model each step began and
// ended with, and the released sums are public, so anybody can take the steps.
#pragma once

#include <functional>

#include "base/executor.h"
#include "federation/audit/trail.h"
#include "jobs/job.h"

namespace hanse::jobs {

// Public copies of what a training left.
struct PublicRun {
  std::string job_file;  // its bytes
  Job job;               // … as it was read
  // The released numbers of a closed round, as the file has them.
  std::function<base::Result<base::Bytes>(std::uint32_t round)> released;
  // The model file's bytes; none of a training that did not finish.
  std::optional<base::Bytes> model;
};

struct Retraced {
  std::uint32_t rounds = 0;  // taken again, each to the logged model
  bool has_model = false;    // the model file is that of the last step
  std::vector<federation::Finding> findings;
};

// Holds the job file, each question, each released sum, each step and the model file against the
// log; what follows the first step that differs is not looked at. Exact: steps are the same bit by
// bit on machines with the same instruction set and mathematical library.
Retraced retrace(const PublicRun& run, const federation::JobTrail& trail, base::Executor& executor);

}  // namespace hanse::jobs
