// A consortium in one process, for tests of masked sums: machines, what each wrote down, and words
// on their way.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "aggregation/masked/masked.h"
#include "aggregation/masked/stand_in.h"
#include "aggregation/masked/terms.h"
#include "aggregation/masked/words.h"
#include "aggregation/testing.h"

namespace hanse::aggregation::testing {

using Words = std::vector<std::int64_t>;

inline base::Bytes bytes_of(base::ByteView view) { return {view.begin(), view.end()}; }

inline base::SiteId site_id(std::size_t number) {
  return base::SiteId::create(fmt::format("plant-{}", number)).value();
}

inline base::Digest digest_of(std::string_view text) {
  return base::Digest::of(base::view_of(text));
}

class Fleet {
 public:
  struct Site {
    crypto::Signer signer;
    std::unique_ptr<SiteMachine> machine = nullptr;
    std::vector<base::Bytes> durable = {};
    std::optional<base::Slice> sealed = {};
    base::Digest bound = {};
    base::Bytes agreed = {};
    Words values = {};
    std::deque<base::Bytes> inbox = {};
    std::deque<base::Bytes> outbox = {};
  };

  Fleet(std::size_t sites, std::vector<Stretch> layout, std::uint32_t threshold,
        std::uint64_t seed = 1, bool has_real_keys = false)
      : random_(seed, "fleet"), backend_(masked_over(has_real_keys ? hybrid() : stand_in_)) {
    setup_.offer = digest_of("offer");
    setup_.roster = digest_of("roster");
    setup_.layout = std::move(layout);
    setup_.threshold = threshold;
    for (std::size_t i = 0; i < sites; ++i) {
      sites_.push_back({.signer = crypto::Signer::create(random_)});
      setup_.cohort.push_back(site_id(i));
      setup_.keys.push_back(sites_[i].signer.verifier());
      for (const Stretch& stretch : setup_.layout)
        for (std::size_t c = 0; c < stretch.coordinates; ++c)
          sites_[i].values.push_back(
              static_cast<std::int64_t>(
                  base::uniform_below(random_, 2 * static_cast<std::uint64_t>(stretch.bound) + 1)) -
              stretch.bound);
    }
  }

  Setup& setup() { return setup_; }  // before start()
  Site& at(std::size_t site) { return sites_[site]; }
  std::size_t size() const { return sites_.size(); }
  const Backend& backend() const { return *backend_; }
  base::SeededSimulationRandom& random() { return random_; }
  CoordinatorMachine& coordinator() { return *coordinator_; }
  std::vector<base::Bytes>& coordinator_durable() { return durable_; }
  Self self(std::size_t site) { return {site_id(site), &sites_[site].signer}; }

  void start() {
    restart_coordinator();
    for (std::size_t i = 0; i < sites_.size(); ++i) restart(i);
  }

  // Machines made anew of what was durable, and their first words.
  void restart(std::size_t site) {
    Site& one = sites_[site];
    auto machine = backend_->site(setup_, self(site), one.durable);
    ASSERT_TRUE(machine.has_value()) << machine.error().text();
    one.machine = std::move(*machine);
    begin(site);
  }
  void restart_coordinator() {
    auto machine = backend_->coordinator(setup_, durable_);
    ASSERT_TRUE(machine.has_value()) << machine.error().text();
    coordinator_ = std::move(*machine);
  }
  void begin(std::size_t site) { keep(site, sites_[site].machine->begin(random_)); }
  // The coordinator says again what the site may have missed.
  void remind(std::size_t site) {
    for (const Exchange& said : coordinator_->said_to(site_id(site)))
      sites_[site].inbox.push_back(bytes_of(said.bytes()));
  }

  base::Result<void> to_site(std::size_t site, base::ByteView word) {
    HANSE_TRY(SiteStep step, sites_[site].machine->advance(word));
    keep(site, std::move(step));
    return {};
  }
  base::Result<void> to_coordinator(std::size_t site, base::ByteView word) {
    HANSE_TRY(CoordinatorStep step, coordinator_->advance(site_id(site), word));
    keep(std::move(step));
    return {};
  }
  base::Result<void> seal(std::size_t site) {
    HANSE_TRY(SiteStep step,
              sites_[site].machine->advance(privacy::Noised::of(sites_[site].values)));
    keep(site, std::move(step));
    return {};
  }
  // With what was sealed before.
  base::Result<void> resume(std::size_t site) {
    HANSE_TRY(SiteStep step,
              sites_[site].machine->resume(*sites_[site].sealed, sites_[site].bound));
    keep(site, std::move(step));
    return {};
  }
  base::Result<void> contribute(std::size_t site) {
    const std::vector<base::Slice> slices{*sites_[site].sealed};
    HANSE_TRY(CoordinatorStep step, coordinator_->advance(site_id(site), slices));
    keep(std::move(step));
    return {};
  }
  base::Result<void> leave(std::size_t site) {
    HANSE_TRY(CoordinatorStep step, coordinator_->leave(site_id(site)));
    keep(std::move(step));
    return {};
  }

