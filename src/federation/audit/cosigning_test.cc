// Witnesses on their stores and the log that asks them: quorums, lost words, crashes, two
// histories.
#include "federation/audit/cosigning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/testing.h"
#include "federation/audit/durable_witness.h"
#include "federation/testing.h"
#include "storage/memory.h"
#include "storage/memory_store.h"

namespace hanse::federation {
namespace {

using base::Milliseconds;

constexpr std::uint64_t kWall = 1'700'000'000;

crypto::Signer signer(std::string_view name) {
  base::SeededSimulationRandom random(5, name);
  return crypto::Signer::create(random);
}

crypto::NoteKey log_key(const crypto::Signer& log) {
  return {"pumps/audit", crypto::SignatureType::ed25519, log.verifier()};
}

struct Party {
  explicit Party(std::string name_)
      : name(std::move(name_)), keys(signer(name)), site(testing::site(name)) {}
  crypto::NoteKey key() const {
    return {"pumps/site/" + name, crypto::SignatureType::ed25519_cosignature, keys.verifier()};
  }
  void start(const crypto::Signer& log) {
    witness.reset();
    witness = DurableWitness::open(*store, {key().name, &keys, {log_key(log)}}).value();
  }
  std::string name;
  crypto::Signer keys;
  base::SiteId site;
  std::unique_ptr<storage::MemoryStore> store = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<DurableWitness> witness = {};
};

// One coordinator's log with its files, over witnesses that may be others' too.
struct Hub {
  Hub(std::deque<Party>& all, crypto::Signer& signs) : parties(all), keys(signs) { open(); }
  void open() {
    cosigning.reset();
    sequencer.reset();
    if (!files.exists("hub")) HANSE_CHECK(files.create_directory("hub").has_value());
    sequencer = Sequencer::open(*store, files, {"hub/audit", "pumps/audit", &keys}).value();
    CosigningSettings settings{.policy = policy(), .witnesses = {}};
    for (const Party& party : parties) settings.witnesses.emplace(party.site, party.key());
    cosigning = std::make_unique<Cosigning>(std::move(settings), *sequencer, log);
  }
  audit::Policy policy() const {
    std::vector<audit::Policy::Witness> witnesses;
    for (const Party& party : parties) witnesses.push_back({party.name, party.key(), ""});
    return audit::Policy::majority({log_key(keys), ""}, std::move(witnesses)).value();
  }
  void append(std::string_view leaf) {
    const base::ByteView view = base::view_of(leaf);
    HANSE_CHECK(sequencer->append({"jobs", ++number, {{view.begin(), view.end()}}}).has_value());
  }
  void publish() { carry(cosigning->published(sequencer->publish().value(), now).value()); }
  void connect() {
    for (const Party& party : parties) carry(cosigning->connected(party.site, now).value());
  }
  // Lets time pass, as far as somebody is to be asked again.
  void wait() {
    now = std::max(now, cosigning->next_deadline().value());
    carry(cosigning->advance(now).value());
  }
  // Until nobody says anything more; what `loses` says is lost.
  void carry(Cosigning::Outbox out) {
    std::deque<transport::Envelope> post(out.begin(), out.end());
    for (; !post.empty(); post.pop_front()) {
      const transport::Envelope& one = post.front();
      if (loses && loses(one)) continue;
      if (one.to.is_coordinator()) {
        const auto word = audit_word_from_site(one).value();
        auto more = cosigning->hear(*one.from.site_id(), std::get<Cosigned>(*word).answer, now,
                                    kWall + static_cast<std::uint64_t>(now.value) / 1000);
        HANSE_CHECK(more.has_value());
        post.insert(post.end(), more->begin(), more->end());
        continue;
      }
      const auto word = audit_word_from_coordinator(one).value();
      if (std::holds_alternative<WitnessedHead>(*word)) ++heads;
      const auto* asked = std::get_if<Cosign>(&*word);
      for (Party& party : parties)
        if (asked != nullptr && party.site == *one.to.site_id() && party.witness)
          post.push_back(
              encode(SiteAuditWord(Cosigned{party.witness->answer(
                         asked->request, kWall + static_cast<std::uint64_t>(now.value) / 1000)}),
                     party.site));
    }
  }
  std::uint64_t witnessed() const {
    return cosigning->witnessed() ? cosigning->witnessed()->value().size : 0;
  }

