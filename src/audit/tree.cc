#include "audit/tree.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hanse::audit {
namespace {

using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::byte kLeaf{0x00};
constexpr std::byte kNode{0x01};

Result<void> check_count(std::span<const Digest> hashes, std::uint64_t size) {
  if (size > kMaxTreeSize)
    return fail(ErrorCode::corruption, "a tree has at most {} leaves, found {}", kMaxTreeSize,
                size);
  if (hashes.size() > kMaxProofHashes)
    return fail(ErrorCode::corruption, "a proof has at most {} hashes, found {}", kMaxProofHashes,
                hashes.size());
  return {};
}

// Where a proof's next hash belongs: the path from a leaf, or from the last subtree of the older
// tree, up to the root. The words of RFC 9162: fn and sn.
class Climb {
 public:
  Climb(std::uint64_t from, std::uint64_t last) : from_(from), last_(last) {}

  bool at_root() const { return last_ == 0; }
  bool at_left_edge() const { return from_ == 0; }
  // Past the levels where the last subtree has no sibling to its right.
  void skip_complete() {
    while ((from_ & 1) != 0) up();
  }
  // Whether the next hash stands to the left; then goes one level up.
  bool next_is_left() {
    const bool is_left = (from_ & 1) != 0 || from_ == last_;
    if (is_left)
      while ((from_ & 1) == 0 && from_ != 0) up();
    up();
    return is_left;
  }

 private:
  void up() {
    from_ >>= 1;
    last_ >>= 1;
  }
  std::uint64_t from_;
  std::uint64_t last_;
};

tl::unexpected<base::Error> too_many(std::size_t found) {
  return fail(ErrorCode::corruption, "the proof has more hashes than the path to the root: {}",
              found);
}

tl::unexpected<base::Error> too_few(std::size_t found) {
  return fail(ErrorCode::corruption, "the proof ends before the root: {} hashes are too few",
              found);
}

tl::unexpected<base::Error> other_root(std::uint64_t size, const Digest& expected,
                                       const Digest& found) {
  return fail(ErrorCode::corruption, "the root of {} leaves is {}, the proof leads to {}", size,
              expected.hex(), found.hex());
}

// One of the sizes is 0, or both are one.
Result<void> verify_trivial(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                            const Digest& root, std::span<const Digest> hashes) {
  if (!hashes.empty())
    return fail(ErrorCode::corruption, "from {} to {} leaves no hash proves anything, found {}",
                old_size, size, hashes.size());
  if (old_size == 0 && old_root != empty_root()) return other_root(0, empty_root(), old_root);
  if (old_size == size && old_root != root)
    return fail(ErrorCode::corruption, "two roots of {} leaves: {} and {}", size, old_root.hex(),
                root.hex());
  return {};
}

}  // namespace

Digest leaf_hash(base::ByteView leaf) {
  base::Hasher hasher;
  hasher.add(std::span(&kLeaf, 1));
  hasher.add(leaf);
  return hasher.finish();
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<std::byte, 1 + 2 * Digest::kSize> bytes;
  bytes[0] = kNode;
  std::memcpy(&bytes[1], left.bytes().data(), Digest::kSize);
  std::memcpy(&bytes[1 + Digest::kSize], right.bytes().data(), Digest::kSize);
  return Digest::of(bytes);
}

Digest empty_root() { return Digest::of({}); }

Result<CompactRange> CompactRange::create(std::uint64_t size, std::vector<Digest> roots) {
  if (size > kMaxTreeSize)
    return fail(ErrorCode::corruption, "a tree has at most {} leaves, found {}", kMaxTreeSize,
                size);
  if (const auto expected = static_cast<std::size_t>(std::popcount(size)); roots.size() != expected)
    return fail(ErrorCode::corruption, "a tree of {} leaves has {} perfect subtrees, found {}",
                size, expected, roots.size());
  CompactRange range;
  range.size_ = size;
  range.roots_ = std::move(roots);
  return range;
}

void CompactRange::append(const Digest& leaf_hash) {
  HANSE_CHECK(size_ < kMaxTreeSize);
  Digest hash = leaf_hash;
  for (std::uint64_t size = size_; (size & 1) != 0; size >>= 1) {
    hash = node_hash(roots_.back(), hash);
    roots_.pop_back();
  }
  roots_.push_back(hash);
  ++size_;
}

Digest CompactRange::root() const {
  if (roots_.empty()) return empty_root();
  Digest hash = roots_.back();
  for (std::size_t i = roots_.size() - 1; i-- > 0;) hash = node_hash(roots_[i], hash);
  return hash;
}

Result<void> verify_inclusion(std::uint64_t index, const Digest& leaf_hash, std::uint64_t size,
                              const Digest& root, std::span<const Digest> hashes) {
  HANSE_TRY_VOID(check_count(hashes, size));
  if (index >= size)
    return fail(ErrorCode::corruption, "a tree of {} leaves has no leaf {}", size, index);
  Climb climb(index, size - 1);
  Digest reached = leaf_hash;
  for (const Digest& hash : hashes) {
    if (climb.at_root()) return too_many(hashes.size());
    reached = climb.next_is_left() ? node_hash(hash, reached) : node_hash(reached, hash);
  }
  if (!climb.at_root()) return too_few(hashes.size());
  if (reached != root) return other_root(size, root, reached);
  return {};
}

Result<void> verify_consistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                                const Digest& root, std::span<const Digest> hashes) {
  HANSE_TRY_VOID(check_count(hashes, size));
  if (old_size > size)
    return fail(ErrorCode::corruption, "a log of {} leaves went back to {}", old_size, size);
  if (size == 0 && root != empty_root()) return other_root(0, empty_root(), root);
  if (old_size == 0 || old_size == size)
    return verify_trivial(old_size, old_root, size, root, hashes);

  Climb climb(old_size - 1, size - 1);
  climb.skip_complete();
  // A perfect older tree is a subtree of the newer one, and its root need not be sent.
  Digest old_reached = old_root;
  Digest reached = old_root;
  if (!climb.at_left_edge()) {
    if (hashes.empty()) return too_few(0);
    old_reached = reached = hashes.front();
    hashes = hashes.subspan(1);
  }
  for (const Digest& hash : hashes) {
    if (climb.at_root()) return too_many(hashes.size());
    if (climb.next_is_left()) {
      old_reached = node_hash(hash, old_reached);
      reached = node_hash(hash, reached);
    } else {
      reached = node_hash(reached, hash);
    }
  }
  if (!climb.at_root()) return too_few(hashes.size());
  if (old_reached != old_root) return other_root(old_size, old_root, old_reached);
  if (reached != root) return other_root(size, root, reached);
  return {};
}

}  // namespace hanse::audit
