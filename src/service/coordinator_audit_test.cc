// A coordinator's audit log under a whole deployment: whatever crashes, the log tells each job
// once, in order, and a site finds its own answers in it.
#include "service/coordinator_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "audit/fsck.h"
#include "federation/audit/words.h"
#include "service/audit_members.h"
#include "service/deployments.h"
#include "service/job_leaves.h"
#include "service/site_audit.h"
#include "service/testing.h"

namespace hanse::service {
namespace {

using base::Milliseconds;
using base::Result;
using Outbox = Deployments::Outbox;

class CoordinatorAuditTest : public ::testing::Test {
 protected:
  CoordinatorAuditTest()
      : home_(testing::settle(doors_.files, "hub", roster::testing::founded({"a", "b"}))),
        member_(testing::member(doors_.files, home_)) {
    open();
    for (const char* site : {"a", "b"}) {
      plants_.at(site).audit(membership_of(member_.roster, member_.roster_digest),
                             roster::testing::identity(site).signing());
      connect(site);
    }
  }

  // As after a crash: all but the store and the files is lost.
  void open() {
    deployments_.reset();
    audit_.reset();
    doors_.store = doors_.store->copy();
    audit_ = CoordinatorAudit::open(home_, member_, doors_.all()).value();
    auto opened =
        Deployments::open(home_, {.in_the_clear = true}, member_, doors_.all(), metrics_, *audit_);
    if (!opened) throw std::runtime_error(opened.error().text());
    deployments_ = *std::move(opened);
  }
  Milliseconds now() const { return doors_.clock.monotonic(); }
  Result<void> carry(Result<Outbox> out) {
    if (!out) return base::fail(out.error());
    return plants_.carry(*std::move(out), now(), [this](const auto& envelope) {
      return deployments_->advance(envelope, now());
    });
  }
  void connect(const char* site) {
    (void)carry(deployments_->connected(jobs::testing::site(site), now()));
    (void)carry(plants_.at(site).machine->reconnected(now()));
  }
  // One turn of the coordinator, a second later.
  Result<void> turn() {
    doors_.clock.advance({1000});
    HANSE_TRY_VOID(carry(deployments_->advance(now())));
    HANSE_TRY([[maybe_unused]] const auto out, audit_->advance(now()));
    return {};
  }

  std::vector<audit::Leaf> leaves() {
    const audit::TileSource source = [this](const std::string& path) {
      return storage::read_all(doors_.files, "hub/audit/" + path, audit::kMaxBundleBytes);
    };
    const auto head = audit::SignedCheckpoint::parse(source("checkpoint").value()).value();
    audit::TileReader reader(source, head.value().size);
    EXPECT_EQ(reader.root().value(), head.value().root);
    std::vector<audit::Leaf> all;
    const auto done =
        reader.each_leaf(0, head.value().size, [&](std::uint64_t, base::ByteView bytes) {
          all.push_back(audit::decode_leaf(bytes).value());
          return Result<void>();
        });
    EXPECT_TRUE(done);
    return all;
  }
  // What the log says of a job, a word for each leaf.
  std::string story(const std::string& job) {
    std::string said;
    for (const audit::Leaf& leaf : leaves()) {
      const std::string of = std::visit(
          [](const auto& one) {
            if constexpr (requires { one.job; } && !requires { one.attempt; })
              return one.job.text();
            else
              return one.attempt.job.text();
          },
          leaf);
      if (of == job) said += std::string(audit::name_of(leaf)) + " ";
    }
    return said;
  }

