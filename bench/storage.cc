// Durable appends to a store on this machine's disk: one caller, and 64 that share syncs. What a
// sync costs is the disk's business, so the rows that count are entries per sync and the ratio.

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "counting_store.h"
#include "storage/durable.h"

namespace hanse {
namespace {

constexpr std::size_t kCallers = 64;
constexpr double kSeconds = 3;

// Takes every entry; its state is their number.
class Counter {
 public:
  base::Result<void> check(base::ByteView) const { return {}; }
  void apply(base::ByteView) { ++entries_; }
  base::Bytes snapshot() const { return base::Bytes(1); }
  static base::Result<Counter> restore(base::ByteView) { return Counter(); }

 private:
  std::uint64_t entries_ = 0;
};

struct Rate {
  double per_second;
  double entries_per_sync;
};

Rate measure(storage::Store& store, std::size_t callers) {
  bench::CountingStore counted(store);
  const auto durable =
      storage::Durable<Counter>::open(counted, fmt::format("{} callers", callers), {}).value();
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < callers; ++i)
      threads.emplace_back([&] {
        while (seconds() < kSeconds) HANSE_CHECK(durable->append(base::Bytes(100)).has_value());
      });
  }
  const auto entries = static_cast<double>(durable->head().entries);
  return {entries / seconds(), entries / static_cast<double>(counted.commits.load())};
}

void run(const std::string& path) {
  const auto store = storage::SqliteStore::open(path).value();
  const Rate single = measure(*store, 1);
  const Rate shared = measure(*store, kCallers);
  const auto row = [](std::string_view name, double value, std::string_view unit) {
    fmt::print(R"({{"name":"{}","value":{:.4f},"unit":"{}"}})"
               "\n",
               name, value, unit);
  };
  row("durable_appends_single", single.per_second, "entries/s");
  row("durable_appends_64_callers", shared.per_second, "entries/s");
  row("durable_appends_64_callers_per_sync", shared.entries_per_sync, "entries per sync");
  row("durable_appends_64_callers_ratio", shared.per_second / single.per_second, "times single");
}

}  // namespace
}  // namespace hanse

// In the working folder, whose disk is the one to measure: a temporary folder may be memory.
int main() {
  const std::filesystem::path folder = "bench-storage.tmp";
  std::filesystem::create_directory(folder);
  hanse::run(folder / "state.db");
  std::filesystem::remove_all(folder);
}
