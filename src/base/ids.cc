#include "base/ids.h"

#include <algorithm>

namespace hanse::base {

Result<std::string> checked_name(std::string_view what, std::string_view name) {
  constexpr std::size_t kMaxNameBytes = 64;  // fits a file name with room for suffixes
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (name.empty() || name.size() > kMaxNameBytes || !std::ranges::all_of(name, allowed) ||
      name.front() == '.')
    return fail(ErrorCode::invalid_argument,
                "a {} name is 1 to {} letters, digits, '.', '_' or '-' and does not start with "
                "'.'; found '{}'",
                what, kMaxNameBytes, name.substr(0, 80));
  return std::string(name);
}

}  // namespace hanse::base
