#include "base/error.h"

#include <array>

#include "base/result.h"

namespace hanse::base {
namespace {

// Exit codes 1 (unspecified) and 2 (wrong usage) belong to the shell's customs; 128 and above to
// signals.
constexpr std::array<ErrorRow, 12> kTable{{
    {ErrorCode::invalid_argument, "invalid_argument", 3, 400, "ValueError"},
    {ErrorCode::failed_precondition, "failed_precondition", 4, 409, "RuntimeError"},
    {ErrorCode::not_found, "not_found", 5, 404, "FileNotFoundError"},
    {ErrorCode::already_exists, "already_exists", 6, 409, "FileExistsError"},
    {ErrorCode::permission_denied, "permission_denied", 7, 403, "PermissionError"},
    {ErrorCode::budget_exhausted, "budget_exhausted", 8, 403, "BudgetExhaustedError"},
    {ErrorCode::corruption, "corruption", 9, 422, "CorruptionError"},
    {ErrorCode::unavailable, "unavailable", 10, 503, "ConnectionError"},
    {ErrorCode::deadline_exceeded, "deadline_exceeded", 11, 504, "TimeoutError"},
    {ErrorCode::aborted, "aborted", 12, 409, "AbortedError"},
    {ErrorCode::unsupported, "unsupported", 13, 501, "NotImplementedError"},
    {ErrorCode::internal, "internal", 14, 500, "SystemError"},
}};

}  // namespace

std::span<const ErrorRow> error_table() { return kTable; }

const ErrorRow& error_row(ErrorCode code) {
  const auto index = static_cast<std::size_t>(code);
  HANSE_CHECK(index < kTable.size());
  return kTable[index];
}

Error Error::within(std::string_view where) const {
  return Error(code_, fmt::format("{}: {}", where, text_));
}

}  // namespace hanse::base
