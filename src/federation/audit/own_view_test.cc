// What a site proves with its own records against a coordinator that doctored its log, and against
// records that were doctored.
#include "federation/audit/own_view.h"

#include <gtest/gtest.h>

#include "federation/audit/testing.h"

namespace hanse::federation {
namespace {

namespace leaf = audit::leaf;
using testing::AuditedPlants;

bool has(const std::vector<Finding>& findings, std::string_view what) {
  return std::ranges::any_of(
      findings, [&](const Finding& one) { return one.what.find(what) != std::string::npos; });
}

std::string all_of(const std::vector<Finding>& findings) {
  std::string all;
  for (const Finding& one : findings) all += "\n  " + text_of(one);
  return all;
}

class OwnViewTest : public ::testing::Test {
 protected:
  void train() {
    ASSERT_TRUE(plants_.run({1, 0}));
    ASSERT_TRUE(plants_.run({2, 0}));
    plants_.end();
  }
  OwnView view(const OwnRecords& own) { return own_view(own, plants_.trail()); }
  OwnView view() { return view(plants_.own(0)); }
  void expect_found(const OwnRecords& own, std::string_view what) {
    const OwnView view = this->view(own);
    EXPECT_TRUE(has(view.findings, what)) << what << " not among" << all_of(view.findings);
  }

