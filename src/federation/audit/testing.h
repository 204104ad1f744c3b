// Plants that train together under an audit log, in one process. Included by *_test.cc only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "federation/audit/own_view.h"
#include "federation/coordinator/coordinator.h"
#include "federation/site/site.h"
#include "federation/site/testing.h"
#include "federation/testing.h"
#include "privacy/ledger/testing.h"
#include "storage/memory_store.h"

namespace hanse::federation::testing {

// Five plants, each with a budget that pays for a job of so many rounds.
class AuditedPlants {
 public:
  static constexpr std::size_t kSites = 5;
  static constexpr std::uint64_t kJobRounds = 8;
  static constexpr base::Milliseconds kNow{1'000'000};

  struct Plant {
    explicit Plant(crypto::Signer key) : signer(std::move(key)) {}
    crypto::Signer signer;
    std::unique_ptr<storage::MemoryStore> store = std::make_unique<storage::MemoryStore>();
    std::unique_ptr<storage::Durable<SiteRecord>> record = {};
    std::unique_ptr<Ledger> ledger = {};
    std::unique_ptr<Granting> granting = {};
    std::unique_ptr<Site> site = {};
  };

  AuditedPlants() {
    members.roster = base::Digest::of(base::view_of("epoch 1"));
    for (std::size_t i = 0; i < kSites; ++i) {
      cohort.push_back(site("plant-" + std::to_string(i)));
      plants.emplace_back(crypto::Signer::create(keys_));
      members.keys.emplace(cohort[i], plants[i].signer.verifier());
    }
    for (std::size_t i = 0; i < kSites; ++i) start(i);
    coordinator_ =
        std::make_unique<Coordinator>(CoordinatorSettings{.cohort = cohort,
                                                          .min_sites = 4,
                                                          .protection = {"masked", 4, 3, 1},
                                                          .members = members,
                                                          .is_audited = true},
                                      executor, log_);
    add(audit::leaf::Submitted{job, base::Digest::of(base::view_of("job")), "ada", cohort,
                               members.roster});
  }

  // One attempt at a round, with its leaves: `gone` vanish before they contribute, `mute` once
  // their contribution is counted. True if it came to a sum.
  bool run(base::RoundId round, std::vector<base::SiteId> gone = {},
           std::vector<base::SiteId> mute = {}) {
    query::QueryPlan asked = private_plan(kCoordinates, round.round);
    asked.round.attempt = round.attempt;
    asked.max_sites = kSites;
    asked.job = job;
    std::deque<transport::Envelope> mail;
    const auto post = [&](std::vector<transport::Envelope> out) {
      std::ranges::move(out, std::back_inserter(mail));
    };
    post(coordinator_->begin(asked, "job", kNow).value());
    add(coordinator_->planned(model_of(round.round)));
    const auto deliver = [&] {
      while (!mail.empty()) {
        const transport::Envelope one = std::move(mail.front());
        mail.pop_front();
        const base::SiteId who = *(one.from.is_coordinator() ? one.to : one.from).site_id();
        const bool counted = std::ranges::any_of(
            coordinator_->contributions(), [&](const auto& count) { return count.site == who; });
        if (std::ranges::find(gone, who) != gone.end()) continue;
        if (counted && std::ranges::find(mute, who) != mute.end()) continue;
        if (one.to.is_coordinator())
          post(coordinator_->advance(one, kNow));
        else
          post(plant(who).site->advance(one, kNow));
        (void)coordinator_->take_durable();
      }
    };
    deliver();
    for (const auto& absent : {gone, mute})
      for (const base::SiteId& who : absent)
        if (coordinator_->is_collecting()) {
          post(coordinator_->missed(who, kNow));
          deliver();
        }
    const std::vector<audit::Leaf> outcome = coordinator_->outcome();
    for (const audit::Leaf& one : outcome) add(one);
    if (std::holds_alternative<audit::leaf::Aborted>(outcome.back())) {
      deliver();
      return false;
    }
    EXPECT_TRUE(coordinator_->take_released());
    add(audit::leaf::Stepped{{job, round}, model_of(round.round), model_of(round.round + 1)});
    post(coordinator_->close().value());
    deliver();
    return true;
  }

  // From now on the plant answers what policies permit; all do, at first.
  Granting& decide(std::size_t i) {
    plants[i].granting = std::make_unique<Granting>(permitting(), clock_);
    start(i);
    return *plants[i].granting;
  }

  void end() { add(audit::leaf::Ended{job, "finished", base::Digest::of(base::view_of("model"))}); }

