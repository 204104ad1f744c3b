// Model files: what reads must be written to the same bytes however often.

#include <cstdlib>
#include <span>

#include "jobs/model_file.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = jobs::model_from_json(base::text_of(std::as_bytes(std::span(data, size))));
  if (!file) return 0;
  const std::string json = jobs::to_json(*file);
  const auto again = jobs::model_from_json(json);
  if (!again || jobs::to_json(*again) != json) std::abort();
  return 0;
}