  void send_all() {
    for (std::size_t i = 0; i < sites_.size(); ++i) send(i);
  }
  void send(std::size_t site) {
    for (auto& box = sites_[site].outbox; !box.empty(); box.pop_front())
      expect(to_coordinator(site, box.front()));
  }
  void receive_all() {
    for (std::size_t i = 0; i < sites_.size(); ++i)
      for (auto& box = sites_[i].inbox; !box.empty(); box.pop_front())
        expect(to_site(i, box.front()));
  }
  // Steps of the protocol, for sites that are all there but `gone`, who leave before the step.
  void advertise(const std::vector<std::size_t>& gone = {}) { step(gone); }
  void share(const std::vector<std::size_t>& gone = {}) {
    receive_all();
    step(gone);
  }
  void contribute_all(const std::vector<std::size_t>& gone = {}) {
    receive_all();
    for (std::size_t i = 0; i < sites_.size(); ++i) {
      if (std::ranges::count(gone, i) > 0 || !sites_[i].machine->wants_input()) continue;
      expect(seal(i));
      if (coordinator_->wants_input(site_id(i))) expect(contribute(i));
    }
    for (const std::size_t i : gone) expect(leave(i));
  }
  void sign(const std::vector<std::size_t>& gone = {}) {
    receive_all();
    step(gone);
  }
  void answer() {
    receive_all();
    send_all();
  }
  void run() {
    start();
    advertise();
    share();
    contribute_all();
    sign();
    answer();
  }

  // What all sites have said, but for their contributions.
  std::size_t said_bytes() const { return said_bytes_; }

  // The plain sum of these sites' values.
  Words sum_of(const std::vector<std::size_t>& sites) const {
    Words sum(setup_.coordinates());
    for (const std::size_t site : sites)
      for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += sites_[site].values[c];
    return sum;
  }
  std::vector<std::size_t> all_but(const std::vector<std::size_t>& gone) const {
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < sites_.size(); ++i)
      if (std::ranges::count(gone, i) == 0) rest.push_back(i);
    return rest;
  }
  void expect_sum_of(const std::vector<std::size_t>& sites) {
    ASSERT_TRUE(coordinator_->is_done());
    EXPECT_TRUE(coordinator_->waiting_for().empty());
    auto sum = std::move(*coordinator_).finish();
    ASSERT_TRUE(sum.has_value()) << sum.error().text();
    const math::Opened opened = std::move(*sum).open();
    EXPECT_EQ(opened.contributors(), sites.size());
    EXPECT_TRUE(std::ranges::equal(opened.values(), sum_of(sites)));
  }
  // Whom the coordinator closed its last set with, from what it wrote down.
  std::vector<std::size_t> last_set() const {
    const base::ByteView last = durable_.back();
    return SiteSet::decode(last.subspan(1 + base::Digest::kSize), size()).value().sites();
  }

 private:
  static void expect(const base::Result<void>& done) {
    EXPECT_TRUE(done.has_value()) << done.error().text();
  }
  void step(const std::vector<std::size_t>& gone) {
    for (const std::size_t i : gone) sites_[i].outbox.clear();
    send_all();
    for (const std::size_t i : gone) expect(leave(i));
    for (const std::size_t i : gone) sites_[i].inbox.clear();
  }
  void keep(std::size_t site, SiteStep step) {
    Site& one = sites_[site];
    for (base::Bytes& entry : step.durable) one.durable.push_back(std::move(entry));
    for (const Exchange& word : step.send) {
      one.outbox.push_back(bytes_of(word.bytes()));
      said_bytes_ += word.bytes().size();
    }
    if (!step.agreed.empty()) one.agreed = std::move(step.agreed);
    if (step.sealed) {
      one.sealed = step.sealed->bytes();
      one.bound = step.bound;
    }
  }
  void keep(CoordinatorStep step) {
    for (base::Bytes& entry : step.durable) durable_.push_back(std::move(entry));
    for (const ToSite& word : step.send)
      for (std::size_t i = 0; i < sites_.size(); ++i)
        if (word.site == site_id(i)) sites_[i].inbox.push_back(bytes_of(word.exchange.bytes()));
  }

  base::SeededSimulationRandom random_;
  StandIn stand_in_;
  std::unique_ptr<Backend> backend_;
  Setup setup_;
  std::vector<Site> sites_;
  std::unique_ptr<CoordinatorMachine> coordinator_;
  std::vector<base::Bytes> durable_;
  std::size_t said_bytes_ = 0;
};

}  // namespace hanse::aggregation::testing
