// Audit logs that were drawn, whole and with one thing changed. For make_logs.cc.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/fsck.h"
#include "audit/proof.h"

namespace hanse::golden {

using audit::Policy;
using Random = base::RandomSource;

// 2024-05-01. Witnesses sign in the year before.
inline constexpr std::uint64_t kNow = 1'714'521'600;

// A log as it is placed: nothing keeps its parts consistent.
struct Log {
  crypto::Signer signer;                  // the log's own
  std::vector<crypto::Signer> witnesses;  // in the policy's order
  Policy policy;
  std::vector<base::Bytes> leaves;
  std::map<std::string, base::Bytes> tiles;       // and bundles, by their paths
  std::string text;                               // of the checkpoint
  std::vector<crypto::NoteSignature> signatures;  // the log's first, then at least a quorum

  std::string checkpoint() const;
  // Reads the tiles and checkpoint() of this object, which must outlive it.
  audit::TileSource source() const;
};

inline constexpr std::size_t kAnySize = ~std::size_t{0};
// The first ones of a `number` have sizes at which levels begin; the others are small mostly.
Log draw(std::size_t number, Random& random);
// Of any leaf that is not empty; none: there is no such leaf.
std::optional<audit::Proof> draw_proof(const Log& log, Random& random);

std::map<std::string, base::Bytes> tiles_of(std::span<const base::Bytes> leaves);
base::Digest root_of(std::span<const base::Bytes> leaves);
// The log signs this head, and as many witnesses as it takes, or more.
void sign(Log& log, const audit::Checkpoint& head, Random& random);
// Whether the policy takes the checkpoint as it is.
bool is_quorum(const Log& log);
bool is_cosignature(const Log& log, const crypto::NoteSignature& signature);
base::Bytes draw_bytes(std::size_t size, Random& random);

// One thing changed. False: it needs another log.
struct LogChange {
  std::string kind;
  std::function<bool(Log&, Random&)> make;
};
std::vector<LogChange> log_changes();

// The text of a proof with one thing changed, or none: it needs another log.
struct ProofChange {
  std::string kind;
  std::function<std::optional<std::string>(Log&, Random&)> make;
};
std::vector<ProofChange> proof_changes();

}  // namespace hanse::golden
