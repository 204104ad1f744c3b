// Options of a plan, which a site parses before it trusts whoever sent them: refused, or equal to
// what comes back from their own JSON.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "learning/options.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto options = hanse::learning::options_from_json(text);
  if (!options) return 0;
  const auto again = hanse::learning::options_from_json(hanse::learning::to_json(*options));
  HANSE_CHECK(again.has_value() && *again == *options);
  return 0;
}
