// What coordinator and sites say to each other. Every message belongs to one release.
#pragma once

#include <optional>
#include <string>
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
  std::string job = {};         // the job file's text, at most base::kMaxJobBytes
  std::uint32_t min_sites = 1;  // a sum of fewer answers is not opened
};

// Of the plan, its parameters, the job's text, min_sites and the cohort: what a site agrees to by
// answering.
base::Digest digest_of(const Offer& offer);

// How many answers a site has given, and a hash that binds all of them and their order. A store
// that was restored from an old copy shows by it.
struct Standing {
  std::uint64_t answers = 0;
  base::Digest chain;  // zero before the first answer

  bool operator==(const Standing&) const = default;
};

// One answer further: docs/formats/messages.md, "Standing".
Standing after(const Standing& standing, const Release& release, const base::Digest& offer,
               const base::Digest& sealed);

// What the coordinator says to one site: the question, and where the site stood when it last got a
// receipt, if ever.
struct Ask {
  Offer offer;
  std::optional<Standing> receipted = {};
};

// What the aggregation machines of either side are told.
aggregation::Setup setup_of(const Offer& offer);

// A sealed answer to the offer with this digest is ready to be pulled.
struct Contribution {
  base::Digest offer;
  Manifest sealed;
  Standing standing;  // with this answer
};

// No answer, whatever the cause.
struct Decline {};

// At most kPullWindow chunks.
struct Pull {
  base::Digest blob;
  std::vector<std::uint32_t> chunks;
};

// The contribution is in the sum of a round that is closed for good.
struct Receipt {
  base::Digest blob;
};

// The attempt is over, and the site's answer is not in a sum: closed with a result, or aborted.
struct Ended {
  bool closed = false;
};

// What leaves a site: no bytes but those of a sealed vector.
struct SiteMessage {
  Release release;
  std::variant<Contribution, Decline, Pull, SealedChunk> body;
};

struct CoordinatorMessage {
  Release release;
  std::variant<Ask, Pull, ParametersChunk, Receipt, Ended> body;
};

transport::Envelope encode(const SiteMessage& message, const base::SiteId& from);
transport::Envelope encode(const CoordinatorMessage& message, const base::SiteId& to);

// Malformed, out of bounds, of the other direction, or with a chunk where none belongs: corruption.
// What is allocated is in proportion to the envelope's own size.
base::Result<SiteMessage> decode_from_site(const transport::Envelope& envelope);
base::Result<CoordinatorMessage> decode_from_coordinator(const transport::Envelope& envelope);

}  // namespace hanse::federation
