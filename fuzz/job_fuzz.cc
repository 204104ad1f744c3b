// Job files: what reads with an override must read again from the text that it gives.

#include <array>
#include <cstdlib>
#include <span>

#include "jobs/job.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = base::text_of(std::as_bytes(std::span(data, size)));
  const auto environment = [](std::string_view) { return std::optional<std::string>("/data"); };
  // The first line is an override, the rest the file.
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::array<std::string, 1> overrides{std::string(text.substr(0, line))};
  const std::string_view file = text.substr(std::min(line + 1, text.size()));
  const auto job = jobs::parse_job(file, "fuzz.toml", environment, overrides);
  if (!job) return 0;
  const auto again = jobs::parse_job(job->text, "again.toml", environment);
  if (!again || again->source != job->source || again->strategy != job->strategy ||
      again->model != job->model || again->seed != job->seed || again->classes != job->classes ||
      again->fairness != job->fairness || again->groups != job->groups)
    std::abort();
  return 0;
}
