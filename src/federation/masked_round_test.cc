// Whole rounds of masked sums, every envelope of them recorded.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>

#include "federation/coordinator/coordinator.h"
#include "federation/site/site.h"
#include "federation/testing.h"
#include "storage/memory_store.h"

namespace hanse::federation {
namespace {

using base::Milliseconds;
using transport::Envelope;

constexpr Milliseconds kNow{1'000'000};

struct Plant {
  explicit Plant(crypto::Signer key) : signer(std::move(key)) {}
  crypto::Signer signer;
  std::shared_ptr<const data::Dataset> records;
  std::unique_ptr<storage::MemoryStore> store = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<storage::Durable<SiteRecord>> record = {};
  std::unique_ptr<Site> site = {};
};

class MaskedRound : public ::testing::Test {
 protected:
  static constexpr std::size_t kSites = 5;
  static constexpr std::size_t kCoordinates = 4001;

  MaskedRound() {
    for (std::size_t i = 0; i < kSites; ++i) {
      cohort_.push_back(testing::site("plant-" + std::to_string(i)));
      plants_.emplace_back(crypto::Signer::create(keys_));
      plants_[i].records = testing::records(2, kCoordinates, 0.001 * static_cast<double>(i + 1));
      members_.keys.emplace(cohort_[i], plants_[i].signer.verifier());
    }
    members_.roster = base::Digest::of(base::view_of("epoch 1"));
    for (std::size_t i = 0; i < kSites; ++i) start(i);
    start_coordinator();
  }

  void start(std::size_t i) {
    Plant& plant = plants_[i];
    plant.site.reset();
    plant.record.reset();
    plant.store = plant.store->copy();
    plant.record = storage::Durable<SiteRecord>::open(*plant.store, "site", {}).value();
    plant.site = std::make_unique<Site>(
        SiteSettings{.self = cohort_[i], .in_the_clear = true},
        SiteDoors{.catalog = catalog_,
                  .executor = executor_,
                  .log = log_,
                  .random =
                      [this](const Release&, Draw) {
                        return std::make_unique<base::SeededSimulationRandom>(++drawn_, "plant");
                      },
                  .records = [&plant](const Offer&, const RecordLimits&) { return plant.records; },
                  .members = members_,
                  .signer = &plant.signer},
        *plant.record, *plant.store);
  }

  void start_coordinator() {
    coordinator_ =
        std::make_unique<Coordinator>(CoordinatorSettings{.cohort = cohort_,
                                                          .min_sites = 4,
                                                          .protection = {"masked", 4, 3, 1},
                                                          .members = members_},
                                      executor_, log_);
  }

  // Delivers what lies in the mail and all that follows, but what `lost` says.
  void deliver(const std::function<bool(const Envelope&)>& lost = {}) {
    while (!mail_.empty()) {
      const Envelope envelope = std::move(mail_.front());
      mail_.pop_front();
      if (lost && lost(envelope)) continue;
      seen_.push_back(envelope);
      hand_over(envelope);
    }
  }

  void hand_over(const Envelope& envelope) {
    if (envelope.to.is_coordinator()) {
      post(coordinator_->advance(envelope, kNow));
      std::ranges::move(coordinator_->take_durable(), std::back_inserter(kept_));
    } else {
      const auto at = std::ranges::find(cohort_, *envelope.to.site_id()) - cohort_.begin();
      post(plants_[static_cast<std::size_t>(at)].site->advance(envelope, kNow));
    }
  }

  void post(std::vector<Envelope> out) { std::ranges::move(out, std::back_inserter(mail_)); }

  query::QueryPlan plan(std::uint32_t attempt = 0) {
    query::QueryPlan asked = testing::plan(kCoordinates);
    asked.round.attempt = attempt;
    asked.max_sites = kSites;
    return asked;
  }

  void begin(std::uint32_t attempt = 0) {
    kept_.clear();
    post(coordinator_->begin(plan(attempt), "job", kNow).value());
  }

  // What the sites of a closed round answer, added up as it is.
  std::vector<std::int64_t> plain_sum(std::span<const base::SiteId> sites) const {
    std::vector<std::int64_t> sum(kCoordinates);
    for (const base::SiteId& site : sites) math::add_words(sum, words_of(site));
    return sum;
  }

  std::vector<std::int64_t> words_of(const base::SiteId& site) const {
    const auto at = std::ranges::find(cohort_, site) - cohort_.begin();
    privacy::ClippedSumAccumulator sum(testing::plan(kCoordinates).layout, "record");
    const data::Dataset& records = *plants_[static_cast<std::size_t>(at)].records;
    for (std::size_t row = 0; row < records.size(); ++row)
      EXPECT_TRUE(sum.add(records.features.row(row)));
    const auto clipped = std::move(sum).finish();
    return {clipped.values().begin(), clipped.values().end()};
  }

