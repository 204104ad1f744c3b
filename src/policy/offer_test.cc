#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "policy/analysis.h"
#include "policy/logic.h"
#include "policy/random_testing.h"
#include "policy/testing.h"
#include "policy/write.h"

namespace hanse::policy {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Write, APolicyIsReadAsItWasWritten) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    RandomPolicies random(seed);
    const auto policies = random.policies(6);
    const std::string text = policies_json(policies);
    const auto read = parse(text);
    ASSERT_TRUE(read.has_value()) << read.error().text() << "\n" << text;
    EXPECT_EQ(digest_of(*read), digest_of(policies)) << text;
  }
}

constexpr auto kAgreement = R"("permission": [{
  "action": "train",
  "constraint": [
    {"leftOperand": "Membership", "operator": "eq", "rightOperand": "active"},
    {"leftOperand": "FrameworkAgreement", "operator": "eq",
     "rightOperand": "DataExchangeGovernance:1.0"},
    {"leftOperand": "UsagePurpose", "operator": "isAnyOf", "rightOperand": ["cx.quality.base:1"]},
    {"leftOperand": "DataUsageEndDate", "operator": "eq", "rightOperand": "2027-12-31T23:00:00Z"},
    {"leftOperand": "lineLoad", "operator": "lt", "rightOperand": 0.9}],
  "duty": [{"action": "hanse:apply", "constraint": [
    {"leftOperand": "epsilon_cap", "operator": "lteq", "rightOperand": 0.5}]}]}],
  "prohibition": [
    {"action": "use", "constraint": [
      {"leftOperand": "UsageRestriction", "operator": "isAllOf",
       "rightOperand": ["cx.thirdParty.forbidden:1"]}]},
    {"action": "use", "constraint": [
      {"leftOperand": "AffiliatesRegion", "operator": "eq", "rightOperand": "cx.region.asia:1"},
      {"leftOperand": "sensitivity", "operator": "gt", "rightOperand": "internal"}]}])";

TEST(Offer, HasTheProfilesWordsAndNoneOfOurs) {
  const Offer made = offer(policies({policy_text("urn:agreement", kAgreement)}));
  ASSERT_EQ(made.offers.size(), 1U);
  const auto json = nlohmann::json::parse(made.offers[0].json);
  EXPECT_EQ(json["@context"],
            nlohmann::json({"https://w3id.org/catenax/2025/9/policy/odrl.jsonld",
                            "https://w3id.org/catenax/2025/9/policy/context.jsonld"}));
  EXPECT_EQ(json["permission"][0]["action"], "use");
  const auto& comparisons = json["permission"][0]["constraint"][0]["and"];
  std::set<std::string> words;
  for (const auto& one : comparisons) words.insert(one["leftOperand"]);
  EXPECT_EQ(words, (std::set<std::string>{"DataUsageEndDate", "FrameworkAgreement", "Membership",
                                          "UsagePurpose"}));
  // The whole prohibition is offered, the other would prohibit more without its second condition.
  ASSERT_EQ(json["prohibition"].size(), 1U);
  EXPECT_THAT(made.offers[0].json, Not(HasSubstr("hanse")));
  EXPECT_THAT(made.offers[0].json, Not(HasSubstr("lineLoad")));
  EXPECT_THAT(made.offers[0].json, Not(HasSubstr("epsilon")));
  EXPECT_THAT(made.annex, HasSubstr("lineLoad"));
  EXPECT_THAT(made.annex, HasSubstr("epsilon_cap"));
  const auto read = parse(made.offers[0].json);
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->at(0).rules.size(), 2U);
}

TEST(Offer, CompetitiveAndOperationalPoliciesStayAtHome) {
  const std::string rivals = R"("hanse:kind": "competitive", "prohibition": [{"action": "use",
    "constraint": [{"leftOperand": "AffiliatesBpnl", "operator": "isAnyOf",
                    "rightOperand": ["BPNL0000000RIVAL"]}]}])";
  const auto all = policies({policy_text("urn:rivals", rivals)});
  const Offer kept = offer(all);
  EXPECT_TRUE(kept.offers.empty());
  EXPECT_THAT(kept.annex, HasSubstr("BPNL0000000RIVAL"));
  EXPECT_EQ(offer(all, {.keeps_operational = true, .keeps_competitive = false}).offers.size(), 1U);
}

TEST(Offer, AccessAndUseAreOffersOfTheirOwn) {
  const std::string both = R"("permission": [
    {"action": "access", "constraint": [
      {"leftOperand": "BusinessPartnerNumber", "operator": "isAnyOf",
       "rightOperand": ["BPNL00000000HUB1"]}]},
    {"action": "use", "constraint": [
      {"leftOperand": "BusinessPartnerNumber", "operator": "isAnyOf",
       "rightOperand": ["BPNL00000000HUB1"]},
      {"leftOperand": "ContractReference", "operator": "eq", "rightOperand": "C-17"}]}])";
  const Offer made = offer(policies({policy_text("urn:both", both)}));
  ASSERT_EQ(made.offers.size(), 2U);
  EXPECT_EQ(made.offers[0].uid, "urn:both:access");
  EXPECT_THAT(made.offers[0].json, HasSubstr("BPNL00000000HUB1"));
  // The profile has no BusinessPartnerNumber in a policy of use.
  EXPECT_THAT(made.offers[1].json, Not(HasSubstr("BPNL00000000HUB1")));
  EXPECT_THAT(made.offers[1].json, HasSubstr("isAllOf"));
}

std::string key_of(const Rule& rule) {
  return canonical({.uid = "u", .kind = Kind::contractual, .rules = {}}, rule);
}

// Any policies: all of it loads, no rule is lost, nothing offered asks more than what binds.
TEST(Offer, LosesNothingAndAsksNoMore) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    RandomPolicies random(seed);
    auto all = random.policies(6);
    for (Policy& policy : all)
      for (Rule& rule : policy.rules)
        if (random.one_in(2))
          rule.condition.parts.push_back({.kind = Condition::Kind::atom,
                                          .atom = {.operand = Operand::usage_purpose,
                                                   .op = Operator::is_any_of,
                                                   .names = random.names()},
                                          .parts = {}});
    const Offer made = offer(all, {random.one_in(2), random.one_in(2)});
    const auto annex = parse(made.annex);
    ASSERT_TRUE(annex.has_value()) << annex.error().text() << made.annex;
    std::set<std::string> kept;
    for (const Policy& policy : *annex)
      for (const Rule& rule : policy.rules) kept.insert(key_of(rule));
    std::vector<Rule> offered;
    for (const Offered& one : made.offers) {
      EXPECT_THAT(one.json, Not(HasSubstr("hanse")));
      const auto read = parse(one.json);
      ASSERT_TRUE(read.has_value()) << read.error().text() << one.json;
      for (const Rule& rule : read->at(0).rules) {
        offered.push_back(rule);
        kept.insert(key_of(rule));
      }
    }
    std::vector<Rule> ours;
    for (const Policy& policy : all)
      for (const Rule& rule : policy.rules) {
        ours.push_back(rule);
        EXPECT_TRUE(kept.contains(key_of(rule))) << policies_json(all) << made.annex;
      }
    for (const Rule& rule : offered)
      EXPECT_TRUE(std::ranges::any_of(ours, [&](const Rule& one) {
        return one.is_prohibition == rule.is_prohibition &&
               (rule.is_prohibition ? one.condition == rule.condition
                                    : internal::implies(one.condition, rule.condition));
      }));
  }
}

}  // namespace
}  // namespace hanse::policy
