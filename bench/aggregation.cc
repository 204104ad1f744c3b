// Masked sums of 1,000,000 values of 16 bits on one thread: milliseconds of the processor, the
// least of the runs; and bytes that leave a site in a round, everything included.
//
// The peer is SEAL 4.4's CKKS with AVX-512 on such a machine: 797 ms and 96.4 MB at each of 10
// sites, 589 ms at the coordinator; and for bytes the same values as 32-bit floats.
//
// What measuring showed: AES is nearly all of it. A mask of 2 MB costs .6 to .9 ms, 2.5 to 3.5
// GB/s, at the site and at the coordinator alike, so the figures grow with the masks: as many as
// sites at a site; one for each survivor, and one for each pair of a survivor and a dropped site,
// at the coordinator. Going over the vector in blocks of 16 KiB, each with all masks, keeps sum and
// keystream in the first-level cache, where the additions hide behind AES. Words of 16 bits travel
// as they lie, so packing is a copy. Of a site's words a half is sharing: two encapsulations and a
// decapsulation for each other site.

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <functional>

#include "aggregation/backend.h"
#include "aggregation/testing.h"

namespace hanse {
namespace {

using aggregation::Exchange;

constexpr std::size_t kCoordinates = 1'000'000;
constexpr int kRuns = 5;

double milliseconds(const std::function<void()>& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) * 1e3 / CLOCKS_PER_SEC;
}

struct Times {
  double words = 1e9;  // at one site: keys, shares, signatures; no vector
  double seal = 1e9;   // at one site
  double add = 1e9;    // at the coordinator, for one contribution
  double finish = 1e9;
  double coordinator_words = 1e9;  // for all sites
  std::size_t bytes_up = 0;        // of one site

  void keep_least(const Times& other) {
    words = std::min(words, other.words);
    seal = std::min(seal, other.seal);
    add = std::min(add, other.add);
    finish = std::min(finish, other.finish);
    coordinator_words = std::min(coordinator_words, other.coordinator_words);
    bytes_up = other.bytes_up;
  }
};

template <class T>
T expect(base::Result<T> result) {
  if (!result) fmt::print(stderr, "{}\n", result.error().text());
  return std::move(result).value();
}

// One round over real keys, in this process; the last `dropouts` sites never contribute.
class Round {
 public:
  Round(std::size_t sites, std::size_t dropouts) : dropouts_(dropouts), random_(1, "bench") {
    // 16 bits hold the sum over all sites.
    const auto bound = static_cast<std::int64_t>(32767 / sites);
    setup_.layout = {{kCoordinates, bound}};
    setup_.threshold = static_cast<std::uint32_t>(2 * sites / 3 + 1);
    for (std::size_t i = 0; i < sites; ++i) {
      signers_.push_back(crypto::Signer::create(random_));
      setup_.cohort.push_back(expect(base::SiteId::create(fmt::format("plant-{}", i))));
      setup_.keys.push_back(signers_.back().verifier());
    }
    values_.resize(kCoordinates);
    for (std::size_t i = 0; i < kCoordinates; ++i)
      values_[i] = static_cast<std::int64_t>(i % 17) - 8;
  }

  Times run() {
    times_ = {0, 1e9, 1e9, 0, 0, 0};
    const auto& backend = aggregation::masked();
    coordinator_ = expect(backend.coordinator(setup_, {}));
    inbox_.assign(setup_.cohort.size(), {});
    for (std::size_t i = 0; i < signers_.size(); ++i) {
      sites_.push_back(expect(backend.site(setup_, {setup_.cohort[i], &signers_[i]}, {})));
      at_site(i, [&] { return sites_[i]->begin(random_); });
    }
    hear_all();  // rosters, then deliveries
    hear_all();
    contribute_all();
    hear_all();  // survivors, then confirmations
    hear_all();
    times_.finish = milliseconds([&] { check(expect(std::move(*coordinator_).finish())); });
    return times_;
  }

 private:
  std::size_t contributors() const { return signers_.size() - dropouts_; }

