// A store in memory, with faults on demand: for tests, for simulation, and for parties in one
// process that nothing has to outlive.
#pragma once

#include <map>

#include "storage/store.h"

namespace hanse::storage {

// Does what SqliteStore does, and fails only when told to. Blobs are shared, not copied.
// Thread-safe.
class MemoryStore final : public Store {
 public:
  // With `tails` the entries that a log's snapshot covers are dropped, so that memory does not grow
  // with the number of entries; such a log has no history: unsupported.
  enum class Keep { all, tails };
  explicit MemoryStore(Keep keep = Keep::all) : keep_(keep) {}

  base::Result<Log> load(const std::string& log) const override;
  base::Result<void> commit(const Batch& batch) override;
  base::Result<std::vector<base::Bytes>> history(const std::string& log,
                                                 std::size_t limit) const override;
  base::Result<base::Slice> blob(const base::Digest& name) const override;

  std::uint64_t commits() const;
  // What is stored now and would survive a crash: for the process after it, or to come back later
  // as an old copy. Blobs are shared. No fault is copied.
  std::unique_ptr<MemoryStore> copy() const;

  // Faults. The n-th commit from now (1 is the next) and all later ones fail with unavailable, the
  // n-th before or after it has happened.
  enum class Fault { before, after };
  void fail_at(std::uint64_t commit, Fault fault);
  // Commits that would bring entries, snapshots and blobs over so many bytes fail, as on a full
  // disk.
  void set_capacity(std::size_t bytes);
  // Commits return before they are durable: a crash takes the last one back. What no honest store
  // does.
  void set_lazy();

 private:
  struct Kept {
    std::vector<base::Bytes> entries;  // from number dropped + 1 on
    std::uint64_t dropped = 0;
    std::optional<Snapshot> snapshot;
    Head head;
  };
  struct State {
    std::map<std::string, Kept> logs;
    std::map<base::Digest, base::Slice> blobs;
    std::size_t bytes() const;
  };
  base::Result<void> writable(const Batch& batch) const;
  void write(const Batch& batch);

  const Keep keep_;
  mutable std::mutex mutex_;
  State state_;
  std::optional<State> survives_;  // when lazy: without the last commit
  std::uint64_t commits_ = 0;
  std::uint64_t fails_at_ = UINT64_MAX;
  Fault fault_ = Fault::before;
  std::size_t capacity_ = SIZE_MAX;
  bool lazy_ = false;
};

}  // namespace hanse::storage