  void expect_released(std::span<const base::SiteId> contributors) {
    const auto released = coordinator_->take_released();
    ASSERT_TRUE(released) << released.error().text();
    EXPECT_EQ(released->contributors(), contributors.size());
    EXPECT_TRUE(std::ranges::equal(released->integers(), plain_sum(contributors)));
    post(coordinator_->close().value());
    deliver();
    for (const base::SiteId& site : contributors) {
      const auto at = std::ranges::find(cohort_, site) - cohort_.begin();
      plants_[static_cast<std::size_t>(at)].record->read([&](const SiteRecord& record) {
        EXPECT_TRUE(record.open().empty() && record.begun().empty()) << "it has its receipt";
      });
    }
  }

  template <class Body>
  static bool is(const Envelope& envelope) {
    if (envelope.from.is_coordinator()) {
      const auto message = decode_from_coordinator(envelope);
      return message &&
             std::visit(
                 [](const auto& body) { return std::same_as<std::decay_t<decltype(body)>, Body>; },
                 message->body);
    }
    const auto message = decode_from_site(envelope);
    return message &&
           std::visit(
               [](const auto& body) { return std::same_as<std::decay_t<decltype(body)>, Body>; },
               message->body);
  }

  // Lost from the word of its protocol with this number on, to and from the site.
  std::function<bool(const Envelope&)> gone_from(std::size_t number, const base::SiteId& site) {
    return [this, number, site, said = std::size_t{0}](const Envelope& envelope) mutable {
      const auto& who = envelope.from.is_coordinator() ? envelope.to : envelope.from;
      if (*who.site_id() != site) return false;
      if (said >= number) return true;
      said += !envelope.from.is_coordinator() && is<Exchange>(envelope) ? 1 : 0;
      return said > number;
    };
  }

  std::vector<base::SiteId> all_but(std::span<const base::SiteId> gone) const {
    std::vector<base::SiteId> rest;
    for (const base::SiteId& site : cohort_)
      if (std::ranges::find(gone, site) == gone.end()) rest.push_back(site);
    return rest;
  }

