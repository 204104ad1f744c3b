// What the parties keep of rounds: what reads must be written to the same bytes again, and a site's
// record that comes back from a snapshot takes or refuses any entry.

#include <cstdlib>

#include "federation/round/round.h"
#include "federation/site/site_record.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto steps = federation::decode_steps(bytes)) {
    const base::Bytes again = federation::encode(*steps);
    const auto twice = federation::decode_steps(again);
    if (!twice || federation::encode(*twice) != again) std::abort();
  }
  federation::SiteRecord record;
  if (auto restored = federation::SiteRecord::restore(bytes)) {
    record = *std::move(restored);
    const auto again = federation::SiteRecord::restore(record.snapshot());
    if (!again || *again != record) std::abort();
  }
  if (record.check(bytes)) {
    const std::uint64_t answers = record.standing().answers;
    record.apply(bytes);
    if (record.standing().answers > answers + 1) std::abort();
  }
  return 0;
}
