#include "policy/answer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "policy/random_testing.h"

namespace hanse::policy {
namespace {

using testing::RandomPolicies;

RC_GTEST_PROP(Answer, AQuestionIsReadAsItWasWritten, (std::uint64_t seed)) {
  RandomPolicies random(seed);
  const Moment now = RandomPolicies::now();
  const Request request = random.request();
  const Signals signals = random.signals();
  const auto read = parse_question(question_json(request, signals, now), now);
  if (!read) RC_FAIL(std::string(read.error().text()));
  RC_ASSERT(read->request == request);
  RC_ASSERT(read->signals.all() == signals.all());
  RC_ASSERT(read->signals.proofs() == signals.proofs());
}

TEST(Answer, HasWhatAuthZenAsksAndTheObligations) {
  Rule rule{.action = Action::train};
  rule.duties.epsilon_cap = 0.5;
  rule.duties.notify = {"owner"};
  rule.pointer = "/permission/0";
  const auto set = PolicySet::create({{"urn:a", Kind::contractual, {rule}}}).value();
  Request request;
  request.action = Action::train;
  const Decision decision = decide(*set, request, {}, RandomPolicies::now());
  const std::string said = answer_json(*set, decision);
  EXPECT_EQ(said,
            R"({"decision":true,"context":{"obligations":[{"name":"epsilon_cap","value":0.5},)"
            R"({"name":"notify","value":["owner"]}],"reason_user":"permitted",)"
            R"("reason_admin":"permitted by policy 'urn:a' /permission/0","reason":"permitted",)"
            R"("rule":"policy 'urn:a' /permission/0","policy_epoch":0,"policy_hash":")" +
                set->digest().hex() + R"(","changes_at":null}})");
  request.action = Action::access;
  const Decision denied = decide(*set, request, {}, RandomPolicies::now());
  const std::string for_others = answer_json_for_requester(*set, denied);
  EXPECT_EQ(for_others.find("urn:a"), std::string::npos);
  EXPECT_NE(for_others.find(R"("decision":false)"), std::string::npos);
}

}  // namespace
}  // namespace hanse::policy
