#include "service/authzen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "service/testing.h"

namespace hanse::service {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr std::string_view kPolicy = R"({
  "@context": ["http://www.w3.org/ns/odrl.jsonld", "urn:hanse:policy:context:1"],
  "@type": "Set", "@id": "urn:test:train",
  "permission": [{"action": "train", "target": "ovens", "duty": [{"action": "hanse:apply",
    "constraint": [{"leftOperand": "min_cohort", "operator": "gteq", "rightOperand": 3}]}]}]})";

std::string question(const std::string& resource, const std::string& action = "train") {
  return R"({"subject": {"type": "party", "id": "essen"}, "action": {"name": ")" + action +
         R"("}, "resource": {"type": "data", "id": ")" + resource + R"("}})";
}

class AuthzenTest : public ::testing::Test {
 protected:
  AuthzenTest() {
    testing::make_folder(files_, "policies");
    testing::write(files_, "policies/a.jsonld", kPolicy);
    keeper_ = std::make_unique<PolicyKeeper>(files_, "policies", log_);
    point_ = std::make_unique<policy::PolicyDecisionPoint>(keeper_->set());
    keeper_->bind([this](auto set) { return point_->adopt(std::move(set)); }, 1);
    routes_ = authzen_routes(*point_, *keeper_, clock_, [] { return "http://here:1"; });
  }
  transport::HttpReply post(const std::string& path, const std::string& body) {
    return routes_.posts.at(path)(body);
  }
  Json decided(const std::string& body) {
    const auto reply = post("/access/v1/evaluation", body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.content_type, "application/json");
    return Json::parse(reply.body);
  }
  // One letter for each answer: p(ermit), d(eny), e(rror).
  std::string batch(const std::string& semantic, const std::vector<std::string>& resources) {
    Json all = Json::parse(question("x"));
    all.erase("resource");
    for (const std::string& one : resources)
      all["evaluations"].push_back(
          one.empty() ? Json::object() : Json{{"resource", {{"type", "data"}, {"id", one}}}});
    if (!semantic.empty()) all["options"]["evaluations_semantic"] = semantic;
    const auto reply = post("/access/v1/evaluations", all.dump());
    EXPECT_EQ(reply.status, 200) << reply.body;
    std::string letters;
    const Json answers = Json::parse(reply.body);
    for (const Json& one : answers.at("evaluations"))
      letters += one.at("decision").get<bool>()        ? 'p'
                 : one.at("context").contains("error") ? 'e'
                                                       : 'd';
    return letters;
  }

  storage::Memory files_;
  testing::Notes log_;
  base::ManualClock clock_;
  std::unique_ptr<PolicyKeeper> keeper_;
  std::unique_ptr<policy::PolicyDecisionPoint> point_;
  transport::HttpRoutes routes_;
};

TEST_F(AuthzenTest, AnswersWithObligationsAndReasons) {
  const Json yes = decided(question("ovens"));
  EXPECT_EQ(yes.at("decision"), true);
  EXPECT_EQ(yes.at("context").at("obligations"),
            Json::parse(R"([{"name": "min_cohort", "value": 3}])"));
  const Json no = decided(question("presses"));
  EXPECT_EQ(no.at("decision"), false);
  EXPECT_EQ(no.at("context").at("reason_user"), "not permitted");
}

TEST_F(AuthzenTest, AWrongQuestionIsAProblemWithItsPlace) {
  const auto reply = post("/access/v1/evaluation", question("ovens", "eat"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.content_type, "application/problem+json");
  const Json problem = Json::parse(reply.body);
  EXPECT_EQ(problem.at("status"), 400);
  EXPECT_EQ(problem.at("errors").at(0).at("pointer"), "#/action/name");
  EXPECT_EQ(post("/access/v1/evaluation", "{").status, 400);
  EXPECT_EQ(post("/access/v1/evaluations", "{").status, 400);
  EXPECT_EQ(post("/access/v1/evaluations", R"({"evaluations": 1})").status, 400);
  EXPECT_EQ(post("/access/v1/evaluations", question("ovens", "eat")).status, 400);
}

TEST_F(AuthzenTest, BatchesEndAsTheirSemanticSays) {
  const std::vector<std::string> asked = {"ovens", "presses", "ovens", "", "presses"};
  EXPECT_EQ(batch("", asked), "pdped");
  EXPECT_EQ(batch("execute_all", asked), "pdped");
  EXPECT_EQ(batch("deny_on_first_deny", asked), "pd");
  EXPECT_EQ(batch("permit_on_first_permit", asked), "p");
  EXPECT_EQ(batch("permit_on_first_permit", {"presses", "", "ovens", "ovens"}), "dep");
  EXPECT_EQ(batch("deny_on_first_deny", {"ovens", "", "ovens"}), "pe");
}

TEST_F(AuthzenTest, ABatchWithoutQuestionsIsOneQuestion) {
  const auto reply = post("/access/v1/evaluations", question("ovens"));
  EXPECT_EQ(Json::parse(reply.body).at("decision"), true);
}

TEST_F(AuthzenTest, SaysWhereItIsAndHowItIs) {
  const Json at = Json::parse(routes_.pages.at("/.well-known/authzen-configuration")().body);
  EXPECT_EQ(at.at("policy_decision_point"), "http://here:1");
  EXPECT_EQ(at.at("access_evaluation_endpoint"), "http://here:1/access/v1/evaluation");
  EXPECT_EQ(at.at("access_evaluations_endpoint"), "http://here:1/access/v1/evaluations");
  EXPECT_EQ(routes_.pages.at("/healthz")().status, 200);
  testing::write(files_, "policies/a.jsonld", "{");
  keeper_->look({});
  EXPECT_EQ(routes_.pages.at("/healthz")().status, 503);
  EXPECT_EQ(decided(question("ovens")).at("decision"), false);
  testing::write(files_, "policies/a.jsonld", kPolicy);
  keeper_->look({5000});
  EXPECT_EQ(decided(question("ovens")).at("decision"), true);
}

}  // namespace
}  // namespace hanse::service
