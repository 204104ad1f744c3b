// The log of a party that runs: one JSON object a line on stderr, or plain lines on a terminal.
#pragma once

#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace hanse::commands {

// Thread-safe.
class ServiceLog final : public base::Log {
 public:
  ServiceLog(const base::Clock& clock, std::string party, bool plain)
      : clock_(clock), party_(std::move(party)), plain_(plain) {}

  void write(base::Severity severity, std::string_view text) override;

 private:
  const base::Clock& clock_;
  const std::string party_;
  const bool plain_;
  std::mutex mutex_;
};

}  // namespace hanse::commands
