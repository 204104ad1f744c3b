// What a finished job leaves for people and auditors, as a folder that appears whole.
#pragma once

#include "jobs/federated_run.h"
#include "roster/roster.h"
#include "service/job_book.h"
#include "service/site_service.h"

namespace hanse::service {

// Of which job, and whose.
struct ResultOrigin {
  const BookedJob& booked;
  const roster::Roster& roster;
  const base::Digest& roster_digest;
};

// Report, model, job file, and the released numbers of each round (control.h names them). Where the
// folder stands already, since before a crash, nothing happens.
base::Result<void> lay_down(const std::string& path, const jobs::FederatedRun& run,
                            const jobs::TrainingRecord& record, const ResultOrigin& origin,
                            const ServiceDoors& doors);

}  // namespace hanse::service
