// The statement about a training from files alone, and what it says when one of them is doctored.
#include "service/audit_statement.h"

#include <gtest/gtest.h>

#include "federation/audit/durable_witness.h"
#include "jobs/federated_run.h"
#include "jobs/model_file.h"
#include "service/audit_files.h"
#include "service/audit_members.h"
#include "service/control.h"
#include "service/testing.h"

namespace hanse::service {
namespace {

constexpr std::uint64_t kCosigned = testing::kToday.value / 1000 - 60;

class AuditStatementTest : public ::testing::Test {
 protected:
  AuditStatementTest() {
    for (const char* folder : {"log", "log/tile", "log/tile/0", "log/tile/entries", "run"})
      testing::make_folder(files_, folder);
    testing::settle(files_, "a", pinned_);
    members_ = membership_of(pinned_.value(), roster::digest_of(pinned_));
    for (const char* name : {"a", "b"})
      plants_.at(name).audit(members_, roster::testing::identity(name).signing());
    const jobs::Job job = jobs::testing::ovens();
    add(audit::leaf::Submitted{job.name, base::Digest::of(base::view_of(job.text)), "ada",
                               plants_.names(), members_.roster});
    train(job);
    copy_record();
    publish();
  }

  void add(const audit::Leaf& leaf) { log_.push_back(audit::encode(leaf)); }

  void train(const jobs::Job& job) {
    base::SilentLog silent;
    storage::MemoryStore store;
    const auto audited = [this](audit::LeafBatch batch) -> base::Result<void> {
      std::ranges::move(batch.leaves, std::back_inserter(log_));
      return {};
    };
    auto run = jobs::FederatedRun::open(job, {.cohort = plants_.names(), .members = members_},
                                        {store, executor_, silent, audited});
    HANSE_CHECK(run.has_value());
    base::Milliseconds now{};
    while (const auto due = (*run)->next_deadline()) {
      now = std::max(now, *due);
      const auto carried =
          plants_.carry((*run)->advance(now).value(), now,
                        [&](const auto& envelope) { return (*run)->advance(envelope, now); });
      HANSE_CHECK(carried.has_value());
    }
    const std::string model = jobs::to_json((*run)->model().value());
    add(audit::leaf::Ended{job.name, "finished", base::Digest::of(base::view_of(model))});
    testing::write(files_, "run/model.json", model);
    testing::write(files_, "run/job.toml", job.text);
    const jobs::TrainingRecord record = (*run)->record();
    for (const jobs::TrainedRound& round : record.rounds()) {
      const base::Slice numbers = store.blob(*round.released).value();
      HANSE_CHECK(files_.write("run/" + released_file(round.id.round), numbers.view()).has_value());
    }
  }

  // Under the name that a site's service gives it.
  void copy_record() {
    const storage::MemoryStore& from = plants_.at("a").store;
    auto record = storage::Durable<federation::SiteRecord>::open(store_, "site/a", {}).value();
    const std::vector<base::Bytes> entries = from.history("site", 1000).value();
    for (const base::Bytes& entry : entries) {
      const federation::SitePast past = federation::SiteRecord::read(entry).value();
      std::vector<storage::NamedBlob> blobs;
      if (!past.statement.bytes.empty()) {
        const base::Digest grant = audit::decode_statement(past.statement.bytes)->grant;
        blobs.push_back({grant, from.blob(grant).value()});
      }
      HANSE_CHECK(record->append(entry, std::move(blobs)).has_value());
    }
  }

  // The files of the log under a head that both sites cosign, and the job's receipt.
  void publish() {
    audit::TileTree tree;
    for (const base::Bytes& leaf : log_) HANSE_CHECK(tree.append(leaf).has_value());
    for (const audit::TileFile& file : tree.take_files()) {
      const std::string path = "log/" + file.path;
      testing::make_folder(files_, path.substr(0, path.rfind('/')));
      HANSE_CHECK(files_.write(path, file.bytes).has_value());
    }
    audit::SignedCheckpoint head =
        head_of({audit_origin(pinned_.value()), tree.size(), tree.root(), {}});
    testing::write(files_, "log/checkpoint", head.encode());
    audit::TileReader reader(tiles_in(files_, "log"), tree.size());
    const std::uint64_t last = tree.size() - 1;
    const audit::Proof proof{log_.back(), last, reader.inclusion(last, tree.size()).value(), head};
    testing::write(files_, "run/receipt.tlog-proof", proof.encode());
  }

