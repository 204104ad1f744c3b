// What an audited coordinator takes from a site: an answer with a statement that is the site's own,
// and says what the site announces.
#include <gtest/gtest.h>

#include "federation/audit/testing.h"

namespace hanse::federation {
namespace {

class StatementsTest : public ::testing::Test {
 protected:
  StatementsTest() {
    plan_.max_sites = 2;
    for (const char* name : {"a", "b"}) {
      cohort_.push_back(testing::site(name));
      signers_.push_back(crypto::Signer::create(random_));
      members_.keys.emplace(cohort_.back(), signers_.back().verifier());
    }
    members_.roster = base::Digest::of(base::view_of("epoch"));
    coordinator_ = std::make_unique<Coordinator>(
        CoordinatorSettings{.cohort = cohort_, .members = members_, .is_audited = true}, executor_,
        log_);
    const auto asked = coordinator_->begin(plan_, "job", now_).value();
    offer_ = std::get<Ask>(decode_from_coordinator(asked.front())->body).offer;
  }
  audit::Statement true_statement() const {
    return {.attempt = {plan_.job, plan_.round},
            .site = cohort_[0],
            .offer = digest_of(offer_),
            .roster = members_.roster,
            .sealed = manifest_.digest(),
            .answers = 1,
            .chain = {},
            .grant = base::Digest::of(base::view_of("grant"))};
  }
  // Whether site a is in after it announced its answer with this statement.
  bool takes(const audit::Statement& statement, std::size_t signer = 0) {
    SignedStatement said{audit::encode(statement), {}};
    said.signature = audit::sign(said.bytes, signers_[signer]);
    return takes(said);
  }
  bool takes(const SignedStatement& said) {
    (void)coordinator_->advance(
        encode(SiteMessage{testing::release_of(plan_),
                           Contribution{digest_of(offer_), manifest_, {1, {}}, said}},
               cohort_[0]),
        now_);
    const auto& state = std::get<Collecting>(coordinator_->record().state());
    return state.standing.at(cohort_[0]) == SiteStanding::announced;
  }

  base::Milliseconds now_{0};
  base::SeededSimulationRandom random_{1, "statements"};
  base::InlineExecutor executor_;
  base::SilentLog log_;
  query::QueryPlan plan_ = testing::plan(5);
  std::vector<base::SiteId> cohort_;
  std::vector<crypto::Signer> signers_;
  Membership members_;
  Manifest manifest_{5 * sizeof(std::int64_t), {base::Digest::of(base::view_of("chunk"))}};
  Offer offer_{testing::plan(1), {}, {}, {}};
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(StatementsTest, TheTrueOneIsTaken) { EXPECT_TRUE(takes(true_statement())); }

TEST_F(StatementsTest, NoneIsRefused) { EXPECT_FALSE(takes(SignedStatement{})); }

TEST_F(StatementsTest, AnotherKeyIsRefused) { EXPECT_FALSE(takes(true_statement(), 1)); }

TEST_F(StatementsTest, NonsenseIsRefused) {
  SignedStatement said{base::Bytes(40, std::byte{1}), {}};
  said.signature = audit::sign(said.bytes, signers_[0]);
  EXPECT_FALSE(takes(said));
}

// One change at a time; a refused site is out of the round, so each has a round of its own.
class ChangedTest : public StatementsTest, public ::testing::WithParamInterface<int> {};

TEST_P(ChangedTest, IsRefused) {
  const base::Digest other = base::Digest::of(base::view_of("other"));
  audit::Statement changed = true_statement();
  switch (GetParam()) {
    case 0:
      changed.attempt.round.attempt = 1;
      break;
    case 1:
      changed.site = cohort_[1];
      break;
    case 2:
      changed.offer = other;
      break;
    case 3:
      changed.roster = other;
      break;
    case 4:
      changed.sealed = other;
      break;
    case 5:
      changed.answers = 2;
      break;
    default:
      changed.chain = other;
  }
  EXPECT_FALSE(takes(changed));
}

INSTANTIATE_TEST_SUITE_P(Each, ChangedTest, ::testing::Range(0, 7));

}  // namespace
}  // namespace hanse::federation
