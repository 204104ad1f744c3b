#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "storage/store.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;
using base::Result;

// "Hans": `file` tells our databases from others' (https://sqlite.org/fileformat.html, 1.3).
constexpr int kApplication = 0x48616e73;
constexpr int kVersion = 2;

constexpr auto kSchema = R"(
CREATE TABLE entry (log TEXT NOT NULL, number INTEGER NOT NULL, digest BLOB NOT NULL,
                    bytes BLOB NOT NULL, PRIMARY KEY (log, number)) WITHOUT ROWID;
CREATE TABLE snapshot (log TEXT PRIMARY KEY, entries INTEGER NOT NULL, digest BLOB NOT NULL,
                       sum BLOB NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blob (name BLOB PRIMARY KEY, bytes BLOB NOT NULL);
)";

// From version 1 to 2, and so on: a blob's name is its owner's choice since 2.
constexpr std::array kMigrations = {"ALTER TABLE blob RENAME COLUMN digest TO name;"};
static_assert(kMigrations.size() == kVersion - 1);

ErrorCode code_of(int result) {
  switch (result & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corruption;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::permission_denied;
    default:
      return ErrorCode::unavailable;
  }
}

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Prepared = std::unique_ptr<sqlite3_stmt, Close>;

tl::unexpected<base::Error> failed(sqlite3* db, const std::string& path, int result) {
  const std::string words = db ? sqlite3_errmsg(db) : sqlite3_errstr(result);
  switch (result & 0xFF) {
    case SQLITE_BUSY:
      return base::fail(ErrorCode::unavailable,
                        "{}: another process holds this store; stop it, or give this one a store "
                        "of its own",
                        path);
    case SQLITE_FULL:
      return base::fail(ErrorCode::unavailable, "{}: the disk is full; make room and start again",
                        path);
    case SQLITE_CANTOPEN:
      return base::fail(ErrorCode::permission_denied,
                        "{}: cannot be opened ({}); does the folder exist, and may this user "
                        "write there?",
                        path, words);
    case SQLITE_NOTADB:
      return base::fail(ErrorCode::corruption, "{}: expected a store, found a file of another kind",
                        path);
    default:
      return base::fail(code_of(result), "{}: {}", path, words);
  }
}

base::Bytes bytes_of(sqlite3_stmt* statement, int column) {
  const auto* const data = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return data == nullptr ? base::Bytes() : base::Bytes(data, data + size);
}

// One statement in use: values in, rows out, clean again afterwards.
class Use {
 public:
  Use(sqlite3* db, const std::string& path, sqlite3_stmt* statement)
      : db_(db), path_(path), statement_(statement) {}
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  // The bytes must live until the last step.
  Use& bind(base::ByteView bytes) {
    note(bytes.empty() ? sqlite3_bind_zeroblob(statement_, ++bound_, 0)
                       : sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(),
                                             SQLITE_STATIC));
    return *this;
  }
  Use& bind(const std::string& text) {
    note(sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
    return *this;
  }
  Use& bind(std::uint64_t number) {
    note(sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(number)));
    return *this;
  }

  // True: there is a row.
  Result<bool> step() {
    if (problem_ == SQLITE_OK) {
      const int result = sqlite3_step(statement_);
      if (result == SQLITE_ROW) return true;
      if (result == SQLITE_DONE) return false;
      problem_ = result;
    }
    return failed(db_, path_, problem_);
  }
  Result<void> run() {
    HANSE_TRY(const bool row, step());
    HANSE_CHECK(!row);
    return {};
  }

  base::Bytes bytes(int column) const { return bytes_of(statement_, column); }
  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }

 private:
  void note(int result) {
    if (problem_ == SQLITE_OK) problem_ = result;
  }

  sqlite3* db_;
  const std::string& path_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  int problem_ = SQLITE_OK;
};

}  // namespace

struct SqliteStore::Body {
  mutable std::mutex mutex;
  std::string path;
  Database db;
  Prepared begin, commit, rollback, last, add_entry, read_entries, snapshot, put_snapshot, add_blob,
      forget_blob, blob;

