// Result<T>: a value or an Error. Constructors cannot fail; functions that can return a Result.
#pragma once

#include <fmt/core.h>

#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace hanse::base {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

// return fail(ErrorCode::not_found, "no file '{}'", path);
template <class... Args>
tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

// Prints where a broken invariant was found and aborts; also in release builds, never on input.
[[noreturn]] void broken_invariant(const char* expression, const char* file, int line);

}  // namespace hanse::base

#define HANSE_CHECK(expression) \
  ((expression) ? void(0) : ::hanse::base::broken_invariant(#expression, __FILE__, __LINE__))

#define HANSE_CONCAT_INNER(a, b) a##b
#define HANSE_CONCAT(a, b) HANSE_CONCAT_INNER(a, b)

// HANSE_TRY(auto table, read_csv(file)): declares `table`, or returns the error of the Result.
#define HANSE_TRY(declaration, expression)                                             \
  auto HANSE_CONCAT(hanse_try_, __LINE__) = (expression);                              \
  if (!HANSE_CONCAT(hanse_try_, __LINE__))                                             \
    return ::hanse::base::fail(std::move(HANSE_CONCAT(hanse_try_, __LINE__)).error()); \
  declaration = *std::move(HANSE_CONCAT(hanse_try_, __LINE__))

// HANSE_TRY_VOID(check(plan)): returns the error of a Result<void>, if it has one.
#define HANSE_TRY_VOID(expression)                                                      \
  do {                                                                                  \
    auto hanse_try_void = (expression);                                                 \
    if (!hanse_try_void) return ::hanse::base::fail(std::move(hanse_try_void).error()); \
  } while (false)
