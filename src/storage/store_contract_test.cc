// What every Store promises, on each there is.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <sstream>

#include "storage/memory_store.h"
#include "storage/testing.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;
using testing::code;
using testing::Folder;

base::Bytes bytes(std::string_view text) {
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

base::Digest name_of(std::string_view text) { return base::Digest::of(base::view_of(text)); }
NamedBlob blob_of(std::string_view text) { return {name_of(text), base::Slice(bytes(text))}; }

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Store>(const Folder&)> make;
};

class StoreContract : public ::testing::TestWithParam<Kind> {
 protected:
  Folder folder_;
  std::unique_ptr<Store> store_ = GetParam().make(folder_);
};

TEST_P(StoreContract, KeepsLogsApartWithTheirSnapshots) {
  EXPECT_EQ(store_->load("log").value().head, Head{});
  ASSERT_TRUE(store_->commit({"log", {}, {bytes("one"), bytes("")}, bytes("state"), {}, {}}));
  const Head two = store_->load("log").value().head;
  EXPECT_EQ(two, after(after({}, base::view_of("one")), {}));
  ASSERT_TRUE(store_->commit({"log", two, {bytes("three")}, {}, {}, {}}));
  ASSERT_TRUE(store_->commit({"other", {}, {bytes("x")}, {}, {}, {}}));
  const Log log = store_->load("log").value();
  ASSERT_TRUE(log.snapshot);
  EXPECT_EQ(log.snapshot->head, two);
  EXPECT_EQ(log.snapshot->state, bytes("state"));
  EXPECT_EQ(log.tail, std::vector<base::Bytes>(1, bytes("three")));
  EXPECT_EQ(store_->history("log", 2).value(), (std::vector{bytes("one"), bytes("")}));
  EXPECT_EQ(store_->load("other").value().head.entries, 1U);
}

TEST_P(StoreContract, RefusesAnotherPastAndWhatIsTooLarge) {
  ASSERT_TRUE(store_->commit({"log", {}, {bytes("one")}, {}, {}, {}}));
  const Head head = store_->load("log").value().head;
  EXPECT_EQ(code(store_->commit({"log", {}, {bytes("x")}, {}, {}, {blob_of("y")}})),
            ErrorCode::aborted);
  EXPECT_EQ(code(store_->commit({"log", {1, {}}, {bytes("x")}, {}, {}, {blob_of("y")}})),
            ErrorCode::aborted);
  EXPECT_EQ(code(store_->commit({"log", head, {base::Bytes(kMaxEntryBytes + 1)}, {}, {}, {}})),
            ErrorCode::invalid_argument);
  EXPECT_EQ(store_->load("log").value().head, head);
  EXPECT_EQ(code(store_->blob(name_of("y"))), ErrorCode::not_found);
}

TEST_P(StoreContract, ForgetsBlobsBeforeOthersCome) {
  ASSERT_TRUE(store_->commit({"log", {}, {}, {}, {}, {blob_of("a"), blob_of("b")}}));
  ASSERT_TRUE(store_->commit({"log", {}, {}, {}, {}, {{name_of("a"), base::Slice(bytes("x"))}}}));
  EXPECT_TRUE(std::ranges::equal(store_->blob(name_of("a")).value().view(), bytes("a")));
  ASSERT_TRUE(store_->commit(
      {"log", {}, {}, {}, {name_of("a"), name_of("b"), name_of("c")}, {blob_of("b")}}));
  EXPECT_EQ(code(store_->blob(name_of("a"))), ErrorCode::not_found);
  EXPECT_TRUE(std::ranges::equal(store_->blob(name_of("b")).value().view(), bytes("b")));
}

INSTANTIATE_TEST_SUITE_P(
    Stores, StoreContract,
    ::testing::Values(Kind{"Sqlite",
                           [](const Folder& folder) -> std::unique_ptr<Store> {
                             return SqliteStore::open(folder / "state.db").value();
                           }},
                      Kind{"Memory",
                           [](const Folder&) { return std::make_unique<MemoryStore>(); }}),
    [](const auto& one) { return one.param.name; });

// The same batches have the same outcomes.
RC_GTEST_PROP(Stores, MemoryDoesAsSqliteDoes, ()) {
  const Folder folder;
  const auto sqlite = SqliteStore::open(folder / "state.db").value();
  MemoryStore memory;
  const auto small = [](int bound) { return *rc::gen::inRange(0, bound); };
  for (int i = 0; i < 12; ++i) {
    Batch batch{small(2) == 0 ? "a" : "b", {}, {}, {}, {}, {}};
    if (small(8) > 0) batch.before = memory.load(batch.log).value().head;
    for (int n = small(3); n > 0; --n) batch.entries.push_back(bytes(fmt::format("{}", small(99))));
    if (small(3) == 0) batch.state = bytes(fmt::format("state {}", i));
    for (int n = small(3); n > 0; --n) batch.forget.push_back(name_of(fmt::format("{}", small(4))));
    for (int n = small(3); n > 0; --n)
      batch.blobs.push_back(
          {name_of(fmt::format("{}", small(4))), base::Slice(bytes(fmt::format("blob {}", i)))});
    RC_ASSERT(sqlite->commit(batch).has_value() == memory.commit(batch).has_value());
    const Log one = sqlite->load(batch.log).value();
    const Log other = memory.load(batch.log).value();
    RC_ASSERT(one.head == other.head);
    RC_ASSERT(one.tail == other.tail);
    RC_ASSERT(one.snapshot.has_value() == other.snapshot.has_value());
    RC_ASSERT(sqlite->history(batch.log, 9).value() == memory.history(batch.log, 9).value());
    for (int n = 0; n < 4; ++n) {
      const auto a = sqlite->blob(name_of(fmt::format("{}", n)));
      const auto b = memory.blob(name_of(fmt::format("{}", n)));
      RC_ASSERT(a.has_value() == b.has_value());
      if (a) RC_ASSERT(std::ranges::equal(a->view(), b->view()));
    }
  }
}

