#include "service/deployments.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "jobs/deployed_report.h"
#include "service/testing.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::Milliseconds;
using base::Result;
using Outbox = Deployments::Outbox;

class DeploymentsTest : public ::testing::Test {
 protected:
  DeploymentsTest()
      : home_(testing::settle(doors_.files, "hub", roster::testing::founded({"a", "b"}))),
        member_(testing::member(doors_.files, home_)) {
    open();
    for (const char* site : {"a", "b"}) {
      const roster::Identity& identity = roster::testing::identity(site);
      plants_.at(site).audit(membership_of(member_.roster, member_.roster_digest),
                             identity.signing());
      connect(site);
    }
  }

  // As after a crash: all but the store and the files is lost.
  void open() {
    deployments_.reset();
    audit_.reset();
    doors_.store = doors_.store->copy();
    audit_ = CoordinatorAudit::open(home_, member_, doors_.all()).value();
    auto opened = Deployments::open(home_, {.in_the_clear = true, .absence_seconds = 60}, member_,
                                    doors_.all(), metrics_, *audit_);
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
    plants_.away.erase(jobs::testing::site(site));
    ASSERT_TRUE(carry(deployments_->connected(jobs::testing::site(site), now())));
    ASSERT_TRUE(carry(plants_.at(site).machine->reconnected(now())));
  }
  void lose(const char* site) {
    plants_.away.insert(jobs::testing::site(site));
    deployments_->lost(jobs::testing::site(site), now());
  }
  // One turn of the coordinator, a second later.
  Result<void> turn() {
    doors_.clock.advance({1000});
    return carry(deployments_->advance(now()));
  }
  void turns(int count) {
    for (int n = 0; n < count; ++n) {
      const auto done = turn();
      ASSERT_TRUE(done) << done.error().text();
    }
  }
  std::string submit(const jobs::Job& job = jobs::testing::ovens()) {
    const auto status = deployments_->submit(job.text, "engineer");
    if (!status) throw std::runtime_error(status.error().text());
    return status->job;
  }
  JobStatus status(const std::string& job) const { return deployments_->status(job).value(); }
  std::string phase(const std::string& job) const { return status(job).phase; }
  bool metric(const std::string& line) const {
    return ("\n" + metrics_.text()).find("\n" + line + "\n") != std::string::npos;
  }
  base::JobId id(std::string_view name) const { return *base::JobId::create(name); }

  testing::Doors doors_;
  Home home_;
  Member member_;
  Metrics metrics_;
  jobs::testing::Plants plants_{{"a", "b"}};
  std::unique_ptr<CoordinatorAudit> audit_;
  std::unique_ptr<Deployments> deployments_;
};

TEST_F(DeploymentsTest, TrainsWhatIsSubmittedAndLeavesItsResults) {
  EXPECT_EQ(submit(), "ovens");
  EXPECT_EQ(phase("ovens"), "queued");
  turns(4);
  const JobStatus done = status("ovens");
  EXPECT_EQ(done.phase, "finished") << done.reason;
  EXPECT_EQ(done.round, 3u);
  EXPECT_EQ(done.rounds, 3u);
  EXPECT_EQ(done.sites, 2u);
  EXPECT_GT(done.loss.value_or(0), 0);
  const auto text = storage::read_all(doors_.files, "hub/runs/ovens/report.json", 1 << 20);
  ASSERT_TRUE(text);
  const auto report = jobs::deployed_report_from_json(base::text_of(*text));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->rounds.size(), 3u);
  EXPECT_EQ(report->consortium.name, "ovens");
  EXPECT_EQ(report->consortium.roster, member_.roster_digest.hex());
  EXPECT_EQ(report->timing.submitted, "2026-09-21T14:13:20Z");
  EXPECT_EQ(report->timing.ended, "2026-09-21T14:13:23Z");
  EXPECT_EQ(report->sites[0].left.bytes + report->sites[1].left.bytes, done.bytes);
  for (const char* file : {"report.html", "model.json", "job.toml"})
    EXPECT_TRUE(doors_.files.exists(std::string("hub/runs/ovens/") + file));
  EXPECT_TRUE(metric(R"(hanse_rounds_total{outcome="closed"} 3)")) << metrics_.text();
  turns(1);
  EXPECT_TRUE(metric(R"(hanse_waiting_seconds{what="round"} 0)")) << metrics_.text();
}