  std::deque<Party>& parties;
  crypto::Signer& keys;
  storage::Memory files;
  std::unique_ptr<storage::MemoryStore> store = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<Sequencer> sequencer;
  std::unique_ptr<Cosigning> cosigning;
  base::SilentLog log;
  Milliseconds now{1000};
  std::uint64_t number = 0;
  int heads = 0;
  std::function<bool(const transport::Envelope&)> loses;
};

class CosigningTest : public ::testing::Test {
 protected:
  CosigningTest() {
    for (const char* name : {"a", "b", "c", "d", "e"}) {
      parties_.emplace_back(name);
      parties_.back().start(log_);
    }
  }
  crypto::Signer log_ = signer("log");
  std::deque<Party> parties_;
};

TEST_F(CosigningTest, AQuorumSignsEachHeadAndEverybodyHears) {
  Hub hub(parties_, log_);
  hub.connect();
  for (int n = 1; n <= 20; ++n) {
    hub.append("leaf");
    hub.publish();
    EXPECT_EQ(hub.witnessed(), static_cast<std::uint64_t>(n));
  }
  EXPECT_EQ(hub.heads, 20 * 5);
  const auto checked = hub.policy().check(*hub.cosigning->witnessed(), kWall);
  ASSERT_TRUE(checked) << checked.error().text();
  EXPECT_EQ(checked->cosigners.size(), 5u) << "all of them, though three would do";
  const auto on_disk = storage::read_all(hub.files, "hub/audit/checkpoint", 1 << 20);
  EXPECT_EQ(base::text_of(*on_disk), hub.cosigning->witnessed()->encode());
}

TEST_F(CosigningTest, LostWordsAreSaidAgain) {
  Hub hub(parties_, log_);
  int count = 0;
  hub.loses = [&](const transport::Envelope&) { return ++count % 3 != 0; };
  hub.connect();
  hub.append("leaf");
  hub.publish();
  for (int n = 0; n < 200 && hub.witnessed() < 1; ++n) hub.wait();
  EXPECT_EQ(hub.witnessed(), 1u);
}

TEST_F(CosigningTest, WithoutAQuorumNothingIsWitnessed) {
  Hub hub(parties_, log_);
  for (int n = 0; n < 3; ++n) parties_[static_cast<std::size_t>(n)].witness.reset();
  hub.connect();
  hub.append("leaf");
  hub.publish();
  for (int n = 0; n < 20; ++n) hub.wait();
  EXPECT_EQ(hub.witnessed(), 0u);
  parties_[0].start(log_);
  for (int n = 0; n < 20; ++n) hub.wait();
  EXPECT_EQ(hub.witnessed(), 1u);
}

TEST_F(CosigningTest, AHeadThatStaysIsSignedAgain) {
  Hub hub(parties_, log_);
  hub.connect();
  hub.append("leaf");
  hub.publish();
  const auto before = hub.policy().check(*hub.cosigning->witnessed(), kWall)->quorum_seconds;
  for (int n = 0; n < 3; ++n) hub.wait();
  const auto after = hub.policy().check(*hub.cosigning->witnessed(), kWall + 100)->quorum_seconds;
  EXPECT_GE(after, before + 20);
}

// Killed at every commit of its store, before or after it: what left was durable, and after the
// restart it signs no other history.
TEST_F(CosigningTest, AWitnessKilledBetweenCompareAndPersist) {
  for (const auto fault :
       {storage::MemoryStore::Fault::before, storage::MemoryStore::Fault::after}) {
    Party& victim = parties_[0];
    Hub hub(parties_, log_);
    hub.store = std::make_unique<storage::MemoryStore>();
    victim.store = std::make_unique<storage::MemoryStore>();
    for (Party& party : parties_) {
      party.store = std::make_unique<storage::MemoryStore>();
      party.start(log_);
    }
    hub.files = {};
    hub.number = 0;
    hub.open();
    hub.connect();
    hub.append("one");
    hub.publish();
    victim.store->fail_at(1, fault);
    hub.append("two");
    hub.publish();
    // Its signature under the second head is with nobody: the store failed before it was made.
    const auto checked = hub.policy().check(*hub.cosigning->witnessed(), kWall);
    for (const auto& cosigner : checked->cosigners) EXPECT_NE(cosigner.name, victim.name);
    EXPECT_EQ(checked->cosigners.size(), 4U);
    victim.store = victim.store->copy();
    victim.start(log_);
    const auto head = victim.witness->record().head("pumps/audit");
    EXPECT_EQ(head.size, fault == storage::MemoryStore::Fault::before ? 1u : 2u);
    hub.append("three");
    hub.publish();
    for (int n = 0; n < 5; ++n) hub.wait();
    EXPECT_EQ(victim.witness->record().head("pumps/audit").size, 3u);
    EXPECT_EQ(hub.policy().check(*hub.cosigning->witnessed(), kWall)->cosigners.size(), 5u);
  }
}

// A coordinator that lies shows one history to some and another to the others.
TEST_F(CosigningTest, TwoHistoriesAreNeverBothWitnessed) {
  Hub honest(parties_, log_);
  Hub forked(parties_, log_);
  const auto to = [](const transport::Envelope& one) {
    return (one.to.site_id() ? one.to : one.from).site_id()->text();
  };
  for (std::size_t split = 0; split <= parties_.size(); ++split) {
    for (Party& party : parties_) {
      party.store = std::make_unique<storage::MemoryStore>();
      party.start(log_);
    }
    const auto is_left = [&](const transport::Envelope& one) {
      return static_cast<std::size_t>(to(one)[0] - 'a') < split;
    };
    for (Hub* hub : {&honest, &forked}) {
      hub->store = std::make_unique<storage::MemoryStore>();
      hub->files = {};
      hub->number = 0;
      hub->open();
      hub->loses = hub == &honest ? std::function<bool(const transport::Envelope&)>(
                                        [&](const auto& one) { return !is_left(one); })
                                  : [&](const auto& one) { return is_left(one); };
      hub->connect();
      hub->append(hub == &honest ? "charged 1" : "charged 9");
      hub->publish();
    }
    // Each shows its history to everybody now.
    for (Hub* hub : {&honest, &forked}) {
      hub->loses = nullptr;
      for (int n = 0; n < 10; ++n) hub->wait();
    }
    EXPECT_FALSE(honest.witnessed() > 0 && forked.witnessed() > 0) << split;
    EXPECT_EQ(honest.witnessed() > 0, split >= 3) << split;
    EXPECT_EQ(forked.witnessed() > 0, split <= 2) << split;
  }
}

TEST_F(CosigningTest, ACoordinatorThatRestoresYesterdaysLogIsCaughtByEveryWitness) {
  Hub hub(parties_, log_);
  hub.connect();
  hub.append("one");
  hub.publish();
  const auto yesterday = hub.store->copy();
  hub.append("two");
  hub.publish();
  ASSERT_EQ(hub.witnessed(), 2u);
  // Store and files are yesterday's, so it does not see it itself.
  hub.store = yesterday->copy();
  hub.files = {};
  hub.number = 1;
  hub.open();
  hub.connect();
  hub.append("three");
  hub.publish();
  for (int n = 0; n < 20; ++n) hub.wait();
  EXPECT_EQ(hub.witnessed(), 0u);
  hub.append("four");
  hub.publish();
  for (int n = 0; n < 20; ++n) hub.wait();
  EXPECT_EQ(hub.witnessed(), 0u) << "nor when it has grown beyond";
  for (const Party& party : parties_)
    EXPECT_EQ(party.witness->record().head("pumps/audit").size, 2u);
}

TEST(AuditWords, RoundTripAndBounds) {
  const base::SiteId site = testing::site("a");
  const auto back =
      audit_word_from_site(encode(SiteAuditWord(Cosigned{{409, "text/x.tlog.size", "7\n"}}), site));
  ASSERT_TRUE(back && *back);
  EXPECT_EQ(std::get<Cosigned>(**back).answer.status, 409);
  EXPECT_EQ(std::get<Cosigned>(**back).answer.body, "7\n");
  WantProofs many;
  many.leaves.resize(kMaxWanted + 1);
  EXPECT_FALSE(audit_word_from_site(encode(SiteAuditWord(many), site)));
  const auto head = encode(CoordinatorAuditWord(WitnessedHead{}), site);
  EXPECT_FALSE(audit_word_from_site(head)) << "the other direction";
  EXPECT_FALSE(decode_from_coordinator(head)) << "no message of a round";
  const auto ask = encode(SiteMessage{{*base::JobId::create("j"), {1, 0}}, Decline{}}, site);
  const auto none = audit_word_from_site(ask);
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->has_value()) << "a message of a round is no word about the log";
}

}  // namespace
}  // namespace hanse::federation
