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
  static base::Result<RunsFolder> create(storage::Directory& directory) {
    if (directory.exists(kRuns)) return RunsFolder(nullptr);
    HANSE_TRY_VOID(directory.create_directory(kRuns));
    return RunsFolder(&directory);
  }
  RunsFolder(RunsFolder&& other) noexcept : directory_(std::exchange(other.directory_, nullptr)) {}
  RunsFolder& operator=(RunsFolder&&) = delete;
  ~RunsFolder() {
    if (!directory_) return;
    const auto entries = directory_->list(kRuns);
    if (entries && entries->empty()) (void)directory_->remove_all(kRuns);
  }

 private:
  explicit RunsFolder(storage::Directory* directory) : directory_(directory) {}
  storage::Directory* directory_;  // null where there is nothing to undo
};

std::string first_free(const storage::Directory& directory, const std::string& name) {
  for (unsigned n = 1;; ++n)
    if (std::string path = fmt::format("{}/{}-{}", kRuns, name, n); !directory.exists(path))
      return path;
}

base::Result<void> write(storage::Staging& staging, const jobs::RunResult& result,
                         const jobs::Job& job, const std::string& report_json) {
  const auto file = [&](const std::string& name, std::string_view text) {
    return staging.write(name, base::view_of(text));
  };
  HANSE_TRY_VOID(file("report.json", report_json));
  HANSE_TRY_VOID(file("report.html", jobs::to_html(result.report)));
  HANSE_TRY_VOID(file("model.json", jobs::to_json(result.model)));
  HANSE_TRY_VOID(file("job.toml", job.text));
  return staging.commit();
}

base::Result<jobs::RunResult> train(const jobs::Job& job, const Doors& doors) {
  ProgressLine line(doors.terminal, doors.clock);
  return jobs::run_job(
      job, {doors.directory, doors.executor, doors.clock},
      [&](const jobs::Progress& progress) { line.show(progress); }, doors.stop);
}

}  // namespace

base::Result<void> execute(const Run& command, const Doors& doors) {
  std::vector<std::string> set = command.set;
  if (command.seed) set.push_back(fmt::format("seed={}", *command.seed));
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, set));
  std::optional<RunsFolder> runs;
  if (command.out.empty()) {
    HANSE_TRY(RunsFolder made, RunsFolder::create(doors.directory));
    runs.emplace(std::move(made));
  }
  const std::string out =
      command.out.empty() ? first_free(doors.directory, job.name.text()) : command.out;
  HANSE_TRY(storage::Staging staging, storage::Staging::create(doors.directory, out));
  HANSE_TRY(const jobs::RunResult result, train(job, doors));
  const std::string json = jobs::to_json(result.report);
  HANSE_TRY_VOID(write(staging, result, job, json));

  const std::string told =
      departures(result.report) + ". Nothing was private yet: a simulation, in the clear.";
  if (command.json) {
    HANSE_TRY_VOID(doors.terminal.print(json));
    doors.terminal.say(fmt::format("{}/report.html\n{}\n", out, told));
    return {};
  }
  const Style& style = doors.terminal.out();
  return doors.terminal.print(fmt::format("{}\n{} {}\n{}\n", summary(result.report, style),
                                          style.dim("report:"), out + "/report.html",
                                          style.warning(told)));
}

}  // namespace hanse::commands
