#include "hanse/service_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "hanse/terminal.h"

namespace hanse::commands {
namespace {

constexpr std::string_view kNames[] = {"debug", "note", "warning", "problem"};

constexpr base::Milliseconds kMinute{60'000};
constexpr int kLinesPerMinute = 1000;  // 300 MB of warnings a day, were somebody to cause them all
constexpr std::size_t kMaxLineBytes = 4096;  // an error may quote a stranger's file

}  // namespace

void ServiceLog::write(base::Severity severity, std::string_view text) {
  if (severity == base::Severity::debug) return;
  const std::lock_guard lock(mutex_);
  if (const base::Milliseconds now = clock_.monotonic(); now - minute_ >= kMinute) {
    minute_ = now;
    lines_ = 0;
    if (const int left_out = std::exchange(left_out_, 0); left_out > 0)
      put(base::Severity::warning, fmt::format("{} lines were left out", left_out));
  }
  if (lines_++ < kLinesPerMinute)
    put(severity, text.substr(0, kMaxLineBytes));
  else
    ++left_out_;
}

void ServiceLog::put(base::Severity severity, std::string_view text) {
  const std::int64_t now = clock_.wall().value;
  const auto second = static_cast<std::time_t>(now / 1000);
  const std::string time =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(second), now % 1000);
  const std::string_view level = kNames[static_cast<std::size_t>(severity)];
  std::string line;
  if (plain_) {
    line = fmt::format("{} {:<7} {}\n", time, level, visible(text));
  } else {
    const nlohmann::ordered_json json = {
        {"time", time}, {"level", level}, {"party", party_}, {"text", text}};
    line = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace hanse::commands
