// A whole round over the loopback transport: 8 sites, 1 MB each, an answer that costs nothing to
// compute.

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

#include "base/limits.h"
#include "base/memory.h"
#include "jobs/consortium.h"

namespace {

constexpr std::size_t kSites = 8;
constexpr std::size_t kCoordinates = 131'072;  // 1 MiB of 64-bit words
constexpr int kRounds = 300;

// Buffers that hold a whole update: each is a copy of it.
std::atomic<std::uint64_t> update_sized{0};

}  // namespace

void* operator new(std::size_t size) {
  if (size >= kCoordinates * sizeof(std::int64_t)) ++update_sized;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace hanse {
namespace {

class Nothing final : public query::Query {
 public:
  explicit Nothing(query::QueryPlan plan) : plan_(std::move(plan)) {}
  base::Result<query::Answer> answer(const data::Dataset&, base::RandomSource&,
                                     base::Executor&) const override {
    return privacy::ClippedSumAccumulator(plan_.layout, plan_.unit).finish();
  }

 private:
  query::QueryPlan plan_;
};

query::QueryPlan plan(std::uint32_t round) {
  return {.kind = "nothing",
          .job = *base::JobId::create("bench"),
          .round = {round, 0},
          .unit = "record",
          .max_sites = kSites,
          .layout = {{{"sum", kCoordinates, 1}}, *math::Lattice::create(20), 1},
          .options = "{}",
          .parameters = {}};
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// What no round with digests can beat: hashing every contribution where it is made and where it
// arrives.
double hashing_alone(base::Executor& executor) {
  const base::Bytes update(kCoordinates * sizeof(std::int64_t), std::byte{1});
  constexpr std::size_t kChunks = kCoordinates * sizeof(std::int64_t) / base::kChunkBytes;
  std::vector<double> milliseconds;
  for (int i = 0; i < kRounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    executor.parallel_for(2 * kSites * kChunks, [&](std::size_t chunk) {
      const auto bytes =
          base::ByteView(update).subspan(chunk % kChunks * base::kChunkBytes, base::kChunkBytes);
      HANSE_CHECK(base::Digest::of(bytes) != base::Digest());
    });
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  return median(std::move(milliseconds));
}

void run() {
  query::Catalog catalog;
  catalog.add("nothing",
              [](const query::QueryPlan& asked) -> base::Result<std::unique_ptr<query::Query>> {
                return std::make_unique<Nothing>(asked);
              });
  const auto records = std::make_shared<const data::Dataset>();
  std::vector<jobs::SiteRecords> sites;
  for (std::size_t i = 0; i < kSites; ++i)
    sites.push_back({*base::SiteId::create(fmt::format("plant-{}", i)), records});
  base::ThreadExecutor executor(std::max(1U, std::thread::hardware_concurrency()));
  base::SilentLog log;
  jobs::LocalConsortium consortium(std::move(sites), {{}, kSites}, 1, catalog, executor, log);
  std::vector<double> milliseconds;
  transport::Traffic traffic;
  for (std::uint32_t round = 1; round <= kRounds; ++round) {
    query::QueryPlan question = plan(round);
    const auto begin = std::chrono::steady_clock::now();
    const auto result = consortium.run_round(std::move(question));
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - begin;
    HANSE_CHECK(result.has_value() && result->contributors.size() == kSites);
    milliseconds.push_back(taken.count());
    traffic = result->traffic;
  }
  std::ranges::sort(milliseconds);
  const auto row = [](std::string_view name, double value, std::string_view unit) {
    fmt::print(R"({{"name":"{}","value":{:.4f},"unit":"{}"}})"
               "\n",
               name, value, unit);
  };
  // Its peer is the part of it that is hashing; the ratio tells a slow machine from a slow round.
  fmt::print(R"({{"name":"loopback_round_p50","value":{:.4f},"unit":"ms",)"
             R"("peer":"its SHA-256 alone","peer_value":{:.4f}}})"
             "\n",
             milliseconds[kRounds / 2], hashing_alone(executor));
  row("loopback_round_p99", milliseconds[kRounds * 99 / 100], "ms");
  row("loopback_round_messages", static_cast<double>(traffic.messages), "messages");
  row("loopback_round_bytes", static_cast<double>(traffic.bytes), "bytes");
  row("loopback_round_copies",
      static_cast<double>(update_sized.load()) / (kRounds * static_cast<double>(kSites)),
      "update-sized buffers per contribution");
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::base::keep_freed_memory();
  hanse::run();
}
