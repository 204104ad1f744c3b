#include <gtest/gtest.h>

#include "policy/testing.h"

namespace hanse::policy {
namespace {

using namespace testing;

std::string permission(std::string_view uid, const std::string& rules) {
  return policy_text(uid, R"("permission": [)" + rules + "]");
}
std::string prohibition(std::string_view uid, const std::string& rules) {
  return policy_text(uid, R"("prohibition": [)" + rules + "]");
}

Decision decided(const std::vector<std::string>& texts, const Request& asked = request()) {
  return decide(*set_of(texts), asked, {}, kNow);
}

TEST(Decide, NothingPermitsWhatNobodySpeaksOf) {
  EXPECT_EQ(decided({}).reason, Reason::no_permission);
  EXPECT_EQ(decided({permission("urn:a", rule("", "", "label"))}).reason, Reason::no_permission);
  EXPECT_TRUE(decided({permission("urn:a", rule(""))}).permitted);
}

TEST(Decide, AProhibitionGoesBeforeWhatIsUnknown) {
  const std::string permits = permission("urn:a", rule(""));
  const std::string asks = permission("urn:b", rule(atom("hanse:signal/x", "eq", "1")));
  const std::string forbids = prohibition("urn:c", rule(atom("dataType", "eq", R"("vibration")")));
  EXPECT_TRUE(decided({permits}).permitted);
  const auto set = set_of({permits, asks});
  const Decision unknown = decide(*set, request(), {}, kNow);
  EXPECT_EQ(unknown.reason, Reason::unknown);
  EXPECT_EQ(set->policy_of(unknown.rule).uid, "urn:b");
  EXPECT_EQ(decided({permits, asks, forbids}).reason, Reason::prohibited);
}

TEST(Decide, WhatIsFalseAnywayNeedsNotBeKnown) {
  const std::string asks = prohibition("urn:b", rule(atom("dataType", "eq", R"("images")") + "," +
                                                     atom("hanse:signal/x", "eq", "1")));
  EXPECT_TRUE(decided({permission("urn:a", rule("")), asks}).permitted);
}

TEST(Decide, ARequestThatDoesNotSayByWhatRulesAreFoundMeetsAllOfThem) {
  const std::string forbids = prohibition("urn:c", rule(atom("dataType", "eq", R"("images")")));
  EXPECT_TRUE(decided({permission("urn:a", rule("")), forbids}).permitted);
  Request silent;
  silent.action = Action::train;
  EXPECT_EQ(decided({permission("urn:a", rule("")), forbids}, silent).reason, Reason::unknown);
}

TEST(Decide, WhoAsksForAllUsesMeetsTheProhibitionOfOne) {
  Request all = request();
  all.action = Action::use;
  const std::string any = permission("urn:a", rule("", "", "use"));
  EXPECT_TRUE(decided({any}, all).permitted);
  EXPECT_EQ(decided({any, prohibition("urn:b", rule("", "", "label"))}, all).reason,
            Reason::prohibited);
  EXPECT_TRUE(decided({any, prohibition("urn:b", rule("", "", "label"))}).permitted);
  EXPECT_EQ(decided({permission("urn:a", rule(""))}, all).reason, Reason::no_permission);
  all.action = Action::distribute;
  EXPECT_EQ(decided({any}, all).reason, Reason::no_permission);
}

TEST(Decide, GroupsAndNumbersAreSets) {
  Request asked = request();
  ASSERT_TRUE(asked.set(Operand::business_partner_group, {"supplier", "rival"}).has_value());
  const std::string any = permission("urn:a", rule("", "", "use"));
  const auto with = [&](std::string_view op, std::string_view right) {
    return decided({any, prohibition("urn:b", rule(atom("BusinessPartnerGroup", op, right)))},
                   asked)
        .permitted;
  };
  EXPECT_FALSE(with("eq", R"("rival")"));
  EXPECT_TRUE(with("neq", R"("rival")"));
  EXPECT_FALSE(with("isAllOf", R"(["rival", "supplier"])"));
  EXPECT_TRUE(with("isAllOf", R"(["rival", "partner"])"));
  EXPECT_TRUE(with("isNoneOf", R"(["rival", "partner"])"));
  EXPECT_FALSE(with("isNoneOf", R"(["partner"])"));
  ASSERT_TRUE(asked.set(Operand::business_partner_group, std::vector<std::string>{}).has_value());
  EXPECT_TRUE(with("isAnyOf", R"(["rival", "supplier"])"));
}

TEST(Decide, AnAssigneeIsASubjectOrItsNumber) {
  const auto for_whom = [](std::string_view who) {
    return decided({permission("urn:a", rule("", fmt::format(R"(, "assignee": "{}")", who)))})
        .permitted;
  };
  EXPECT_TRUE(for_whom("hub"));
  EXPECT_TRUE(for_whom("BPNL00000000HUB1"));
  EXPECT_FALSE(for_whom("BPNL00000000HUB2"));
}

std::string duty(std::string_view what, std::string_view op, std::string_view right) {
  return R"(, "duty": [{"action": "hanse:apply", "constraint": [)" + atom(what, op, right) + "]}]";
}

TEST(Decide, ObligationsAreTheTightestOfAllThatPermit) {
  const auto set = set_of(
      {permission("urn:a", rule("", duty("epsilon_cap", "lteq", "2"))),
       permission("urn:b", rule("", duty("epsilon_cap", "lteq", "0.5"))),
       permission("urn:c", rule("", duty("min_cohort", "gteq", "5"))),
       permission("urn:d", rule("", duty("notify", "isAllOf", R"(["owner", "works-council"])"))),
       permission("urn:e", rule(atom("dataType", "eq", R"("images")"),
                                duty("epsilon_cap", "lteq", "0.1")))});
  const Decision decision = decide(*set, request(), {}, kNow);
  ASSERT_TRUE(decision.permitted);
  const Obligations asked = obligations_of(*set, decision);
  EXPECT_EQ(asked.epsilon_cap, .5);
  EXPECT_EQ(asked.min_cohort, 5U);
  EXPECT_EQ(asked.notify, (std::set<std::string>{"owner", "works-council"}));
  EXPECT_FALSE(asked.retention.has_value());
}

TEST(Decide, ObligationsThatNothingFulfilsDeny) {
  const std::string past =
      permission("urn:a", rule("", duty("delete_by", "lteq", R"("2026-11-22T21:00:05Z")")));
  const auto set = set_of({past});
  EXPECT_TRUE(decide(*set, request(), {}, later({4'999})).permitted);
  EXPECT_EQ(decide(*set, request(), {}, kNow).changes_at, later({5'000}).wall);
  EXPECT_EQ(decide(*set, request(), {}, later({5'000})).reason, Reason::impossible_obligations);
}

TEST(Decide, HoursAndDays) {
  const auto at = [&](std::string_view left, std::string_view op, std::string_view right) {
    return decided({permission("urn:a", rule(atom(left, op, right)))});
  };
  EXPECT_TRUE(at("timeOfDay", "gteq", R"("21:00")").permitted);
  EXPECT_FALSE(at("timeOfDay", "lt", R"("21:00")").permitted);
  EXPECT_TRUE(at("dayOfWeek", "eq", R"("Sunday")").permitted);
  EXPECT_EQ(at("dayOfWeek", "eq", R"("Sunday")").changes_at, later({3 * 3'600'000}).wall);
  EXPECT_EQ(at("timeOfDay", "lt", R"("22:30")").changes_at, later({90 * 60'000}).wall);
}

TEST(Decide, TheRequesterHearsNothingOfTheCause) {
  const Decision forbidden =
      decided({permission("urn:a", rule("")), prohibition("urn:b", rule(""))});
  const Decision unknown =
      decided({permission("urn:a", rule(atom("hanse:signal/lineLoad", "lt", "1")))});
  EXPECT_EQ(forbidden.for_requester(), unknown.for_requester());
  EXPECT_EQ(decided({}).for_requester(), unknown.for_requester());
}

TEST(Decide, SaysToTheOwnerWhichRule) {
  const auto set = set_of({permission("urn:a", rule("")), prohibition("urn:b", rule(""))});
  EXPECT_EQ(for_owner(*set, decide(*set, request(), {}, kNow)),
            "prohibited by policy 'urn:b' /prohibition/0");
}

TEST(PolicySet, RefusesTwoOfOneName) {
  auto twice = PolicySet::create(
      policies({permission("urn:a", rule("")), permission("urn:a", rule("", "", "label"))}));
  ASSERT_FALSE(twice.has_value());
  EXPECT_NE(twice.error().text().find("'urn:a'"), std::string::npos);
}

TEST(Question, ReadsAuthZensWords) {
  const auto question = parse_question(R"({
    "subject": {"type": "organisation", "id": "hub",
                "properties": {"BusinessPartnerNumber": "BPNL1", "BusinessPartnerGroup": ["a", "b"],
                               "colour": {"any": 1}}},
    "action": {"name": "train", "properties": {"UsagePurpose": "quality"}},
    "resource": {"type": "dataset", "id": "ovens",
                 "properties": {"dataType": "vibration", "sensitivity": "confidential"}},
    "context": {"requestedEpsilon": 0.5, "contract": {"ContractReference": "C-17",
                "contractAgreed": "2026-11-22T20:00:00Z"},
                "signals": {"lineLoad": 0.7, "oeeState": {"value": "running", "age_ms": 250}}}})",
                                       kNow);
  ASSERT_TRUE(question.has_value()) << question.error().text();
  const Request& asked = question->request;
  EXPECT_EQ(asked.subject, "hub");
  EXPECT_EQ(asked.action, Action::train);
  EXPECT_EQ(*asked.names(Operand::business_partner_group), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*asked.number(Operand::sensitivity), 2);
  EXPECT_EQ(*asked.number(Operand::requested_epsilon), .5);
  EXPECT_EQ(*asked.number(Operand::contract_agreed),
            static_cast<double>(kNow.wall.value - 3'600'000));
  EXPECT_EQ(question->signals.find("lineLoad")->number, .7);
  EXPECT_EQ(question->signals.find("oeeState")->at.value, kNow.monotonic.value - 250);
  EXPECT_EQ(asked.names(Operand::jurisdiction), nullptr);
}

TEST(Question, SaysWhereItIsWrong) {
  const auto with = [](std::string_view subject, std::string_view context,
                       std::string_view action = "train") {
    const auto question =
        parse_question(fmt::format(R"({{"subject": {{"type": "t", "id": "hub", "properties": {}}},
          "action": {{"name": "{}"}}, "resource": {{"type": "t", "id": "r"}}, "context": {}}})",
                                   subject, action, context),
                       kNow);
    return question ? "" : question.error().text();
  };
  EXPECT_EQ(with("{}", "{}"), "");
  EXPECT_NE(with(R"({"dataType": "x"})", "{}").find("/subject/properties/dataType"),
            std::string::npos);
  EXPECT_NE(with("{}", R"({"requestedEpsilon": "1"})").find("/context/requestedEpsilon"),
            std::string::npos);
  EXPECT_NE(with("{}", R"({"contract": {"contractAgreed": "2026-11-22T20:00:00"}})")
                .find("/context/contract/contractAgreed"),
            std::string::npos);
  EXPECT_NE(with("{}", "{}", "steal").find("/action/name"), std::string::npos);
  EXPECT_NE(with(R"({"Membership": "a", "Membership": "b"})", "{}").find("twice"),
            std::string::npos);
  EXPECT_FALSE(parse_question("{", kNow).has_value());
  EXPECT_FALSE(parse_question("[]", kNow).has_value());
  EXPECT_FALSE(parse_question(std::string(100'000, '['), kNow).has_value());
}

}  // namespace
}  // namespace hanse::policy
