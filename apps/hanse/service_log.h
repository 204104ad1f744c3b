// The log of a party that runs: one JSON object a line on stderr, or plain lines on a terminal.
#pragma once

#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace hanse::commands {

// Thread-safe. Parties cause lines at each other, and nobody may fill a disk with them: what is
// more than a thousand lines a minute is counted, and the count said a minute later.
class ServiceLog final : public base::Log {
 public:
  ServiceLog(const base::Clock& clock, std::string party, bool plain)
      : clock_(clock), party_(std::move(party)), plain_(plain) {}

  void write(base::Severity severity, std::string_view text) override;

 private:
  void put(base::Severity severity, std::string_view text);  // under the mutex

  const base::Clock& clock_;
  const std::string party_;
  const bool plain_;
  std::mutex mutex_;
  base::Milliseconds minute_{};
  int lines_ = 0;  // in this minute
  int left_out_ = 0;
};

}  // namespace hanse::commands
