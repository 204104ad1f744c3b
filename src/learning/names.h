// Enumerations by name: one table serves both directions and the error text.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace hanse::learning {

template <class Enum, std::size_t kSize>
using NameTable = std::array<std::pair<Enum, std::string_view>, kSize>;

template <class Enum, std::size_t kSize>
std::string_view name_in(const NameTable<Enum, kSize>& table, Enum value) {
  for (const auto& [candidate, name] : table)
    if (candidate == value) return name;
  base::broken_invariant("a value outside its enumeration", __FILE__, __LINE__);
}

// invalid_argument lists the names.
template <class Enum, std::size_t kSize>
base::Result<Enum> value_in(const NameTable<Enum, kSize>& table, std::string_view what,
                            std::string_view name) {
  std::string known;
  for (const auto& [candidate, text] : table) {
    if (text == name) return candidate;
    if (!known.empty()) known += ", ";
    known += text;
  }
  return base::fail(base::ErrorCode::invalid_argument, "{} '{}' is unknown; valid are: {}", what,
                    name.substr(0, 64), known);
}

}  // namespace hanse::learning
