// A site whose power goes at every sync there is.
#include <gtest/gtest.h>

#include <set>

#include "federation/site/site.h"
#include "federation/testing.h"
#include "privacy/ledger/testing.h"
#include "storage/power_cut.h"

namespace hanse::federation {
namespace {

using storage::testing::PowerCut;
using transport::Address;
using transport::Envelope;

constexpr std::size_t kCoordinates = 40'000;  // 320,000 bytes: two chunks
constexpr std::uint32_t kRounds = 3;
constexpr base::Milliseconds kNow{0};

// What the world outside has seen of one release.
struct Seen {
  Contribution contribution;
  base::Bytes sealed;
};

// One site's processes, one after another on one disk, and a coordinator played by hand.
class Plant {
 public:
  Plant(int cut, bool paid) : paid_(paid) {
    if (cut > 0) disk_.cut_at(cut);
    start();
  }

  int syncs() const { return disk_.syncs(); }
  bool is_cut() const { return disk_.is_cut(); }

  void play() {
    for (std::uint32_t round = 1; round <= kRounds; ++round) {
      while (!seen_.contains(round)) hear(say(round, ask(round)));
      // What was announced is there, whatever happens.
      pull(round);
      (void)say(round, Receipt{seen_.at(round).contribution.sealed.digest()});
      receipted_ = seen_.at(round).contribution.standing;
      restart_if_cut();
    }
  }

  // The power goes between two syncs, too.
  void restart() {
    site_.reset();
    record_.reset();
    ledger_.reset();
    store_.reset();
    disk_.restore(random_);
    start();
  }

  void check_the_end() {
    restart();
    for (const Envelope& envelope : site_->reconnected(kNow)) {
      const auto message = decode_from_site(envelope);
      // Only the very last receipt may have been lost.
      ASSERT_EQ(message->release.round.round, kRounds);
      (void)say(kRounds, Receipt{std::get<Contribution>(message->body).sealed.digest()});
    }
    EXPECT_TRUE(site_->reconnected(kNow).empty());
    record_->read([&](const SiteRecord& record) {
      EXPECT_EQ(record.standing(), *receipted_) << "as many answers as were heard of";
      EXPECT_EQ(record.last_receipted(), receipted_);
    });
    for (const auto& [round, seen] : seen_)
      EXPECT_FALSE(store_->blob(seen.contribution.sealed.digest()).has_value()) << "forgotten";
    if (paid_) check_the_ledger();
  }

 private:
  query::QueryPlan plan(std::uint32_t round) const {
    return paid_ ? testing::private_plan(kCoordinates, round) : testing::plan(kCoordinates, round);
  }

  privacy::Use use() const {
    return privacy::testing::use("ovens", testing::Rows(plan(1)).charges(plan(1)).value());
  }

  // Every release is charged once, however often it was begun, and nothing of it is left behind.
  void check_the_ledger() {
    ASSERT_TRUE(ledger_->verify().has_value()) << ledger_->verify().error().text();
    ledger_->read([&](const privacy::PrivacyLedger& at) {
      const privacy::Use one = use();
      EXPECT_EQ(privacy::testing::standing(at, "ovens").spent.units,
                kRounds * at.price({&one, 1}).value().at(0).price.units);
      EXPECT_EQ(at.open_payloads().size(), 0U);
    });
  }

  void start() {
    while (!try_to_start()) disk_.restore(random_);
  }
  // Fails when the power goes meanwhile.
  bool try_to_start() {
    auto store = storage::SqliteStore::open("site.db", {PowerCut::kName});
    if (!store) return false;
    auto record = storage::Durable<SiteRecord>::open(**store, "site", {}, 2);
    if (!record) return false;
    if (paid_ && !open_ledger(**store)) return false;
    store_ = *std::move(store);
    record_ = *std::move(record);
    site_ = std::make_unique<Site>(
        SiteSettings{.self = self_, .in_the_clear = true},
        SiteDoors{catalog_, executor_, log_,
                  [this](const Release& release, Draw) {
                    EXPECT_FALSE(seen_.contains(release.round.round)) << "computed again";
                    return std::make_unique<base::SeededSimulationRandom>(computed_, "test");
                  },
                  // Other bytes each time, so that nothing computed twice goes unnoticed.
                  [this](const Offer&, const RecordLimits&) {
                    return testing::records(2, kCoordinates,
                                            0.001 * static_cast<double>(++computed_));
                  },
                  paid_ ? std::optional(budget()) : std::nullopt},
        *record_, *store_);
    hear(site_->reconnected(kNow));
    return true;
  }

