// Expected failure: a code from a closed list, which may travel, and a text, which never leaves the
// site.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hanse::base {

enum class ErrorCode {
  invalid_argument,     // the caller's input is wrong, whatever the state
  failed_precondition,  // the input is fine, the state is not
  not_found,
  already_exists,
  permission_denied,
  budget_exhausted,
  corruption,         // stored or received bytes contradict themselves
  unavailable,        // may work later
  deadline_exceeded,  // took longer than was allowed
  aborted,            // given up on purpose, nothing half done
  unsupported,
  internal,
};

// One row of the table that every face of Hanse reads: command line, HTTP, Python.
struct ErrorRow {
  ErrorCode code;
  std::string_view name;  // as in JSON and logs
  int exit_code;          // of the process
  int http_status;        // of an RFC 9457 problem
  std::string_view python_exception;
};

// All rows, in the order of the enumeration.
std::span<const ErrorRow> error_table();

const ErrorRow& error_row(ErrorCode code);

// Says what was expected, what came and what to do.
class Error {
 public:
  Error(ErrorCode code, std::string text) : code_(code), text_(std::move(text)) {}

  ErrorCode code() const { return code_; }
  const std::string& text() const { return text_; }

  // The same error with `where` in front of its text: "examples/a.toml: unknown key".
  Error within(std::string_view where) const;

 private:
  ErrorCode code_;
  std::string text_;
};

}  // namespace hanse::base