TEST_F(DeploymentsTest, OneAfterAnotherInTheOrderOfTheirSubmission) {
  EXPECT_EQ(submit(), "ovens");
  EXPECT_EQ(submit(), "ovens-2");
  EXPECT_EQ(submit(jobs::testing::ovens({"name=pumps"})), "pumps");
  EXPECT_EQ(submit(), "ovens-3");
  std::vector<std::string> order;
  while (order.size() < 4) {
    turns(1);
    int running = 0;
    for (const JobStatus& one : deployments_->statuses()) {
      running += one.phase == "running" ? 1 : 0;
      if (one.phase == "finished" && std::ranges::find(order, one.job) == order.end())
        order.push_back(one.job);
    }
    ASSERT_LE(running, 1);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"ovens", "ovens-2", "pumps", "ovens-3"}));
  EXPECT_EQ(plants_.at("a").answers(), 12u);
}

TEST_F(DeploymentsTest, AJobThatCannotBeTrainedIsRefusedWithWhatToChange) {
  const auto refused = [&](const std::string& text, std::string_view says) {
    const auto status = deployments_->submit(text, "engineer");
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().text().find(says), std::string::npos) << status.error().text();
  };
  refused("name = ", "the job");
  refused(jobs::testing::ovens({"aggregation.min_sites=3"}).text, "min_sites asks for 3 sites");
  refused(jobs::testing::ovens({"evaluation.repeats=2"}).text, "leave it at 1");
  EXPECT_TRUE(deployments_->statuses().empty());
}

TEST_F(DeploymentsTest, CancelsWhatWaitsAndWhatRuns) {
  plants_.away.insert(jobs::testing::site("b"));
  submit();
  submit();
  turns(2);
  EXPECT_EQ(phase("ovens"), "running");
  ASSERT_TRUE(carry(deployments_->cancel(id("ovens-2"), now())));
  EXPECT_EQ(phase("ovens-2"), "cancelled");
  EXPECT_EQ(phase("ovens"), "running");
  ASSERT_TRUE(carry(deployments_->cancel(id("ovens"), now())));
  EXPECT_EQ(phase("ovens"), "cancelled");
  EXPECT_EQ(plants_.at("a").owed(), 0u);
  const auto again = deployments_->cancel(id("ovens"), now());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().text(), "job 'ovens' is cancelled already");
  EXPECT_EQ(deployments_->cancel(id("pumps"), now()).error().code(), ErrorCode::not_found);
  EXPECT_FALSE(doors_.files.exists("hub/runs/ovens"));
  EXPECT_TRUE(metric(R"(hanse_rounds_total{outcome="aborted"} 1)")) << metrics_.text();
}

TEST_F(DeploymentsTest, CancelsRightAfterARestart) {
  plants_.away.insert(jobs::testing::site("b"));
  submit();
  turns(1);
  EXPECT_EQ(plants_.at("a").owed(), 1u);
  open();
  ASSERT_TRUE(carry(deployments_->cancel(id("ovens"), now())));
  EXPECT_EQ(phase("ovens"), "cancelled");
  EXPECT_EQ(plants_.at("a").owed(), 0u) << "its sites hear of it";
}

