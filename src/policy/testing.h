// For tests: policies from short text, requests with everything said.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "policy/decision_point.h"
#include "policy/parse.h"

namespace hanse::policy::testing {

inline constexpr std::string_view kContexts =
    R"("@context": ["http://www.w3.org/ns/odrl.jsonld",
      "https://w3id.org/catenax/2025/9/policy/context.jsonld", "urn:hanse:policy:context:1"])";

// One policy around what `body` says: "\"permission\": [...]".
inline std::string policy_text(std::string_view uid, std::string_view body) {
  return fmt::format(R"({{{}, "@type": "Set", "@id": "{}", {}}})", kContexts, uid, body);
}

// {"leftOperand": …}: `right` is JSON.
inline std::string atom(std::string_view left, std::string_view op, std::string_view right,
                        std::string_view more = "") {
  return fmt::format(R"({{"leftOperand": "{}", "operator": "{}", "rightOperand": {}{}}})", left, op,
                     right, more);
}

inline std::string rule(std::string_view constraints, std::string_view more = "",
                        std::string_view action = "train") {
  return fmt::format(R"({{"action": "{}", "constraint": [{}]{}}})", action, constraints, more);
}

inline std::vector<Policy> policies(const std::vector<std::string>& texts) {
  std::vector<Policy> all;
  for (const std::string& text : texts) {
    auto some = parse(text);
    EXPECT_TRUE(some.has_value()) << (some ? "" : some.error().text()) << "\n" << text;
    if (some) all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

inline std::shared_ptr<const PolicySet> set_of(const std::vector<std::string>& texts) {
  auto set = PolicySet::create(policies(texts));
  EXPECT_TRUE(set.has_value()) << (set ? "" : set.error().text());
  return set.value();
}

// 2026-11-22T21:00:00Z, a Sunday.
inline constexpr Moment kNow{{1'795'381'200'000}, {5'000'000}};

inline Moment later(base::Milliseconds by, Moment from = kNow) {
  return {from.wall + by, from.monotonic + by};
}

// A competitor's platform asks to train on vibration data.
inline Request request() {
  Request asked;
  asked.action = Action::train;
  asked.subject = "hub";
  asked.resource = "ovens";
  const auto say = [&](Operand operand, std::vector<std::string> names) {
    EXPECT_TRUE(asked.set(operand, std::move(names)).has_value());
  };
  const auto count = [&](Operand operand, double number) {
    EXPECT_TRUE(asked.set(operand, number).has_value());
  };
  say(Operand::membership, {"active"});
  say(Operand::business_partner_number, {"BPNL00000000HUB1"});
  say(Operand::business_partner_group, {"platform"});
  say(Operand::jurisdiction, {"DE"});
  say(Operand::usage_purpose, {"predictive-maintenance"});
  say(Operand::data_type, {"vibration"});
  count(Operand::sensitivity, 2);
  say(Operand::framework_agreement, {"DataExchangeGovernance:1.0"});
  say(Operand::contract_reference, {"C-17"});
  count(Operand::contract_agreed, static_cast<double>(kNow.wall.value - 86'400'000));
  count(Operand::requested_epsilon, 1);
  count(Operand::requested_delta, 1e-5);
  count(Operand::remaining_epsilon, 3);
  count(Operand::cohort_size, 5);
  count(Operand::round_id, 1);
  return asked;
}

}  // namespace hanse::policy::testing
