#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/progress.h"
#include "hanse/summary.h"
#include "jobs/run.h"

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
base::Result<storage::Staging> stage(storage::Directory& directory, RunsFolder& runs,
                                     const std::string& name) {
  constexpr int kTries = 100;  // each but the last lost a race of microseconds
  for (int tried = 1;; ++tried) {
    HANSE_TRY_VOID(runs.make());
    auto staging = storage::Staging::create(directory, first_free(directory, name));
    const bool lost = !staging && (staging.error().code() == base::ErrorCode::already_exists ||
                                   staging.error().code() == base::ErrorCode::not_found);
    if (!lost || tried == kTries) return staging;
  }
}

// A finished run is never lost: where another took its name meanwhile it has the next one.
base::Result<void> commit_free(storage::Staging& staging, const storage::Directory& directory,
                               const std::string& name) {
  auto done = staging.commit();
  while (!done && done.error().code() == base::ErrorCode::already_exists)
    done = staging.commit_as(first_free(directory, name));
  return done;
}

base::Result<void> write(storage::Staging& staging, const jobs::RunResult& result,
                         const jobs::Job& job, const std::string& report_json) {
  const auto file = [&](const std::string& name, std::string_view text) {
    return staging.write(name, base::view_of(text));
  };
  HANSE_TRY_VOID(file("report.json", report_json));
  HANSE_TRY_VOID(file("report.html", jobs::to_html(result.report)));
  HANSE_TRY_VOID(file("model.json", jobs::to_json(result.model)));
  return file("job.toml", job.text);
}

base::Result<jobs::RunResult> train(const jobs::Job& job, const Doors& doors) {
  ProgressLine line(doors.terminal, doors.clock);
  return jobs::run_job(
      job, {doors.directory, doors.executor, doors.clock, &doors.databases},
      [&](const jobs::Progress& progress) { line.show(progress); }, doors.stop);
}

}  // namespace

base::Result<void> execute(const Run& command, const Doors& doors) {
  std::vector<std::string> set = command.set;
  if (command.seed) set.push_back(fmt::format("seed={}", *command.seed));
  if (command.repeats) set.push_back(fmt::format("evaluation.repeats={}", *command.repeats));
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, set));
  const bool ours = command.out.empty();  // to name
  RunsFolder runs(doors.directory);
  HANSE_TRY(storage::Staging staging, ours
                                          ? stage(doors.directory, runs, job.name.text())
                                          : storage::Staging::create(doors.directory, command.out));
  HANSE_TRY(const jobs::RunResult result, train(job, doors));
  const std::string json = jobs::to_json(result.report);
  HANSE_TRY_VOID(write(staging, result, job, json));
  HANSE_TRY_VOID(ours ? commit_free(staging, doors.directory, job.name.text()) : staging.commit());
  const std::string& out = staging.path();

  const std::string told =
      departures(result.report) + ". Nothing was private yet: a simulation, in the clear.";
  if (command.json) {
    HANSE_TRY_VOID(doors.terminal.print_data(json));
    doors.terminal.say(fmt::format("{}/report.html\n{}\n", visible(out), told));
    return {};
  }
  const Style& style = doors.terminal.out();
  return doors.terminal.print(fmt::format("{}\n{} {}\n{}\n", summary(result.report, style),
                                          style.dim("report:"), visible(out + "/report.html"),
                                          style.warning(told)));
}

}  // namespace hanse::commands
