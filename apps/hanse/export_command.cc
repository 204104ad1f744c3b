#include "hanse/commands.h"
#include "jobs/export.h"

namespace hanse::commands {

base::Result<void> execute(const Export& command, const Doors& doors) {
  std::vector<std::string> set = command.set;
  if (command.seed) set.push_back("seed=" + std::to_string(*command.seed));
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, set));
  return jobs::export_records(
      job, {doors.directory, doors.executor, &doors.databases},
      [&](std::string_view text) { return doors.terminal.print_data(text); });
}

}  // namespace hanse::commands
