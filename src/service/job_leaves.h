// What the audit log has of a job as a whole: its first leaf and its last.
#pragma once

#include "audit/log.h"
#include "audit/record.h"
#include "service/job_book.h"
#include "storage/directory.h"

namespace hanse::service {

// The first batch of the source "job/NAME"; the end is the second.
audit::LeafBatch submission_of(const BookedJob& booked, const base::Digest& roster);

// Any leaf of the job will fit the log: none names more than its cohort and a handful of digests.
// unsupported otherwise.
base::Result<void> check_leaves(const audit::LeafBatch& submission);

// With the digest of the model file in the job's folder, if there is one.
base::Result<audit::Leaf> end_of(const base::JobId& job, const std::string& outcome,
                                 const std::string& run, const storage::Directory& directory);

}  // namespace hanse::service