  bool open_ledger(storage::Store& store) {
    auto ledger = Ledger::open(store, "ledger", 3);
    if (!ledger) return false;
    const auto opened = (*ledger)->open_asset(
        privacy::testing::new_asset("ovens", privacy::testing::gate(privacy::Currency::rho, 20)),
        clock_.wall());
    ledger_ = *std::move(ledger);
    return opened || opened.error().code() == base::ErrorCode::already_exists;
  }

  SiteBudget budget() {
    return {*ledger_, privacy::testing::asset("ovens"), {}, clock_, [this](const Offer&) {
              JobTerms terms{privacy::testing::purpose(), use().charges,
                             base::Delta::create(0).value()};
              terms.charges[0].count = kRounds;
              return base::Result<JobTerms>(std::move(terms));
            }};
  }

  void restart_if_cut() {
    if (!disk_.is_cut()) return;
    EXPECT_TRUE(site_->problem().has_value()) << "the service has to know";
    restart();
  }

  Ask ask(std::uint32_t round) {
    const ParametersBlob parameters(plan(round), executor_);
    return {{plan(round), parameters.manifest(), {self_}, {}}, receipted_};
  }

  template <class Body>
  std::vector<Envelope> say(std::uint32_t round, Body body) {
    auto out = site_->advance(
        encode(CoordinatorMessage{testing::release_of(plan(round)), std::move(body)}, self_), kNow);
    if (disk_.is_cut()) {
      EXPECT_TRUE(out.empty()) << "said something that is not durable";
    }
    restart_if_cut();
    return out;
  }

  void hear(const std::vector<Envelope>& envelopes) {
    for (const Envelope& envelope : envelopes) {
      const auto message = decode_from_site(envelope);
      const auto* contribution = std::get_if<Contribution>(&message->body);
      ASSERT_NE(contribution, nullptr);
      const auto [found, is_new] =
          seen_.try_emplace(message->release.round.round, Seen{*contribution, {}});
      EXPECT_EQ(found->second.contribution.sealed, contribution->sealed);
      EXPECT_EQ(found->second.contribution.standing, contribution->standing);
    }
  }

  void pull(std::uint32_t round) {
    const Manifest& manifest = seen_.at(round).contribution.sealed;
    base::Bytes bytes;
    for (std::uint32_t i = 0; i < manifest.chunks.size(); ++i) {
      const auto out = say(round, Pull{manifest.digest(), {i}});
      ASSERT_EQ(out.size(), 1U);
      EXPECT_EQ(base::Digest::of(out[0].chunk.view()), manifest.chunks[i]);
      if (i == 0) restart();
    }
  }

  const bool paid_;
  base::SeededSimulationRandom random_{11, "power"};
  base::ManualClock clock_;
  PowerCut disk_;
  base::SiteId self_ = testing::site("aachen");
  query::Catalog catalog_ = testing::catalog();
  base::InlineExecutor executor_;
  base::SilentLog log_;
  std::uint64_t computed_ = 0;
  std::map<std::uint32_t, Seen> seen_;
  std::optional<Standing> receipted_;
  std::unique_ptr<storage::SqliteStore> store_;
  std::unique_ptr<storage::Durable<SiteRecord>> record_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Site> site_;
};

// The number of syncs there are.
int cut_everywhere(bool paid) {
  int total = 0;
  for (int cut = 0; cut == 0 || cut <= total; ++cut) {
    Plant plant(cut, paid);
    plant.play();
    if (cut == 0) total = plant.syncs();
    plant.check_the_end();
    if (::testing::Test::HasFailure()) ADD_FAILURE() << "cut at sync " << cut;
    if (::testing::Test::HasFailure()) break;
  }
  return total;
}

TEST(Recovery, WhatWasAnnouncedIsSentAgainBitForBit) {
  EXPECT_GE(cut_everywhere(/*paid=*/false), 2 * static_cast<int>(kRounds))
      << "an answer is one sync, its receipt another";
}

TEST(Recovery, WhatWasPaidForIsComputedAndChargedOnce) {
  EXPECT_GE(cut_everywhere(/*paid=*/true), 5 * static_cast<int>(kRounds))
      << "reserved, committed, answered, handed over to the record, receipted";
}

}  // namespace
}  // namespace hanse::federation
