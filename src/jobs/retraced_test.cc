// A training that is taken again from the released sums, and what a coordinator may have changed.
#include "jobs/retraced.h"

#include <gtest/gtest.h>

#include "jobs/federated_run.h"
#include "jobs/model_file.h"
#include "jobs/testing.h"

namespace hanse::jobs {
namespace {

using federation::Trail;

class RetracedTest : public ::testing::Test {
 protected:
  RetracedTest() {
    base::SeededSimulationRandom keys(1, "keys");
    members_.roster = base::Digest::of(base::view_of("epoch 1"));
    for (const char* name : {"a", "b"}) {
      signers_.push_back(crypto::Signer::create(keys));
      members_.keys.emplace(testing::site(name), signers_.back().verifier());
    }
    plants_.at("a").audit(members_, signers_[0]);
    plants_.at("b").audit(members_, signers_[1]);
    const Job job = testing::ovens();
    add(audit::leaf::Submitted{job.name, base::Digest::of(base::view_of(job.text)), "ada",
                               plants_.names(), members_.roster});
    train(job);
    const std::string model = to_json(run_->model().value());
    const base::ByteView bytes = base::view_of(model);
    add(audit::leaf::Ended{job.name, "finished", base::Digest::of(bytes)});
    public_.emplace(PublicRun{job.text, job, {}, base::Bytes(bytes.begin(), bytes.end())});
    public_->released = [this](std::uint32_t round) -> base::Result<base::Bytes> {
      const auto record = run_->record();
      const base::Slice blob = store_.blob(*record.rounds().at(round - 1).released).value();
      return base::Bytes(blob.view().begin(), blob.view().end());
    };
  }

  void train(const Job& job) {
    const auto log = [this](audit::LeafBatch batch) -> base::Result<void> {
      std::ranges::move(batch.leaves, std::back_inserter(log_));
      return {};
    };
    auto run = FederatedRun::open(job, {.cohort = plants_.names(), .members = members_},
                                  {store_, executor_, silent_, log});
    HANSE_CHECK(run.has_value());
    run_ = *std::move(run);
    base::Milliseconds now{};
    while (const auto due = run_->next_deadline()) {
      now = std::max(now, *due);
      const auto carried =
          plants_.carry(run_->advance(now).value(), now,
                        [&](const auto& envelope) { return run_->advance(envelope, now); });
      HANSE_CHECK(carried.has_value());
    }
  }

  void add(const audit::Leaf& leaf) { log_.push_back(audit::encode(leaf)); }

  federation::JobTrail trail() {
    Trail trail({.epochs = {{members_.roster, members_}}, .asked = {}}, executor_);
    for (const base::Bytes& leaf : log_) trail.follow(leaf);
    trail.finish();
    EXPECT_TRUE(trail.findings().empty()) << text_of(trail.findings().front());
    return trail.jobs().at(run_->job().name);
  }

  void expect_found(const federation::JobTrail& trail, std::string_view what,
                    std::uint32_t rounds) {
    const Retraced told = retrace(*public_, trail, executor_);
    ASSERT_FALSE(told.findings.empty()) << what;
    EXPECT_NE(told.findings.front().what.find(what), std::string::npos)
        << text_of(told.findings.front());
    EXPECT_EQ(told.rounds, rounds) << what;
  }

