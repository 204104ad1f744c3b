// JSON as it has to be: bounded in size and depth, no key twice. Included by .cc files only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hanse::policy::internal {

using Json = nlohmann::ordered_json;

// invalid_argument with the byte where it ends to be JSON, or the key that comes twice.
base::Result<Json> strict_json(std::string_view text, std::size_t max_bytes, std::size_t max_depth);

// One step of an RFC 6901 pointer: "/" and the key with its '~' and '/' escaped.
std::string pointer_step(std::string_view key);

}  // namespace hanse::policy::internal
