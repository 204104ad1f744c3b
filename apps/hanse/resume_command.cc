#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/run_folder.h"

namespace hanse::commands {
namespace {

base::Result<void> show_finished(const std::string& run, bool json, const Doors& doors) {
  doors.terminal.say(fmt::format("{} is finished already\n", visible(run)));
  return execute(Report{{run}, json}, doors);
}

}  // namespace

base::Result<void> execute(const Resume& command, const Doors& doors) {
  std::string run = command.run;
  while (run.size() > 1 && run.ends_with('/')) run.pop_back();
  if (is_finished(doors.directory, run)) {
    tidy(doors.directory, run);  // where the process died between its last two steps
    return show_finished(run, command.json, doors);
  }
  const std::string path = run + "/job.toml";
  if (!doors.directory.exists(path))
    return base::fail(not_finished(doors.directory, run, "job.toml"));
  auto store = hold(run);
  if (!store && store.error().code() == base::ErrorCode::unavailable)
    return base::fail(store.error().within(fmt::format("cannot go on with '{}'", run)));
  HANSE_TRY(auto held, std::move(store));
  if (is_finished(doors.directory, run)) {  // by the process that held it until now
    held.reset();
    tidy(doors.directory, run);
    return show_finished(run, command.json, doors);
  }
  HANSE_TRY(const jobs::Job job, jobs::load_job(doors.directory, path, doors.environment));
  bool computed = false;
  return work_on(run, job, std::move(held), command.json, doors, computed);
}

}  // namespace hanse::commands
