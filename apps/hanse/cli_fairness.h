// The command line's part about fairness.
#pragma once

#include <optional>

#include "hanse/commands.h"

namespace CLI {
class App;
}

namespace hanse::commands {

// What its options write to.
struct FairnessCommands {
  FairnessRisk risk;
  FairnessWatch watch;
};

// Adds `hanse fairness`; what was chosen goes to `chosen`. Both outlive the parsing.
void add_fairness(CLI::App& app, FairnessCommands& fairness, std::optional<Command>& chosen);

}  // namespace hanse::commands
