#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/run_folder.h"
#include "hanse/summary.h"

namespace hanse::commands {
namespace {

constexpr std::size_t kMaxReportBytes = std::size_t{64} << 20;  // as report_from_json

struct Read {
  std::string text;
  NamedReport named;
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
  auto report = jobs::report_from_json(base::text_of(bytes));
  if (!report) return base::fail(report.error().within(path));
  return Read{std::string(base::text_of(bytes)), {run, *std::move(report)}};
}

}  // namespace

base::Result<void> execute(const Report& command, const Doors& doors) {
  std::vector<NamedReport> reports;
  std::string json;
  for (const std::string& run : command.runs) {
    HANSE_TRY(Read one, read(folder_of(run), doors.directory));
    json += (json.empty() ? "" : ",\n") + one.text;
    reports.push_back(std::move(one.named));
  }
  if (command.json)
    return doors.terminal.print_data(reports.size() == 1 ? json : "[\n" + json + "]\n");
  const Style& style = doors.terminal.out();
  if (reports.size() > 1) return doors.terminal.print(comparison(reports, style));
  const auto& [path, report] = reports.front();
  return doors.terminal.print(fmt::format(
      "{}\n{}\n{}\n", summary(report, style),
      style.warning(departures(report) + ". Nothing was private: a simulation, in the clear."),
      visible(path + "/report.html")));
}

}  // namespace hanse::commands