TEST_F(DeploymentsTest, GoesOnWhereItWasAfterARestart) {
  submit();
  turns(2);
  const JobStatus before = status("ovens");
  EXPECT_EQ(before.phase, "running");
  open();
  turns(3);
  EXPECT_EQ(phase("ovens"), "finished");
  EXPECT_EQ(plants_.at("a").answers(), 3u);
  const JobStatus done = status("ovens");
  open();
  JobStatus known = status("ovens");
  EXPECT_NE(known.sequence, 0u);
  known.sequence = done.sequence;
  EXPECT_EQ(known, done) << "how a job ended is not forgotten";
}

TEST_F(DeploymentsTest, ACrashAfterTheResultsWereLaidDownLeavesThemAsTheyAre) {
  submit();
  turns(2);
  // Of the last round: opened and closed, each with its leaves, and the training's end; then the
  // book's.
  doors_.store->fail_at(6, storage::MemoryStore::Fault::before);
  Result<void> done;
  for (int n = 0; n < 3 && done; ++n) done = turn();
  ASSERT_FALSE(done);
  const auto before = storage::read_all(doors_.files, "hub/runs/ovens/report.json", 1 << 20);
  ASSERT_TRUE(before);
  open();
  turns(2);
  EXPECT_EQ(phase("ovens"), "finished");
  const auto after = storage::read_all(doors_.files, "hub/runs/ovens/report.json", 1 << 20);
  EXPECT_EQ(*after, *before);
  const auto runs = doors_.files.list("hub/runs");
  EXPECT_EQ(runs->size(), 1u) << "nothing half done lies beside it";
}

TEST_F(DeploymentsTest, AReceiptThatWasLostIsGivenAgainThoughTheJobIsOver) {
  submit();
  turns(2);
  plants_.loses_receipts = true;
  turns(2);
  EXPECT_EQ(phase("ovens"), "finished");
  EXPECT_EQ(plants_.at("a").owed(), 1u);
  plants_.loses_receipts = false;
  connect("a");
  EXPECT_EQ(plants_.at("a").owed(), 0u);
  open();
  connect("b");
  EXPECT_EQ(plants_.at("b").owed(), 0u) << "also by the process after it";
  const auto receipted = plants_.at("b").record->read(
      [](const federation::SiteRecord& at) { return at.last_receipted(); });
  EXPECT_EQ(receipted->answers, 3u);
}

TEST_F(DeploymentsTest, AnAnswerToAJobThatIsOverIsToldSoWhileAnotherIsTrained) {
  plants_.away.insert(jobs::testing::site("b"));
  submit();
  turns(1);
  plants_.away.insert(jobs::testing::site("a"));
  ASSERT_TRUE(carry(deployments_->cancel(id("ovens"), now())));
  EXPECT_EQ(plants_.at("a").owed(), 1u) << "the end of the attempt was lost";
  submit();
  turns(1);
  EXPECT_EQ(phase("ovens-2"), "running");
  connect("a");
  EXPECT_EQ(plants_.at("a").owed(), 1u) << "of the job that is trained now, and of no other";
  EXPECT_EQ(plants_.at("a").answers(), 2u);
}

// A file that an earlier version took and this one does not.
TEST_F(DeploymentsTest, AJobThatIsNotReadAnyMoreFailsAndTheNextHasItsTurn) {
  const std::string text = "name = \"ovens\"\nstrategy = \"of old\"\n";
  const base::ByteView bytes = base::view_of(text);
  const base::Digest digest = base::Digest::of(bytes);
  {
    const auto book = storage::Durable<JobBook>::open(*doors_.store, "jobs", {});
    const BookedJob old{
        id("ovens"), digest, "engineer", testing::kToday, {jobs::testing::site("a")}, {}};
    ASSERT_TRUE((*book)->append(JobBook::submitted(old),
                                {{digest, base::Slice(base::Bytes(bytes.begin(), bytes.end()))}}));
  }
  open();
  EXPECT_EQ(submit(), "ovens-2");
  turns(5);
  EXPECT_EQ(phase("ovens"), "failed");
  EXPECT_NE(status("ovens").reason.find("strategy: unknown key"), std::string::npos)
      << status("ovens").reason;
  EXPECT_EQ(phase("ovens-2"), "finished");
  open();
  EXPECT_EQ(phase("ovens"), "failed");
  EXPECT_EQ(phase("ovens-2"), "finished");
}

