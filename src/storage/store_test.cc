#include "storage/store.h"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "storage/power_cut.h"
#include "storage/testing.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;
using testing::code;
using testing::Folder;
using testing::PowerCut;

base::Bytes bytes(std::string_view text) {
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

base::Digest name_of(std::string_view text) { return base::Digest::of(base::view_of(text)); }
NamedBlob blob_of(std::string_view text) { return {name_of(text), base::Slice(bytes(text))}; }

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    store_.reset();
    store_ = SqliteStore::open(path()).value();
  }
  std::string path() const { return folder_.path() + "/state.db"; }
  // As another program would.
  void tamper(const std::string& sql) {
    store_.reset();
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    char* problem = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &problem), SQLITE_OK) << problem;
    sqlite3_close(db);
    reopen();
  }
  Head add(std::initializer_list<std::string_view> entries, std::optional<base::Bytes> state = {}) {
    Batch batch{"log", store_->load("log").value().head, {}, std::move(state), {}, {}};
    Head head = batch.before;
    for (const std::string_view entry : entries) {
      batch.entries.push_back(bytes(entry));
      head = after(head, batch.entries.back());
    }
    EXPECT_TRUE(store_->commit(batch));
    return head;
  }

  Folder folder_;
  std::unique_ptr<SqliteStore> store_;
};

// SHA-256("hanse log 1" ‖ 32 zero bytes ‖ "a"), by Python's hashlib.
TEST(Head, IsAGoldenHash) {
  EXPECT_EQ(after({}, base::view_of("a")).digest.hex(),
            "9c4607260c423dc3dc9c36e947ba307e9a8c3e2ef2cbca4ab0d710a4435c46d3");
  EXPECT_NE(after(after({}, base::view_of("a")), base::view_of("b")),
            after(after({}, base::view_of("b")), base::view_of("a")));
}

TEST_F(StoreTest, KeepsLogsApart) {
  const Head head = add({"one", "", "three"}, bytes("state"));
  EXPECT_EQ(add({"four"}).entries, 4u);
  reopen();
  const Log log = store_->load("log").value();
  ASSERT_TRUE(log.snapshot);
  EXPECT_EQ(log.snapshot->head, head);
  EXPECT_EQ(log.snapshot->state, bytes("state"));
  EXPECT_EQ(log.tail, std::vector<base::Bytes>(1, bytes("four")));
  EXPECT_EQ(log.head, after(head, base::view_of("four")));
  EXPECT_EQ(store_->history("log", 2).value(), (std::vector{bytes("one"), bytes("")}));
  EXPECT_EQ(store_->load("other").value().head, Head{});
}

TEST_F(StoreTest, RefusesABatchFromAnotherPast) {
  const Head head = add({"one"});
  const Batch late{"log", {}, {bytes("x")}, {}, {}, {blob_of("y")}};
  EXPECT_EQ(code(store_->commit(late)), ErrorCode::aborted);
  EXPECT_EQ(store_->load("log").value().head, head);
  EXPECT_EQ(code(store_->blob(name_of("y"))), ErrorCode::not_found);
  const Batch large{"log", head, {base::Bytes(kMaxEntryBytes + 1)}, {}, {}, {}};
  EXPECT_EQ(code(store_->commit(large)), ErrorCode::invalid_argument);
  EXPECT_EQ(add({"two"}).entries, 2u);
}

TEST_F(StoreTest, NoticesWhatWasChangedOrTakenAway) {
  add({"one", "two"}, bytes("state"));
  add({"three", "four"});
  for (const char* sql :
       {"UPDATE entry SET bytes=x'00' WHERE number=4", "DELETE FROM entry WHERE number=3",
        "DELETE FROM entry WHERE number=4", "UPDATE entry SET digest=x'00' WHERE number=4",
        "UPDATE snapshot SET state=x'00'", "UPDATE snapshot SET entries=1",
        "UPDATE snapshot SET entries=9"}) {
    const std::string copy = folder_.path() + "/copy.db";
    store_.reset();
    std::filesystem::copy_file(path(), copy);
    tamper(sql);
    const auto loaded = store_->load("log");
    // The last entry's absence alone cannot be seen from within: a pinned head shows it.
    if (std::string_view(sql) == "DELETE FROM entry WHERE number=4") {
      EXPECT_EQ(loaded.value().head.entries, 3u);
    } else {
      EXPECT_EQ(code(loaded), ErrorCode::corruption) << sql;
    }
    store_.reset();
    std::filesystem::rename(copy, path());
    reopen();
  }
  tamper("UPDATE entry SET bytes=x'00' WHERE number=1");
  EXPECT_TRUE(store_->load("log")) << "behind a snapshot nobody looks";
  EXPECT_EQ(code(store_->history("log", 10)), ErrorCode::corruption);
}

// Answers lie in it.
TEST_F(StoreTest, IsItsOwnersAlone) {
  add({"one"});
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(file.status().permissions() & std::filesystem::perms::mask,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << file.path();
    ++files;
  }
  EXPECT_GE(files, 1);
}

// What is forgotten is overwritten where it lay.
TEST_F(StoreTest, ForgottenBytesAreGone) {
  const std::string secret = "the root of an attempt, of 40 bytes or so";
  const NamedBlob blob = blob_of(secret);
  const auto in_file = [&] {
    store_.reset();  // the log of writes goes into the file
    std::ifstream file(path(), std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    reopen();
    return all.find(secret) != std::string::npos;
  };
  ASSERT_TRUE(store_->commit({"log", {}, {bytes("one")}, {}, {}, {blob}}));
  EXPECT_TRUE(in_file());
  const Head head = store_->load("log").value().head;
  ASSERT_TRUE(store_->commit({"log", head, {bytes("two")}, {}, {blob.name}, {}}));
  EXPECT_FALSE(in_file());
}

TEST_F(StoreTest, RefusesOtherFiles) {
  store_.reset();
  EXPECT_EQ(code(SqliteStore::open(folder_.path() + "/none/state.db")),
            ErrorCode::permission_denied);
  const std::string other = folder_.path() + "/other.db";
  ASSERT_TRUE(Disk().write(other, bytes(std::string(5000, 'x'))));
  EXPECT_EQ(code(SqliteStore::open(other)), ErrorCode::corruption);
}

TEST(Store, RefusesOthersDatabasesAndNewerVersions) {
  const Folder folder;
  const std::string path = folder.path() + "/other.db";
  for (const char* sql : {"CREATE TABLE t (x)",
                          "PRAGMA application_id=1214344819; PRAGMA "
                          "user_version=3; CREATE TABLE t (x)"}) {
    std::filesystem::remove(path);
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    EXPECT_EQ(code(SqliteStore::open(path)), ErrorCode::failed_precondition);
  }
}

TEST(Store, AFullDiskChangesNothing) {
  PowerCut disk;
  const auto store = SqliteStore::open("state.db", {PowerCut::kName}).value();
  ASSERT_TRUE(store->commit({"log", {}, {bytes("one")}, {}, {}, {}}));
  const Head head = store->load("log").value().head;
  disk.set_capacity(1 << 16);
  const Batch large{"log", head, {bytes("two")},
                    {},    {},   {{name_of("two"), base::Slice(base::Bytes(1 << 20))}}};
  const auto done = store->commit(large);
  ASSERT_EQ(code(done), ErrorCode::unavailable);
  EXPECT_NE(done.error().text().find("full"), std::string::npos);
  EXPECT_EQ(store->load("log").value().head, head);
  disk.set_capacity(SIZE_MAX);
  EXPECT_TRUE(store->commit(large));
}

}  // namespace
}  // namespace hanse::storage
