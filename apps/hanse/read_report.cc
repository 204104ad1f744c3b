#include "hanse/read_report.h"

#include "hanse/run_folder.h"

namespace hanse::commands {
namespace {

constexpr std::size_t kMaxReportBytes = std::size_t{64} << 20;  // as report_from_json

}  // namespace

bool ReadReport::is_deployed() const {
  const std::string_view beginning = std::string_view(text).substr(0, 128);
  return beginning.find(jobs::kDeployedSchema) != std::string_view::npos;
}

std::string run_folder_of(std::string run) {
  constexpr std::string_view kFile = "/report.json";
  if (run == kFile.substr(1)) return ".";
  if (run.ends_with(kFile)) run.resize(run.size() - kFile.size());
  return run;
}

base::Result<ReadReport> read_report(const std::string& run, const storage::Directory& directory) {
  const std::string path = run + "/report.json";
  if (!is_finished(directory, run)) return base::fail(not_finished(directory, run, "report.json"));
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, kMaxReportBytes));
  return ReadReport{run, std::string(base::text_of(bytes))};
}

base::Result<jobs::Report> simulated(const ReadReport& read) {
  auto report = jobs::report_from_json(read.text);
  if (!report) return base::fail(report.error().within(read.path + "/report.json"));
  return report;
}

base::Result<jobs::DeployedReport> deployed(const ReadReport& read) {
  auto report = jobs::deployed_report_from_json(read.text);
  if (!report) return base::fail(report.error().within(read.path + "/report.json"));
  return report;
}

}  // namespace hanse::commands