  Result<void> execute(const std::string& sql) const {
    const int result = sqlite3_exec(db.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (result == SQLITE_OK) return {};
    return failed(db.get(), path, result);
  }

  Result<std::int64_t> pragma(const std::string& name) const {
    sqlite3_stmt* raw = nullptr;
    const int result = sqlite3_prepare_v2(db.get(), ("PRAGMA " + name).c_str(), -1, &raw, nullptr);
    const Prepared statement(raw);
    if (result != SQLITE_OK) return failed(db.get(), path, result);
    const int stepped = sqlite3_step(raw);
    if (stepped != SQLITE_ROW) return failed(db.get(), path, stepped);
    return sqlite3_column_int64(raw, 0);
  }

  Result<void> prepare(Prepared& statement, const char* sql) const {
    sqlite3_stmt* raw = nullptr;
    const int result =
        sqlite3_prepare_v3(db.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    statement.reset(raw);
    if (result == SQLITE_OK) return {};
    return failed(db.get(), path, result);
  }

  Use use(const Prepared& statement) const { return {db.get(), path, statement.get()}; }

  // Ours and of a version that we know; a new file becomes one of ours.
  Result<void> claim() {
    HANSE_TRY(const std::int64_t application, pragma("application_id"));
    HANSE_TRY(const std::int64_t version, pragma("user_version"));
    HANSE_TRY(const std::int64_t tables, pragma("schema_version"));
    if (application == 0 && tables == 0)
      return execute(std::string("BEGIN EXCLUSIVE;") + kSchema +
                     fmt::format("PRAGMA application_id={};PRAGMA user_version={};COMMIT;",
                                 kApplication, kVersion));
    if (application != kApplication)
      return base::fail(ErrorCode::failed_precondition,
                        "{}: expected a store of Hanse, found another program's database", path);
    if (version < 1 || version > kVersion)
      return base::fail(ErrorCode::failed_precondition,
                        "{}: written by a newer version (format {}, known here: {}); use that one",
                        path, version, kVersion);
    // Takes the lock before anything is read, so that nobody writes meanwhile.
    std::string steps = "BEGIN EXCLUSIVE;";
    for (auto from = static_cast<std::size_t>(version); from < kVersion; ++from)
      steps += kMigrations[from - 1];
    if (version < kVersion) steps += fmt::format("PRAGMA user_version={};", kVersion);
    return execute(steps + "COMMIT;");
  }

  Result<void> open() {
    // Exclusive before the first access, so that no shared memory is needed and the lock stays.
    HANSE_TRY_VOID(execute("PRAGMA locking_mode=EXCLUSIVE"));
    HANSE_TRY_VOID(execute("PRAGMA trusted_schema=OFF"));
    HANSE_TRY_VOID(execute("PRAGMA cell_size_check=ON"));
    HANSE_TRY_VOID(execute("PRAGMA journal_mode=WAL"));
    HANSE_TRY_VOID(execute("PRAGMA synchronous=FULL"));
    // Secrets of a masked sum are among what is forgotten.
    HANSE_TRY_VOID(execute("PRAGMA secure_delete=ON"));
    HANSE_TRY_VOID(claim());
    HANSE_TRY_VOID(prepare(begin, "BEGIN IMMEDIATE"));
    HANSE_TRY_VOID(prepare(commit, "COMMIT"));
    HANSE_TRY_VOID(prepare(rollback, "ROLLBACK"));
    HANSE_TRY_VOID(
        prepare(last, "SELECT number, digest FROM entry WHERE log=? ORDER BY number DESC LIMIT 1"));
    HANSE_TRY_VOID(prepare(add_entry, "INSERT INTO entry VALUES (?, ?, ?, ?)"));
    HANSE_TRY_VOID(prepare(read_entries,
                           "SELECT number, digest, bytes FROM entry WHERE log=? AND number>? "
                           "ORDER BY number LIMIT ?"));
    HANSE_TRY_VOID(
        prepare(snapshot, "SELECT entries, digest, sum, state FROM snapshot WHERE log=?"));
    HANSE_TRY_VOID(prepare(put_snapshot, "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?, ?)"));
    HANSE_TRY_VOID(prepare(add_blob, "INSERT OR IGNORE INTO blob VALUES (?, ?)"));
    HANSE_TRY_VOID(prepare(forget_blob, "DELETE FROM blob WHERE name=?"));
    return prepare(blob, "SELECT bytes FROM blob WHERE name=?");
  }

  Result<Head> head_of(const std::string& log) const {
    Use read = use(last);
    HANSE_TRY(const bool found, read.bind(log).step());
    if (!found) return Head{};
    HANSE_TRY(base::Digest digest, base::Digest::from_bytes(read.bytes(1)));
    return Head{read.number(0), digest};
  }

  // Entries behind `head`, which moves on with them.
  Result<std::vector<base::Bytes>> entries_after(const std::string& log, Head& head,
                                                 std::uint64_t limit) const {
    std::vector<base::Bytes> entries;
    Use read = use(read_entries);
    read.bind(log).bind(head.entries).bind(limit);
    for (;;) {
      HANSE_TRY(const bool row, read.step());
      if (!row) return entries;
      base::Bytes entry = read.bytes(2);
      head = after(head, entry);
      const auto stored = base::Digest::from_bytes(read.bytes(1));
      if (read.number(0) != head.entries || !stored || *stored != head.digest)
        return base::fail(ErrorCode::corruption,
                          "{}: log '{}', entry {}: it does not follow from those before it; "
                          "restore a copy of the whole store",
                          path, log, read.number(0));
      entries.push_back(std::move(entry));
    }
  }

  Result<std::optional<Snapshot>> snapshot_of(const std::string& log) const {
    Use read = use(snapshot);
    HANSE_TRY(const bool found, read.bind(log).step());
    if (!found) return std::optional<Snapshot>();
    HANSE_TRY(base::Digest digest, base::Digest::from_bytes(read.bytes(1)));
    HANSE_TRY(base::Digest sum, base::Digest::from_bytes(read.bytes(2)));
    Snapshot one{{read.number(0), digest}, read.bytes(3)};
    if (base::Digest::of(one.state) != sum)
      return base::fail(ErrorCode::corruption,
                        "{}: log '{}': the snapshot's bytes are not those that were written; "
                        "restore a copy of the whole store",
                        path, log);
    return std::optional(std::move(one));
  }

  // Within a transaction.
  Result<void> write(const Batch& batch) const {
    HANSE_TRY(Head head, head_of(batch.log));
    if (head != batch.before)
      return base::fail(ErrorCode::aborted,
                        "{}: log '{}' has {} entries where {} were expected, or others: load it "
                        "again",
                        path, batch.log, head.entries, batch.before.entries);
    for (const base::Bytes& entry : batch.entries) {
      head = after(head, entry);
      HANSE_TRY_VOID(use(add_entry)
                         .bind(batch.log)
                         .bind(head.entries)
                         .bind(head.digest.bytes())
                         .bind(entry)
                         .run());
    }
    if (batch.state) {
      const base::Digest sum = base::Digest::of(*batch.state);
      HANSE_TRY_VOID(use(put_snapshot)
                         .bind(batch.log)
                         .bind(head.entries)
                         .bind(head.digest.bytes())
                         .bind(sum.bytes())
                         .bind(*batch.state)
                         .run());
    }
    for (const base::Digest& name : batch.forget)
      HANSE_TRY_VOID(use(forget_blob).bind(name.bytes()).run());
    for (const NamedBlob& one : batch.blobs)
      HANSE_TRY_VOID(use(add_blob).bind(one.name.bytes()).bind(one.bytes.view()).run());
    return {};
  }
};

namespace {

// What a site answered lies in its store, in the clear today: a new file is its owner's alone, and
// SQLite gives the files beside it the same rights. What keeps it from being made, opening says.
void make_private(const std::string& path) {
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (made >= 0) ::close(made);
}

}  // namespace

SqliteStore::SqliteStore(std::unique_ptr<Body> body) : body_(std::move(body)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path,
                                                       const SqliteOptions& options) {
  auto body = std::make_unique<Body>();
  body->path = path;
  if (options.vfs == nullptr) make_private(path);
  sqlite3* raw = nullptr;
  constexpr int kFlags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(path.c_str(), &raw, kFlags, options.vfs);
  body->db.reset(raw);
  if (result != SQLITE_OK) return failed(raw, path, result);
  if (sqlite3_db_readonly(raw, "main") == 1)
    return base::fail(ErrorCode::permission_denied,
                      "{}: the disk or the file is read-only, and a store is written; mount it for "
                      "writing, or give this user the right to write",
                      path);
  HANSE_TRY_VOID(body->open());
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(body)));
}

