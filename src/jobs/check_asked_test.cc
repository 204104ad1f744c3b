// What a coordinator may ask under the name of a job that an owner has agreed to.
#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"
#include "jobs/aggregation.h"
#include "jobs/job_privacy.h"
#include "jobs/testing.h"
#include "jobs/training.h"

namespace hanse::jobs {
namespace {

using federation::Offer;

class AskedTest : public ::testing::Test {
 protected:
  // As an honest coordinator asks.
  Offer offer(const Job& job, std::uint32_t round = 1) {
    const auto iterate = first_iterate(job, *schema_of(job.source));
    Job second = job;
    second.name = *base::JobId::create("ovens-2");
    const auto strategy =
        strategy_of(second, *schema_of(job.source), static_cast<std::uint32_t>(cohort_.size()));
    query::QueryPlan plan = *(*strategy)->plan(*iterate, {round, 0});
    const federation::ParametersBlob parameters(plan, executor_);
    const Aggregation aggregation = *aggregation_of(job_.aggregation, cohort_.size());
    return {plan,     parameters.manifest(), cohort_,
            job.text, aggregation.min_sites, aggregation.protection};
  }
  void expect_refused(const Offer& asked, std::string_view says) {
    const auto fine = check_asked(job_, asked);
    ASSERT_FALSE(fine) << says;
    EXPECT_EQ(fine.error().code(), base::ErrorCode::permission_denied);
    EXPECT_NE(fine.error().text().find(says), std::string::npos) << fine.error().text();
  }

  base::InlineExecutor executor_;
  const Job job_ = testing::ovens();
  std::vector<base::SiteId> cohort_{testing::site("a"), testing::site("b"), testing::site("c")};
};

TEST_F(AskedTest, TheJobsOwnRoundsAreAnswered) {
  for (std::uint32_t round = 1; round <= job_.rounds; ++round) {
    const auto fine = check_asked(job_, offer(job_, round));
    EXPECT_TRUE(fine) << fine.error().text();
  }
}

TEST_F(AskedTest, NoRoundsBeyondThoseAgreedTo) {
  expect_refused(offer(job_, job_.rounds + 1), "round 4 of 3");
  expect_refused(offer(job_, 0), "round 0 of 3");
}

TEST_F(AskedTest, NoSumOfFewerSites) {
  Offer few = offer(job_);
  few.cohort = {testing::site("a")};
  expect_refused(few, "asks for 2 sites a round, and there is 1");
  few = offer(job_);
  few.min_sites = 1;
  expect_refused(few, "would add up 'plain' over 1 sites");
}

// A coordinator that asks for less protection than the job that was agreed to.
TEST_F(AskedTest, NoOtherProtection) {
  const Job masked = testing::ovens(
      {"aggregation.backend=masked", "aggregation.min_sites=3", "aggregation.max_colluders=0"});
  Offer asked = offer(masked);
  const Aggregation aggregation = *aggregation_of(masked.aggregation, cohort_.size());
  asked.min_sites = aggregation.min_sites;
  asked.protection = aggregation.protection;
  EXPECT_TRUE(check_asked(masked, asked));
  for (const auto& lie : std::vector<std::function<void(federation::Protection&)>>{
           [](auto& at) { at = {}; }, [](auto& at) { --at.threshold; },
           [](auto& at) { --at.min_contributors; }, [](auto& at) { ++at.max_colluders; }}) {
    Offer other = asked;
    lie(other.protection);
    const auto fine = check_asked(masked, other);
    ASSERT_FALSE(fine);
    EXPECT_EQ(fine.error().code(), base::ErrorCode::permission_denied);
  }
}

TEST_F(AskedTest, NoOtherPlan) {
  constexpr std::string_view kOther = "is not the one that job";
  for (const std::vector<std::string>& overrides : {std::vector<std::string>{"training.range=20.5"},
                                                    {"training.learning_rate=0.5"},
                                                    {"aggregation.max_records_per_site=7"},
                                                    {"aggregation.fraction_bits=20"},
                                                    {"model.l2=0.25"},
                                                    {"model.kind=mlp", "model.hidden=[64]"}})
    expect_refused(offer(testing::ovens(overrides)), kOther);
  Offer lie = offer(job_);
  lie.plan.layout.parts[0].clip *= 2;
  expect_refused(lie, kOther);
  lie = offer(job_);
  lie.parameters.size = base::kMaxBlobBytes;
  expect_refused(lie, kOther);
}

}  // namespace
}  // namespace hanse::jobs
