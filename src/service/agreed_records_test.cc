#include <gtest/gtest.h>

#include "service/testing.h"

namespace hanse::service {
namespace {

using base::ErrorCode;

class AgreedTest : public ::testing::Test {
 protected:
  AgreedTest()
      : home_(testing::settle(doors_.files, "a", roster::testing::founded({"a", "b"}))),
        member_(testing::member(doors_.files, home_)) {
    config_.data = jobs::OwnData{.path = "own.csv", .query = "", .map = "", .joins = {}};
    testing::write(doors_.files, "own.csv", jobs::testing::ovens_table({"a"}, 40));
  }
  base::Result<std::shared_ptr<const data::Dataset>> ask(const std::string& text) {
    HANSE_TRY(const jobs::Job job, agreed_job(text, home_, config_, doors_.all()));
    return agreed_records(job, config_, member_.self(), doors_.all());
  }
  void expect_refused(const std::string& text, ErrorCode code, std::string_view says) {
    const auto asked = ask(text);
    ASSERT_FALSE(asked) << says;
    EXPECT_EQ(asked.error().code(), code) << asked.error().text();
    EXPECT_NE(asked.error().text().find(says), std::string::npos) << asked.error().text();
  }
  std::size_t pending() const { return doors_.files.list("a/pending")->size(); }
  static base::Digest digest(const std::string& text) {
    return base::Digest::of(base::view_of(text));
  }

  testing::Doors doors_;
  Home home_;
  Member member_;
  SiteConfig config_;
  const std::string job_ = jobs::testing::ovens().text;
};

TEST_F(AgreedTest, AJobWaitsForItsOwnersWord) {
  expect_refused(job_, ErrorCode::permission_denied, "hanse job approve");
  const auto left = storage::read_all(doors_.files, home_.pending(digest(job_)), 1 << 20);
  ASSERT_TRUE(left) << "for the owner to read";
  EXPECT_EQ(base::text_of(*left), job_);
  testing::write(doors_.files, home_.approved(digest(job_)), job_);
  const auto records = ask(job_);
  ASSERT_TRUE(records) << records.error().text();
  EXPECT_EQ((*records)->size(), 28u) << "70 % of its own 40";
  // His word is for this text and no other.
  expect_refused(job_ + "# more\n", ErrorCode::permission_denied, "waits for its owner's word");
  // He may take it back.
  ASSERT_TRUE(doors_.files.remove_all(home_.approved(digest(job_))));
  expect_refused(job_, ErrorCode::permission_denied, "waits for its owner's word");
}

TEST_F(AgreedTest, AnOwnerMayAgreeToAnyJob) {
  config_.consent = Consent::any;
  EXPECT_TRUE(ask(job_));
  EXPECT_EQ(pending(), 0u);
}

TEST_F(AgreedTest, LimitsGoBeforeConsent) {
  config_.max_rounds = 2;
  expect_refused(job_, ErrorCode::permission_denied, "has 3 rounds, and limits.max_rounds is 2");
  EXPECT_EQ(pending(), 0u) << "nothing for the owner to agree to";
}

TEST_F(AgreedTest, APrivateJobTakesAllThatTheOwnerPromised) {
  std::string text = job_;
  const std::string clear = "entrance = \"in_the_clear\"";
  text.replace(text.find(clear), clear.size(), "epsilon = 3.0");
  config_ = {.data = config_.data, .consent = Consent::any, .max_records = 100'001};
  expect_refused(text, ErrorCode::permission_denied, "takes 100000 records of a site, and limits");
  config_.max_records = 100'000;
  EXPECT_TRUE(ask(text));
}

TEST_F(AgreedTest, WhoeverSubmitsJobsDoesNotFillThePlantsDisk) {
  for (int n = 0; n < 1000; ++n)
    testing::write(doors_.files, "a/pending/" + std::to_string(n) + ".toml", "x");
  expect_refused(job_, ErrorCode::permission_denied, "holds 1000 jobs already");
  EXPECT_EQ(pending(), 1000u);
}

TEST_F(AgreedTest, WhatIsNoJobIsRefused) {
  expect_refused("name = ", ErrorCode::invalid_argument, "the job");
  EXPECT_EQ(pending(), 0u);
}

// A job names ${…} to learn what stands there from the error of a path that is not found.
TEST_F(AgreedTest, AStrangersFileLearnsNothingOfTheEnvironment) {
  config_.consent = Consent::any;
  doors_.variables["SECRET"] = "hunter2";
  std::string text = job_;
  text.replace(text.find("\"ovens.csv\""), 11, "\"${SECRET}\"");
  EXPECT_TRUE(ask(text)) << "its paths are not used";
  ASSERT_TRUE(doors_.files.remove_all("own.csv"));
  const auto asked = ask(text);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().text().find("hunter2"), std::string::npos) << asked.error().text();
}

}  // namespace
}  // namespace hanse::service
