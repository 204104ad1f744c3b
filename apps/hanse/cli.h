// The command line: from argv to a Command.
#pragma once

#include "hanse/commands.h"

namespace hanse::commands {

Command parse_command_line(int argc, const char* const* argv);

}  // namespace hanse::commands