  testing::Doors doors_;
  Home home_;
  Member member_;
  Metrics metrics_;
  jobs::testing::Plants plants_{{"a", "b"}};
  std::unique_ptr<CoordinatorAudit> audit_;
  std::unique_ptr<Deployments> deployments_;
};

const std::string kRound = "planned contributed contributed summed stepped ";

TEST_F(CoordinatorAuditTest, TellsAJobFromItsSubmissionToItsModel) {
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  for (int n = 0; n < 5; ++n) ASSERT_TRUE(turn());
  EXPECT_EQ(story("ovens"), "submitted " + kRound + kRound + kRound + "ended ");
  const std::vector<audit::Leaf> all = leaves();
  const auto& submitted = std::get<audit::leaf::Submitted>(all.front());
  EXPECT_EQ(submitted.by, "ada");
  EXPECT_EQ(submitted.text, base::Digest::of(base::view_of(jobs::testing::ovens().text)));
  const auto& ended = std::get<audit::leaf::Ended>(all.back());
  const auto model = storage::read_all(doors_.files, "hub/runs/ovens/model.json", 1 << 20);
  EXPECT_EQ(ended.model, base::Digest::of(*model));
  const auto released =
      storage::read_all(doors_.files, "hub/runs/ovens/released-0002.i64", 1 << 20);
  bool found = false;
  for (const audit::Leaf& leaf : all)
    if (const auto* summed = std::get_if<audit::leaf::Summed>(&leaf))
      found = found || summed->released == base::Digest::of(*released);
  EXPECT_TRUE(found);
}

TEST_F(CoordinatorAuditTest, TellsOfCancelledAndFailedJobs) {
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  ASSERT_TRUE(deployments_->cancel(*base::JobId::create("ovens-2"), now()));
  plants_.away.insert(jobs::testing::site("b"));
  ASSERT_TRUE(turn());
  ASSERT_TRUE(carry(deployments_->cancel(*base::JobId::create("ovens"), now())));
  ASSERT_TRUE(turn());
  EXPECT_EQ(story("ovens-2"), "submitted ended ");
  EXPECT_THAT(story("ovens"), ::testing::StartsWith("submitted planned "));
  EXPECT_THAT(story("ovens"), ::testing::EndsWith("aborted ended "));
}

// At every commit of the store, before and after it: nothing is told twice, nothing is left out.
TEST_F(CoordinatorAuditTest, ACrashAtAnyCommitLeavesOneStory) {
  int jobs = 0;
  for (const auto fault : {storage::MemoryStore::Fault::before, storage::MemoryStore::Fault::after})
    for (std::uint64_t at = 1;; ++at) {
      doors_.store->fail_at(at, fault);
      auto submitted = deployments_->submit(jobs::testing::ovens().text, "ada");
      bool crashed = !submitted;
      for (int n = 0; n < 6 && !crashed; ++n) crashed = !turn();
      open();
      for (const char* site : {"a", "b"}) connect(site);
      for (int n = 0; n < 8; ++n) ASSERT_TRUE(turn());
      if (!crashed) break;
      // A submission that nobody acknowledged may have come to nothing.
      const auto statuses = deployments_->statuses();
      if (static_cast<int>(statuses.size()) == jobs) continue;
      jobs = static_cast<int>(statuses.size());
      const std::string job = statuses.back().job;
      ASSERT_EQ(statuses.back().phase, "finished") << at;
      std::string told = story(job);
      // An attempt that a crash ended is told with its end.
      EXPECT_EQ(told, "submitted " + kRound + kRound + kRound + "ended ") << job << " at " << at;
    }
  EXPECT_GT(jobs, 20);
}

TEST_F(CoordinatorAuditTest, ALogThatCannotBeWrittenStopsTheRound) {
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  // The opened round is durable, its leaf is not: nobody is asked.
  doors_.store->fail_at(2, storage::MemoryStore::Fault::before);
  EXPECT_FALSE(turn());
  EXPECT_EQ(plants_.at("a").answers(), 0u);
}

TEST(JobLeaves, CohortsWhoseNamesDoNotFitAreRefused) {
  BookedJob booked{*base::JobId::create("x"), {}, "ada", {}, {}, {}};
  for (int n = 0; n < 1000; ++n)
    booked.cohort.push_back(*base::SiteId::create(fmt::format("{:060}", n)));
  EXPECT_TRUE(check_leaves(submission_of(booked, {})));
  for (int n = 1000; n < 1100; ++n)
    booked.cohort.push_back(*base::SiteId::create(fmt::format("{:060}", n)));
  EXPECT_EQ(check_leaves(submission_of(booked, {})).error().code(), base::ErrorCode::unsupported);
}

// A site beside them, as its service has it.
class SiteAuditTest : public CoordinatorAuditTest {
 protected:
  SiteAuditTest() {
    for (const char* name : {"a", "b"}) {
      Side& side = sides_[name];
      side.home = testing::settle(side.doors.files, name, roster::testing::founded({"a", "b"}));
      side.member.emplace(testing::member(side.doors.files, *side.home));
      side.audit = SiteAudit::open(*side.home, *side.member, side.doors.all()).value();
    }
  }
  struct Side {
    testing::Doors doors;
    std::optional<Home> home;
    std::optional<Member> member;
    std::unique_ptr<SiteAudit> audit;
  };
  void deliver(Outbox out) {
    std::deque<transport::Envelope> post(out.begin(), out.end());
    for (; !post.empty(); post.pop_front()) {
      const transport::Envelope& one = post.front();
      auto more = one.to.is_coordinator()
                      ? audit_->hear(one, now()).value()
                      : sides_.at(one.to.site_id()->text()).audit->hear(one, now()).value();
      HANSE_CHECK(more.has_value());
      post.insert(post.end(), more->begin(), more->end());
    }
  }
  void connect_all() {
    for (const char* name : {"a", "b"})
      deliver(audit_->connected(jobs::testing::site(name), now()).value());
  }
  // A leaf, and the head that it leads to.
  void log_one(std::uint64_t number, std::int64_t later = 1000, bool delivers = true) {
    ASSERT_TRUE(audit_->append(
        {"job/x",
         number,
         {audit::encode(audit::leaf::Ended{*base::JobId::create("x"), "cancelled", {}})}}));
    doors_.clock.advance({later});
    for (auto& [name, side] : sides_) side.doors.clock.advance({later});
    if (delivers) deliver(audit_->advance(now()).value());
  }
  base::Bytes kept_head() {
    return storage::read_all(sides_["a"].doors.files, "a/audit/checkpoint", 1 << 20).value();
  }
  void expect_answers(const char* name) {
    ASSERT_TRUE(sides_[name].audit->expect(
        plants_.at(name).record->read([](const auto& at) { return at.open(); })));
  }
  std::size_t files(const char* name, const std::string& folder) {
    const std::string path = std::string(name) + "/audit/" + folder;
    return sides_[name].doors.files.exists(path) ? sides_[name].doors.files.list(path)->size() : 0;
  }
  std::map<std::string, Side> sides_;
};

TEST_F(SiteAuditTest, EachAnswerGetsItsReceipt) {
  plants_.loses_receipts = true;  // so that the answers are still there to be looked at
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  ASSERT_TRUE(turn());
  for (const char* name : {"a", "b"}) expect_answers(name);
  EXPECT_EQ(files("a", "pending"), 1u);
  EXPECT_FALSE(sides_["a"].audit->check_witnessed(60));
  // A restart does not forget what is waited for.
  sides_["a"].audit =
      SiteAudit::open(*sides_["a"].home, *sides_["a"].member, sides_["a"].doors.all()).value();
  for (const char* name : {"a", "b"})
    deliver(audit_->connected(jobs::testing::site(name), now()).value());
  doors_.clock.advance({1000});
  deliver(audit_->advance(now()).value());
  doors_.clock.advance({30'000});
  deliver(audit_->advance(now()).value());
  EXPECT_EQ(files("a", "pending"), 0u);
  EXPECT_EQ(files("a", "receipts/ovens"), 1u);
  EXPECT_TRUE(sides_["a"].audit->check_witnessed(60));
  const auto bytes = storage::read_all(sides_["a"].doors.files,
                                       "a/audit/receipts/ovens/0001-0.tlog-proof", 1 << 20);
  ASSERT_TRUE(bytes);
  const auto proof = audit::Proof::parse(*bytes).value();
  const auto wall = static_cast<std::uint64_t>(doors_.clock.wall().value / 1000);
  EXPECT_TRUE(audit::verify(proof, proof.extra, audit_policy(member_.roster), wall));
  sides_["a"].doors.clock.advance({120'000});
  EXPECT_FALSE(sides_["a"].audit->check_witnessed(60)) << "a quorum grows old";
}

TEST_F(SiteAuditTest, ALeafThatNeverComesIsReported) {
  plants_.loses_receipts = true;
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  ASSERT_TRUE(turn());
  expect_answers("a");
  // The coordinator has counted it.
  const federation::Release release{*base::JobId::create("ovens"), {1, 0}};
  const auto heard = sides_["a"].audit->hear(
      federation::encode(federation::CoordinatorMessage{release, federation::Receipt{}},
                         jobs::testing::site("a")),
      now());
  EXPECT_FALSE(heard->has_value()) << "a word of a round";
  // Another log, by the same key, that goes on without the leaf.
  ASSERT_TRUE(doors_.files.remove_all("hub/audit"));
  doors_.store = std::make_unique<storage::MemoryStore>();
  deployments_.reset();
  audit_ = CoordinatorAudit::open(home_, member_, doors_.all()).value();
  for (int n = 0; n < 30; ++n) {
    for (const char* name : {"a", "b"})
      deliver(audit_->connected(jobs::testing::site(name), now()).value());
    doors_.clock.advance({30'000});
    for (auto& [name, side] : sides_) side.doors.clock.advance({30'000});
    ASSERT_TRUE(audit_->append(
        {"job/x",
         static_cast<std::uint64_t>(n + 1),
         {audit::encode(audit::leaf::Ended{*base::JobId::create("x"), "cancelled", {}})}}));
    deliver(audit_->advance(now()).value());
  }
  EXPECT_TRUE(sides_["a"].doors.log.has("has had no leaf of it"));
  EXPECT_EQ(files("a", "pending"), 1u);
  EXPECT_FALSE(sides_["a"].audit->check_witnessed(1'000'000)) << "such a log grants nothing";
}

TEST_F(SiteAuditTest, WhatContradictsIsKept) {
  for (const char* name : {"a", "b"})
    deliver(audit_->connected(jobs::testing::site(name), now()).value());
  const auto append = [&](std::uint64_t n, const char* job) {
    ASSERT_TRUE(audit_->append(
        {"job/x",
         n,
         {audit::encode(audit::leaf::Ended{*base::JobId::create(job), "cancelled", {}})}}));
    doors_.clock.advance({1000});
    deliver(audit_->advance(now()).value());
  };
  append(1, "one");
  // The same coordinator with another past of the same length.
  ASSERT_TRUE(doors_.files.remove_all("hub/audit"));
  doors_.store = std::make_unique<storage::MemoryStore>();
  deployments_.reset();
  audit_ = CoordinatorAudit::open(home_, member_, doors_.all()).value();
  for (const char* name : {"a", "b"})
    deliver(audit_->connected(jobs::testing::site(name), now()).value());
  append(1, "another");
  doors_.clock.advance({60'000});
  deliver(audit_->advance(now()).value());
  EXPECT_TRUE(sides_["a"].doors.log.has("contradicts what this site has seen"));
  bool kept = false;
  const auto listed = sides_["a"].doors.files.list("a/audit");
  for (const storage::Entry& file : *listed) kept = kept || file.name.starts_with("contradiction-");
  EXPECT_TRUE(kept);
}

TEST_F(SiteAuditTest, AnOlderHeadDoesNotReplaceTheNewest) {
  connect_all();
  log_one(1);
  const base::Bytes old = kept_head();
  for (std::uint64_t n = 2; n < 10; ++n) log_one(n);
  const base::Bytes newest = kept_head();
  ASSERT_NE(newest, old);
  deliver({federation::encode(federation::CoordinatorAuditWord(federation::WitnessedHead{old}),
                              jobs::testing::site("a"))});
  EXPECT_EQ(kept_head(), newest);
}

TEST_F(SiteAuditTest, ALiarDoesNotFillTheDisk) {
  connect_all();
  log_one(1);
  const auto head = audit::SignedCheckpoint::parse(kept_head()).value().value();
  for (int n = 0; n < 300; ++n) {
    // Another root for the size that was cosigned, and a larger one that leads nowhere.
    const std::uint64_t size = head.size + static_cast<std::uint64_t>(n % 2);
    const audit::Checkpoint lie{
        head.origin, size, base::Digest::of(base::view_of(std::to_string(n))), {}};
    const auto said =
        audit::SignedCheckpoint::sign(lie, roster::testing::identity("hub").signing()).value();
    const std::string text = audit::AddCheckpoint{head.size, {}, said}.encode();
    const base::ByteView view = base::view_of(text);
    (void)sides_["a"].audit->hear(
        federation::encode(
            federation::CoordinatorAuditWord(federation::Cosign{{view.begin(), view.end()}}),
            jobs::testing::site("a")),
        now());
  }
  std::size_t kept = 0;
  const auto listed = sides_["a"].doors.files.list("a/audit");
  for (const storage::Entry& file : *listed)
    kept += file.name.starts_with("contradiction-") ? 1 : 0;
  EXPECT_GT(kept, 0U);
  EXPECT_LE(kept, 16U);
}

TEST_F(SiteAuditTest, TheSameHeadAgainIsNoEntry) {
  connect_all();
  log_one(1);
  const auto head = audit::SignedCheckpoint::parse(kept_head()).value();
  const auto entries = [&] { return sides_["a"].doors.store->history("witness", 1'000)->size(); };
  const std::size_t before = entries();
  const std::string text = audit::AddCheckpoint{head.value().size, {}, head}.encode();
  for (int n = 0; n < 20; ++n)
    ASSERT_EQ(sides_["a"].audit->witness().answer(base::view_of(text), 1).status, 200);
  EXPECT_EQ(entries(), before);
}

TEST_F(SiteAuditTest, WhatAKilledWriteLeftDoesNotKeepASiteFromStarting) {
  Side& side = sides_["a"];
  side.audit.reset();
  testing::write(side.doors.files, "a/audit/pending/" + std::string(64, 'a') + ".4711-0.tmp", "");
  EXPECT_TRUE(SiteAudit::open(*side.home, *side.member, side.doors.all()));
}

TEST_F(SiteAuditTest, AnAnswerThatCameToNothingIsNotMissed) {
  plants_.away.insert(jobs::testing::site("b"));
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  ASSERT_TRUE(turn());
  expect_answers("a");
  ASSERT_EQ(files("a", "pending"), 1U);
  // Announced, then lost in a crash before its leaf; and the job is cancelled.
  open();
  ASSERT_TRUE(carry(deployments_->cancel(*base::JobId::create("ovens"), now())));
  for (std::uint64_t n = 1; n < 30; ++n) {
    connect_all();
    log_one(n, 30'000);
  }
  EXPECT_FALSE(sides_["a"].doors.log.has("has had no leaf of it"));
  EXPECT_EQ(files("a", "pending"), 0U);
}

TEST_F(CoordinatorAuditTest, ANewEpochWhileTheCoordinatorIsDownIsANewAttempt) {
  for (const char* name : {"a", "b"}) plants_.away.insert(jobs::testing::site(name));
  ASSERT_TRUE(deployments_->submit(jobs::testing::ovens().text, "ada"));
  ASSERT_TRUE(turn());
  roster::Roster next = member_.roster;
  next.epoch = 2;
  next.previous = member_.roster_digest;
  next.parties.push_back(roster::testing::party("c"));
  std::ranges::sort(next.parties, {}, &roster::Party::name);
  testing::write(doors_.files, home_.roster(),
                 roster::testing::signed_by(next, {"a", "b", "hub"}).encode());
  deployments_.reset();
  audit_.reset();
  member_ = testing::member(doors_.files, home_);
  open();
  plants_.away.clear();
  for (const char* site : {"a", "b"}) {
    plants_.at(site).audit(membership_of(member_.roster, member_.roster_digest),
                           roster::testing::identity(site).signing());
    connect(site);
  }
  for (int n = 0; n < 40; ++n) ASSERT_TRUE(turn());
  EXPECT_EQ(story("ovens"), "submitted planned aborted " + kRound + kRound + kRound + "ended ");
}

// What is asked of the coordinator costs it one reading of a bundle, and only for one's own leaves.
TEST_F(SiteAuditTest, ASiteGetsItsOwnLeavesOnceForEachHead) {
  connect_all();
  const audit::Leaf own = audit::leaf::Contributed{
      {*base::JobId::create("x"), {1, 0}}, jobs::testing::site("b"), base::Bytes(10), {}};
  ASSERT_TRUE(audit_->append({"training/x", 1, {audit::encode(own)}}));
  log_one(1);
  federation::WantProofs want;
  want.leaves.assign(federation::kMaxWanted, audit::leaf_hash(audit::encode(own)));
  const auto proofs = [&](const char* name) -> std::size_t {
    const auto out = audit_->hear(
        federation::encode(federation::SiteAuditWord(want), jobs::testing::site(name)), now());
    if ((*out)->empty()) return 0;
    const auto word = federation::audit_word_from_coordinator((*out)->front()).value();
    return std::get<federation::Proofs>(*word).proofs.size();
  };
  EXPECT_EQ(proofs("a"), 0U) << "another site's";
  EXPECT_EQ(proofs("b"), 1U) << "however often it is named";
  EXPECT_EQ(proofs("b"), 0U) << "once for each head";
  log_one(2);
  EXPECT_EQ(proofs("b"), 1U);
}

// Heads come faster than the witnesses answer.
TEST_F(SiteAuditTest, SlowWitnessesMakeAQuorumAllTheSame) {
  connect_all();
  log_one(1, 1000, /*delivers=*/false);
  std::deque<Outbox> late{audit_->advance(now()).value()};
  for (std::uint64_t n = 2; n < 40; ++n) {
    log_one(n, 1000, /*delivers=*/false);
    Outbox next = audit_->advance(now()).value();
    for (const transport::Envelope& one : late.front()) {
      if (one.to.is_coordinator()) continue;
      const auto said = sides_.at(one.to.site_id()->text()).audit->hear(one, now()).value();
      for (const transport::Envelope& answer : *said) {
        auto more = audit_->hear(answer, now()).value();
        next.insert(next.end(), more->begin(), more->end());
      }
    }
    late.pop_front();
    late.push_back(std::move(next));
  }
  EXPECT_FALSE(doors_.log.has("does not cosign"));
  EXPECT_TRUE(sides_["a"].doors.files.exists("a/audit/checkpoint"));
}

}  // namespace
}  // namespace hanse::service
