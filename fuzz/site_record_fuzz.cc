// What a site keeps of its answers: a stream of entries, each behind its length; what is taken
// follows the laws, and comes back from a snapshot.

#include "federation/site/site_record.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteView bytes = std::as_bytes(std::span(data, size));
  federation::SiteRecord record;
  while (!bytes.empty()) {
    const std::size_t length =
        std::min<std::size_t>(std::to_integer<std::size_t>(bytes[0]), bytes.size() - 1);
    const base::ByteView entry = bytes.subspan(1, length);
    bytes = bytes.subspan(1 + length);
    const federation::SiteRecord before = record;
    if (!record.check(entry)) {
      HANSE_CHECK(record == before);
      continue;
    }
    record.apply(entry);
    HANSE_CHECK(record.standing().answers - before.standing().answers <= 1);
    HANSE_CHECK(record.open().size() <= federation::kMaxOpenAnswers);
    HANSE_CHECK(federation::SiteRecord::restore(record.snapshot()).value() == record);
  }
  return 0;
}
