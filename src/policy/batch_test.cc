#include "policy/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hanse::policy {
namespace {

using ::testing::HasSubstr;

constexpr Moment kNow{{1'790'000'000'000}, {5000}};

Batch parsed(std::string_view json) {
  auto batch = parse_batch(json, kNow);
  EXPECT_TRUE(batch) << (batch ? "" : batch.error().text());
  return batch ? *std::move(batch) : Batch{};
}

void expect_refused(std::string_view json, std::string_view says) {
  const auto batch = parse_batch(json, kNow);
  ASSERT_FALSE(batch) << json;
  EXPECT_EQ(batch.error().code(), base::ErrorCode::invalid_argument);
  EXPECT_THAT(batch.error().text(), HasSubstr(std::string(says)));
}

constexpr std::string_view kSubject = R"("subject": {"type": "party", "id": "essen"})";
constexpr std::string_view kAction = R"("action": {"name": "train"})";

std::string with(std::string_view more) {
  return "{" + std::string(kSubject) + ", " + std::string(kAction) + ", " + std::string(more) + "}";
}

TEST(Batch, OneWithoutEvaluationsIsOneQuestion) {
  for (const char* none : {"", R"(, "evaluations": [])"}) {
    const Batch batch = parsed(with(R"("resource": {"type": "data", "id": "ovens"})") + "");
    const Batch empty =
        parsed(with(R"("resource": {"type": "data", "id": "ovens"})" + std::string(none)));
    EXPECT_TRUE(batch.is_single);
    EXPECT_TRUE(empty.is_single);
    ASSERT_EQ(empty.questions.size(), 1u);
    ASSERT_TRUE(empty.questions[0]) << empty.questions[0].error().text();
    EXPECT_EQ(empty.questions[0]->request.resource, "ovens");
  }
}

TEST(Batch, DefaultsStandForWhatAQuestionLacks) {
  const Batch batch = parsed(with(R"("evaluations": [
      {"resource": {"type": "data", "id": "one"}},
      {"resource": {"type": "data", "id": "two"}, "action": {"name": "evaluate"}}],
      "context": {"cohortSize": 5})"));
  EXPECT_FALSE(batch.is_single);
  ASSERT_EQ(batch.questions.size(), 2u);
  ASSERT_TRUE(batch.questions[0] && batch.questions[1]);
  EXPECT_EQ(batch.questions[0]->request.subject, "essen");
  EXPECT_EQ(batch.questions[0]->request.action, Action::train);
  EXPECT_EQ(batch.questions[1]->request.action, Action::evaluate);
  EXPECT_EQ(batch.questions[1]->request.resource, "two");
  EXPECT_EQ(*batch.questions[1]->request.number(Operand::cohort_size), 5);
}

TEST(Batch, AnObjectReplacesTheDefaultWhole) {
  const Batch batch = parsed(R"({
      "subject": {"type": "party", "id": "essen", "properties": {"Membership": "active"}},
      "action": {"name": "train"}, "resource": {"type": "data", "id": "one"},
      "evaluations": [{"subject": {"type": "party", "id": "ulm"}}]})");
  ASSERT_TRUE(batch.questions[0]);
  EXPECT_EQ(batch.questions[0]->request.subject, "ulm");
  EXPECT_EQ(batch.questions[0]->request.names(Operand::membership), nullptr)
      << "what is said of one is not said of another";
}

TEST(Batch, AWrongQuestionIsWrongAlone) {
  const Batch batch = parsed(with(R"("evaluations": [
      {"resource": {"type": "data", "id": "one"}}, {"resource": {"id": "two"}}, 3])"));
  ASSERT_EQ(batch.questions.size(), 3u);
  EXPECT_TRUE(batch.questions[0]);
  ASSERT_FALSE(batch.questions[1]);
  EXPECT_THAT(batch.questions[1].error().text(), HasSubstr("/evaluations/1"));
  ASSERT_FALSE(batch.questions[2]);
  EXPECT_THAT(batch.questions[2].error().text(), HasSubstr("/evaluations/2"));
}

TEST(Batch, KnowsThreeSemantics) {
  const auto semantic = [](const std::string& name) {
    return parsed(with(R"("evaluations": [{"resource": {"type": "data", "id": "one"}}],
        "options": {"another": 1, "evaluations_semantic": ")" +
                       name + R"("})"))
        .semantic;
  };
  EXPECT_EQ(semantic("execute_all"), Semantic::execute_all);
  EXPECT_EQ(semantic("deny_on_first_deny"), Semantic::deny_on_first_deny);
  EXPECT_EQ(semantic("permit_on_first_permit"), Semantic::permit_on_first_permit);
  expect_refused(with(R"("options": {"evaluations_semantic": "first"})"),
                 "/options/evaluations_semantic");
  expect_refused(with(R"("options": {"evaluations_semantic": 1})"), "evaluations_semantic");
  expect_refused(with(R"("options": 1)"), "/options");
}

TEST(Batch, IsBounded) {
  expect_refused("[]", "an object");
  expect_refused("{", "JSON");
  expect_refused(R"({"evaluations": 3})", "/evaluations");
  expect_refused(std::string(kMaxBatchBytes + 1, ' '), "bytes");
  std::string many = R"({"evaluations": [{})";
  for (std::size_t n = 0; n < kMaxBatch; ++n) many += ",{}";
  expect_refused(many + "]}", "at most 256");
  expect_refused(R"({"evaluations": [{"subject": {}, "subject": {}}]})", "twice");
  expect_refused(R"({"context": )" + std::string(30, '[') + std::string(30, ']') + "}", "deeper");
}

}  // namespace
}  // namespace hanse::policy