Result<Log> SqliteStore::load(const std::string& log) const {
  const std::lock_guard lock(body_->mutex);
  Log loaded;
  HANSE_TRY(loaded.snapshot, body_->snapshot_of(log));
  if (loaded.snapshot) loaded.head = loaded.snapshot->head;
  HANSE_TRY(loaded.tail, body_->entries_after(log, loaded.head, INT64_MAX));
  HANSE_TRY(const Head head, body_->head_of(log));
  if (head != loaded.head)
    return base::fail(ErrorCode::corruption,
                      "{}: log '{}': the snapshot is of {} entries, and the log has {}, or others; "
                      "restore a copy of the whole store",
                      body_->path, log, loaded.head.entries, head.entries);
  return loaded;
}

Result<void> SqliteStore::commit(const Batch& batch) {
  HANSE_TRY_VOID(check_bounds(batch));
  const std::lock_guard lock(body_->mutex);
  HANSE_TRY_VOID(body_->use(body_->begin).run());
  auto done = body_->write(batch);
  if (done) done = body_->use(body_->commit).run();
  // Some errors have rolled back already (https://sqlite.org/lang_transaction.html, "Response to
  // errors").
  if (!done && sqlite3_get_autocommit(body_->db.get()) == 0)
    (void)body_->use(body_->rollback).run();
  return done;
}

Result<std::vector<base::Bytes>> SqliteStore::history(const std::string& log,
                                                      std::size_t limit) const {
  const std::lock_guard lock(body_->mutex);
  Head head;
  return body_->entries_after(log, head, limit);
}

Result<base::Slice> SqliteStore::blob(const base::Digest& name) const {
  const std::lock_guard lock(body_->mutex);
  Use read = body_->use(body_->blob);
  HANSE_TRY(const bool found, read.bind(name.bytes()).step());
  if (!found) return base::fail(ErrorCode::not_found, "{}: no blob {}", body_->path, name.hex());
  return base::Slice(read.bytes(0));
}

}  // namespace hanse::storage
