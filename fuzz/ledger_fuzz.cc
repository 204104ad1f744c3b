// What a privacy ledger keeps. After a 0, a stream of entries, each behind two bytes of length:
// what is taken follows the laws, and comes back from a snapshot. After anything else, a snapshot.

#include "privacy/ledger/audit.h"

using namespace hanse;

namespace {

void check_laws(const privacy::PrivacyLedger& ledger) {
  for (const privacy::AssetId& asset : ledger.assets()) {
    const auto standing = ledger.standing(asset).value();
    HANSE_CHECK(!standing.empty());
    for (const privacy::BlockStanding& block : standing) {
      HANSE_CHECK(block.spent.fits(block.capacity));
      HANSE_CHECK(block.unresolved.fits(block.spent));
      HANSE_CHECK(block.spent.plus(block.left) == block.capacity);
      HANSE_CHECK(block.stability >= 1 && block.stability <= privacy::kMaxStability);
    }
  }
  const base::Bytes snapshot = ledger.snapshot();
  const auto again = privacy::PrivacyLedger::restore(snapshot);
  HANSE_CHECK(again.has_value() && *again == ledger && again->snapshot() == snapshot);
}

void take_entries(base::ByteView bytes) {
  privacy::PrivacyLedger ledger;
  while (bytes.size() > 2) {
    const std::size_t length = std::min(
        std::to_integer<std::size_t>(bytes[0]) | std::to_integer<std::size_t>(bytes[1]) << 8,
        bytes.size() - 2);
    const base::ByteView entry = bytes.subspan(2, length);
    bytes = bytes.subspan(2 + length);
    if (const auto described = privacy::describe(entry))
      HANSE_CHECK(encode(privacy::describe(encode(*described)).value()) == encode(*described));
    if (!ledger.check(entry)) continue;
    ledger.apply(entry);
    check_laws(ledger);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  if (bytes.empty()) return 0;
  if (bytes[0] == std::byte{0})
    take_entries(bytes.subspan(1));
  else if (const auto ledger = privacy::PrivacyLedger::restore(bytes.subspan(1)))
    check_laws(*ledger);
  return 0;
}
