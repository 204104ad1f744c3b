#include "hanse/run_folder.h"

#include <fmt/format.h>

#include "hanse/progress.h"
#include "hanse/summary.h"
#include "jobs/privacy_words.h"
#include "jobs/run.h"
#include "jobs/run_record.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;

constexpr auto kStore = "/run.db";
constexpr auto kReport = "/report.json";
constexpr auto kPage = "/report.html";
constexpr auto kModel = "/model.json";
constexpr auto kJob = "/job.toml";

// As POSIX shells read it back.
std::string quoted(const std::string& word) {
  const bool plain = word.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-") ==
                     std::string::npos;
  if (plain && !word.empty() && word.front() != '-') return word;
  std::string out = word.starts_with('-') ? "./" : "";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + out + "'";
}

// When the run began, where the store can tell.
std::string since(const storage::Directory& directory, const std::string& run) {
  if (!directory.exists(run + kStore)) return "";
  const auto store = storage::SqliteStore::open(run + kStore);
  if (!store) return "";
  const auto started = jobs::RunRecord::started_in(**store);
  return started && !started->empty() ? " since " + *started : "";
}

base::Result<void> write(const std::string& run, const jobs::RunResult& result,
                         const std::string& report_json, storage::Directory& directory) {
  const auto file = [&](const char* name, std::string_view text) {
    return directory.write(run + name, base::view_of(text));
  };
  HANSE_TRY_VOID(file(kModel, jobs::to_json(result.model)));
  HANSE_TRY_VOID(file(kPage, jobs::to_html(result.report)));
  return file(kReport, report_json);  // last: from here on the run is finished
}

base::Result<void> show(const std::string& run, const jobs::Report& report,
                        const std::string& report_json, bool json, const Doors& doors) {
  std::string told = departures(report) + ". " + visible(jobs::conclusion(report));
  if (const std::string released = jobs::released_in_words(report.rounds); !released.empty())
    told += "\n" + released;
  if (json) {
    HANSE_TRY_VOID(doors.terminal.print_data(report_json));
    doors.terminal.say(fmt::format("{}\n{}\n", visible(run + kPage), told));
    return {};
  }
  const Style& style = doors.terminal.out();
  return doors.terminal.print(fmt::format("{}\n{} {}\n{}\n", summary(report, style),
                                          style.dim("report:"), visible(run + kPage),
                                          style.warning(told)));
}

base::Result<jobs::RunResult> train(const jobs::Job& job, storage::Store& store, const Doors& doors,
                                    bool& computed) {
  ProgressLine line(doors.terminal, doors.clock);
  return jobs::run_job(
      job, {doors.directory, doors.executor, doors.clock, &doors.databases, &store, HANSE_VERSION},
      [&](const jobs::Progress& progress) {
        computed = progress.taken > 0;
        line.show(progress);
      },
      doors.stop);
}

// "model.json.123-0.tmp": what storage::Disk leaves of a file when its process is killed.
bool is_half_written(std::string_view name) {
  for (const char* file : {kReport, kModel, kPage})
    if (name.starts_with(std::string(file + 1) + ".") && name.ends_with(".tmp")) return true;
  return false;
}

base::Error with_advice(const base::Error& error, const std::string& run, const Doors& doors) {
  if (error.code() == ErrorCode::aborted && doors.stop())
    return base::Error(error.code(), "stopped; go on with: " + how_to_go_on(run));
  return base::Error(error.code(), fmt::format("{}; what was computed is kept, to go on with: {}",
                                               error.text(), how_to_go_on(run)));
}

}  // namespace

bool is_finished(const storage::Directory& directory, const std::string& run) {
  return directory.exists(run + kReport);
}

std::string how_to_go_on(const std::string& run) { return "hanse resume " + quoted(run); }

base::Error not_finished(const storage::Directory& directory, const std::string& run,
                         std::string_view file) {
  if (!directory.exists(run + kJob) || is_finished(directory, run))
    return base::Error(
        ErrorCode::not_found,
        fmt::format("'{0}' is no run: there is no {0}/{1}; expected a folder that hanse run wrote",
                    run, file));
  return base::Error(ErrorCode::failed_precondition,
                     fmt::format("'{}' is unfinished{}; go on with: {}", run, since(directory, run),
                                 how_to_go_on(run)));
}

base::Result<std::unique_ptr<storage::Store>> hold(const std::string& run) {
  auto store = storage::SqliteStore::open(run + kStore);
  if (store) return std::unique_ptr<storage::Store>(*std::move(store));
  if (store.error().code() != ErrorCode::corruption) return base::fail(store.error());
  return base::fail(ErrorCode::corruption,
                    "{}; what was computed is lost, so begin a new run: hanse run {}",
                    store.error().text(), quoted(run + kJob));
}

void tidy(storage::Directory& directory, const std::string& run) {
  // The log goes last: without its database it means nothing, the other way round it would be lost.
  for (const char* suffix : {"", "-journal", "-wal"})
    (void)directory.remove_all(run + kStore + suffix);
  const auto entries = directory.list(run);
  if (!entries) return;
  for (const storage::Entry& entry : *entries)
    if (is_half_written(entry.name)) (void)directory.remove_all(run + "/" + entry.name);
}

base::Result<void> work_on(const std::string& run, const jobs::Job& job,
                           std::unique_ptr<storage::Store> store, bool json, const Doors& doors,
                           bool& computed) {
  const auto result = train(job, *store, doors, computed);
  if (!result && !computed) return base::fail(result.error());
  if (!result) return base::fail(with_advice(result.error(), run, doors));
  const std::string report_json = jobs::to_json(result->report);
  if (const auto written = write(run, *result, report_json, doors.directory); !written)
    return base::fail(with_advice(written.error(), run, doors));
  tidy(doors.directory, run);  // before the store closes, so that it has nothing to put in order
  store.reset();
  return show(run, result->report, report_json, json, doors);
}

}  // namespace hanse::commands
