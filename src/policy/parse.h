// ODRL 2.2 as JSON-LD in the Catena-X profile and our own: from text to policies.
#pragma once

#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace hanse::policy {

inline constexpr std::size_t kMaxPolicyBytes = std::size_t{16} << 20;  // of one document
inline constexpr std::size_t kMaxRules = 100'000;                      // of one set
inline constexpr std::size_t kMaxDepth = 32;                           // of JSON, and of conditions

// One document: a policy, or several in a list or under "@graph". Names may be compact or expanded.
// What is not known, at any place, is an error with its JSON pointer: invalid_argument.
base::Result<std::vector<Policy>> parse(std::string_view json);

// RFC 3339 with an offset, to the millisecond; else invalid_argument.
base::Result<base::Milliseconds> parse_instant(std::string_view text);
// ISO 8601 of days, hours, minutes and seconds: "P30D", "PT15M".
base::Result<base::Milliseconds> parse_duration(std::string_view text);
// "2026-11-22T21:00:00Z"; with ".250" where there are milliseconds.
std::string instant_text(base::Milliseconds wall);

}  // namespace hanse::policy