TEST(MemoryStore, FailsWhenItIsToldTo) {
  for (const auto fault : {MemoryStore::Fault::before, MemoryStore::Fault::after}) {
    MemoryStore store;
    store.fail_at(2, fault);
    ASSERT_TRUE(store.commit({"log", {}, {bytes("one")}, {}, {}, {}}));
    const Head head = store.load("log").value().head;
    EXPECT_EQ(code(store.commit({"log", head, {bytes("two")}, {}, {}, {}})),
              ErrorCode::unavailable);
    EXPECT_EQ(code(store.commit({"log", head, {bytes("two")}, {}, {}, {}})),
              ErrorCode::unavailable);
    const auto next = store.copy();
    EXPECT_EQ(next->load("log").value().head.entries, fault == MemoryStore::Fault::after ? 2U : 1U);
    EXPECT_TRUE(next->commit({"log", next->load("log").value().head, {}, {}, {}, {}}));
  }
}

TEST(MemoryStore, HasNoRoomBeyondItsCapacity) {
  MemoryStore store;
  store.set_capacity(10);
  ASSERT_TRUE(store.commit({"log", {}, {bytes("four")}, {}, {}, {}}));
  const Head head = store.load("log").value().head;
  const auto full = store.commit({"log", head, {bytes("two")}, {}, {}, {blob_of("long")}});
  ASSERT_EQ(code(full), ErrorCode::unavailable);
  EXPECT_NE(full.error().text().find("full"), std::string::npos);
  EXPECT_EQ(store.load("log").value().head, head);
}

TEST(MemoryStore, KeepsTailsOnly) {
  MemoryStore store(MemoryStore::Keep::tails);
  ASSERT_TRUE(store.commit({"log", {}, {bytes("one")}, bytes("state"), {}, {}}));
  const Head head = store.load("log").value().head;
  ASSERT_TRUE(store.commit({"log", head, {bytes("two")}, {}, {}, {}}));
  const Log log = store.load("log").value();
  EXPECT_EQ(log.head.entries, 2U);
  EXPECT_EQ(log.tail, std::vector<base::Bytes>(1, bytes("two")));
  EXPECT_EQ(code(store.history("log", 9)), ErrorCode::unsupported);
}

TEST(MemoryStore, ALazyOneLosesItsLastCommit) {
  MemoryStore store;
  store.set_lazy();
  ASSERT_TRUE(store.commit({"log", {}, {bytes("one")}, {}, {}, {}}));
  const Head head = store.load("log").value().head;
  ASSERT_TRUE(store.commit({"log", head, {bytes("two")}, {}, {}, {}}));
  EXPECT_EQ(store.copy()->load("log").value().head, head);
}

TEST(MemoryStore, SharesBlobs) {
  MemoryStore store;
  const NamedBlob blob = blob_of("shared");
  ASSERT_TRUE(store.commit({"log", {}, {}, {}, {}, {blob}}));
  EXPECT_EQ(store.blob(blob.name).value().view().data(), blob.bytes.view().data());
}

// A store as version 1 wrote it (tests/golden/store/README.md).
TEST(Upgrade, AStoreOfVersionOneOpens) {
  const Folder folder;
  const std::string path = folder / "state.db";
  std::ifstream file(HANSE_SOURCE_DIR "/tests/golden/store/version_1.sql");
  std::stringstream sql;
  sql << file.rdbuf();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql.str().c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  for (int opened = 0; opened < 2; ++opened) {
    const auto store = SqliteStore::open(path);
    ASSERT_TRUE(store) << store.error().text();
    const Log log = (*store)->load("run").value();
    EXPECT_EQ(log.snapshot->state, bytes("state of two"));
    EXPECT_EQ((*store)->history("run", 3).value().size(), 3U);
    EXPECT_TRUE(
        std::ranges::equal((*store)->blob(name_of("a blob")).value().view(), bytes("a blob")));
    EXPECT_TRUE((*store)->commit(
        {"run", log.head, {bytes("more")}, {}, {name_of("a blob")}, {blob_of("a blob")}}));
  }
}

}  // namespace
}  // namespace hanse::storage
