// The sequencer: durable first, then files; whatever a crash leaves, the log goes on as one.
#include "federation/audit/sequencer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/fsck.h"
#include "audit/record.h"
#include "base/testing.h"
#include "storage/memory.h"
#include "storage/memory_store.h"

namespace hanse::federation {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;

base::Bytes bytes(std::string_view text) {
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

crypto::Signer signer() {
  base::SeededSimulationRandom random(5, "log");
  return crypto::Signer::create(random);
}

class SequencerTest : public ::testing::Test {
 protected:
  SequencerTest() { HANSE_CHECK(files_.create_directory("hub").has_value()); }

  base::Result<std::unique_ptr<Sequencer>> open() {
    return Sequencer::open(*store_, files_, {"hub/audit", "pumps/audit", &signer_});
  }
  static audit::LeafBatch batch(std::uint64_t number, std::vector<std::string> leaves,
                                const std::string& source = "training/pumps") {
    audit::LeafBatch made{source, number, {}};
    for (const std::string& leaf : leaves) made.leaves.push_back(bytes(leaf));
    return made;
  }
  audit::Checked fsck() {
    const auto policy = audit::Policy::parse(
        "log " +
        crypto::NoteKey{"pumps/audit", crypto::SignatureType::ed25519, signer_.verifier()}
            .to_text() +
        "\nquorum none\n");
    return audit::fsck(
        [this](const std::string& path) {
          return storage::read_all(files_, "hub/audit/" + path, audit::kMaxBundleBytes);
        },
        policy.value(), 1'700'000'000);
  }

  crypto::Signer signer_ = signer();
  storage::Memory files_;
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>();
};

TEST_F(SequencerTest, LaysOutWhatItWasGiven) {
  const auto log = open().value();
  EXPECT_EQ(log->publish()->value().size, 0u) << "an empty log has a head too";
  for (std::uint64_t n = 1; n <= 300; ++n)
    ASSERT_TRUE(log->append(batch(n, {"leaf " + std::to_string(n), "other"})));
  const auto head = log->publish();
  ASSERT_TRUE(head) << head.error().text();
  EXPECT_EQ(head->value().size, 600u);
  const audit::Checked checked = fsck();
  EXPECT_TRUE(checked.ok()) << checked.findings.front().path << ": "
                            << checked.findings.front().what;
  EXPECT_EQ(checked.leaves, 600u);
  const auto index = log->find(audit::leaf_hash(bytes("leaf 7")));
  EXPECT_EQ(index, 12u);
  const auto proof = log->prove(*index, *head);
  ASSERT_TRUE(proof) << proof.error().text();
  EXPECT_EQ(proof->extra, bytes("leaf 7"));
  EXPECT_TRUE(audit::verify_inclusion(proof->index, audit::leaf_hash(proof->extra),
                                      head->value().size, head->value().root, proof->hashes));
}

TEST_F(SequencerTest, ABatchThatWasAppendedChangesNothing) {
  const auto log = open().value();
  ASSERT_TRUE(log->append(batch(1, {"a", "b"})));
  ASSERT_TRUE(log->append(batch(1, {"a", "b"})));
  EXPECT_EQ(log->size(), 2u);
  ASSERT_TRUE(log->append(batch(1, {"c"}, "job/pumps"))) << "each source counts by itself";
  EXPECT_EQ(log->size(), 3u);
}

TEST_F(SequencerTest, AppendIsOneSyncAndALargeBatchIsWhole) {
  const auto log = open().value();
  const std::uint64_t before = store_->commits();
  ASSERT_TRUE(log->append(batch(1, {"a", "b", "c"})));
  EXPECT_EQ(store_->commits(), before + 1);
  std::vector<std::string> large(40, std::string(60'000, 'x'));
  ASSERT_TRUE(log->append(batch(2, large)));
  ASSERT_TRUE(log->append(batch(2, large)));
  EXPECT_EQ(log->size(), 43u);
  EXPECT_EQ(log->append(batch(3, {std::string(65'536, 'x')})).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(log->size(), 43u);
}

// The process dies at any commit, or between a commit and any of the files.
TEST_F(SequencerTest, GoesOnAfterACrashAnywhere) {
  {
    const auto log = open().value();
    for (std::uint64_t n = 1; n <= 5; ++n) ASSERT_TRUE(log->append(batch(n, {"x", "y"})));
    ASSERT_TRUE(log->publish());
    for (std::uint64_t n = 6; n <= 300; ++n) ASSERT_TRUE(log->append(batch(n, {"x", "y"})));
  }  // never published
  store_ = store_->copy();
  const auto log = open().value();
  EXPECT_EQ(log->size(), 600u);
  EXPECT_EQ(fsck().leaves, 600u);
  EXPECT_TRUE(fsck().ok());
  ASSERT_TRUE(log->append(batch(301, {"z"})));
  files_.set_read_only(true);
  EXPECT_FALSE(log->publish());
  files_.set_read_only(false);
  EXPECT_EQ(open().value()->publish()->value().size, 601u);
  EXPECT_TRUE(fsck().ok());
}

TEST_F(SequencerTest, NothingIsPromisedThatIsNotDurable) {
  const auto log = open().value();
  ASSERT_TRUE(log->append(batch(1, {"a"})));
  store_->fail_at(1, storage::MemoryStore::Fault::before);
  EXPECT_EQ(log->append(batch(2, {"b"})).error().code(), ErrorCode::unavailable);
  store_ = store_->copy();
  EXPECT_EQ(open().value()->size(), 1u);
}

TEST_F(SequencerTest, AnOldCopyOfTheStoreIsRefused) {
  auto log = open().value();
  ASSERT_TRUE(log->append(batch(1, {"a"})));
  ASSERT_TRUE(log->publish());
  const auto yesterday = store_->copy();
  ASSERT_TRUE(log->append(batch(2, {"b"})));
  ASSERT_TRUE(log->publish());
  log.reset();
  store_ = yesterday->copy();
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::corruption);
  EXPECT_THAT(opened.error().text(), HasSubstr("old copy"));
  // Nor one that went on otherwise to the same size.
  ASSERT_TRUE(files_.rename("hub/audit", "hub/aside"));
  auto other = open().value();
  ASSERT_TRUE(other->append(batch(2, {"c"})));
  ASSERT_TRUE(other->publish());
  other.reset();
  ASSERT_TRUE(files_.remove_all("hub/audit"));
  ASSERT_TRUE(files_.rename("hub/aside", "hub/audit"));
  const auto forked = open();
  ASSERT_FALSE(forked);
  EXPECT_EQ(forked.error().code(), ErrorCode::corruption);
}

TEST_F(SequencerTest, FilesThatAreLostAreWrittenAnew) {
  auto log = open().value();
  for (std::uint64_t n = 1; n <= 300; ++n) ASSERT_TRUE(log->append(batch(n, {"leaf"})));
  const std::string head = log->publish()->encode();
  log.reset();
  ASSERT_TRUE(files_.remove_all("hub/audit"));
  EXPECT_EQ(open().value()->publish()->encode(), head);
  EXPECT_TRUE(fsck().ok());
}

TEST_F(SequencerTest, AnotherLogsFilesAreRefused) {
  ASSERT_TRUE(open());
  const auto other = Sequencer::open(*store_, files_, {"hub/audit", "valves/audit", &signer_});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::corruption);
}

}  // namespace
}  // namespace hanse::federation
