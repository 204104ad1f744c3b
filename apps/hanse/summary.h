// A report as text for the terminal.
#pragma once

#include <string>
#include <vector>

#include "hanse/terminal.h"
#include "jobs/report.h"

namespace hanse::commands {

// local-only | federated | pooled: over all test records, per site and per group with n; then what
// left each site.
std::string summary(const jobs::Report& report, const Style& style);

struct NamedReport {
  std::string path;
  jobs::Report report;
};

// One line per run and arm's metric, runs of several jobs side by side.
std::string comparison(const std::vector<NamedReport>& reports, const Style& style);

// "each site: 40 vectors, 215 KiB": what left, in one line.
std::string departures(const jobs::Report& report);

}  // namespace hanse::commands
