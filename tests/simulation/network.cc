#include "simulation/network.h"

#include "federation/message/message.h"

namespace hanse::simulation {
namespace {

base::Slice with_flipped_byte(const base::Slice& chunk, std::uint64_t position) {
  base::Bytes bytes(chunk.view().begin(), chunk.view().end());
  bytes[position % bytes.size()] ^= std::byte{0x40};
  return base::Slice(std::move(bytes));
}

}  // namespace

Fate Network::send(transport::Envelope envelope, base::Milliseconds now) {
  // Every draw is made whatever its use, so that one fault does not shift the others.
  const Fate fate{.lost = chance(faults_.loss),
                  .duplicated = chance(faults_.duplicate),
                  .damaged = chance(faults_.damage) && envelope.chunk.size() > 0};
  const std::uint64_t position = base::uniform_word(random_);
  if (fate.lost) return fate;
  if (fate.duplicated) enqueue(envelope, now);
  if (fate.damaged) envelope.chunk = with_flipped_byte(envelope.chunk, position);
  enqueue(envelope, now);
  return fate;
}

void Network::enqueue(const transport::Envelope& envelope, base::Milliseconds now) {
  const auto bound = static_cast<std::uint64_t>(faults_.max_delay_ms) + 1;
  const base::Milliseconds delay{static_cast<std::int64_t>(base::uniform_below(random_, bound))};
  sent_bytes_ += envelope.size();
  base::Milliseconds leaves = now;
  if (faults_.bytes_per_ms > 0) {
    base::Milliseconds& free = free_at_[{envelope.from, envelope.to}];
    leaves = free =
        std::max(now, free) +
        base::Milliseconds{static_cast<std::int64_t>(envelope.size()) / faults_.bytes_per_ms};
  }
  in_flight_.emplace(std::pair(leaves + delay, sequence_++), envelope);
}

std::optional<base::Milliseconds> Network::next_delivery() const {
  if (in_flight_.empty()) return std::nullopt;
  return in_flight_.begin()->first.first;
}

transport::Envelope Network::deliver() {
  return std::move(in_flight_.extract(in_flight_.begin()).mapped());
}

std::string_view name_of(const transport::Envelope& envelope) {
  static constexpr std::string_view kSite[] = {"contribution", "decline", "pull", "chunk",
                                               "exchange"};
  static constexpr std::string_view kCoordinator[] = {"ask",     "pull",  "chunk",
                                                      "receipt", "ended", "exchange"};
  if (envelope.from.is_coordinator())
    return kCoordinator[federation::decode_from_coordinator(envelope)->body.index()];
  return kSite[federation::decode_from_site(envelope)->body.index()];
}

}  // namespace hanse::simulation
