#include "policy/internal/strict_json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

namespace hanse::policy::internal {

using base::ErrorCode;
using base::fail;

base::Result<Json> strict_json(std::string_view text, std::size_t max_bytes,
                               std::size_t max_depth) {
  if (text.size() > max_bytes)
    return fail(ErrorCode::invalid_argument, "{} bytes of JSON; at most {}", text.size(),
                max_bytes);
  std::string trouble;
  std::vector<std::set<std::string>> keys;  // of the objects around
  const auto look = [&](int depth, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    if (!trouble.empty()) return false;
    if (static_cast<std::size_t>(depth) >= max_depth) {
      trouble = fmt::format("nested deeper than {}", max_depth);
      return false;
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second)
      trouble = fmt::format("key '{}' stands twice in one object", value.get<std::string>());
    return trouble.empty();
  };
  try {
    Json json = Json::parse(text, look);
    if (!trouble.empty()) return fail(ErrorCode::invalid_argument, "{}", trouble);
    return json;
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::invalid_argument, "no JSON at byte {}", error.byte);
  } catch (const Json::exception& error) {
    return fail(ErrorCode::invalid_argument, "no JSON: {}", error.what());
  }
}

std::string pointer_step(std::string_view key) {
  std::string step = "/";
  for (const char one : key) step += one == '~' ? "~0" : one == '/' ? "~1" : std::string(1, one);
  return step;
}

}  // namespace hanse::policy::internal
