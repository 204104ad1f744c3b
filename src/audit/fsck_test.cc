#include "audit/fsck.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/naive_tree.h"
#include "audit/testing.h"

namespace hanse::audit {
namespace {

using base::Bytes;
using base::ErrorCode;
using testing::Files;
using testing::keep;
using testing::Leaves;
using testing::log_key;
using testing::signer;
using testing::some_leaves;
using testing::source_of;
using testing::witness_key;

constexpr const char* kOrigin = "coordinator.example/audit";
constexpr std::uint64_t kNow = 1'790'000'000;
const std::vector<std::string> kWitnesses{"plant-a", "plant-b", "plant-c"};

Policy policy() {
  std::vector<Policy::Witness> witnesses;
  for (const std::string& name : kWitnesses) witnesses.push_back({name, witness_key(name), ""});
  return Policy::majority({log_key(kOrigin), ""}, std::move(witnesses)).value();
}

SignedCheckpoint witnessed(const Checkpoint& checkpoint) {
  SignedCheckpoint head = SignedCheckpoint::sign(checkpoint, signer(kOrigin)).value();
  for (const std::string& name : kWitnesses) head.add(cosign(head, name, signer(name), kNow - 5));
  return head;
}

void put(Files& files, const SignedCheckpoint& checkpoint) {
  files["checkpoint"] = testing::bytes_of(checkpoint.encode());
}

// A log as it should be.
Files log_of(const Leaves& leaves) {
  TileTree tree;
  Files files;
  for (const Bytes& leaf : leaves) EXPECT_TRUE(tree.append(leaf));
  keep(files, tree.take_files());
  put(files, witnessed({kOrigin, tree.size(), tree.root()}));
  return files;
}

const Files& log_of_600() {
  static const Files made = log_of(some_leaves(600));
  return made;
}

Checked check(const Files& files) { return fsck(source_of(files), policy(), kNow); }

std::string text_of(const Checked& checked) {
  std::string text;
  for (const Finding& finding : checked.findings) text += finding.path + ": " + finding.what + "\n";
  return text;
}

// Found, and the file is named.
void expect_found(const Files& files, const std::string& path) {
  const Checked checked = check(files);
  ASSERT_FALSE(checked.ok()) << path;
  ASSERT_NE(text_of(checked).find(path), std::string::npos) << path << "\n" << text_of(checked);
}

Files with_bundle(std::uint32_t index, const auto& change) {
  Leaves leaves = some_leaves(600);
  const auto first = leaves.begin() + index * 256;
  Leaves bundle(first, index == 2 ? leaves.end() : first + 256);
  change(bundle);
  Files files = log_of_600();
  files.at(path_of({TileId::kEntries, index, index == 2 ? 88U : 256U})) =
      encode_bundle(bundle).value();
  return files;
}

TEST(Fsck, FindsNothingInALogThatIsInOrder) {
  for (const std::size_t size : {0U, 1U, 2U, 255U, 256U, 257U, 600U, 65'536U, 65'800U}) {
    const Checked checked = check(log_of(some_leaves(size)));
    EXPECT_TRUE(checked.ok()) << size << "\n" << text_of(checked);
    EXPECT_EQ(checked.leaves, size);
    EXPECT_EQ(checked.tiles, tiles_of(size).size());
    ASSERT_TRUE(checked.checkpoint);
    EXPECT_EQ(checked.checkpoint->size, size);
  }
}

TEST(Fsck, FindsEveryOneOfAThousandFlippedBitsAndNamesTheFile) {
  base::SeededSimulationRandom random(8, "fsck");
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : log_of_600()) paths.push_back(path);
  ASSERT_EQ(paths.size(), 8U);
  for (int i = 0; i < 1000; ++i) {
    Files files = log_of_600();
    const std::string& path = paths[base::uniform_below(random, paths.size())];
    Bytes& bytes = files.at(path);
    const std::uint64_t bit = base::uniform_below(random, 8 * bytes.size());
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    SCOPED_TRACE(fmt::format("{}, bit {}", path, bit));
    ASSERT_NO_FATAL_FAILURE(expect_found(files, path));
  }
}

// Its text, the log's signature, each cosignature: a quorum of two remains of three.
TEST(Fsck, FindsEveryFlippedBitOfACheckpoint) {
  Files files;
  put(files, witnessed({kOrigin, 0, empty_root()}));
  ASSERT_TRUE(check(files).ok());
  const std::size_t bits = 8 * files["checkpoint"].size();
  for (std::size_t bit = 0; bit < bits; ++bit) {
    files["checkpoint"][bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_FALSE(check(files).ok()) << bit;
    files["checkpoint"][bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST(Fsck, FindsFlippedBitsOnEveryLevelOfALargeLog) {
  const Files whole = log_of(some_leaves(65'800));
  for (const char* path : {"tile/2/000.p/1", "tile/1/000", "tile/1/001.p/1", "tile/0/100",
                           "tile/0/257.p/8", "tile/entries/255", "tile/entries/257.p/8"}) {
    Files files = whole;
    files.at(path).back() ^= std::byte{1};
    ASSERT_NO_FATAL_FAILURE(expect_found(files, path));
  }
}

TEST(Fsck, SaysOnceOfADamagedBundleAndTwiceOfADamagedTile) {
  Files files = log_of_600();
  files.at("tile/entries/001").back() ^= std::byte{1};
  Checked checked = check(files);
  ASSERT_EQ(checked.findings.size(), 1U) << text_of(checked);
  EXPECT_EQ(checked.findings[0].path, "tile/entries/001");
  EXPECT_TRUE(checked.findings[0].what.starts_with("leaf 511 hashes to "));

  files = log_of_600();
  files.at("tile/0/001").back() ^= std::byte{1};
  checked = check(files);
  ASSERT_EQ(checked.findings.size(), 2U) << text_of(checked);
  EXPECT_EQ(checked.findings[0].path, "tile/entries/001");
  EXPECT_EQ(checked.findings[1].path, "tile/1/000.p/2");
  EXPECT_TRUE(checked.findings[1].what.starts_with("the root of tile/0/001 is "));

  files = log_of_600();
  files.at("tile/1/000.p/2").back() ^= std::byte{1};
  checked = check(files);
  ASSERT_EQ(checked.findings.size(), 2U) << text_of(checked);
  EXPECT_EQ(checked.findings[0].path, "tile/1/000.p/2");
  EXPECT_EQ(checked.findings[1].path, "checkpoint");
}

TEST(Fsck, FindsADroppedARepeatedAndAReorderedLeaf) {
  for (const std::uint32_t bundle : {0U, 1U, 2U}) {
    const std::string path = path_of({TileId::kEntries, bundle, bundle == 2 ? 88U : 256U});
    expect_found(with_bundle(bundle, [](Leaves& b) { b.erase(b.begin() + 50); }), path);
    expect_found(with_bundle(bundle, [](Leaves& b) { b.pop_back(); }), path);
    expect_found(with_bundle(bundle, [](Leaves& b) { b.insert(b.begin() + 9, b[9]); }), path);
    expect_found(with_bundle(bundle, [](Leaves& b) { b[9] = b[10]; }), path);
    expect_found(with_bundle(bundle, [](Leaves& b) { std::swap(b[3], b[70]); }), path);
    expect_found(with_bundle(bundle, [](Leaves& b) { std::swap(b[0], b[87]); }), path);
  }
}

// Somebody who makes all files anew still has no signatures.
TEST(Fsck, FindsALogThatWasMadeAnewUnderItsOldCheckpoint) {
  const auto made_anew = [](const auto& change) {
    Leaves leaves = some_leaves(600);
    change(leaves);
    Files files = log_of(leaves);
    files.at("checkpoint") = log_of_600().at("checkpoint");
    return files;
  };
  ASSERT_TRUE(check(made_anew([](Leaves&) {})).ok());
  expect_found(made_anew([](Leaves& l) { l[7] = testing::bytes_of("another"); }), "checkpoint");
  expect_found(made_anew([](Leaves& l) { std::swap(l[7], l[8]); }), "checkpoint");
  expect_found(made_anew([](Leaves& l) { l[599] = l[598]; }), "checkpoint");
  expect_found(made_anew([](Leaves& l) { l.pop_back(); }), "tile/entries/002.p/88");
  expect_found(made_anew([](Leaves& l) { l.resize(256); }), "tile/entries/001");
  expect_found(made_anew([](Leaves& l) { l.push_back({}); }), "tile/entries/002.p/88");
  expect_found(made_anew([](Leaves& l) { l.erase(l.begin()), l.push_back({}); }), "checkpoint");
}

// The files of a longer log cover those of a shorter one, but its signatures do not.
TEST(Fsck, FindsACheckpointCutBackOrMovedOnWithoutSignatures) {
  const SignedCheckpoint head = SignedCheckpoint::parse(log_of_600().at("checkpoint")).value();
  for (const std::uint64_t size : {512U, 600U, 601U}) {
    Checkpoint other = head.value();
    other.size = size;
    if (size == 600) other.root = empty_root();
    Files files = log_of_600();
    files.at("checkpoint") =
        testing::bytes_of(other.to_text() + head.encode().substr(head.note().text().size()));
    expect_found(files, "the signature of 'coordinator.example/audit' does not hold");
  }
}

TEST(Fsck, FindsEveryMissingFile) {
  for (const auto& [path, bytes] : log_of_600()) {
    Files files = log_of_600();
    files.erase(path);
    const Checked checked = check(files);
    ASSERT_EQ(checked.findings.size(), 1U) << text_of(checked);
    EXPECT_EQ(checked.findings[0].path, path);
    EXPECT_EQ(checked.checkpoint.has_value(), path != "checkpoint");
  }
}

TEST(Fsck, NeedsNoPartialTileWhereTheFullOneIsAndMindsNoOlderOne) {
  // Files ran ahead of the checkpoint, and the partial ones that it needs were deleted.
  Files files = log_of(some_leaves(1000));
  files.at("checkpoint") = log_of_600().at("checkpoint");
  files["tile/1/000.p/2"] = log_of_600().at("tile/1/000.p/2");
  EXPECT_TRUE(check(files).ok()) << text_of(check(files));
  files.at("tile/0/002")[100] ^= std::byte{1};
  expect_found(files, "tile/0/002");

  files = log_of_600();
  for (auto& [path, bytes] : log_of(some_leaves(301))) files.emplace(path, bytes);
  ASSERT_TRUE(files.contains("tile/0/001.p/45"));
  files["tile/entries/001.p/3"] = {};
  EXPECT_TRUE(check(files).ok()) << text_of(check(files));
}

TEST(Fsck, FindsSignaturesThatAreMissingForeignOrOfTheFuture) {
  const Checkpoint value = SignedCheckpoint::parse(log_of_600().at("checkpoint")).value().value();
  Files files = log_of_600();
  put(files, SignedCheckpoint::sign(value, signer(kOrigin)).value());
  EXPECT_FALSE(check(files).ok());  // no quorum
  SignedCheckpoint head = SignedCheckpoint::sign(value, signer("somebody else")).value();
  for (const std::string& name : kWitnesses) head.add(cosign(head, name, signer(name), kNow));
  put(files, head);
  EXPECT_FALSE(check(files).ok());
  head = SignedCheckpoint::sign(value, signer(kOrigin)).value();
  for (const std::string& name : kWitnesses)
    head.add(cosign(head, name, signer(name), kNow + kMaxSkewSeconds + 1));
  put(files, head);
  EXPECT_FALSE(check(files).ok());
  head = witnessed(value);  // one that the policy does not know, and the log's own of another kind
  head.add(cosign(head, "plant-d", signer("plant-d"), kNow));
  head.add({kOrigin, {}, Bytes(2420)});
  put(files, head);
  EXPECT_TRUE(check(files).ok()) << text_of(check(files));
}

// Two keys of one origin, as while a key is replaced: either is enough.
TEST(Fsck, TakesEitherOfTwoKeysOfALog) {
  const std::string keys =
      "log " + log_key(kOrigin).to_text() + "\nlog " +
      crypto::NoteKey{kOrigin, crypto::SignatureType::ed25519, signer("next").verifier()}
          .to_text() +
      "\nquorum none\n";
  const Policy two = Policy::parse(keys).value();
  const Checkpoint value{kOrigin, 0, empty_root()};
  for (const char* name : {kOrigin, "next"}) {
    Files files;
    put(files, SignedCheckpoint::sign(value, signer(name)).value());
    const Checked checked = fsck(source_of(files), two, kNow);
    EXPECT_TRUE(checked.ok()) << text_of(checked);
    files.at("checkpoint")[files.at("checkpoint").size() - 10] = std::byte{'A'};
    EXPECT_FALSE(fsck(source_of(files), two, kNow).ok());
  }
}

TEST(Fsck, PassesOnTrouble) {
  const Checked checked = fsck(
      [](const std::string& path) -> base::Result<Bytes> {
        if (path != "tile/0/001") return source_of(log_of_600())(path);
        return base::fail(ErrorCode::unavailable, "the disk is away");
      },
      policy(), kNow);
  ASSERT_EQ(checked.findings.size(), 1U);
  EXPECT_EQ(checked.findings[0].path, "tile/0/001");
  EXPECT_EQ(checked.findings[0].what, "the disk is away");
}

TEST(Fsck, EndsAtSoManyFindingsWhateverTheSize) {
  Files files;
  put(files, witnessed({kOrigin, kMaxTreeSize, empty_root()}));
  const Checked checked = check(files);
  EXPECT_EQ(checked.findings.size(), kMaxFindings);
  EXPECT_EQ(checked.leaves, 0U);
}

TEST(Fsck, SaysHowFarItIs) {
  std::vector<std::uint64_t> done;
  const Checked checked = fsck(source_of(log_of_600()), policy(), kNow,
                               [&](std::uint64_t leaves) { done.push_back(leaves); });
  EXPECT_TRUE(checked.ok());
  EXPECT_EQ(done, (std::vector<std::uint64_t>{256, 512, 600}));
}

}  // namespace
}  // namespace hanse::audit