  audit::SignedCheckpoint head_of(const audit::Checkpoint& checkpoint) {
    auto head =
        audit::SignedCheckpoint::sign(checkpoint, roster::testing::identity("hub").signing())
            .value();
    for (const char* name : {"a", "b"})
      head.add(audit::cosign(head, witness_name(pinned_.value(), jobs::testing::site(name)),
                             roster::testing::identity(name).signing(), kCosigned));
    return head;
  }

  AuditStatement made() {
    base::ManualClock clock;
    clock.advance(testing::kToday);
    const auto statement =
        audit_statement({.runs = {"run"}, .log = "log", .roster = "a/startup/roster", .site = "a"},
                        {files_, executor_, clock, &store_});
    if (!statement) throw std::runtime_error(statement.error().text());
    return *statement;
  }

  void expect_found(std::string_view what) {
    const AuditStatement statement = made();
    EXPECT_FALSE(statement.is_in_order());
    EXPECT_NE(to_text(statement).find(what), std::string::npos) << to_text(statement);
    EXPECT_NE(to_text(statement).find("NOT IN ORDER"), std::string::npos);
  }

  // An entry of the site's record.
  void keep(base::Bytes entry) {
    auto record = storage::Durable<federation::SiteRecord>::open(store_, "site/a", {}).value();
    HANSE_CHECK(record->append(std::move(entry)).has_value());
  }

  // The site's witness signs the head.
  void cosign(const audit::Checkpoint& head) {
    auto witness = federation::DurableWitness::open(
                       store_, witness_identity(pinned_.value(), jobs::testing::site("a"),
                                                roster::testing::identity("a").signing()))
                       .value();
    auto signed_head =
        audit::SignedCheckpoint::sign(head, roster::testing::identity("hub").signing()).value();
    const std::string request = audit::AddCheckpoint{0, {}, signed_head}.encode();
    ASSERT_EQ(witness->answer(base::view_of(request), kCosigned).status, 200);
  }

  // Another job in the log, whose only attempt came to nothing.
  void begin_pumps() {
    const audit::Attempt attempt{pumps_, {1, 0}};
    add(audit::leaf::Submitted{pumps_, {}, "ada", plants_.names(), members_.roster});
    add(audit::leaf::Planned{.attempt = attempt,
                             .offer = {},
                             .roster = members_.roster,
                             .job = {},
                             .model = {},
                             .cohort = plants_.names(),
                             .backend = "plain"});
    add(audit::leaf::Aborted{attempt, "failed"});
    publish();
  }

