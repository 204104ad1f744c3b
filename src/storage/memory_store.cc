#include "storage/memory_store.h"

#include <algorithm>

namespace hanse::storage {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<Log> MemoryStore::load(const std::string& log) const {
  const std::lock_guard lock(mutex_);
  const auto found = state_.logs.find(log);
  if (found == state_.logs.end()) return Log{};
  const Kept& kept = found->second;
  Log loaded{kept.snapshot, {}, kept.head};
  const std::uint64_t covered = kept.snapshot ? kept.snapshot->head.entries : 0;
  loaded.tail.assign(kept.entries.begin() + static_cast<std::ptrdiff_t>(covered - kept.dropped),
                     kept.entries.end());
  return loaded;
}

Result<void> MemoryStore::commit(const Batch& batch) {
  HANSE_TRY_VOID(check_bounds(batch));
  const std::lock_guard lock(mutex_);
  const bool fails = ++commits_ >= fails_at_;
  if (fails && (commits_ > fails_at_ || fault_ == Fault::before))
    return fail(ErrorCode::unavailable, "memory: it was told to fail before commit {}", commits_);
  HANSE_TRY_VOID(writable(batch));
  if (lazy_) survives_ = state_;
  write(batch);
  if (fails)
    return fail(ErrorCode::unavailable, "memory: it was told to fail after commit {}", commits_);
  return {};
}

Result<void> MemoryStore::writable(const Batch& batch) const {
  const auto found = state_.logs.find(batch.log);
  const Head head = found == state_.logs.end() ? Head{} : found->second.head;
  if (head != batch.before)
    return fail(ErrorCode::aborted,
                "memory: log '{}' has {} entries where {} were expected, or others: load it again",
                batch.log, head.entries, batch.before.entries);
  if (capacity_ == SIZE_MAX) return {};
  std::size_t bytes = state_.bytes() + (batch.state ? batch.state->size() : 0);
  for (const base::Bytes& entry : batch.entries) bytes += entry.size();
  for (const NamedBlob& blob : batch.blobs) bytes += blob.bytes.size();
  if (bytes <= capacity_) return {};
  return fail(ErrorCode::unavailable, "memory: the disk is full; make room and start again");
}

void MemoryStore::write(const Batch& batch) {
  Kept& kept = state_.logs[batch.log];
  for (const base::Bytes& entry : batch.entries) {
    kept.head = after(kept.head, entry);
    kept.entries.push_back(entry);
  }
  if (batch.state) {
    kept.snapshot = Snapshot{kept.head, *batch.state};
    if (keep_ == Keep::tails) {
      kept.entries.clear();
      kept.dropped = kept.head.entries;
    }
  }
  for (const base::Digest& name : batch.forget) state_.blobs.erase(name);
  for (const NamedBlob& blob : batch.blobs) state_.blobs.emplace(blob.name, blob.bytes);
}

Result<std::vector<base::Bytes>> MemoryStore::history(const std::string& log,
                                                      std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto found = state_.logs.find(log);
  if (found == state_.logs.end()) return std::vector<base::Bytes>{};
  const Kept& kept = found->second;
  if (kept.dropped > 0)
    return fail(ErrorCode::unsupported,
                "memory: log '{}' keeps the entries since its snapshot only", log);
  const auto count = static_cast<std::ptrdiff_t>(std::min(limit, kept.entries.size()));
  return std::vector<base::Bytes>(kept.entries.begin(), kept.entries.begin() + count);
}

Result<base::Slice> MemoryStore::blob(const base::Digest& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = state_.blobs.find(name);
  if (found != state_.blobs.end()) return found->second;
  return fail(ErrorCode::not_found, "memory: no blob {}", name.hex());
}

std::uint64_t MemoryStore::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

std::unique_ptr<MemoryStore> MemoryStore::copy() const {
  const std::lock_guard lock(mutex_);
  auto copy = std::make_unique<MemoryStore>(keep_);
  copy->state_ = survives_ ? *survives_ : state_;
  return copy;
}

void MemoryStore::fail_at(std::uint64_t commit, Fault fault) {
  const std::lock_guard lock(mutex_);
  fails_at_ = commits_ + commit;
  fault_ = fault;
}

void MemoryStore::set_capacity(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void MemoryStore::set_lazy() {
  const std::lock_guard lock(mutex_);
  lazy_ = true;
}

std::size_t MemoryStore::State::bytes() const {
  std::size_t total = 0;
  for (const auto& [name, log] : logs) {
    total += log.snapshot ? log.snapshot->state.size() : 0;
    for (const base::Bytes& entry : log.entries) total += entry.size();
  }
  for (const auto& [name, blob] : blobs) total += blob.size();
  return total;
}

}  // namespace hanse::storage
