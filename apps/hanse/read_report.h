// Reports of finished runs, simulated and deployed, from their folders.
#pragma once

#include <string>

#include "jobs/deployed_report.h"
#include "jobs/report.h"
#include "storage/directory.h"

namespace hanse::commands {

struct ReadReport {
  std::string path;  // of the run's folder
  std::string text;  // of its report.json

  // By the line that says so: what is damaged behind it is said of the right kind.
  bool is_deployed() const;
};

// A run's folder; its report.json may be named too.
std::string run_folder_of(std::string run);

base::Result<ReadReport> read_report(const std::string& run, const storage::Directory& directory);
base::Result<jobs::Report> simulated(const ReadReport& read);
base::Result<jobs::DeployedReport> deployed(const ReadReport& read);

}  // namespace hanse::commands