  // What the first site does is measured; the others do the same.
  void at_site(std::size_t site, const std::function<aggregation::SiteStep()>& work) {
    aggregation::SiteStep step;
    const double took = milliseconds([&] { step = work(); });
    if (site == 0) times_.words += took;
    for (const Exchange& word : step.send) {
      if (site == 0) times_.bytes_up += word.bytes().size();
      times_.coordinator_words += milliseconds(
          [&] { keep(expect(coordinator_->advance(setup_.cohort[site], word.bytes()))); });
    }
  }
  void keep(aggregation::CoordinatorStep step) {
    for (aggregation::ToSite& word : step.send) {
      const auto at = std::ranges::find(setup_.cohort, word.site) - setup_.cohort.begin();
      inbox_[static_cast<std::size_t>(at)].push_back(std::move(word.exchange));
    }
  }
  void hear_all() {
    auto heard = std::move(inbox_);
    inbox_.assign(heard.size(), {});
    for (std::size_t i = 0; i < heard.size(); ++i)
      for (const Exchange& word : heard[i])
        at_site(i, [&] { return expect(sites_[i]->advance(word.bytes())); });
  }
  void contribute_all() {
    for (std::size_t i = 0; i < contributors(); ++i) {
      std::optional<aggregation::SealedVector> sealed;
      times_.seal = std::min(
          times_.seal, milliseconds([&] {
            sealed = std::move(expect(sites_[i]->advance(privacy::Noised::of(values_))).sealed);
          }));
      const std::vector<base::Slice> slices{sealed->bytes()};
      if (i == 0) times_.bytes_up += slices[0].size();
      times_.add = std::min(times_.add, milliseconds([&] {
                              keep(expect(coordinator_->advance(setup_.cohort[i], slices)));
                            }));
    }
    for (std::size_t i = contributors(); i < signers_.size(); ++i)
      keep(expect(coordinator_->leave(setup_.cohort[i])));
  }
  void check(aggregation::Sum sum) const {
    const math::Opened opened = std::move(sum).open();
    for (std::size_t i = 0; i < kCoordinates; ++i)
      HANSE_CHECK(opened.values()[i] == values_[i] * static_cast<std::int64_t>(contributors()));
  }

  std::size_t dropouts_;
  base::SeededSimulationRandom random_;
  aggregation::Setup setup_;
  std::vector<crypto::Signer> signers_;
  std::vector<std::int64_t> values_;
  std::unique_ptr<aggregation::CoordinatorMachine> coordinator_;
  std::vector<std::unique_ptr<aggregation::SiteMachine>> sites_;
  std::vector<std::vector<Exchange>> inbox_;
  Times times_;
};

Times measured(std::size_t sites, std::size_t dropouts) {
  Times times;
  for (int run = 0; run < kRuns; ++run) times.keep_least(Round(sites, dropouts).run());
  return times;
}

void row(std::string_view name, double value, std::string_view unit, std::string_view peer = "",
         double peer_value = 0) {
  fmt::print(R"({{"name":"{}","value":{:.2f},"unit":"{}")", name, value, unit);
  if (!peer.empty()) fmt::print(R"(,"peer":"{}","peer_value":{})", peer, peer_value);
  fmt::print("}}\n");
}

void all() {
  const Times ten = measured(10, 0);
  row("10 sites: mask and pack at a site", ten.seal, "ms", "SEAL 4.4 CKKS", 797);
  row("10 sites: keys, shares, signatures at a site", ten.words, "ms");
  row("10 sites: one contribution at the coordinator", ten.add, "ms");
  row("10 sites: all words at the coordinator", ten.coordinator_words, "ms");
  row("10 sites: open the sum", ten.finish, "ms", "SEAL 4.4 CKKS", 589);
  row("10 sites: up from a site", static_cast<double>(ten.bytes_up), "bytes", "float32",
      4.0 * kCoordinates);
  const Times one = measured(10, 1);
  row("10 sites, 1 dropout: open the sum", one.finish, "ms");
  row("10 sites, 1 dropout: more than without", one.finish - ten.finish, "ms");
  const Times many = measured(64, 10);
  row("64 sites, 10 dropouts: mask and pack at a site", many.seal, "ms");
  row("64 sites, 10 dropouts: keys, shares, signatures at a site", many.words, "ms");
  row("64 sites, 10 dropouts: all of a site", many.seal + many.words, "ms");
  row("64 sites, 10 dropouts: all contributions at the coordinator", 54 * many.add, "ms");
  row("64 sites, 10 dropouts: all words at the coordinator", many.coordinator_words, "ms");
  row("64 sites, 10 dropouts: open the sum", many.finish, "ms");
  row("64 sites, 10 dropouts: all of the coordinator",
      54 * many.add + many.coordinator_words + many.finish, "ms");
  row("64 sites, 10 dropouts: up from a site", static_cast<double>(many.bytes_up), "bytes",
      "float32", 4.0 * kCoordinates);
}

}  // namespace
}  // namespace hanse

int main() { hanse::all(); }
