// A field of a CSV file that we write.
#pragma once

#include <string>

namespace hanse::jobs {

// RFC 4180, section 2: quotes around what holds a separator, a quote or a line break. Text that a
// spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV Injection").
std::string csv_field(std::string text);

}  // namespace hanse::jobs
