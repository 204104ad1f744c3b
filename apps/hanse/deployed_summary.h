// What a deployed job left, as text for the terminal.
#pragma once

#include <string>

#include "hanse/terminal.h"
#include "jobs/deployed_report.h"

namespace hanse::commands {

// The consortium, how the rounds went, and what left each site; no metric but those
// that were released.
std::string summary(const jobs::DeployedReport& report, const Style& style);

}  // namespace hanse::commands