  const base::JobId pumps_ = *base::JobId::create("pumps");
  roster::Signed<roster::Roster> pinned_ = roster::testing::founded({"a", "b"});
  jobs::testing::Plants plants_{{"a", "b"}};
  federation::Membership members_;
  storage::Memory files_;
  storage::MemoryStore store_;
  base::InlineExecutor executor_;
  std::vector<base::Bytes> log_;
};

TEST_F(AuditStatementTest, SaysWhatWasDone) {
  const AuditStatement statement = made();
  EXPECT_TRUE(statement.is_in_order()) << to_text(statement);
  EXPECT_EQ(statement.site, "a");
  EXPECT_EQ(statement.size, log_.size());
  EXPECT_EQ(statement.cosigners.size(), 2U);
  EXPECT_EQ(statement.signatures, 6U) << "of two answers in each of three rounds";
  EXPECT_FALSE(statement.quorum.empty());
  ASSERT_EQ(statement.jobs.size(), 1U);
  const StatedJob& job = statement.jobs.front();
  EXPECT_EQ(job.by, "ada");
  EXPECT_EQ(job.outcome, "finished");
  EXPECT_EQ(job.sums.size(), 3U);
  EXPECT_EQ(job.retraced, 3U);
  EXPECT_TRUE(job.has_model);
  EXPECT_FALSE(job.receipt.empty());
  ASSERT_EQ(job.answers.size(), 3U);
  for (const StatedAnswer& answer : job.answers) {
    EXPECT_TRUE(answer.is_in_sum && answer.leaf.has_value());
    EXPECT_NE(answer.basis.find("limits"), std::string::npos);
  }
}

TEST_F(AuditStatementTest, IsTextJsonAndOnePage) {
  AuditStatement statement = made();
  statement.notes.emplace_back("<b>of others</b>");
  const std::string text = to_text(statement);
  for (const char* part : {"job ovens: finished", "what no log can prove", "a sum over 2 sites"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  const std::string json = to_json(statement);
  for (const char* part : {R"("schema": "hanse.audit_statement/1")", R"("in_order": true)"})
    EXPECT_NE(json.find(part), std::string::npos) << json;
  const std::string page = to_html(statement);
  EXPECT_EQ(page.find("<b>"), std::string::npos) << "text of others is text";
  for (const char* part : {"<script", "http:", "https:", "src="})
    EXPECT_EQ(page.find(part), std::string::npos) << "nothing from elsewhere";
  EXPECT_NE(page.find("What was done with the data of a"), std::string::npos);
}

// What the owner's policies permitted, what they asked for, and what they did not permit.
TEST_F(AuditStatementTest, TellsWhatPoliciesDecided) {
  begin_pumps();
  const base::Digest policies = base::Digest::of(base::view_of("policies"));
  keep(federation::SiteRecord::declined({pumps_, {1, 0}}, {},
                                        {.why = "prohibited by policy 'urn:x' <b>",
                                         .at = testing::kToday,
                                         .policies = policies,
                                         .epoch = 7}));
  AuditStatement statement = made();
  EXPECT_TRUE(statement.is_in_order()) << to_text(statement);
  ASSERT_EQ(statement.jobs.back().declines.size(), 1U);
  EXPECT_EQ(statement.jobs.back().declines[0].policies, policies.hex());
  StatedAnswer& answer = statement.jobs.front().answers.front();
  answer.policies = policies.hex();
  answer.rules = {"policy 'urn:y' /permission/0"};
  answer.obligations = {{"min_cohort=3", "no sum of fewer than 4 sites"}};
  const std::string page = to_html(statement);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("What a declined"), std::string::npos);
  for (const std::string& form : {to_text(statement), to_json(statement)})
    for (const char* part : {"prohibited by policy 'urn:x'", "policy 'urn:y' /permission/0",
                             "min_cohort=3", "no sum of fewer than 4 sites"})
      EXPECT_NE(form.find(part), std::string::npos) << form;
  EXPECT_NE(page.find("no sum of fewer than 4 sites"), std::string::npos) << page;
}

TEST_F(AuditStatementTest, FindsAHeadThatItsLeavesDoNotMake) {
  log_[2].push_back(std::byte{0});
  const audit::Checkpoint honest = load_checkpoint(files_, "log/checkpoint")->value();
  publish();
  testing::write(files_, "log/checkpoint", head_of(honest).encode());
  expect_found("leaves at hand make the root");
}

TEST_F(AuditStatementTest, FindsAHeadWithoutAQuorum) {
  const audit::Checkpoint honest = load_checkpoint(files_, "log/checkpoint")->value();
  const auto alone =
      audit::SignedCheckpoint::sign(honest, roster::testing::identity("hub").signing());
  testing::write(files_, "log/checkpoint", alone->encode());
  expect_found("lacks its quorum");
  const auto theirs =
      audit::SignedCheckpoint::sign(honest, roster::testing::identity("b").signing());
  testing::write(files_, "log/checkpoint", theirs->encode());
  expect_found("not signed with the key that the coordinator has in the roster");
}

// The site cosigned another history, or a longer one.
TEST_F(AuditStatementTest, FindsASplitView) {
  const audit::Checkpoint honest = load_checkpoint(files_, "log/checkpoint")->value();
  testing::make_folder(files_, "a/audit");
  audit::Checkpoint other = honest;
  other.size -= 1;
  testing::write(files_, "a/audit/checkpoint", head_of(other).encode());
  expect_found("a split view of the log");
  other.size = honest.size + 5;
  testing::write(files_, "a/audit/checkpoint", head_of(other).encode());
  expect_found("an old copy, or the coordinator went back");
}

TEST_F(AuditStatementTest, FindsAReceiptOfAnotherLog) {
  const base::Bytes receipt =
      storage::read_all(files_, "run/receipt.tlog-proof", audit::kMaxProofBytes).value();
  add(audit::leaf::Submitted{*base::JobId::create("other"), {}, "ada", {}, {}});
  std::swap(log_.back(), log_[log_.size() - 2]);
  publish();
  HANSE_CHECK(files_.write("run/receipt.tlog-proof", receipt).has_value());
  expect_found("proves another leaf");
}

TEST_F(AuditStatementTest, FindsReleasedNumbersThatWereExchanged) {
  const std::string path = "run/" + released_file(2);
  base::Bytes bytes = storage::read_all(files_, path, base::kMaxBlobBytes).value();
  bytes.front() ^= std::byte{1};
  HANSE_CHECK(files_.write(path, bytes).has_value());
  expect_found("not those of the log");
}

// What the site cosigned last may be newer than what a quorum did: the log goes through it all the
// same.
TEST_F(AuditStatementTest, FindsAHeadThatTheSiteAloneCosigned) {
  audit::Checkpoint other = load_checkpoint(files_, "log/checkpoint")->value();
  other.size -= 1;
  cosign(other);
  expect_found("cosigned or saw cosigned: a split view of the log");
}

TEST_F(AuditStatementTest, FindsAHeadThatTheLogHasNotReached) {
  audit::Checkpoint other = load_checkpoint(files_, "log/checkpoint")->value();
  other.size += 50;
  cosign(other);
  expect_found("an old copy, or the coordinator went back");
}

TEST_F(AuditStatementTest, GoesThroughTheHeadThatTheSiteCosigned) {
  cosign(load_checkpoint(files_, "log/checkpoint")->value());
  const AuditStatement statement = made();
  EXPECT_TRUE(statement.is_in_order()) << to_text(statement);
}

// Somebody exchanged the model of a job that ended without one.
TEST_F(AuditStatementTest, FindsAModelThatTheLogDoesNotHave) {
  log_.pop_back();
  add(audit::leaf::Ended{*base::JobId::create("ovens"), "cancelled", {}});
  publish();
  expect_found("a model file is at hand, and the log says that the job is cancelled");
}

// A write that was killed leaves such a file.
TEST_F(AuditStatementTest, LooksAtNoTemporaryReceipt) {
  for (const char* folder : {"a/audit", "a/audit/receipts", "a/audit/receipts/ovens"})
    testing::make_folder(files_, folder);
  const std::string receipt = "a/audit/receipts/ovens/0001-0.tlog-proof";
  testing::write(files_, receipt + ".4711-0.tmp", "");
  const AuditStatement statement = made();
  EXPECT_TRUE(statement.is_in_order()) << to_text(statement);
  EXPECT_EQ(statement.receipts, 0U);
  testing::write(files_, receipt, "");
  expect_found(receipt);
}

// The folder of a job is not needed to ask what the log has of it.
TEST_F(AuditStatementTest, TellsOfJobsWhoseFolderWasNotGiven) {
  begin_pumps();
  keep(federation::SiteRecord::kept({pumps_, {1, 0}}, {}, {}));
  const AuditStatement statement = made();
  EXPECT_TRUE(statement.is_in_order()) << to_text(statement);
  ASSERT_EQ(statement.jobs.size(), 2U);
  EXPECT_FALSE(statement.jobs.back().has_run);
  EXPECT_EQ(statement.jobs.back().by, "ada");
  EXPECT_EQ(statement.jobs.back().aborted, 1U);
  EXPECT_NE(to_text(statement).find("its folder was not given"), std::string::npos);
  EXPECT_NE(to_html(statement).find("its folder was not given"), std::string::npos);
  EXPECT_NE(to_json(statement).find(R"("has_run": false)"), std::string::npos);
}

TEST_F(AuditStatementTest, FindsWhatWasOpenedInAJobBesideTheLog) {
  keep(federation::SiteRecord::kept({pumps_, {2, 0}}, {}, {}, base::view_of("a set")));
  expect_found(
      "job 'pumps', round 2 attempt 0: this site agreed to open a sum of which the log "
      "knows nothing");
}

// Nobody can show that a sum which this site agreed to open was not opened.
TEST_F(AuditStatementTest, DoesNotClaimMoreThanIsProved) {
  constexpr std::string_view kClaim = "Nothing that needed the share of a was opened";
  EXPECT_NE(to_text(made()).find(kClaim), std::string::npos);
  begin_pumps();
  keep(federation::SiteRecord::kept({pumps_, {1, 0}}, {}, {}, base::view_of("a set")));
  const AuditStatement statement = made();
  EXPECT_TRUE(statement.is_in_order()) << to_text(statement);
  EXPECT_EQ(statement.uncovered, std::vector<std::string>{"job 'pumps', round 1 attempt 0"});
  for (const std::string& form : {to_text(statement), to_json(statement), to_html(statement)}) {
    EXPECT_EQ(form.find(kClaim), std::string::npos) << form;
    EXPECT_NE(form.find("That nothing which needed the share of a"), std::string::npos) << form;
  }
  EXPECT_NE(to_text(statement).find("but for what is not proved: 1 attempt"), std::string::npos);
}

// Answers of before answers had statements: the log cannot have them.
TEST_F(AuditStatementTest, DoesNotClaimWhatIsOlderThanStatements) {
  keep(federation::SiteRecord::answered({pumps_, {1, 0}}, {}, {}));
  const AuditStatement statement = made();
  EXPECT_TRUE(statement.is_in_order()) << to_text(statement);
  EXPECT_EQ(statement.uncovered.size(), 1U);
  EXPECT_NE(to_text(statement).find("before answers had statements"), std::string::npos);
}

// Epoch 2 gave a another key, since the one of epoch 1 was stolen. A job that begins after that
// does not go by the stolen one.
TEST_F(AuditStatementTest, FindsAJobByAnEpochThatIsOver) {
  roster::Roster next = pinned_.value();
  next.epoch = 2;
  next.previous = roster::digest_of(pinned_);
  for (roster::Party& party : next.parties)
    if (party.name == "a") party = roster::testing::party("a", roster::Role::site, 1);
  const auto second = roster::testing::signed_by(next, {"hub", "b"});
  testing::make_folder(files_, "log/rosters");
  testing::write(files_, "log/rosters/" + next.previous.hex(), pinned_.encode());
  testing::write(files_, "theirs", second.encode());
  const auto ovens = std::exchange(log_, {});
  const base::Digest epoch = roster::digest_of(second);
  add(audit::leaf::Submitted{pumps_, {}, "ada", plants_.names(), epoch});
  log_.insert(log_.end(), ovens.begin(), ovens.end());
  publish();
  auto head = audit::SignedCheckpoint::sign(load_checkpoint(files_, "log/checkpoint")->value(),
                                            roster::testing::identity("hub").signing())
                  .value();
  for (const auto& [name, key] : {std::pair("a", 1), std::pair("b", 0)})
    head.add(audit::cosign(
        head, witness_name(next, jobs::testing::site(name)),
        roster::testing::identity(name, static_cast<std::uint64_t>(key)).signing(), kCosigned));
  testing::write(files_, "log/checkpoint", head.encode());
  HANSE_CHECK(files_.remove_all("run/receipt.tlog-proof").has_value());
  base::ManualClock clock;
  clock.advance(testing::kToday);
  const auto statement = audit_statement({.runs = {"run"}, .log = "log", .roster = "theirs"},
                                         {files_, executor_, clock});
  ASSERT_TRUE(statement.has_value()) << statement.error().text();
  ASSERT_EQ(statement->findings.size(), 1U) << to_text(*statement);
  EXPECT_EQ(statement->findings.front(),
            "leaf 1, job 'ovens': goes by epoch 1 of the roster, and the log had gone on to "
            "epoch 2");
}

}  // namespace
}  // namespace hanse::service
