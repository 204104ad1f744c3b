// A store that counts its commits; each is one sync (OneSyncPerAppend of durable_test.cc).
#pragma once

#include <atomic>

#include "storage/store.h"

namespace hanse::bench {

class CountingStore final : public storage::Store {
 public:
  explicit CountingStore(storage::Store& store) : store_(store) {}
  base::Result<storage::Log> load(const std::string& log) const override {
    return store_.load(log);
  }
  base::Result<void> commit(const storage::Batch& batch) override {
    ++commits;
    return store_.commit(batch);
  }
  base::Result<std::vector<base::Bytes>> history(const std::string& log,
                                                 std::size_t limit) const override {
    return store_.history(log, limit);
  }
  base::Result<base::Slice> blob(const base::Digest& name) const override {
    return store_.blob(name);
  }
  std::atomic<std::uint64_t> commits = 0;

 private:
  storage::Store& store_;
};

}  // namespace hanse::bench
