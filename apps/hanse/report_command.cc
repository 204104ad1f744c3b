#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/deployed_summary.h"
#include "hanse/read_report.h"
#include "hanse/run_folder.h"
#include "hanse/summary.h"
#include "jobs/privacy_words.h"

namespace hanse::commands {
namespace {

// As they lie there, once each is known to be sound.
base::Result<void> print_json(const std::vector<ReadReport>& all, const Terminal& terminal) {
  std::string json;
  for (const ReadReport& read : all) {
    if (read.is_deployed())
      HANSE_TRY_VOID(deployed(read));
    else
      HANSE_TRY_VOID(simulated(read));
    json += (json.empty() ? "" : ",\n") + read.text;
  }
  return terminal.print_data(all.size() == 1 ? json : "[\n" + json + "]\n");
}

base::Result<void> print_deployed(const ReadReport& read, const Terminal& terminal) {
  HANSE_TRY(const jobs::DeployedReport report, deployed(read));
  const Style& style = terminal.out();
  return terminal.print(
      fmt::format("{}\n{}\n{}\n", summary(report, style),
                  style.warning("No record left a site. " +
                                visible(jobs::conclusion(report.privacy, /*simulated=*/false))),
                  visible(read.path + "/report.html")));
}

base::Result<void> print_simulated(const ReadReport& read, const Terminal& terminal) {
  HANSE_TRY(const jobs::Report report, simulated(read));
  const Style& style = terminal.out();
  std::string released = jobs::released_in_words(report.rounds);
  if (!released.empty()) released += "\n";
  return terminal.print(
      fmt::format("{}\n{}\n{}{}\n", summary(report, style),
                  style.warning(departures(report) + ". " + visible(jobs::conclusion(report))),
                  released, visible(read.path + "/report.html")));
}

base::Result<void> print_comparison(const std::vector<ReadReport>& all, const Terminal& terminal) {
  std::vector<NamedReport> reports;
  for (const ReadReport& read : all) {
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
  std::vector<ReadReport> all;
  for (const std::string& run : command.runs) {
    HANSE_TRY(ReadReport one, read_report(run_folder_of(run), doors.directory));
    all.push_back(std::move(one));
  }
  if (command.json) return print_json(all, doors.terminal);
  if (all.size() > 1) return print_comparison(all, doors.terminal);
  if (all.front().is_deployed()) return print_deployed(all.front(), doors.terminal);
  return print_simulated(all.front(), doors.terminal);
}

}  // namespace hanse::commands