  Trail trail(const std::vector<base::Bytes>& log) {
    Trail trail({.epochs = {{members.roster, members}}, .asked = {}}, executor);
    for (const base::Bytes& one : log) trail.follow(one);
    trail.finish();
    return trail;
  }
  Trail trail() { return trail(encoded()); }

  OwnRecords own(std::size_t i) {
    const Plant& plant = plants[i];
    OwnRecords own{.self = cohort[i], .past = {}, .ledger = {}, .spent = {}, .blob = {}};
    const std::vector<base::Bytes> entries = plant.store->history("site", 10'000).value();
    for (const base::Bytes& entry : entries) own.past.push_back(SiteRecord::read(entry).value());
    own.ledger = plant.ledger->history(10'000).value();
    own.spent = plant.ledger->spending().value();
    own.blob = [&plant](const base::Digest& name) { return plant.store->blob(name); };
    return own;
  }

  std::vector<base::Bytes> encoded() const {
    std::vector<base::Bytes> log;
    for (const audit::Leaf& one : leaves) log.push_back(audit::encode(one));
    return log;
  }

  // The n-th leaf of a kind, to be doctored.
  template <class Kind>
  Kind& leaf(std::size_t n = 0) {
    for (audit::Leaf& one : leaves)
      if (auto* const found = std::get_if<Kind>(&one); found != nullptr && n-- == 0) return *found;
    ADD_FAILURE() << "no such leaf";
    std::abort();
  }
  template <class Kind>
  std::size_t place_of(std::size_t n = 0) {
    const Kind* const found = &leaf<Kind>(n);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (std::get_if<Kind>(&leaves[i]) == found) return i;
    return leaves.size();
  }

  Plant& plant(const base::SiteId& who) {
    return plants[static_cast<std::size_t>(std::ranges::find(cohort, who) - cohort.begin())];
  }

  base::JobId job = *base::JobId::create("bearings");
  std::vector<base::SiteId> cohort;
  Membership members;
  std::deque<Plant> plants;
  std::vector<audit::Leaf> leaves;
  base::InlineExecutor executor;

 private:
  static constexpr std::size_t kCoordinates = 3;

  static base::Digest model_of(std::uint32_t round) {
    return base::Digest::of(base::view_of("model before " + std::to_string(round)));
  }

  void add(audit::Leaf one) { leaves.push_back(std::move(one)); }

  void start(std::size_t i) {
    Plant& plant = plants[i];
    plant.site.reset();
    plant.record = storage::Durable<SiteRecord>::open(*plant.store, "site", {}).value();
    plant.ledger = Ledger::open(*plant.store).value();
    const auto opened = plant.ledger->open_asset(
        privacy::testing::new_asset(
            "ovens", privacy::testing::gate(privacy::Currency::rho, 2 * kJobRounds + 4)),
        kNow);
    EXPECT_TRUE(opened || opened.error().code() == base::ErrorCode::already_exists);
    std::optional<SitePolicies> policies;
    if (plant.granting != nullptr)
      policies.emplace(SitePolicies{
          .granting = *plant.granting,
          .questions = [](const Offer&) { return std::vector{question()}; },
      });
    plant.site = std::make_unique<Site>(
        SiteSettings{.self = cohort[i]},
        SiteDoors{
            .catalog = catalog_,
            .executor = executor,
            .log = log_,
            .random =
                [this](const Release&, Draw) {
                  return std::make_unique<base::SeededSimulationRandom>(++drawn_, "plant");
                },
            .records =
                [i](const Offer&, const RecordLimits&) {
                  return records(2, kCoordinates, 0.01 * static_cast<double>(i + 1));
                },
            .budget = SiteBudget{*plant.ledger, privacy::testing::asset("ovens"), members.roster,
                                 clock_, [this](const Offer& offer) { return terms(offer.plan); }},
            .members = members,
            .signer = &plant.signer,
            .is_audited = true,
            .policies = std::move(policies),
            .clock = &clock_},
        *plant.record, *plant.store);
  }

  static base::Result<JobTerms> terms(const query::QueryPlan& plan) {
    JobTerms terms{privacy::testing::purpose(), Rows(plan).charges(plan).value(),
                   base::Delta::create(1e-7).value()};
    for (privacy::Charge& charge : terms.charges) charge.count = kJobRounds;
    return terms;
  }

  base::SeededSimulationRandom keys_{1, "keys"};
  std::uint64_t drawn_ = 0;
  query::Catalog catalog_ = catalog();
  base::ManualClock clock_;
  base::SilentLog log_;
  std::unique_ptr<Coordinator> coordinator_;
};

}  // namespace hanse::federation::testing
