// The Merkle tree of RFC 6962, section 2.1, over SHA-256: hashes, proofs, and the right edge that
// is enough to append.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/digest.h"

namespace hanse::audit {

// SHA-256(0x00 ‖ leaf), SHA-256(0x01 ‖ left ‖ right).
base::Digest leaf_hash(base::ByteView leaf);
base::Digest node_hash(const base::Digest& left, const base::Digest& right);
// Of no leaf at all: SHA-256 of nothing.
base::Digest empty_root();

// A proof has one hash for each level at most; sizes stay below 2^63.
inline constexpr std::size_t kMaxProofHashes = 63;
inline constexpr std::uint64_t kMaxTreeSize = std::uint64_t{1} << 62;

// The roots of the perfect subtrees that a tree of `size` leaves is made of, the largest first: as
// many as `size` has bits set. Not thread-safe.
class CompactRange {
 public:
  CompactRange() = default;
  // Another number of hashes than bits set in `size`: corruption.
  static base::Result<CompactRange> create(std::uint64_t size, std::vector<base::Digest> roots);

  std::uint64_t size() const { return size_; }
  const std::vector<base::Digest>& roots() const { return roots_; }
  void append(const base::Digest& leaf_hash);
  base::Digest root() const;
  bool operator==(const CompactRange&) const = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<base::Digest> roots_;
};

// RFC 6962, section 2.1.1 (verified as RFC 9162, section 2.1.3.2): `hashes` from the leaf's sibling
// up. An index beyond the size, too many or too few hashes, or another root: corruption, saying
// which.
base::Result<void> verify_inclusion(std::uint64_t index, const base::Digest& leaf_hash,
                                    std::uint64_t size, const base::Digest& root,
                                    std::span<const base::Digest> hashes);

// RFC 6962, section 2.1.2 (verified as RFC 9162, section 2.1.4.2). Of nothing everything is an
// extension: with old_size 0 `hashes` is empty and old_root is empty_root(). A size that goes back,
// or anything that does not hold: corruption.
base::Result<void> verify_consistency(std::uint64_t old_size, const base::Digest& old_root,
                                      std::uint64_t size, const base::Digest& root,
                                      std::span<const base::Digest> hashes);

}  // namespace hanse::audit
