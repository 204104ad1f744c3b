// What coordinator and sites say to each other. Every message belongs to one release.
#pragma once

#include <variant>
#include <vector>

#include "federation/message/blob.h"
#include "transport/transport.h"

namespace hanse::federation {

// What one attempt at one round of one job releases.
struct Release {
  base::JobId job;
  base::RoundId round;
  auto operator<=>(const Release&) const = default;
};

// The question. Its parameters are not in here: the site pulls them.
struct Offer {
  query::QueryPlan plan;
  Manifest parameters;
  std::vector<base::SiteId> cohort;
};

// A sealed answer to the plan with this digest is ready to be pulled.
struct Contribution {
  base::Digest plan;
  Manifest sealed;
};

// No answer, whatever the cause.
struct Decline {};

struct Pull {
  base::Digest blob;
  std::vector<std::uint32_t> chunks;
};

// The contribution is in the sum.
struct Receipt {
  base::Digest blob;
};

// The attempt is over: closed with a result, or aborted.
struct Ended {
  bool closed = false;
};

// Of the aggregation backend.
struct BackendMessage {
  base::Bytes bytes;
};

using Body =
    std::variant<Offer, Contribution, Decline, Pull, Chunk, Receipt, Ended, BackendMessage>;

struct Message {
  Release release;
  Body body;
};

// Most chunks that one Pull asks for: 4 MiB in flight.
inline constexpr std::size_t kPullWindow = 16;

transport::Envelope encode(const Message& message, transport::Address from, transport::Address to);

// Malformed, out of bounds or with a chunk where none belongs: corruption. Nothing is allocated
// beyond the envelope's own size.
base::Result<Message> decode(const transport::Envelope& envelope);

}  // namespace hanse::federation
