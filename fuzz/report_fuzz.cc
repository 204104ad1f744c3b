// Reports: what reads must be written to the same report again, and make a page.

#include <cstdlib>
#include <span>

#include "base/bytes.h"
#include "jobs/report.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto report = jobs::report_from_json(base::text_of(std::as_bytes(std::span(data, size))));
  if (!report) return 0;
  const auto again = jobs::report_from_json(jobs::to_json(*report));
  if (!again || *again != *report) std::abort();
  if (jobs::to_html(*report).find("<script") != std::string::npos) std::abort();
  return 0;
}
