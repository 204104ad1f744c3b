// The frame of every report as one HTML page: light and dark, no script, nothing from elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "jobs/report.h"

namespace hanse::jobs {

// Title, what it is about, and a line of facts, as text; `body` is HTML.
std::string report_page(std::string_view title, std::string_view about, std::string_view facts,
                        std::string_view body);

// Of a job; `seeds` says what was random.
std::string report_page(const ReportedJob& job, std::string_view seeds, std::string_view body);

}  // namespace hanse::jobs
