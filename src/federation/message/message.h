// What coordinator and sites say to each other. Every message belongs to one release.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "federation/message/blob.h"
#include "transport/transport.h"

namespace hanse::privacy {
class Released;
}

namespace hanse::federation {

// What one attempt at one round of one job releases.
struct Release {
  base::JobId job;
  base::RoundId round;
  auto operator<=>(const Release&) const = default;
};

// How the answers are added up, so that nobody reads one alone.
struct Protection {
  std::string backend = "plain";
  // Sites that together rebuild what another one masked with; 0 with `plain`.
  std::uint32_t threshold = 0;
  // Every number that is opened is a sum over at least so many sites that do not collude with the
  // coordinator.
  std::uint32_t min_contributors = 1;
  // Sites that may, all of them together, without anybody else losing anything.
  std::uint32_t max_colluders = 0;

  bool operator==(const Protection&) const = default;
};

// The fewest contributions to a sum that keep what the protection promises.
inline std::uint32_t least_sites(const Protection& protection) {
  return std::max(protection.threshold, protection.min_contributors + protection.max_colluders);
}

// Two sums of one round would take two sets of `threshold` sites each, and those that do not
// collude belong to one.
inline bool opens_one_sum(const Protection& protection, std::size_t sites) {
  return 2 * std::size_t{protection.threshold} > sites + protection.max_colluders;
}

// The question. Its parameters are not in here: the site pulls them.
struct Offer {
  query::QueryPlan plan;
  Manifest parameters;
  std::vector<base::SiteId> cohort;
  std::string job = {};         // the job file's text, at most base::kMaxJobBytes
  std::uint32_t min_sites = 1;  // a sum of fewer answers is not opened
  Protection protection = {};
};

// Of the plan, its parameters, the job's text, min_sites, the protection and the cohort: what a
// site agrees to by answering.
base::Digest digest_of(const Offer& offer);

// Of the released numbers, little-endian: what the audit log binds, and files of them have.
base::Digest digest_of(const privacy::Released& released);

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

// The coordinator reads each answer by itself.
inline bool is_plain(const Offer& offer) {
  return offer.protection.backend == aggregation::plain().name();
}

// The sites of a consortium as the epoch of its roster has them.
struct Membership {
  base::Digest roster;
  std::map<base::SiteId, crypto::Verifier> keys;
};

// Blobs that the machine of one attempt keeps at either side: one for each of its exchanges, and
// some to spare.
inline constexpr std::size_t kMaxKept = 16;

// What the aggregation machines of either side are told. A site of the cohort that is none of the
// consortium: permission_denied, but with `plain`, which asks for no keys.
base::Result<aggregation::Setup> setup_of(const Offer& offer, const Membership& members);

// What a site says of its answer for the audit log: an audit::Statement, as it signed it. No bytes:
// nobody logs.
struct SignedStatement {
  base::Bytes bytes;
  crypto::Signature signature{};

  bool operator==(const SignedStatement&) const = default;
};

// A statement is some digests and names.
inline constexpr std::size_t kMaxStatementBytes = 1024;

// A sealed answer to the offer with this digest is ready to be pulled.
struct Contribution {
  base::Digest offer;
  Manifest sealed;
  Standing standing;  // with this answer
  SignedStatement statement = {};
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

// What the aggregation machine of one side says to the other's.
using aggregation::Exchange;

// What leaves a site: no bytes but those of a sealed vector and of the machine that sealed it.
struct SiteMessage {
  Release release;
  std::variant<Contribution, Decline, Pull, SealedChunk, Exchange> body;
};

struct CoordinatorMessage {
  Release release;
  std::variant<Ask, Pull, ParametersChunk, Receipt, Ended, Exchange> body;
};

transport::Envelope encode(const SiteMessage& message, const base::SiteId& from);
transport::Envelope encode(const CoordinatorMessage& message, const base::SiteId& to);

// Malformed, out of bounds, of the other direction, or with a chunk where none belongs: corruption.
// What is allocated is in proportion to the envelope's own size.
base::Result<SiteMessage> decode_from_site(const transport::Envelope& envelope);
base::Result<CoordinatorMessage> decode_from_coordinator(const transport::Envelope& envelope);

}  // namespace hanse::federation
