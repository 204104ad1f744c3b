// Steps of a round: decoded ones encode to the same bytes again, and a record takes only those that
// follow one another, from Planned to Closed or Aborted.

#include "federation/round/round.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto steps = federation::decode_steps(std::as_bytes(std::span(data, size)));
  if (!steps) return 0;
  const base::Bytes bytes = federation::encode(*steps);
  const auto twice = federation::decode_steps(bytes);
  HANSE_CHECK(twice.has_value() && federation::encode(*twice) == bytes);
  federation::RoundRecord record;
  for (const federation::RoundStep& step : *steps) {
    const bool over = federation::is_over(record.state());
    const std::size_t before = record.steps().size();
    const bool taken = record.append(step).has_value();
    HANSE_CHECK(record.steps().size() == before + (taken ? 1 : 0));
    HANSE_CHECK(!(over && taken));
  }
  return 0;
}
