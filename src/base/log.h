// The door for messages to the local operator. Never a secret, never a value of a record.
#pragma once

#include <string_view>

namespace hanse::base {

enum class Severity { debug, note, warning, problem };

class Log {
 public:
  virtual ~Log() = default;
  // Thread-safe.
  virtual void write(Severity severity, std::string_view text) = 0;
};

class SilentLog final : public Log {
 public:
  void write(Severity, std::string_view) override {}
};

}  // namespace hanse::base
