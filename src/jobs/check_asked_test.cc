// What a coordinator may ask under the name of a job that an owner has agreed to.
#include <gtest/gtest.h>

#include "base/limits.h"
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
    return {plan, parameters.manifest(), cohort_, job.text};
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
  cohort_ = {testing::site("a")};
  expect_refused(offer(job_), "asks 1 sites");
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
