// The command line's part about budgets of privacy.
#pragma once

#include <optional>

#include "hanse/commands.h"

namespace CLI {
class App;
}

namespace hanse::commands {

// What its options write to.
struct BudgetCommands {
  BudgetEpsilon epsilon;
  BudgetSigma sigma;
  BudgetOpen open;
  BudgetExtend extend;
  BudgetDerive derive;
  BudgetCharge charge;
  BudgetShow show;
  BudgetHistory history;
  BudgetForecast forecast;
  BudgetVerify verify;
};

// Adds `hanse budget`; what was chosen goes to `chosen`. Both outlive the parsing.
void add_budget(CLI::App& app, BudgetCommands& budget, std::optional<Command>& chosen);

// --home, of every command to a party's folder.
void add_home(CLI::App& app, std::string& home);

}  // namespace hanse::commands