TEST_F(DeploymentsTest, ASiteThatStaysAwayIsMissedAfterItsTime) {
  submit(jobs::testing::ovens({"aggregation.min_sites=1"}));
  lose("b");
  turns(59);
  EXPECT_EQ(status("ovens").round, 1u);
  EXPECT_EQ(status("ovens").connected, 1u);
  turns(2);
  EXPECT_EQ(status("ovens").round, 2u) << "after a minute without it";
  turns(4);
  EXPECT_EQ(phase("ovens"), "finished") << "and not a minute for each round";
}

TEST_F(DeploymentsTest, TheSequenceMovesOnWithEveryChangeAndOnlyThen) {
  submit();
  std::set<std::uint64_t> seen{status("ovens").sequence};
  EXPECT_FALSE(seen.contains(0)) << "a watcher begins with 0";
  EXPECT_EQ(status("ovens").sequence, *seen.begin());
  plants_.away.insert(jobs::testing::site("b"));
  turns(1);
  for (const auto& change :
       std::vector<std::function<void()>>{[&] {}, [&] { lose("b"); }, [&] { connect("b"); },
                                          [&] { turns(1); }, [&] { turns(1); }}) {
    change();
    const std::uint64_t sequence = status("ovens").sequence;
    EXPECT_TRUE(seen.insert(sequence).second) << "change " << seen.size();
    EXPECT_EQ(status("ovens").sequence, sequence);
  }
  EXPECT_EQ(phase("ovens"), "finished");
  const std::uint64_t last = *seen.rbegin();
  doors_.clock.advance({1});
  open();
  EXPECT_GT(status("ovens").sequence, last) << "another process does not repeat what was seen";
}

TEST_F(DeploymentsTest, FilesAreFetchedInParts) {
  submit();
  turns(5);
  const std::string path = "hub/runs/ovens/model.json";
  std::string large(kMaxPart + 1000, 'x');
  testing::write(doors_.files, path, large);
  std::string whole;
  for (int parts = 0; parts < 2; ++parts) {
    const auto part = deployments_->fetch({"ovens", "model.json", whole.size()});
    ASSERT_TRUE(part);
    EXPECT_EQ(part->size, large.size());
    EXPECT_LE(part->bytes.size(), kMaxPart);
    whole += base::text_of(part->bytes);
  }
  EXPECT_EQ(whole, large);
  EXPECT_TRUE(deployments_->fetch({"ovens", "model.json", large.size()})->bytes.empty());
  EXPECT_TRUE(deployments_->fetch({"ovens", "model.json", UINT64_MAX})->bytes.empty());
  const auto code = [&](const char* job, const char* file) {
    return deployments_->fetch({job, file, 0}).error().code();
  };
  EXPECT_EQ(code("ovens", "../../store.db"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("..", "model.json"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("pumps", "model.json"), ErrorCode::not_found);
}

TEST_F(DeploymentsTest, AnotherEpochsSitesTrainTheNextJob) {
  const auto epoch = roster::testing::founded({"a", "b", "c"});
  Member grown = testing::member(doors_.files, testing::settle(doors_.files, "hub", epoch));
  deployments_->adopt(grown);
  submit();
  EXPECT_EQ(status("ovens").sites, 3u);
}

TEST_F(DeploymentsTest, AFailingStoreIsAnError) {
  doors_.store->fail_at(1, storage::MemoryStore::Fault::before);
  const auto status = deployments_->submit(jobs::testing::ovens().text, "engineer");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::unavailable);
}

}  // namespace
}  // namespace hanse::service
