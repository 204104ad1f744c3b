// The command line's part about the audit log.
#pragma once

#include <optional>

#include "hanse/commands.h"

namespace CLI {
class App;
}

namespace hanse::commands {

// What its options write to.
struct AuditCommands {
  AuditVerify verify;
  AuditProve prove;
  AuditCheckpoint checkpoint;
  AuditFsck fsck;
  AuditFetch fetch;
  AuditWitness witness;
  AuditServe serve;
};

// Adds `hanse audit`; what was chosen goes to `chosen`. Both outlive the parsing.
void add_audit(CLI::App& app, AuditCommands& audit, std::optional<Command>& chosen);

}  // namespace hanse::commands
