// The frame of every report as one HTML page: light and dark, no script, nothing from elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "jobs/report.h"

namespace hanse::jobs {

// `seeds` says what was random; `body` is HTML.
std::string report_page(const ReportedJob& job, std::string_view seeds, std::string_view body);

}  // namespace hanse::jobs
