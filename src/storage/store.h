// Logs of entries and blobs that outlive the process: what durable state machines are kept in.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"

namespace hanse::storage {

// Where a log stands: how many entries it has, and a hash that binds them and their order.
struct Head {
  std::uint64_t entries = 0;
  base::Digest digest;  // zero of an empty log

  bool operator==(const Head&) const = default;
};

// One entry further: SHA-256 of "hanse log 1", the digest before and the entry.
Head after(const Head& head, base::ByteView entry);

// A machine's state after the entries up to `head`.
struct Snapshot {
  Head head;
  base::Bytes state;
};

// What a log holds: the last snapshot, if there is one, and the entries since.
struct Log {
  std::optional<Snapshot> snapshot;
  std::vector<base::Bytes> tail;
  Head head;  // of all entries
};

// Large bytes under a name that whoever stores them gives, and checks when it reads them again:
// a digest of its own choice over them.
struct NamedBlob {
  base::Digest name;
  base::Slice bytes;
};

// What becomes durable together or not at all.
struct Batch {
  std::string log;
  Head before;                       // where the log must stand
  std::vector<base::Bytes> entries;  // each at most kMaxEntryBytes
  std::optional<base::Bytes> state;  // a snapshot of the state after them
  std::vector<base::Digest> forget;  // blobs that go, before others come; fine where there is none
  std::vector<NamedBlob> blobs;      // each at most kMaxStoredBlobBytes; a name is stored once
};

inline constexpr std::size_t kMaxEntryBytes = std::size_t{1} << 20;
// A model of base::kMaxParameters words, four times; far below what SQLite takes (10^9).
inline constexpr std::size_t kMaxStoredBlobBytes = std::size_t{256} << 20;

// An entry or a blob beyond these bounds: invalid_argument.
base::Result<void> check_bounds(base::ByteView entry, std::span<const NamedBlob> blobs);
base::Result<void> check_bounds(const Batch& batch);

// Errors beside those said: unavailable (disk full, input or output error), permission_denied,
// corruption. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  // An unknown log is empty. A chain that does not hold, a gap, a snapshot that is not of this log:
  // corruption.
  virtual base::Result<Log> load(const std::string& log) const = 0;

  // Durable when it returns well. A log that does not stand at `before`: aborted, nothing happened.
  // After unavailable it is not known whether it happened: a machine has to load again.
  virtual base::Result<void> commit(const Batch& batch) = 0;

  // All entries of a log from its first on, up to `limit`, the chain checked from the beginning.
  virtual base::Result<std::vector<base::Bytes>> history(const std::string& log,
                                                         std::size_t limit) const = 0;

  // What was stored under the name; not_found.
  virtual base::Result<base::Slice> blob(const base::Digest& name) const = 0;
};

struct SqliteOptions {
  const char* vfs = nullptr;  // of SQLite, for tests that cut the power
};

// One SQLite database (https://sqlite.org/wal.html): write-ahead log, synchronous FULL, held
// exclusively, so that a second process gets unavailable and learns who is in its way. Built by
// programs and tests only.
class SqliteStore final : public Store {
 public:
  // Creates the file where there is none, brings one of an older version up to date. Another
  // program's database, or a newer version's: failed_precondition.
  static base::Result<std::unique_ptr<SqliteStore>> open(const std::string& path,
                                                         const SqliteOptions& options = {});
  ~SqliteStore() override;

  base::Result<Log> load(const std::string& log) const override;
  base::Result<void> commit(const Batch& batch) override;
  base::Result<std::vector<base::Bytes>> history(const std::string& log,
                                                 std::size_t limit) const override;
  base::Result<base::Slice> blob(const base::Digest& name) const override;

 private:
  struct Body;
  explicit SqliteStore(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::storage
