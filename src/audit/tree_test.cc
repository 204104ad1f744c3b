#include "audit/tree.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/naive_tree.h"
#include "crypto/testing.h"

namespace hanse::audit {
namespace {

using base::Digest;
using base::ErrorCode;
using crypto::testing::from_hex;
using testing::NaiveTree;
using testing::some_leaves;
using Path = NaiveTree::Path;

Digest digest(std::string_view hex) { return Digest::from_bytes(from_hex(hex)).value(); }

CompactRange range_of(std::span<const Digest> hashes) {
  CompactRange range;
  for (const Digest& hash : hashes) range.append(hash);
  return range;
}

// What a proof is about, with one thing changed at a time.
struct Claim {
  std::uint64_t first = 0;  // index, or the older size
  Digest first_hash;
  std::uint64_t size = 0;
  Digest root;
  Path hashes;
};

template <class Verify>
bool holds(const Verify& verify, const Claim& claim) {
  return verify(claim.first, claim.first_hash, claim.size, claim.root, claim.hashes).has_value();
}

Digest flipped(const Digest& hash, std::size_t bit) {
  base::Bytes bytes(hash.bytes().begin(), hash.bytes().end());
  bytes[bit / 8 % Digest::kSize] ^= std::byte{1} << (bit % 8);
  return Digest::from_bytes(bytes).value();
}

// Every proof with one hash changed, missing, added or in another's place, or another hash claimed.
// Hashes must differ.
std::vector<Claim> doctored(const Claim& claim) {
  std::vector<Claim> wrong;
  const auto with = [&](const auto& change) {
    wrong.push_back(claim);
    change(wrong.back());
  };
  for (std::size_t i = 0; i < claim.hashes.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    with([&](Claim& c) { c.hashes[i] = flipped(c.hashes[i], 7 * i + claim.size); });
    with([&](Claim& c) { c.hashes.erase(c.hashes.begin() + at); });
    with([&](Claim& c) { c.hashes.insert(c.hashes.begin() + at, c.hashes[i]); });
    if (i > 0) with([&](Claim& c) { std::swap(c.hashes[i - 1], c.hashes[i]); });
  }
  with([](Claim& c) { c.hashes.push_back(c.root); });
  with([](Claim& c) { c.hashes.push_back(Digest()); });
  with([](Claim& c) { c.root = flipped(c.root, c.size); });
  with([](Claim& c) { c.first_hash = flipped(c.first_hash, c.size + 1); });
  return wrong;
}

// RFC 6962 has no vectors; these leaves and roots are those of the tests of Google's
// certificate-transparency (cpp/merkletree, 2012), and the naive tree says the same.
TEST(Tree, HasTheRootsOfTheCertificateTransparencyVectors) {
  testing::Leaves leaves;
  for (const char* leaf : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                           "606162636465666768696a6b6c6d6e6f"})
    leaves.push_back(from_hex(leaf));
  const std::vector<const char*> roots{
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  const NaiveTree naive(leaves);
  CompactRange range;
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    EXPECT_EQ(range.root(), digest(roots[size])) << size;
    EXPECT_EQ(naive.root(size), digest(roots[size])) << size;
    if (size < leaves.size()) range.append(leaf_hash(leaves[size]));
  }
  EXPECT_EQ(empty_root(), digest(roots[0]));
}

TEST(Tree, EveryInclusionProofUpTo70LeavesHoldsAndNoDoctoredOne) {
  const NaiveTree naive(some_leaves(70));
  for (std::uint64_t size = 1; size <= 70; ++size) {
    const Digest root = range_of(std::span(naive.hashes()).first(size)).root();
    ASSERT_EQ(root, naive.root(size));
    for (std::uint64_t index = 0; index < size; ++index) {
      const Claim claim{index, naive.hashes()[index], size, root, naive.inclusion(index, size)};
      ASSERT_TRUE(holds(verify_inclusion, claim)) << index << " of " << size;
      for (const Claim& wrong : doctored(claim)) ASSERT_FALSE(holds(verify_inclusion, wrong));
      // The leaf anywhere else.
      for (std::uint64_t other = 0; other <= size; ++other)
        ASSERT_EQ(verify_inclusion(other, claim.first_hash, size, root, claim.hashes).has_value(),
                  other == index);
    }
  }
}

TEST(Tree, EveryConsistencyProofUpTo70LeavesHoldsAndNoDoctoredOne) {
  const NaiveTree naive(some_leaves(70));
  for (std::uint64_t size = 1; size <= 70; ++size)
    for (std::uint64_t old = 1; old <= size; ++old) {
      const Claim claim{old, naive.root(old), size, naive.root(size), naive.consistency(old, size)};
      ASSERT_TRUE(holds(verify_consistency, claim)) << old << " of " << size;
      for (const Claim& wrong : doctored(claim)) ASSERT_FALSE(holds(verify_consistency, wrong));
      for (std::uint64_t other = 1; other <= size + 1; ++other)
        ASSERT_EQ(
            verify_consistency(other, claim.first_hash, size, claim.root, claim.hashes).has_value(),
            other == old);
    }
}

TEST(Tree, AProofHoldsForNoNeighbouringSizeWithItsRoot) {
  const NaiveTree naive(some_leaves(71));
  for (std::uint64_t size = 1; size <= 70; ++size)
    for (const std::uint64_t other : {size - 1, size + 1}) {
      for (std::uint64_t index = 0; index < std::min(size, other); ++index)
        ASSERT_FALSE(verify_inclusion(index, naive.hashes()[index], other, naive.root(other),
                                      naive.inclusion(index, size)));
      for (std::uint64_t old = 1; old < std::min(size, other); ++old)
        ASSERT_FALSE(verify_consistency(old, naive.root(old), other, naive.root(other),
                                        naive.consistency(old, size)));
    }
  // A size counts through its root alone where the path to a leaf makes the same turns: a
  // checkpoint signs both.
  EXPECT_TRUE(verify_inclusion(0, naive.hashes()[0], 4, naive.root(3), naive.inclusion(0, 3)));
}

RC_GTEST_PROP(Tree, RandomTreesProveAsTheDefinitionSays, ()) {
  static const NaiveTree naive(some_leaves(5000));
  const auto size = *rc::gen::inRange<std::uint64_t>(1, 5001);
  const auto index = *rc::gen::inRange<std::uint64_t>(0, size);
  const auto old = *rc::gen::inRange<std::uint64_t>(1, size + 1);
  const Digest root = range_of(std::span(naive.hashes()).first(size)).root();
  RC_ASSERT(root == naive.root(size));
  const Claim leaf{index, naive.hashes()[index], size, root, naive.inclusion(index, size)};
  RC_ASSERT(holds(verify_inclusion, leaf));
  for (const Claim& wrong : doctored(leaf)) RC_ASSERT_FALSE(holds(verify_inclusion, wrong));
  const Claim grown{old, naive.root(old), size, root, naive.consistency(old, size)};
  RC_ASSERT(holds(verify_consistency, grown));
  for (const Claim& wrong : doctored(grown)) RC_ASSERT_FALSE(holds(verify_consistency, wrong));
}

TEST(Tree, AMillionLeavesProveThemselves) {
  constexpr std::uint64_t kLeaves = 1'000'000;
  std::vector<Digest> hashes;
  CompactRange range;
  std::uint64_t old_size = 0;
  Digest old_root;
  for (std::uint64_t i = 0; i < kLeaves; ++i) {
    hashes.push_back(leaf_hash(base::view_of(fmt::format("leaf {}", i))));
    range.append(hashes.back());
    if (i == 314'158) old_size = range.size(), old_root = range.root();
  }
  const NaiveTree naive(std::move(hashes));
  const Digest root = range.root();
  ASSERT_EQ(root, naive.root(kLeaves));
  for (std::uint64_t i = 0; i < kLeaves; i += 9973)
    ASSERT_TRUE(verify_inclusion(i, naive.hashes()[i], kLeaves, root, naive.inclusion(i, kLeaves)));
  EXPECT_TRUE(
      verify_consistency(old_size, old_root, kLeaves, root, naive.consistency(old_size, kLeaves)));
}

TEST(Tree, FromNothingEverythingGrows) {
  const Digest root = leaf_hash({});
  EXPECT_TRUE(verify_consistency(0, empty_root(), 0, empty_root(), {}));
  EXPECT_TRUE(verify_consistency(0, empty_root(), 1, root, {}));
  EXPECT_TRUE(verify_consistency(1, root, 1, root, {}));
  EXPECT_FALSE(verify_consistency(0, root, 1, root, {}));
  EXPECT_FALSE(verify_consistency(0, empty_root(), 0, root, {}));
  EXPECT_FALSE(verify_consistency(0, empty_root(), 1, root, std::vector{root}));
  EXPECT_FALSE(verify_consistency(1, root, 1, empty_root(), {}));
}

TEST(Tree, RefusesImpossibleSizesAndSaysWhich) {
  const Digest root = leaf_hash({});
  const auto refused = [](const base::Result<void>& result, std::string_view words) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::corruption);
    EXPECT_NE(result.error().text().find(words), std::string::npos) << result.error().text();
  };
  refused(verify_inclusion(0, root, 0, empty_root(), {}), "0 leaves has no leaf 0");
  refused(verify_inclusion(1, root, 1, root, {}), "1 leaves has no leaf 1");
  refused(verify_inclusion(UINT64_MAX, root, 1, root, {}), "has no leaf");
  refused(verify_inclusion(0, root, kMaxTreeSize + 1, root, {}), "at most");
  refused(verify_inclusion(0, root, UINT64_MAX, root, Path(63)), "at most");
  refused(verify_inclusion(0, root, kMaxTreeSize, root, {}), "too few");
  refused(verify_inclusion(0, root, kMaxTreeSize, root, Path(63)), "more hashes");
  refused(verify_inclusion(0, root, kMaxTreeSize, root, Path(62)), "the proof leads to");
  refused(verify_inclusion(0, root, 2, root, Path(64)), "at most 63 hashes");
  refused(verify_consistency(2, root, 1, root, {}), "went back to");
  refused(verify_consistency(UINT64_MAX, root, UINT64_MAX, root, {}), "at most");
  refused(verify_consistency(1, root, kMaxTreeSize, root, {}), "too few");
  refused(verify_consistency(3, root, kMaxTreeSize, root, {}), "too few");
  refused(verify_consistency(kMaxTreeSize - 1, root, kMaxTreeSize, root, Path(63)),
          "proof leads to");
}

TEST(CompactRange, TakesOneHashForEachBitOfItsSize) {
  const NaiveTree naive(some_leaves(100));
  const CompactRange range = range_of(naive.hashes());
  EXPECT_EQ(CompactRange::create(100, range.roots()).value(), range);
  EXPECT_EQ(CompactRange::create(0, {}).value(), CompactRange());
  for (const std::uint64_t size : {0ULL, 1ULL, 99ULL, (1ULL << 62) + 1, ~0ULL})
    EXPECT_EQ(CompactRange::create(size, range.roots()).error().code(), ErrorCode::corruption);
  EXPECT_EQ(CompactRange::create(1, {}).error().code(), ErrorCode::corruption);
  EXPECT_EQ(CompactRange::create(kMaxTreeSize, {Digest()}).value().size(), kMaxTreeSize);
}

TEST(CompactRange, TakesLeavesUpToItsBound) {
  CompactRange range = CompactRange::create(kMaxTreeSize - 1, Path(62)).value();
  range.append(Digest());
  EXPECT_EQ(range.size(), kMaxTreeSize);
  EXPECT_EQ(range.roots().size(), 1U);
  EXPECT_DEATH(range.append(Digest()), "kMaxTreeSize");
}

}  // namespace
}  // namespace hanse::audit
