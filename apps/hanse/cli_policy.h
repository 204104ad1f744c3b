// The command line's part about policies.
#pragma once

#include <optional>

#include "hanse/commands.h"

namespace CLI {
class App;
}

namespace hanse::commands {

// What its options write to.
struct PolicyCommands {
  PolicyCheck check;
  PolicyDecide decide;
  PolicyExplain explain;
  PolicyDiff diff;
  PolicyOffer offer;
};

// Adds `hanse policy`; what was chosen goes to `chosen`. Both outlive the parsing.
void add_policy(CLI::App& app, PolicyCommands& policy, std::optional<Command>& chosen);

}  // namespace hanse::commands
