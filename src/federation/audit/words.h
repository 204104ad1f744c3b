// What coordinator and sites say to each other about the audit log, beside the rounds.
// docs/formats/audit.md, "Words about the log"
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "audit/witness.h"
#include "transport/transport.h"

namespace hanse::federation {

// Coordinator → site.
struct Cosign {
  base::Bytes request;  // the body of add-checkpoint
};
struct WitnessedHead {
  base::Bytes checkpoint;  // with the cosignatures of a quorum
};
struct Proofs {
  std::vector<base::Bytes> proofs;  // audit::Proof, each with its leaf
};
using CoordinatorAuditWord = std::variant<Cosign, WitnessedHead, Proofs>;

// Site → coordinator.
struct Cosigned {
  audit::WitnessAnswer answer;
};
struct WantProofs {
  std::vector<base::Digest> leaves;  // their hashes
};
using SiteAuditWord = std::variant<Cosigned, WantProofs>;

inline constexpr std::size_t kMaxWanted = 256;
// Together with their frame they fit a message.
inline constexpr std::size_t kMaxProofsBytes = std::size_t{900} << 10;

transport::Envelope encode(const CoordinatorAuditWord& word, const base::SiteId& to);
transport::Envelope encode(const SiteAuditWord& word, const base::SiteId& from);

// None: a message of a round. Damaged or out of bounds: corruption.
base::Result<std::optional<SiteAuditWord>> audit_word_from_site(
    const transport::Envelope& envelope);
base::Result<std::optional<CoordinatorAuditWord>> audit_word_from_coordinator(
    const transport::Envelope& envelope);

}  // namespace hanse::federation
