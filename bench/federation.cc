// A whole round between machines: 8 sites, 1 MB each, over gRPC with TLS on loopback, an answer
// that costs nothing to compute, stores in memory. All parties in one process, each site on a
// thread.

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/memory.h"
#include "federation/coordinator/coordinator.h"
#include "federation/round/backends.h"
#include "federation/site/site.h"
#include "storage/memory_store.h"
#include "transport/grpc_client.h"
#include "transport/grpc_server.h"
#include "transport/testing.h"

namespace hanse {
namespace {

using transport::Address;
using transport::Envelope;

constexpr int kSites = 8;
constexpr std::size_t kCoordinates = 131'072;  // 1 MiB of 64-bit words
constexpr int kRounds = 300;
constexpr base::Milliseconds kWait{1000};

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

// What all parties share.
struct World {
  base::SystemClock clock;
  base::SystemRandom random;
  base::SilentLog log;
  base::InlineExecutor inline_executor;
  base::ThreadExecutor executor{std::max(1U, std::thread::hardware_concurrency())};
  query::Catalog catalog;
  std::shared_ptr<const data::Dataset> records = std::make_shared<const data::Dataset>();
  transport::testing::Members members{kSites, transport::testing::valid_now(clock), random};
  transport::Doors doors{clock, random, log};

  World() {
    catalog.add("nothing",
                [](const query::QueryPlan& asked) -> base::Result<std::unique_ptr<query::Query>> {
                  return std::make_unique<Nothing>(asked);
                });
  }
};

// A site with its end of the connection and a thread that lives as long as it.
class Plant {
 public:
  Plant(World& world, int number, int port)
      : world_(world),
        self_(transport::testing::site(number)),
        record_(*storage::Durable<federation::SiteRecord>::open(store_, "site", {}, 64)),
        site_({.self = *self_.site_id(), .in_the_clear = true},
              {world.catalog, world.inline_executor, world.log,
               [](const federation::Release&, federation::Draw) {
                 return std::make_unique<base::SystemRandom>();
               },
               [&world](const federation::Offer&) { return world.records; }},
              *record_, store_),
        line_(*transport::GrpcClient::create({.address = fmt::format("127.0.0.1:{}", port)},
                                             world.members.credentials(self_), world.members.ring(),
                                             world.doors)),
        thread_([this] { run(); }) {}
  ~Plant() {
    stopping_ = true;
    line_->wake();
    thread_.join();
  }

 private:
  void run() {
    while (!stopping_) {
      line_->wait(self_, kWait);
      while (const auto envelope = line_->receive(self_))
        for (Envelope& out : site_.advance(*envelope, world_.clock.monotonic()))
          HANSE_CHECK(line_->send(std::move(out)).has_value());
    }
  }

  World& world_;
  Address self_;
  storage::MemoryStore store_{storage::MemoryStore::Keep::tails};
  std::unique_ptr<storage::Durable<federation::SiteRecord>> record_;
  federation::Site site_;
  std::unique_ptr<transport::GrpcClient> line_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

std::vector<base::SiteId> cohort() {
  std::vector<base::SiteId> sites;
  for (int i = 0; i < kSites; ++i) sites.push_back(*transport::testing::site(i).site_id());
  return sites;
}

void send(transport::GrpcServer& server, std::vector<Envelope> envelopes) {
  for (Envelope& envelope : envelopes) HANSE_CHECK(server.send(std::move(envelope)).has_value());
}

void run() {
  World world;
  const Address self = Address::coordinator();
  const auto server = *transport::GrpcServer::create(
      {.bind = "127.0.0.1:0"}, world.members.credentials(self), world.members.ring(),
      [](auto&&, auto&&, auto&&) {}, world.doors);
  std::vector<std::unique_ptr<Plant>> plants;
  for (int i = 0; i < kSites; ++i)
    plants.push_back(std::make_unique<Plant>(world, i, server->port()));
  while (server->connected().size() < kSites) server->wait(self, kWait);

  federation::Coordinator coordinator({.cohort = cohort(), .min_sites = kSites}, world.executor,
                                      world.log);
  std::vector<double> milliseconds;
  transport::Traffic before;
  for (std::uint32_t round = 1; round <= kRounds; ++round) {
    before = server->traffic();
    const auto begin = std::chrono::steady_clock::now();
    send(*server, coordinator.begin(plan(round), {}, world.clock.monotonic()).value());
    while (coordinator.is_collecting()) {
      server->wait(self, kWait);
      while (const auto envelope = server->receive(self))
        send(*server, coordinator.advance(*envelope, world.clock.monotonic()));
    }
    HANSE_CHECK(coordinator.take_released().has_value());
    send(*server, coordinator.close().value());
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - begin;
    milliseconds.push_back(taken.count());
  }
  const transport::Traffic after = server->traffic();
  plants.clear();
  std::ranges::sort(milliseconds);
  const auto row = [](std::string_view name, double value, std::string_view unit) {
    fmt::print(R"({{"name":"{}","value":{:.4f},"unit":"{}"}})"
               "\n",
               name, value, unit);
  };
  row("grpc_round_p50", milliseconds[kRounds / 2], "ms");
  row("grpc_round_p99", milliseconds[kRounds * 99 / 100], "ms");
  row("grpc_round_messages", static_cast<double>(after.messages - before.messages), "messages");
  row("grpc_round_bytes", static_cast<double>(after.bytes - before.bytes), "bytes");
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::base::keep_freed_memory();
  hanse::run();
}
