// JSON as it has to be: bounded, no key twice. Included by .cc files only.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hanse::policy::internal {

using Json = nlohmann::ordered_json;

// A key is found by looking at each, so an object of many would take its square in time.
inline constexpr std::size_t kMaxKeys = 1024;  // of one object
inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxJsonValues = 4'000'000;

// invalid_argument with the byte where it ends to be JSON, the key that comes twice, or the bound
// that it breaks. What is too much is not kept.
base::Result<Json> strict_json(std::string_view text, std::size_t max_bytes, std::size_t max_depth);

// One step of an RFC 6901 pointer: "/" and the key with its '~' and '/' escaped.
std::string pointer_step(std::string_view key);

}  // namespace hanse::policy::internal