  base::SeededSimulationRandom keys_{1, "keys"};
  std::uint64_t drawn_ = 0;
  query::Catalog catalog_ = testing::catalog();
  base::InlineExecutor executor_;
  base::SilentLog log_;
  std::vector<base::SiteId> cohort_;
  Membership members_;
  std::deque<Plant> plants_;
  std::unique_ptr<Coordinator> coordinator_;
  std::vector<base::Bytes> kept_;
  std::deque<Envelope> mail_;
  std::vector<Envelope> seen_;
};

TEST_F(MaskedRound, IsTheSumOfItsSites) {
  begin();
  deliver();
  expect_released(cohort_);
}

// It may vanish before it says any of its words, and between any two.
TEST_F(MaskedRound, EndsWithoutASiteThatVanishes) {
  for (std::size_t words = 0; words < 4; ++words) {
    const base::SiteId& gone = cohort_[words % kSites];
    begin(static_cast<std::uint32_t>(words));
    deliver(gone_from(words, gone));
    while (coordinator_->is_collecting()) {
      post(coordinator_->missed(gone, kNow));
      deliver(gone_from(0, gone));
    }
    // Whose contribution was counted stays in the sum, wherever it is now.
    const std::vector<base::SiteId> in = words < 3 ? all_but({&gone, 1}) : cohort_;
    const auto released = coordinator_->take_released();
    ASSERT_TRUE(released) << words << ": " << released.error().text();
    EXPECT_TRUE(std::ranges::equal(released->integers(), plain_sum(in))) << words;
    post(coordinator_->close().value());
    deliver();
  }
}

TEST_F(MaskedRound, ASiteThatRestartsAnywhereGoesOn) {
  std::size_t restarts = 0;
  for (std::uint32_t at = 0;; ++at) {
    begin(at);
    std::uint32_t heard = 0;
    bool restarted = false;
    while (!mail_.empty()) {
      const Envelope envelope = std::move(mail_.front());
      mail_.pop_front();
      hand_over(envelope);
      const bool is_ours = !envelope.to.is_coordinator() && *envelope.to.site_id() == cohort_[2];
      if (!is_ours || heard++ != at) continue;
      restarted = true;
      start(2);
      // What it said last may be lost with its process.
      std::erase_if(mail_, [&](const Envelope& one) {
        return !one.from.is_coordinator() && *one.from.site_id() == cohort_[2];
      });
      post(plants_[2].site->reconnected(kNow));
      post(coordinator_->reconnected(cohort_[2], kNow));
    }
    if (!restarted) break;
    ++restarts;
    expect_released(cohort_);
  }
  EXPECT_GE(restarts, 6U);
}

TEST_F(MaskedRound, ACoordinatorThatRestartsAnywhereGoesOn) {
  std::size_t restarts = 0;
  for (std::uint32_t at = 0;; ++at) {
    begin(at);
    std::uint32_t heard = 0;
    bool restarted = false;
    while (!mail_.empty()) {
      const Envelope envelope = std::move(mail_.front());
      mail_.pop_front();
      hand_over(envelope);
      if (!envelope.to.is_coordinator() || heard++ != at || !coordinator_->is_collecting())
        continue;
      restarted = true;
      mail_.clear();
      start_coordinator();
      post(coordinator_->begin(plan(at), "job", kNow, kept_).value());
      for (const Plant& plant : plants_) post(plant.site->reconnected(kNow));
    }
    if (!restarted) break;
    ++restarts;
    expect_released(cohort_);
  }
  EXPECT_GT(restarts, 3 * kSites);
}

// Under the mask every byte is as likely as any other, whatever is below it: χ² with 255 degrees of
// freedom stays below 400 but once in 10^8.
TEST_F(MaskedRound, NothingInTheEnvelopesIsAnAnswer) {
  begin();
  deliver();
  std::array<double, 256> counts{};
  double bytes = 0;
  for (const Envelope& envelope : seen_) {
    if (envelope.from.is_coordinator() || envelope.chunk.size() == 0) continue;
    for (const std::byte byte : envelope.chunk.view()) ++counts[std::to_integer<std::size_t>(byte)];
    bytes += static_cast<double>(envelope.chunk.size());
  }
  ASSERT_GT(bytes, 1e5);
  double chi_square = 0;
  for (const double count : counts)
    chi_square += (count - bytes / 256) * (count - bytes / 256) / (bytes / 256);
  EXPECT_LT(chi_square, 400);
  // Eight numbers of an answer side by side, as plain sums send them.
  for (const base::SiteId& site : cohort_) {
    const std::vector<std::int64_t> words = words_of(site);
    const auto needle = std::as_bytes(std::span(words).first(8));
    for (const Envelope& envelope : seen_) {
      EXPECT_TRUE(std::ranges::search(envelope.message, needle).empty());
      EXPECT_TRUE(std::ranges::search(envelope.chunk.view(), needle).empty());
    }
  }
}

TEST_F(MaskedRound, SizesDoNotDependOnRecords) {
  const auto sizes = [this] {
    std::vector<std::size_t> all;
    for (const Envelope& envelope : seen_) all.push_back(envelope.size());
    seen_.clear();
    return all;
  };
  // The first question alone says nothing of a receipt.
  for (const std::uint32_t attempt : {0, 1}) {
    seen_.clear();
    begin(attempt);
    deliver();
    expect_released(cohort_);
  }
  const auto before = sizes();
  for (Plant& plant : plants_) plant.records = testing::records(7, kCoordinates, -0.05);
  begin(2);
  deliver();
  expect_released(cohort_);
  const auto after = sizes();
  EXPECT_EQ(before, after);
}

TEST_F(MaskedRound, TwoAttemptsShareNeitherMasksNorBytes) {
  const auto sealed = [this](std::uint32_t attempt) {
    seen_.clear();
    begin(attempt);
    deliver([](const Envelope& envelope) {
      // Nobody says which survivors he signs for: no sum comes of it.
      return !envelope.from.is_coordinator() && is<Contribution>(envelope) &&
             *envelope.from.site_id() == testing::site("plant-4");
    });
    std::map<base::SiteId, base::Bytes> chunks;
    for (const Envelope& envelope : seen_)
      if (!envelope.from.is_coordinator() && envelope.chunk.size() > 0)
        chunks[*envelope.from.site_id()] = {envelope.chunk.view().begin(),
                                            envelope.chunk.view().end()};
    post(coordinator_->cancel());
    deliver();
    return chunks;
  };
  const auto first = sealed(0);
  const auto second = sealed(1);
  ASSERT_EQ(first.size(), kSites - 1);
  for (const auto& [site, bytes] : first) {
    ASSERT_EQ(bytes.size(), second.at(site).size());
    std::size_t same = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) same += bytes[i] == second.at(site)[i] ? 1 : 0;
    EXPECT_LT(same, bytes.size() / 100) << "one byte in 256 agrees by chance";
  }
}

// A coordinator that offers two models under one release: whoever has begun with one keeps to it.
TEST_F(MaskedRound, SitesOfTwoModelsAreNotAddedUp) {
  begin();
  for (Envelope& envelope : mail_)
    if (*envelope.to.site_id() == cohort_[0]) {
      auto message = decode_from_coordinator(envelope);
      Ask ask = std::get<Ask>(message->body);
      ask.offer.plan.options = R"({"model":"another"})";
      envelope = encode(CoordinatorMessage{message->release, std::move(ask)}, cohort_[0]);
    }
  deliver();
  ASSERT_FALSE(coordinator_->is_collecting());
  expect_released(all_but({&cohort_[0], 1}));
}

// A site by another name than the roster's, or with another key, is no site.
TEST_F(MaskedRound, ACohortOfStrangersIsRefused) {
  Membership fewer = members_;
  fewer.keys.erase(cohort_[3]);
  coordinator_->adopt(fewer);
  const auto refused = coordinator_->begin(plan(), "job", kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), base::ErrorCode::permission_denied);
  coordinator_->adopt(members_);
  for (Plant& plant : plants_) plant.site->adopt(fewer, &plant.signer);
  begin();
  deliver();
  EXPECT_EQ(std::get<Aborted>(coordinator_->record().state()).reason, AbortReason::too_few_sites);
}

