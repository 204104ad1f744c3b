// What a charge takes: in memory, with little and with much history, and durably, for one caller
// and for 64 that share syncs. What a sync costs is the disk's business, so the rows that count are
// the ratios and the entries per sync.

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "counting_store.h"
#include "federation/ledger/ledger.h"

namespace hanse {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kCallers = 64;
constexpr double kSeconds = 3;
constexpr std::size_t kMeasured = 20'000;
constexpr base::Milliseconds kNow{0};

void row(std::string_view name, double value, std::string_view unit) {
  fmt::print(R"({{"name":"{}","value":{:.4f},"unit":"{}"}})"
             "\n",
             name, value, unit);
}

privacy::NewAsset asset() {
  return {privacy::AssetId::create("ovens").value(), privacy::UnitId::create("record").value(),
          privacy::Neighbours::add_remove,
          privacy::Gate::create(privacy::Currency::rdp, base::Epsilon::create(100).value(),
                                base::Delta::create(1e-6).value())
              .value(),
          privacy::BlockId::create("first").value()};
}

// The n-th round of federated training on a tenth of the records.
privacy::Request request(std::size_t n) {
  const privacy::PrivacyLoss loss =
      privacy::PrivacyLoss::create(
          privacy::loss::Gaussian{.noise_multiplier = 3000, .sampling_rate = 0.1})
          .value();
  const base::JobId job = base::JobId::create(fmt::format("job{}", n / 50'000)).value();
  return {privacy::ReleaseId::of({job, {static_cast<std::uint32_t>(n), 0}, {}, {}}),
          fmt::format("round {}", n),
          job,
          privacy::PurposeId::create("maintenance").value(),
          {{privacy::AssetId::create("ovens").value(), {}, {{loss, 1}}}}};
}

struct Charged {
  double propose_us;  // price and entry
  double apply_us;    // check and apply
  double whole_us;    // all of these
};

// Medians over single charges behind so many others.
Charged charge_behind(std::size_t history) {
  privacy::PrivacyLedger ledger;
  ledger.apply(ledger.open_asset_entry(asset(), kNow).value());
  const std::vector<privacy::BlockPrice> prices = ledger.price(request(0).uses).value();
  for (std::size_t n = 0; n < history; ++n)
    ledger.apply(privacy::encode({kNow, privacy::entry::Reserved{request(n), prices}}));
  std::vector<double> propose;
  std::vector<double> apply;
  std::vector<double> whole;
  const auto since = [](steady_clock::time_point begin) {
    return std::chrono::duration<double, std::micro>(steady_clock::now() - begin).count();
  };
  for (std::size_t n = history; n < history + kMeasured; ++n) {
    const privacy::Request asked = request(n);
    const auto begin = steady_clock::now();
    const base::Bytes entry = ledger.reserve_entry(asked, kNow).value();
    propose.push_back(since(begin));
    HANSE_CHECK(ledger.check(entry).has_value());
    ledger.apply(entry);
    whole.push_back(since(begin));
    apply.push_back(whole.back() - propose.back());
  }
  const auto median = [](std::vector<double>& times) {
    std::ranges::nth_element(times, times.begin() + kMeasured / 2);
    return times[kMeasured / 2];
  };
  return {median(propose), median(apply), median(whole)};
}

struct Rate {
  double per_second;
  double per_sync;
};

Rate charge_durably(storage::Store& store, std::size_t callers) {
  bench::CountingStore counted(store);
  const auto ledger = federation::Ledger::open(counted, fmt::format("{} callers", callers)).value();
  HANSE_CHECK(ledger->open_asset(asset(), kNow).has_value());
  std::atomic<std::size_t> next = 0;
  const auto begin = steady_clock::now();
  const auto seconds = [&begin] {
    return std::chrono::duration<double>(steady_clock::now() - begin).count();
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < callers; ++i)
      threads.emplace_back([&] {
        while (seconds() < kSeconds)
          HANSE_CHECK(ledger->reserve(request(next++), kNow).has_value());
      });
  }
  const auto charges = static_cast<double>(next.load());
  return {charges / seconds(), charges / static_cast<double>(counted.commits.load())};
}

void run(const std::string& path) {
  const Charged little = charge_behind(1000);
  const Charged much = charge_behind(1'000'000);
  row("charge_and_gate_behind_1e3", little.whole_us, "us");
  row("charge_and_gate_behind_1e6", much.whole_us, "us");
  row("charge_and_gate_ratio", much.whole_us / little.whole_us, "times behind 1e3");
  row("price_and_propose", little.propose_us, "us");
  row("check_and_apply", little.apply_us, "us");
  const auto store = storage::SqliteStore::open(path).value();
  const Rate single = charge_durably(*store, 1);
  const Rate shared = charge_durably(*store, kCallers);
  row("durable_charges_single", single.per_second, "charges/s");
  row("durable_charges_64_callers", shared.per_second, "charges/s");
  row("durable_charges_64_callers_per_sync", shared.per_sync, "charges per sync");
  row("durable_charges_64_callers_ratio", shared.per_second / single.per_second, "times single");
}

}  // namespace
}  // namespace hanse

// In the working folder, whose disk is the one to measure: a temporary folder may be memory.
int main() {
  const std::filesystem::path folder = "bench-ledger.tmp";
  std::filesystem::remove_all(folder);  // of a run that was stopped
  std::filesystem::create_directory(folder);
  hanse::run(folder / "state.db");
  std::filesystem::remove_all(folder);
}
