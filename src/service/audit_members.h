// The audit log of a consortium as its roster has it: the coordinator's key signs it, every site is
// a witness, and more than half of them are a quorum.
#pragma once

#include <map>

#include "audit/policy.h"
#include "base/ids.h"
#include "base/units.h"
#include "federation/audit/durable_witness.h"
#include "roster/roster.h"

namespace hanse::service {

// "CONSORTIUM/audit": of the log, and the name of its key.
std::string audit_origin(const roster::Roster& roster);
// "CONSORTIUM/site/NAME".
std::string witness_name(const roster::Roster& roster, const base::SiteId& site);

// As which a site cosigns this log. The signer outlives it.
federation::WitnessIdentity witness_identity(const roster::Roster& roster, const base::SiteId& site,
                                             const crypto::Signer& signer);

crypto::NoteKey log_key(const roster::Roster& roster);
std::map<base::SiteId, crypto::NoteKey> witness_keys(const roster::Roster& roster);
// As cosignatures count time.
std::uint64_t seconds_of(base::Milliseconds wall);

audit::Policy audit_policy(const roster::Roster& roster);

}  // namespace hanse::service
