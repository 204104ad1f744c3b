#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/deployed_summary.h"
#include "hanse/run_folder.h"
#include "hanse/summary.h"
#include "jobs/privacy_words.h"

namespace hanse::commands {
namespace {

constexpr std::size_t kMaxReportBytes = std::size_t{64} << 20;  // as report_from_json

struct Read {
  std::string path;
  std::string text;

  // By the line that says so: what is damaged behind it is said of the right kind.
  bool is_deployed() const {
    const std::string_view beginning = std::string_view(text).substr(0, 128);
    return beginning.find(jobs::kDeployedSchema) != std::string_view::npos;
  }
};

// A run's folder; its report.json may be named too.
std::string folder_of(std::string run) {
  constexpr std::string_view kFile = "/report.json";
  if (run == kFile.substr(1)) return ".";
  if (run.ends_with(kFile)) run.resize(run.size() - kFile.size());
  return run;
}

base::Result<Read> read(const std::string& run, const storage::Directory& directory) {
  const std::string path = run + "/report.json";
  if (!is_finished(directory, run)) return base::fail(not_finished(directory, run, "report.json"));
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, kMaxReportBytes));
  return Read{run, std::string(base::text_of(bytes))};
}

base::Result<jobs::Report> simulated(const Read& read) {
  auto report = jobs::report_from_json(read.text);
  if (!report) return base::fail(report.error().within(read.path + "/report.json"));
  return report;
}

base::Result<jobs::DeployedReport> deployed(const Read& read) {
  auto report = jobs::deployed_report_from_json(read.text);
  if (!report) return base::fail(report.error().within(read.path + "/report.json"));
  return report;
}

// As they lie there, once each is known to be sound.
base::Result<void> print_json(const std::vector<Read>& all, const Terminal& terminal) {
  std::string json;
  for (const Read& read : all) {
    if (read.is_deployed())
      HANSE_TRY_VOID(deployed(read));
    else
      HANSE_TRY_VOID(simulated(read));
    json += (json.empty() ? "" : ",\n") + read.text;
  }
  return terminal.print_data(all.size() == 1 ? json : "[\n" + json + "]\n");
}

base::Result<void> print_deployed(const Read& read, const Terminal& terminal) {
  HANSE_TRY(const jobs::DeployedReport report, deployed(read));
  const Style& style = terminal.out();
  return terminal.print(
      fmt::format("{}\n{}\n{}\n", summary(report, style),
                  style.warning("No record left a site. " +
                                visible(jobs::conclusion(report.privacy, /*simulated=*/false))),
                  visible(read.path + "/report.html")));
}

base::Result<void> print_simulated(const Read& read, const Terminal& terminal) {
  HANSE_TRY(const jobs::Report report, simulated(read));
  const Style& style = terminal.out();
  std::string released = jobs::released_in_words(report.rounds);
  if (!released.empty()) released += "\n";
  return terminal.print(
      fmt::format("{}\n{}\n{}{}\n", summary(report, style),
                  style.warning(departures(report) + ". " + visible(jobs::conclusion(report))),
                  released, visible(read.path + "/report.html")));
}

base::Result<void> print_comparison(const std::vector<Read>& all, const Terminal& terminal) {
  std::vector<NamedReport> reports;
  for (const Read& read : all) {
    if (read.is_deployed())
      return base::fail(
          base::ErrorCode::invalid_argument,
          "'{}' is of a deployed job, which has no test records to compare on: show it "
          "by itself",
          read.path);
    HANSE_TRY(jobs::Report report, simulated(read));
    reports.push_back({read.path, std::move(report)});
  }
  return terminal.print(comparison(reports, terminal.out()));
}

}  // namespace

base::Result<void> execute(const Report& command, const Doors& doors) {
  std::vector<Read> all;
  for (const std::string& run : command.runs) {
    HANSE_TRY(Read one, read(folder_of(run), doors.directory));
    all.push_back(std::move(one));
  }
  if (command.json) return print_json(all, doors.terminal);
  if (all.size() > 1) return print_comparison(all, doors.terminal);
  if (all.front().is_deployed()) return print_deployed(all.front(), doors.terminal);
  return print_simulated(all.front(), doors.terminal);
}

}  // namespace hanse::commands
