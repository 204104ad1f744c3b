// That one leaf is in a witnessed log, in one file that stands alone: C2SP tlog-proof,
// https://c2sp.org/tlog-proof.
#pragma once

#include <string>
#include <vector>

#include "audit/policy.h"

namespace hanse::audit {

struct Proof {
  base::Bytes extra;  // not authenticated by itself; ours has the leaf
  std::uint64_t index = 0;
  std::vector<base::Digest> hashes;
  SignedCheckpoint checkpoint;

  std::string encode() const;
  // Malformed: corruption.
  static base::Result<Proof> parse(base::ByteView bytes);
};
// A leaf in base 64, and a checkpoint.
inline constexpr std::size_t kMaxProofBytes = kMaxCheckpointBytes + (std::size_t{128} << 10);

// The leaf is at that index of a tree whose head satisfies the policy. permission_denied,
// corruption.
base::Result<Witnessed> verify(const Proof& proof, base::ByteView leaf, const Policy& policy,
                               std::uint64_t now_seconds);

}  // namespace hanse::audit
