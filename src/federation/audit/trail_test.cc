// What a coordinator cannot write into its log unseen. Each case runs rounds of real sites and then
// doctors the leaves.
#include "federation/audit/trail.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "federation/audit/testing.h"

namespace hanse::federation {
namespace {

namespace leaf = audit::leaf;
using testing::AuditedPlants;

// Somebody found it, at that leaf.
::testing::AssertionResult found(const std::vector<Finding>& findings, std::string_view what,
                                 std::optional<std::uint64_t> at = {}) {
  std::string all;
  for (const Finding& one : findings) {
    all += "\n  " + text_of(one);
    if (one.what.find(what) != std::string::npos && (!at || one.leaf == at))
      return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "'" << what << "' not among" << all;
}

::testing::AssertionResult clean(const std::vector<Finding>& findings) {
  if (findings.empty()) return ::testing::AssertionSuccess();
  auto failure = ::testing::AssertionFailure() << findings.size();
  for (const Finding& one : findings) failure << "\n  " << text_of(one);
  return failure;
}

class TrailTest : public ::testing::Test {
 protected:
  // Two rounds in order.
  void train() {
    ASSERT_TRUE(plants_.run({1, 0}));
    ASSERT_TRUE(plants_.run({2, 0}));
    plants_.end();
  }
  std::vector<Finding> findings() { return plants_.trail().findings(); }
  void insert(std::size_t at, audit::Leaf leaf) {
    plants_.leaves.insert(plants_.leaves.begin() + static_cast<std::ptrdiff_t>(at),
                          std::move(leaf));
  }
  void erase(std::size_t at) {
    plants_.leaves.erase(plants_.leaves.begin() + static_cast<std::ptrdiff_t>(at));
  }

  AuditedPlants plants_;
};

TEST_F(TrailTest, AnHonestTrainingIsInOrder) {
  train();
  const Trail trail = plants_.trail();
  EXPECT_TRUE(clean(trail.findings()));
  EXPECT_EQ(trail.leaves(), plants_.leaves.size());
  const JobTrail& job = trail.jobs().at(plants_.job);
  ASSERT_EQ(job.attempts.size(), 2U);
  for (const AttemptTrail& attempt : job.attempts) {
    EXPECT_EQ(attempt.contributions.size(), AuditedPlants::kSites);
    ASSERT_TRUE(attempt.agreed.has_value());
    EXPECT_EQ(attempt.agreed->sites, plants_.cohort);
    EXPECT_GE(attempt.agreed->signers.size(), 4U);
  }
  EXPECT_GE(trail.signatures(), 2 * (AuditedPlants::kSites + 4));
}

TEST_F(TrailTest, BytesThatAreNoLeaf) {
  train();
  auto log = plants_.encoded();
  log[4] = {std::byte{0xff}};
  EXPECT_TRUE(found(plants_.trail(log).findings(), "no leaf", 4));
}

TEST_F(TrailTest, AContributionCountedTwice) {
  train();
  const std::size_t at = plants_.place_of<leaf::Contributed>(2);
  insert(at + 1, plants_.leaves[at]);
  EXPECT_TRUE(found(findings(), "site 'plant-2' contributes twice", at + 1));
}

// One answer under two names: the second one's statement is the first one's.
TEST_F(TrailTest, ASealedAnswerCountedTwice) {
  train();
  plants_.leaf<leaf::Contributed>(2).statement = plants_.leaf<leaf::Contributed>(1).statement;
  plants_.leaf<leaf::Contributed>(2).signature = plants_.leaf<leaf::Contributed>(1).signature;
  EXPECT_TRUE(found(findings(), "is counted twice"));
  EXPECT_TRUE(found(findings(), "is of another site than its leaf"));
  EXPECT_TRUE(found(findings(), "is not signed with its key"));
}

TEST_F(TrailTest, OneLeftOutOfTheStatedSet) {
  train();
  plants_.leaf<leaf::Summed>().sites.pop_back();
  EXPECT_TRUE(found(findings(), "the log states another set of 4"));
}

TEST_F(TrailTest, OneInTheStatedSetThatNeverAnswered) {
  train();
  erase(plants_.place_of<leaf::Contributed>(4));
  EXPECT_TRUE(found(findings(), "site 'plant-4' is in the sum, and the log has no answer of it"));
}

TEST_F(TrailTest, ASetBelowTheMinimum) {
  train();
  auto& sites = plants_.leaf<leaf::Summed>().sites;
  sites.erase(sites.begin() + 3, sites.end());
  EXPECT_TRUE(found(findings(), "the sum is over 3 sites, and at least 4 were promised"));
}

// The promise is lowered afterwards: the signatures are under another one.
TEST_F(TrailTest, TermsThatNobodyAgreedTo) {
  train();
  plants_.leaf<leaf::Planned>().threshold = 3;
  plants_.leaf<leaf::Planned>().max_colluders = 0;
  const auto all = findings();
  EXPECT_TRUE(clean(all)) << "the question binds them, and only who knows the question sees it";
  plants_.leaf<leaf::Planned>().threshold = 2;
  EXPECT_TRUE(found(findings(), "two sums of one round could be opened"));
  plants_.leaf<leaf::Planned>().offer = base::Digest::of(base::view_of("another"));
  EXPECT_TRUE(found(findings(), "is of another question than its leaf"));
}

TEST_F(TrailTest, ASecondReleaseOfOneRound) {
  ASSERT_TRUE(plants_.run({1, 0}));
  ASSERT_TRUE(plants_.run({1, 1}));
  EXPECT_TRUE(found(findings(), "a second release of round 1"));
  EXPECT_TRUE(found(findings(), "planned out of order: round 2 attempt 0 was due"));
}

TEST_F(TrailTest, TwoSumsOfOneAttempt) {
  train();
  const std::size_t at = plants_.place_of<leaf::Summed>();
  insert(at + 1, plants_.leaves[at]);
  EXPECT_TRUE(found(findings(), "a second release of round 1", at + 1));
}

TEST_F(TrailTest, AModelThatSomebodyExchanged) {
  train();
  plants_.leaf<leaf::Stepped>().after = base::Digest::of(base::view_of("theirs"));
  EXPECT_TRUE(found(findings(), "the step before led to"));
  plants_.leaf<leaf::Planned>(1).model = base::Digest::of(base::view_of("theirs"));
  EXPECT_TRUE(found(findings(), "the step begins at model"));
}

TEST_F(TrailTest, AStatementOfAForeignKey) {
  train();
  leaf::Contributed& theirs = plants_.leaf<leaf::Contributed>(3);
  theirs.signature = audit::sign(theirs.statement, plants_.plants[0].signer);
  EXPECT_TRUE(found(findings(), "what site 'plant-3' states is not signed with its key",
                    plants_.place_of<leaf::Contributed>(3)));
}

TEST_F(TrailTest, EvidenceThatWasChangedOrIsMissing) {
  train();
  plants_.leaf<leaf::Agreed>().evidence.back() ^= std::byte{1};
  EXPECT_TRUE(found(findings(), "has others than the sum names"));
  plants_.leaf<leaf::Summed>().evidence = base::Digest::of(plants_.leaf<leaf::Agreed>().evidence);
  EXPECT_TRUE(found(findings(), "does not hold"));
  erase(plants_.place_of<leaf::Agreed>());
  EXPECT_TRUE(found(findings(), "the log lacks the sites' signatures"));
}

TEST_F(TrailTest, LeavesOutOfPlace) {
  train();
  const auto sound = plants_.leaves;
  const auto after = [&](auto change) {
    plants_.leaves = sound;
    change();
    return findings();
  };
  EXPECT_TRUE(found(after([&] { erase(0); }), "a job that nobody submitted"));
  EXPECT_TRUE(found(after([&] { insert(1, sound[0]); }), "submitted twice"));
  EXPECT_TRUE(found(after([&] { erase(plants_.place_of<leaf::Planned>()); }), "is not open"));
  EXPECT_TRUE(found(after([&] { erase(plants_.place_of<leaf::Summed>()); }),
                    "the model moved on without a sum"));
  EXPECT_TRUE(found(after([&] { erase(plants_.place_of<leaf::Stepped>()); }), "planned while"));
  EXPECT_TRUE(found(after([&] { plants_.leaf<leaf::Planned>(1).attempt.round = {3, 0}; }),
                    "planned out of order: round 2"));
  EXPECT_TRUE(found(after([&] { plants_.leaves.push_back(sound.back()); }), "after the job's end"));
  EXPECT_TRUE(found(after([&] { plants_.leaf<leaf::Ended>().model = {}; }), "without a model"));
  EXPECT_TRUE(found(after([&] { plants_.leaf<leaf::Planned>().job = {}; }), "of job file"));
  EXPECT_TRUE(found(after([&] { plants_.leaf<leaf::Submitted>().cohort.pop_back(); }),
                    "for which the job was not submitted"));
  EXPECT_TRUE(found(after([&] { plants_.leaf<leaf::Planned>().roster = {}; }),
                    "which no roster at hand leads to"));
}

// The step of a sum that was opened fails: that is the end of a job, and of nothing else.
TEST_F(TrailTest, ASumWithoutAStep) {
  ASSERT_TRUE(plants_.run({1, 0}));
  plants_.leaves.back() = leaf::Aborted{{plants_.job, {1, 0}}, "failed"};
  EXPECT_TRUE(clean(findings())) << "its end may not be in the log yet";
  const auto sound = plants_.leaves;
  plants_.leaves.push_back(leaf::Ended{plants_.job, "failed", {}});
  EXPECT_TRUE(clean(findings()));
  plants_.leaf<leaf::Ended>().outcome = "cancelled";
  EXPECT_TRUE(found(findings(), "its last sum was opened and led to no model"));
  plants_.leaf<leaf::Aborted>().reason = "cancelled";
  EXPECT_TRUE(found(findings(), "ends with 'cancelled' after its sum was opened"));
  plants_.leaves = sound;
  leaf::Planned again = plants_.leaf<leaf::Planned>();
  again.attempt.round.attempt = 1;
  plants_.leaves.push_back(again);
  plants_.leaves.push_back(leaf::Aborted{again.attempt, "failed"});
  plants_.leaves.push_back(leaf::Ended{plants_.job, "failed", {}});
  EXPECT_TRUE(found(findings(), "planned after a sum that was opened", sound.size()));
}

// What the log says of other jobs, by epochs of the roster.
class EpochTest : public ::testing::Test {
 protected:
  void submit(const char* job, int epoch) {
    log_.push_back(leaf::Submitted{*base::JobId::create(job), {}, "ada", {site_}, digest(epoch)});
  }
  void ask(const char* job, std::uint32_t attempt, int epoch) {
    const audit::Attempt at{*base::JobId::create(job), {1, attempt}};
    log_.push_back(leaf::Planned{.attempt = at,
                                 .offer = {},
                                 .roster = digest(epoch),
                                 .job = {},
                                 .model = {},
                                 .cohort = {site_},
                                 .backend = "plain"});
    log_.push_back(leaf::Aborted{at, "deadline"});
  }
  static base::Digest digest(int epoch) {
    return base::Digest::of(base::view_of("epoch " + std::to_string(epoch)));
  }
  std::vector<Finding> findings() {
    TrailSettings settings;
    for (const std::uint32_t epoch : {1U, 2U, 3U}) {
      const base::Digest name = digest(static_cast<int>(epoch));
      settings.epochs.emplace(name, Membership{name, {}});
      settings.numbers.emplace(name, epoch);
    }
    Trail trail(std::move(settings), executor_);
    for (const audit::Leaf& one : log_) trail.follow(audit::encode(one));
    trail.finish();
    return trail.findings();
  }

  base::SiteId site_ = *base::SiteId::create("bremen");
  base::InlineExecutor executor_;
  std::vector<audit::Leaf> log_;
};

TEST_F(EpochTest, AJobMayEndByItsOwnWhileOthersGoOn) {
  submit("long", 1);
  ask("long", 0, 1);
  submit("next", 2);
  ask("long", 1, 1);
  ask("next", 0, 2);
  ask("long", 2, 2);
  ask("long", 3, 3);
  EXPECT_TRUE(clean(findings()));
}

// A key that was stolen in epoch 1 and exchanged with epoch 2 answers nothing that is new.
TEST_F(EpochTest, NoJobBeginsByAnEpochThatIsOver) {
  submit("first", 2);
  submit("late", 1);
  ask("late", 0, 1);
  EXPECT_TRUE(
      found(findings(), "goes by epoch 1 of the roster, and the log had gone on to epoch 2", 1));
}

TEST_F(EpochTest, NoJobGoesBack) {
  submit("long", 1);
  ask("long", 0, 2);
  ask("long", 1, 1);
  EXPECT_TRUE(found(findings(), "the log had gone on to epoch 2", 3));
}

TEST_F(EpochTest, AnEpochThatNobodyKnows) {
  submit("first", 4);
  EXPECT_TRUE(found(findings(), "which no roster at hand leads to", 0));
}

// Attempts that come to nothing, sites that drop out before and after their answer is counted: all
// of it happens among honest parties.
RC_GTEST_PROP(TrailProperty, HonestRunsAreClean, ()) {
  AuditedPlants plants;
  base::RoundId round{1, 0};
  const auto attempts = *rc::gen::inRange(1, 4);
  for (int i = 0; i < attempts; ++i) {
    const auto pick = [&] { return plants.cohort[*rc::gen::inRange<std::size_t>(0, 5)]; };
    std::vector<base::SiteId> gone;
    std::vector<base::SiteId> mute;
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        gone = {plants.cohort[0], plants.cohort[3]};
        break;
      case 1:
        gone = {pick()};
        break;
      case 2:
        mute = {pick()};
        break;
      default:
        break;
    }
    round = plants.run(round, gone, mute) ? base::RoundId{round.round + 1, 0}
                                          : base::RoundId{round.round, round.attempt + 1};
  }
  if (*rc::gen::arbitrary<bool>()) plants.end();
  const Trail trail = plants.trail();
  RC_ASSERT(clean(trail.findings()));
  for (std::size_t i = 0; i < AuditedPlants::kSites; ++i)
    RC_ASSERT(clean(own_view(plants.own(i), trail).findings));
}

}  // namespace
}  // namespace hanse::federation
