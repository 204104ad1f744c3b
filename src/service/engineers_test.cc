// What whoever submits jobs cannot do to the coordinator.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "service/control.h"
#include "service/deployments.h"
#include "service/job_book.h"
#include "service/testing.h"

namespace hanse::service {
namespace {

class EngineersTest : public ::testing::Test {
 protected:
  EngineersTest()
      : home_(testing::settle(doors_.files, "hub", roster::testing::founded({"a", "b"}))),
        member_(testing::member(doors_.files, home_)) {
    audit_ = CoordinatorAudit::open(home_, member_, doors_.all()).value();
    deployments_ =
        *Deployments::open(home_, {.in_the_clear = true}, member_, doors_.all(), metrics_, *audit_);
  }
  // The job with other records.
  static std::string with_path(const std::string& path) {
    std::string text(jobs::testing::kOvens);
    const std::string before = "path = \"ovens.csv\"";
    return text.replace(text.find(before), before.size(), "path = \"" + path + "\"");
  }

  testing::Doors doors_;
  Home home_;
  Member member_;
  Metrics metrics_;
  std::unique_ptr<CoordinatorAudit> audit_;
  std::unique_ptr<Deployments> deployments_;
};

TEST_F(EngineersTest, AJobLearnsNothingOfTheCoordinatorsEnvironment) {
  doors_.variables["SECRET"] = "hunter2";
  // A path is for those who read it: neither a variable that is set nor one that is not shows.
  EXPECT_TRUE(deployments_->submit(with_path("${SECRET}/ovens.csv"), "ada"));
  EXPECT_TRUE(deployments_->submit(with_path("${OVENS}/ovens.csv"), "ada"));
  EXPECT_TRUE(deployments_->advance(doors_.clock.monotonic())) << "and it is trained";
  EXPECT_EQ(deployments_->status("ovens")->phase, "running");
}

TEST_F(EngineersTest, SoManyJobsWaitAndNoMore) {
  const std::string text(jobs::testing::kOvens);
  for (int n = 0; n < 256; ++n) ASSERT_TRUE(deployments_->submit(text, "ada"));
  const auto refused = deployments_->submit(text, "ada");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("256 jobs wait"), std::string::npos);
  ASSERT_TRUE(deployments_->cancel(*base::JobId::create("ovens-7"), doors_.clock.monotonic()));
  EXPECT_TRUE(deployments_->submit(text, "ada")) << "there is room again";
}

// Errors quote files, and cut what they quote: no cut may keep a coordinator from its jobs.
TEST(JobsThatFailed, MayQuoteHalfACharacter) {
  const base::JobId id = *base::JobId::create("ovens");
  JobBook book;
  book.apply(JobBook::submitted({id, {}, "ada", {}, {}, {}}));
  const base::Bytes end = JobBook::ended(id, {"failed", "found a string \xE2\x82", {}});
  ASSERT_TRUE(book.check(end)) << book.check(end).error().text();
  book.apply(end);
  EXPECT_EQ(*JobBook::restore(book.snapshot()), book);
  JobStatus status;
  status.reason = "found a string \xE2\x82";
  EXPECT_TRUE(decode_statuses(encode(std::vector{status})));
}

}  // namespace
}  // namespace hanse::service