  AuditedPlants plants_;
};

TEST_F(OwnViewTest, AnHonestTrainingIsInOrder) {
  train();
  const OwnView view = this->view();
  EXPECT_TRUE(view.findings.empty()) << all_of(view.findings);
  EXPECT_TRUE(view.notes.empty()) << all_of(view.notes);
  EXPECT_TRUE(view.uncovered.empty());
  ASSERT_EQ(view.jobs.size(), 1U);
  const OwnJob& job = view.jobs.front();
  ASSERT_EQ(job.answers.size(), 2U);
  for (const OwnAnswer& answer : job.answers) {
    EXPECT_TRUE(answer.leaf && answer.is_receipted && answer.is_in_sum && answer.has_agreed);
    ASSERT_TRUE(answer.grant.has_value());
    EXPECT_EQ(answer.grant->charges.size(), 1U);
    EXPECT_TRUE(answer.grant->release.has_value());
  }
  ASSERT_EQ(job.spent.size(), 1U);
  EXPECT_EQ(job.spent.front().releases, 2U);
  EXPECT_EQ(job.charged_without_one, 0U);
}

// What is revoked in the middle of a job stops that site's next answer and nothing else.
TEST_F(OwnViewTest, TellsWhatPoliciesPermittedAndWhatTheyDidNot) {
  policy::Obligations asked = testing::min_cohort(4);
  asked.aggregate_only = true;
  Granting& granting = plants_.decide(0);
  granting.adopt(testing::permitting(asked));
  ASSERT_TRUE(plants_.run({1, 0}));
  granting.adopt(testing::denying());
  ASSERT_TRUE(plants_.run({2, 0})) << "the others go on";
  granting.adopt(testing::permitting(asked));
  ASSERT_TRUE(plants_.run({3, 0}));
  plants_.end();
  const OwnView view = this->view();
  EXPECT_TRUE(view.findings.empty()) << all_of(view.findings);
  ASSERT_EQ(view.jobs.size(), 1U);
  const OwnJob& job = view.jobs.front();
  ASSERT_EQ(job.answers.size(), 2U);
  EXPECT_EQ(job.answers[1].attempt.round.round, 3U);
  ASSERT_TRUE(job.answers[1].grant && job.answers[1].grant->decision);
  EXPECT_EQ(job.answers[1].grant->decision->epoch, 4U);
  EXPECT_EQ(job.answers[1].grant->decision->fulfilled.size(), 2U);
  ASSERT_EQ(job.declines.size(), 1U);
  EXPECT_EQ(job.declines[0].attempt.round.round, 2U);
  EXPECT_EQ(job.declines[0].note.epoch, 3U);
  EXPECT_EQ(job.spent.front().releases, 2U) << "a decline costs nothing";
}

// A sum of fewer sites than a policy wants is not opened with this site's share.
TEST_F(OwnViewTest, AnAttemptWithTooFewComesToNothing) {
  Granting& granting = plants_.decide(0);
  granting.adopt(testing::permitting(testing::min_cohort(5)));
  ASSERT_TRUE(plants_.run({1, 0})) << "four sites are enough for the others";
  EXPECT_EQ(plants_.own(0).past.back().kind, SitePast::Kind::declined);
  granting.adopt(testing::permitting(testing::min_cohort(4)));
  ASSERT_FALSE(plants_.run({2, 0}, {plants_.cohort[1], plants_.cohort[2]}));
  ASSERT_TRUE(plants_.run({2, 1}, {plants_.cohort[1]}));
}

TEST_F(OwnViewTest, AnAnswerThatTheSiteNeverGave) {
  train();
  OwnRecords own = plants_.own(0);
  std::erase_if(own.past, [](const SitePast& one) {
    return one.kind == SitePast::Kind::answered && one.release.round.round == 2;
  });
  expect_found(own, "an answer of this site that it never gave");
}

TEST_F(OwnViewTest, AnotherAnswerThanTheSiteGave) {
  train();
  leaf::Contributed& mine = plants_.leaf<leaf::Contributed>();
  audit::Statement said = *audit::decode_statement(mine.statement);
  said.grant = base::Digest::of(base::view_of("another"));
  mine.statement = audit::encode(said);
  mine.signature = audit::sign(mine.statement, plants_.plants[0].signer);
  EXPECT_TRUE(plants_.trail().findings().empty()) << "only the site itself can tell";
  expect_found(plants_.own(0), "another answer of this site than it gave");
}

// The coordinator gave a receipt, and its log says that the site was not there.
TEST_F(OwnViewTest, AnAnswerThatTheLogLacks) {
  train();
  plants_.leaves.erase(plants_.leaves.begin() +
                       static_cast<std::ptrdiff_t>(plants_.place_of<leaf::Contributed>()));
  expect_found(plants_.own(0), "a receipt for its answer, and the log lacks the answer");
}

TEST_F(OwnViewTest, AnAnswerLeftOutOfTheStatedSet) {
  train();
  auto& sites = plants_.leaf<leaf::Summed>().sites;
  sites.erase(sites.begin());
  expect_found(plants_.own(0), "the stated set is without it");
}

TEST_F(OwnViewTest, ASumThatTheSiteNeverAgreedTo) {
  train();
  OwnRecords own = plants_.own(0);
  for (SitePast& one : own.past) one.agreed.clear();
  const OwnView view = this->view(own);
  EXPECT_EQ(std::ranges::count_if(view.findings,
                                  [](const Finding& one) {
                                    return one.what.find("no such agreement") != std::string::npos;
                                  }),
            2)
      << all_of(view.findings);
}

TEST_F(OwnViewTest, ASumOfAnotherSetThanTheSiteAgreedTo) {
  train();
  OwnRecords own = plants_.own(0);
  for (SitePast& one : own.past)
    if (!one.agreed.empty()) one.agreed.back() ^= std::byte{1};
  expect_found(own, "over another set than this site agreed to");
}

TEST_F(OwnViewTest, TwoSumsInOneAttempt) {
  train();
  OwnRecords own = plants_.own(0);
  SitePast second =
      *std::ranges::find_if(own.past, [](const auto& one) { return !one.agreed.empty(); });
  second.agreed.back() ^= std::byte{1};
  own.past.push_back(second);
  expect_found(own, "agreed to open two sums in one attempt");
}

// The coordinator hides an attempt whose sum this site helped to open.
TEST_F(OwnViewTest, ASumThatWasOpenedBeyondTheLog) {
  train();
  const auto second = static_cast<std::ptrdiff_t>(plants_.place_of<leaf::Planned>(1));
  plants_.leaves.erase(plants_.leaves.begin() + second, plants_.leaves.end() - 1);
  EXPECT_TRUE(plants_.trail().findings().empty()) << "the log alone is sound";
  expect_found(plants_.own(0), "agreed to open a sum of which the log knows nothing");
  expect_found(plants_.own(0), "a receipt for its answer, and the log lacks the answer");
}

// A whole job beside the log, with receipts or without.
TEST_F(OwnViewTest, AJobThatTheLogLacks) {
  train();
  plants_.leaves.clear();
  OwnRecords own = plants_.own(0);
  EXPECT_EQ(jobs_of(own), std::set{plants_.job});
  expect_found(own, "agreed to open a sum of which the log knows nothing");
  std::erase_if(own.past, [](const SitePast& one) {
    return one.kind == SitePast::Kind::receipted || !one.agreed.empty();
  });
  expect_found(own, "answered a question that the log does not have");
}

// Whether the log has one sum of the round, none, or does not name the second attempt at all.
TEST_F(OwnViewTest, TwoSumsOfOneRound) {
  train();
  OwnRecords own = plants_.own(0);
  SitePast second =
      *std::ranges::find_if(own.past, [](const auto& one) { return !one.agreed.empty(); });
  ++second.release.round.attempt;
  own.past.push_back(second);
  expect_found(own, "two sums of one round could be opened");
  const auto planned = static_cast<std::ptrdiff_t>(plants_.place_of<leaf::Planned>());
  plants_.leaves.erase(plants_.leaves.begin() + planned + 1, plants_.leaves.end());
  plants_.leaves.push_back(leaf::Aborted{{plants_.job, {1, 0}}, "failed"});
  leaf::Planned again = plants_.leaf<leaf::Planned>();
  again.attempt.round.attempt = 1;
  plants_.leaves.push_back(again);
  plants_.leaves.push_back(leaf::Aborted{again.attempt, "failed"});
  EXPECT_TRUE(plants_.trail().findings().empty()) << "the log alone is sound";
  expect_found(own, "two sums of one round could be opened");
}

// The log says that a masked sum was in the clear, and so shows no signatures under its set.
TEST_F(OwnViewTest, ASumWithoutTheSetThatTheSiteAgreedTo) {
  train();
  plants_.leaf<leaf::Planned>().backend = "plain";
  plants_.leaf<leaf::Summed>().evidence = {};
  plants_.leaves.erase(plants_.leaves.begin() +
                       static_cast<std::ptrdiff_t>(plants_.place_of<leaf::Agreed>()));
  EXPECT_TRUE(plants_.trail().findings().empty()) << "only who knows the question sees it";
  expect_found(plants_.own(0), "the log does not show whose sum it was");
}

TEST_F(OwnViewTest, AnAttemptThatTheLogSaysCameToNothingIsANote) {
  train();
  const std::size_t at = plants_.place_of<leaf::Agreed>(1);
  plants_.leaves.erase(plants_.leaves.begin() + static_cast<std::ptrdiff_t>(at),
                       plants_.leaves.end());
  plants_.leaves.push_back(leaf::Aborted{{plants_.job, {2, 0}}, "failed"});
  OwnRecords own = plants_.own(0);
  std::erase_if(own.past, [](const SitePast& one) {
    return one.kind == SitePast::Kind::receipted && one.release.round.round == 2;
  });
  const OwnView view = this->view(own);
  EXPECT_TRUE(view.findings.empty()) << all_of(view.findings);
  EXPECT_TRUE(has(view.notes, "came to nothing")) << all_of(view.notes);
  EXPECT_EQ(view.uncovered, (std::set<audit::Attempt>{{plants_.job, {2, 0}}}));
}

TEST_F(OwnViewTest, AChargeThatDiffers) {
  train();
  OwnRecords own = plants_.own(0);
  for (privacy::Entry& entry : own.ledger)
    if (auto* reserved = std::get_if<privacy::entry::Reserved>(&entry.body)) {
      reserved->request.uses.front().charges.front().count = 2;
      break;
    }
  expect_found(own, "a charge that differs: the grant says 1 × ");
}

TEST_F(OwnViewTest, AChargeThatTheLedgerLacks) {
  train();
  OwnRecords own = plants_.own(0);
  std::erase_if(own.ledger, [](const privacy::Entry& entry) {
    return std::holds_alternative<privacy::entry::Reserved>(entry.body);
  });
  expect_found(own, "the ledger has no such release");
  expect_found(own, "is not the sum of what the job's releases were charged");
}

TEST_F(OwnViewTest, AnErasedGrantIsANote) {
  train();
  OwnRecords own = plants_.own(0);
  own.blob = [](const base::Digest&) -> base::Result<base::Slice> {
    return base::fail(base::ErrorCode::not_found, "gone");
  };
  const OwnView view = this->view(own);
  EXPECT_TRUE(view.findings.empty()) << all_of(view.findings);
  EXPECT_TRUE(has(view.notes, "the grant was erased")) << all_of(view.notes);
  EXPECT_EQ(view.jobs.front().charged_without_one, 2U);
}

TEST_F(OwnViewTest, AGrantThatIsNotWhatWasCommittedTo) {
  train();
  OwnRecords own = plants_.own(0);
  const auto blob = own.blob;
  own.blob = [blob](const base::Digest& name) -> base::Result<base::Slice> {
    HANSE_TRY(const base::Slice slice, blob(name));
    base::Bytes bytes(slice.view().begin(), slice.view().end());
    bytes.back() ^= std::byte{1};
    return base::Slice(std::move(bytes));
  };
  expect_found(own, "not what was committed to");
}

// Whoever drops out after its answer was counted is in a sum that it did not help to open.
TEST_F(OwnViewTest, ASumOpenedByTheOthersIsANote) {
  ASSERT_TRUE(plants_.run({1, 0}, {}, {plants_.cohort[0]}));
  const OwnView view = this->view();
  EXPECT_TRUE(view.findings.empty()) << all_of(view.findings);
  EXPECT_TRUE(has(view.notes, "without this site's word")) << all_of(view.notes);
}

}  // namespace
}  // namespace hanse::federation
