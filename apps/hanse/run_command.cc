#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/run_folder.h"

namespace hanse::commands {
namespace {

constexpr auto kRuns = "runs";

// A folder of runs that this command made goes away again when no run came to stand in it.
class RunsFolder {
 public:
  explicit RunsFolder(storage::Directory& directory) : directory_(directory) {}
  RunsFolder(const RunsFolder&) = delete;
  RunsFolder& operator=(const RunsFolder&) = delete;
  ~RunsFolder() {
    if (made_) (void)directory_.remove_empty_directory(kRuns);  // only when it is empty
  }
  base::Result<void> make() {
    const auto created = directory_.create_directory(kRuns);
    if (!created && created.error().code() != base::ErrorCode::already_exists)
      return base::fail(created.error());
    made_ = made_ || created;
    return {};
  }

 private:
  storage::Directory& directory_;
  bool made_ = false;
};

std::string first_free(const storage::Directory& directory, const std::string& name) {
  for (unsigned n = 1;; ++n)
    if (std::string path = fmt::format("{}/{}-{}", kRuns, name, n); !directory.exists(path))
      return path;
}

// Under a name of ours, the first that is free: other runs take names too, and folders away.
base::Result<std::string> take_free(storage::Directory& directory, RunsFolder& runs,
                                    const std::string& name) {
  constexpr int kTries = 100;  // each but the last lost a race of microseconds
  for (int tried = 1;; ++tried) {
    HANSE_TRY_VOID(runs.make());
    std::string path = first_free(directory, name);
    const auto taken = directory.create_directory(path);
    if (taken) return path;
    const bool lost = taken.error().code() == base::ErrorCode::already_exists ||
                      taken.error().code() == base::ErrorCode::not_found;
    if (!lost || tried == kTries) return base::fail(taken.error());
  }
}

base::Result<std::string> take(storage::Directory& directory, std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const auto taken = directory.create_directory(path);
  if (taken) return path;
  if (taken.error().code() != base::ErrorCode::already_exists) return base::fail(taken.error());
  return base::fail(
      base::ErrorCode::already_exists,
      "'{}' exists and is left as it is; choose another folder or remove it{}", path,
      directory.exists(path + "/run.db") ? ", or go on with it: " + how_to_go_on(path) : "");
}

}  // namespace

base::Result<void> execute(const Run& command, const Doors& doors) {
  std::vector<std::string> set = command.set;
  if (command.seed) set.push_back(fmt::format("seed={}", *command.seed));
  if (command.repeats) set.push_back(fmt::format("evaluation.repeats={}", *command.repeats));
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, set));
  RunsFolder runs(doors.directory);
  HANSE_TRY(const std::string run, command.out.empty()
                                       ? take_free(doors.directory, runs, job.name.text())
                                       : take(doors.directory, command.out));
  bool computed = false;
  const auto done = [&]() -> base::Result<void> {
    HANSE_TRY_VOID(doors.directory.write(run + "/job.toml", base::view_of(job.text)));
    HANSE_TRY(auto store, hold(run));
    return work_on(run, job, std::move(store), command.json, doors, computed);
  }();
  // Of a job that cannot begin nothing stays.
  if (!done && !computed) (void)doors.directory.remove_all(run);
  return done;
}

}  // namespace hanse::commands
