// The audit log over HTTP: its static files, and the C2SP endpoint of a witness.
#pragma once

#include "base/clock.h"
#include "federation/audit/durable_witness.h"
#include "storage/directory.h"
#include "transport/http.h"

namespace hanse::service {

// is_log_file, and no other file of the folder. `directory` outlives it.
transport::HttpFiles audit_files(const storage::Directory& directory, std::string folder);

// POST /add-checkpoint (C2SP tlog-witness). Both outlive it.
transport::HttpRoutes witness_routes(federation::DurableWitness& witness, const base::Clock& clock);

}  // namespace hanse::service