// What a site's owner relies on, whatever the coordinator says.
TEST_F(MaskedRound, ASiteHoldsTheProtectionAgainstItsOwnersWord) {
  const SiteSettings owner{.self = cohort_[0], .min_contributors = 3, .max_colluders = 1};
  const query::QueryPlan asked = plan();
  const Offer good{
      asked, ParametersBlob(asked, executor_).manifest(), cohort_, "job", 4, {"masked", 4, 3, 1}};
  EXPECT_TRUE(check_protection(good, owner));
  const auto refused = [&](const std::function<void(Offer&)>& lie, std::string_view why) {
    Offer offer = good;
    lie(offer);
    const auto fine = check_protection(offer, owner);
    ASSERT_FALSE(fine) << why;
    EXPECT_EQ(fine.error().code(), base::ErrorCode::permission_denied);
    EXPECT_NE(fine.error().text().find(why), std::string::npos) << fine.error().text();
  };
  refused([](Offer& offer) { offer.protection = {}; }, "the sums of the job are plain");
  refused([](Offer& offer) { offer.protection.min_contributors = 2; }, "limits.min_contributors");
  refused([](Offer& offer) { offer.protection.max_colluders = 0; }, "limits.max_colluders");
  refused([](Offer& offer) { offer.protection.threshold = 3; }, "two sums of one round");
  refused([](Offer& offer) { offer.protection.max_colluders = 3; }, "two sums of one round");
  refused([](Offer& offer) { offer.min_sites = 3; }, "opened with 3 sites");
  Offer shared = good;
  shared.plan.noise.placement = privacy::Placement::shared;
  shared.plan.noise.shares = 4;
  const auto floor = check_noise(shared, {.self = cohort_[0], .in_the_clear = true}, nullptr);
  ASSERT_FALSE(floor) << "four shares and a colluder take five sites";
  EXPECT_NE(floor.error().text().find("do not collude"), std::string::npos);
  shared.plan.noise.shares = 3;
  EXPECT_TRUE(check_noise(shared, {.self = cohort_[0], .in_the_clear = true}, nullptr));
}

TEST_F(MaskedRound, TakesFiveSyncsAtASite) {
  const auto entries = [this] { return plants_[0].record->head().entries; };
  begin();
  deliver();
  expect_released(cohort_);
  EXPECT_EQ(entries(), 5U) << "root, transcript, answer, survivors, receipt";
}

TEST_F(MaskedRound, SecretsAreGoneWithTheReceipt) {
  begin();
  deliver();
  std::vector<base::Digest> names;
  plants_[0].record->read([&](const SiteRecord& record) {
    ASSERT_EQ(record.open().size(), 1U);
    names = record.open().front().kept;
  });
  ASSERT_GE(names.size(), 4U);
  for (const base::Digest& name : names) EXPECT_TRUE(plants_[0].store->blob(name));
  expect_released(cohort_);
  for (const base::Digest& name : names) EXPECT_FALSE(plants_[0].store->blob(name));
}

}  // namespace
}  // namespace hanse::federation
