// AuthZEN's questions, as they come from outside.
#include <cstdlib>

#include "policy/request.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const policy::Moment now{{1'795'381'200'000}, {5'000'000}};
  const auto question = policy::parse_question(text, now);
  if (!question) return 0;
  if (question->request.subject.empty() || question->request.resource.empty()) std::abort();
  for (const auto& [name, value] : question->signals.all())
    if (value.at > now.monotonic) std::abort();
  return 0;
}