  testing::Plants plants_{{"a", "b"}};
  std::deque<crypto::Signer> signers_;
  federation::Membership members_;
  storage::MemoryStore store_;
  base::InlineExecutor executor_;
  base::SilentLog silent_;
  std::vector<base::Bytes> log_;
  std::unique_ptr<FederatedRun> run_;
  std::optional<PublicRun> public_;
};

TEST_F(RetracedTest, AnHonestTrainingComesToItsModel) {
  const Retraced told = retrace(*public_, trail(), executor_);
  EXPECT_TRUE(told.findings.empty()) << text_of(told.findings.front());
  EXPECT_EQ(told.rounds, 3U);
  EXPECT_TRUE(told.has_model);
}

// Its log is consistent with itself: the next question is about the model that it made up.
TEST_F(RetracedTest, AModelThatIsNotTheStepOfTheReleasedSum) {
  federation::JobTrail doctored = trail();
  const base::Digest theirs = base::Digest::of(base::view_of("theirs"));
  doctored.attempts[1].stepped->after = theirs;
  doctored.attempts[2].planned.model = theirs;
  expect_found(doctored, "a model that is not the step of the released sum", 1);
}

TEST_F(RetracedTest, ReleasedNumbersThatAreNotTheLogs) {
  const auto honest = public_->released;
  public_->released = [honest](std::uint32_t round) -> base::Result<base::Bytes> {
    HANSE_TRY(base::Bytes bytes, honest(round));
    if (round == 2) bytes.front() ^= std::byte{1};
    return bytes;
  };
  expect_found(trail(), "the released numbers at hand are not those of the log", 1);
}

// Changed in the file and in the log alike: the step shows it.
TEST_F(RetracedTest, ASumThatWasChangedBeforeItWasLogged) {
  const auto honest = public_->released;
  federation::JobTrail doctored = trail();
  base::Bytes changed = honest(2).value();
  changed.front() ^= std::byte{1};
  doctored.attempts[1].summed->released = base::Digest::of(changed);
  public_->released = [honest, changed](std::uint32_t round) -> base::Result<base::Bytes> {
    if (round == 2) return changed;
    return honest(round);
  };
  expect_found(doctored, "a model that is not the step of the released sum", 1);
}

TEST_F(RetracedTest, AnotherQuestionThanTheJobAsks) {
  federation::JobTrail doctored = trail();
  doctored.attempts[0].planned.offer = base::Digest::of(base::view_of("another"));
  expect_found(doctored, "asked something else than the job file asks", 0);
  doctored = trail();
  doctored.attempts[0].planned.min_sites = 1;
  expect_found(doctored, "other terms of the sum than the job file", 0);
}

TEST_F(RetracedTest, AnotherJobFile) {
  public_->job_file += "# a line more\n";
  expect_found(trail(), "the job file at hand is", 0);
}

TEST_F(RetracedTest, AnotherModelFile) {
  public_->model->back() ^= std::byte{1};
  expect_found(trail(), "the model file at hand is not the one of the log", 3);
  federation::JobTrail doctored = trail();
  doctored.ended->model = base::Digest::of(*public_->model);
  expect_found(doctored, "a model file that is not the model of the last step", 3);
  public_->model.reset();
  expect_found(trail(), "the model file is missing", 3);
}

// Nobody can say that it is the model of the last step.
TEST_F(RetracedTest, AModelOfATrainingThatDidNotFinish) {
  federation::JobTrail doctored = trail();
  doctored.ended = audit::leaf::Ended{run_->job().name, "cancelled", {}};
  expect_found(doctored, "a model file is at hand, and the log says that the job is cancelled", 3);
  doctored.ended.reset();
  expect_found(doctored, "a model file is at hand, and the log says that the job has not ended", 3);
  public_->model.reset();
  EXPECT_TRUE(retrace(*public_, doctored, executor_).findings.empty());
}

TEST_F(RetracedTest, MoreRoundsThanTheJobHas) {
  federation::JobTrail doctored = trail();
  federation::AttemptTrail more = doctored.attempts.back();
  more.planned.attempt.round = {4, 0};
  more.planned.model = more.stepped->after;
  doctored.attempts.push_back(more);
  expect_found(doctored, "a round more than the 3 of the job file", 3);
}

TEST_F(RetracedTest, AModelOfNoRound) {
  federation::JobTrail doctored = trail();
  doctored.attempts.clear();
  expect_found(doctored, "finished after 0 rounds, and the job has 3", 0);
}

TEST_F(RetracedTest, ATrainingThatStoppedEarlyAndSaysItFinished) {
  federation::JobTrail doctored = trail();
  doctored.attempts.pop_back();
  expect_found(doctored, "finished after 2 rounds, and the job has 3", 2);
}

}  // namespace
}  // namespace hanse::jobs
