// The audit log as a coordinator keeps it: leaves through SQLite on the disk, heads with files and
// the cosignatures of eight witnesses. Seconds of the clock for what waits for the disk, of the
// processor for the rest.
//
// What measuring showed: a durable append is its sync, and callers that share one share its cost. A
// head with eight witnesses is the checking of their signatures, each twice.

#include <fmt/core.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <thread>

#include "federation/audit/cosigning.h"
#include "federation/audit/durable_witness.h"
#include "federation/audit/trail.h"
#include "storage/memory_store.h"

namespace hanse {
namespace {

constexpr int kWitnesses = 8;
constexpr int kHeads = 200;
constexpr std::uint64_t kWall = 1'790'000'000;

void row(std::string_view name, double value, std::string_view unit) {
  fmt::print(R"({{"name":"{}","value":{:.3f},"unit":"{}"}})"
             "\n",
             name, value, unit);
}

base::Bytes leaf_of(std::uint64_t number) {
  base::Bytes leaf(300);
  for (std::size_t i = 0; i < 8; ++i) leaf[i] = static_cast<std::byte>(number >> (8 * i));
  return leaf;
}

std::string folder() {
  const auto path = std::filesystem::temp_directory_path() / "hanse-bench-audit";
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path.string();
}

void append(const crypto::Signer& signer, int callers, std::uint64_t batch) {
  const std::string at = folder();
  const auto store = storage::SqliteStore::open(at + "/store.db").value();
  storage::Disk disk;
  const auto log =
      federation::Sequencer::open(*store, disk, {at + "/audit", "bench/audit", &signer}).value();
  constexpr std::uint64_t kBatches = 400;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller)
    threads.emplace_back([&, caller] {
      for (std::uint64_t n = 1; n <= kBatches; ++n) {
        audit::LeafBatch leaves{"caller/" + std::to_string(caller), n, {}};
        for (std::uint64_t i = 0; i < batch; ++i) leaves.leaves.push_back(leaf_of(n * batch + i));
        HANSE_CHECK(log->append(std::move(leaves)));
      }
    });
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double leaves = static_cast<double>(kBatches * batch) * callers;
  row(fmt::format("{} callers append batches of {} leaves durably", callers, batch),
      leaves / took.count() / 1e3, "k/s");
  std::filesystem::remove_all(at);
}

struct Witness {
  base::SiteId site;
  crypto::Signer signer;
  crypto::NoteKey key;
  std::unique_ptr<storage::MemoryStore> store = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<federation::DurableWitness> durable = {};
};

void cosign(const crypto::Signer& signer, base::RandomSource& random) {
  const std::string at = folder();
  const auto store = storage::SqliteStore::open(at + "/store.db").value();
  storage::Disk disk;
  base::SilentLog silent;
  const auto log =
      federation::Sequencer::open(*store, disk, {at + "/audit", "bench/audit", &signer}).value();
  const crypto::NoteKey log_key{"bench/audit", crypto::SignatureType::ed25519, signer.verifier()};
  std::vector<Witness> witnesses;
  std::vector<audit::Policy::Witness> named;
  std::map<base::SiteId, crypto::NoteKey> keys;
  for (int n = 0; n < kWitnesses; ++n) {
    crypto::Signer own = crypto::Signer::create(random);
    const std::string name = "plant-" + std::to_string(n);
    crypto::NoteKey key{"bench/site/" + name, crypto::SignatureType::ed25519_cosignature,
                        own.verifier()};
    witnesses.push_back({base::SiteId::create(name).value(), std::move(own), key});
    named.push_back({name, key, ""});
    keys.emplace(witnesses.back().site, key);
  }
  for (Witness& one : witnesses)
    one.durable =
        federation::DurableWitness::open(*one.store, {one.key.name, &one.signer, {log_key}})
            .value();
  federation::Cosigning cosigning(
      {.policy = audit::Policy::majority({log_key, ""}, named).value(), .witnesses = keys}, *log,
      silent);
  double spent = 0;  // of the processor, at the coordinator
  const auto timed = [&](auto work) {
    const std::clock_t begin = std::clock();
    auto out = work();
    spent += static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    return out;
  };
  for (const Witness& one : witnesses) HANSE_CHECK(cosigning.connected(one.site, {}));
  for (int head = 1; head <= kHeads; ++head) {
    const base::Milliseconds now{head * 1000};
    auto post = timed([&] {
      HANSE_CHECK(log->append({"bench", static_cast<std::uint64_t>(head), {leaf_of(1)}}));
      return cosigning.published(log->publish().value(), now).value();
    });
    for (std::size_t i = 0; i < post.size(); ++i) {
      const auto word = federation::audit_word_from_coordinator(post[i]).value();
      const auto* asked = std::get_if<federation::Cosign>(&*word);
      if (asked == nullptr) continue;
      const base::SiteId site = *post[i].to.site_id();
      for (Witness& one : witnesses) {
        if (one.site != site) continue;
        const audit::WitnessAnswer answer =
            one.durable->answer(asked->request, kWall + static_cast<std::uint64_t>(head));
        auto more = timed([&] {
          return cosigning.hear(site, answer, now, kWall + static_cast<std::uint64_t>(head))
              .value();
        });
        post.insert(post.end(), more.begin(), more.end());
      }
    }
    HANSE_CHECK(cosigning.witnessed()->value().size == static_cast<std::uint64_t>(head));
  }
  row(fmt::format("one head with {} witnesses, files included", kWitnesses), spent / kHeads * 1e3,
      "ms");
  std::filesystem::remove_all(at);
}

// What `hanse audit verify` does with the leaves of jobs that it was not asked about, as it does
// it: hashed into a root, and followed.
void verify() {
  constexpr std::uint32_t kRounds = 90'000;
  const base::JobId job = base::JobId::create("bearings").value();
  const base::Digest some = base::Digest::of(base::view_of("some"));
  std::vector<base::SiteId> cohort;
  for (int n = 0; n < kWitnesses; ++n)
    cohort.push_back(base::SiteId::create("plant-" + std::to_string(n)).value());
  std::vector<base::Bytes> leaves;
  const auto add = [&](const audit::Leaf& leaf) { leaves.push_back(audit::encode(leaf)); };
  add(audit::leaf::Submitted{job, some, "ada", cohort, some});
  for (std::uint32_t round = 1; round <= kRounds; ++round) {
    const audit::Attempt attempt{job, {round, 0}};
    add(audit::leaf::Planned{.attempt = attempt,
                             .offer = some,
                             .roster = some,
                             .job = some,
                             .model = some,
                             .cohort = cohort,
                             .min_sites = 5,
                             .backend = "masked",
                             .threshold = 6,
                             .min_contributors = 3,
                             .max_colluders = 1});
    for (const base::SiteId& site : cohort)
      add(audit::leaf::Contributed{attempt,
                                   site,
                                   audit::encode(audit::Statement{.attempt = attempt,
                                                                  .site = site,
                                                                  .offer = some,
                                                                  .roster = some,
                                                                  .sealed = some,
                                                                  .answers = round,
                                                                  .chain = some,
                                                                  .grant = some}),
                                   {}});
    add(audit::leaf::Summed{attempt, cohort, some, some});
    add(audit::leaf::Stepped{attempt, some, some});
  }
  base::ThreadExecutor executor(std::thread::hardware_concurrency());
  double least = 1e9;
  for (int run = 0; run < 3; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    federation::Trail trail({.epochs = {}, .asked = {base::JobId::create("other").value()}},
                            executor);
    audit::CompactRange range;
    for (const base::Bytes& leaf : leaves) {
      range.append(audit::leaf_hash(leaf));
      trail.follow(leaf);
    }
    trail.finish();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    least = std::min(least, took.count());
    HANSE_CHECK(trail.leaves() == leaves.size());
  }
  row(fmt::format("hash and follow {} leaves", leaves.size()), least, "s");
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::verify();
  hanse::base::SystemRandom random;
  const auto signer = hanse::crypto::Signer::create(random);
  hanse::append(signer, 1, 10);
  hanse::append(signer, 8, 10);
  hanse::append(signer, 1, 1000);
  hanse::cosign(signer, random);
}
