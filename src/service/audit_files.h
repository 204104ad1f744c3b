// An audit log as a folder of files, wherever the copy came from: nothing in it is believed before
// it is held against a key or a root.
#pragma once

#include <map>

#include "audit/proof.h"
#include "audit/tiles.h"
#include "federation/message/message.h"
#include "roster/roster.h"
#include "storage/directory.h"

namespace hanse::service {

// `directory` outlives it.
audit::TileSource tiles_in(const storage::Directory& directory, std::string log);

// Its signed head. Errors name the file.
base::Result<audit::SignedCheckpoint> load_checkpoint(const storage::Directory& directory,
                                                      const std::string& path);
base::Result<audit::Policy> load_policy(const storage::Directory& directory,
                                        const std::string& path);
base::Result<audit::Proof> load_proof(const storage::Directory& directory, const std::string& path);
base::Result<roster::Signed<roster::Roster>> load_roster(const storage::Directory& directory,
                                                         const std::string& path);

// Each epoch that the given one leads back to by digests, as far as their files lie in
// LOG/rosters/; the given one is first. Another file than its name says: corruption.
base::Result<std::vector<roster::Signed<roster::Roster>>> epochs_before(
    const storage::Directory& directory, const std::string& log,
    roster::Signed<roster::Roster> newest);

}  // namespace hanse::service
