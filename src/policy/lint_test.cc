#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "policy/analysis.h"
#include "policy/random_testing.h"

namespace hanse::policy {
namespace {

using testing::RandomPolicies;

constexpr base::Milliseconds kNow{testing::kRandomNow};

Condition holds(Atom atom) {
  return {.kind = Condition::Kind::atom, .atom = std::move(atom), .parts = {}};
}
Condition all(std::vector<Condition> parts) {
  return {.kind = Condition::Kind::all, .atom = {}, .parts = std::move(parts)};
}
Condition any(std::vector<Condition> parts) {
  return {.kind = Condition::Kind::any, .atom = {}, .parts = std::move(parts)};
}
Condition names(Operand operand, Operator op, std::vector<std::string> names) {
  return holds({.operand = operand, .op = op, .names = std::move(names)});
}
Condition number(Operand operand, Operator op, double number) {
  return holds({.operand = operand, .op = op, .number = number});
}
Condition load(Operator op, double number, std::int64_t max_age = 30'000) {
  return holds({.operand = Operand::signal,
                .name = "lineLoad",
                .op = op,
                .number = number,
                .max_age = {max_age}});
}

Rule permits(Condition condition) {
  return {.action = Action::train, .condition = std::move(condition), .pointer = "/permission/0"};
}
Rule prohibits(Condition condition) {
  return {.is_prohibition = true,
          .action = Action::use,
          .condition = std::move(condition),
          .pointer = "/prohibition/0"};
}

std::vector<Finding> findings(std::vector<Rule> rules) {
  return lint({{"urn:a", Kind::contractual, std::move(rules)}}, kNow);
}

// The only finding, or none.
std::optional<FindingKind> found(std::vector<Rule> rules) {
  const auto all = findings(std::move(rules));
  EXPECT_LE(all.size(), 1U);
  if (all.empty()) return std::nullopt;
  return all[0].kind;
}

constexpr auto kData = Operand::data_type;
constexpr auto kEpsilon = Operand::requested_epsilon;

TEST(Lint, FindsNothingInWhatIsInOrder) {
  EXPECT_EQ(
      found({permits(all({names(kData, Operator::is_any_of, {"a"}), load(Operator::lt, 0.9)})),
             prohibits(names(kData, Operator::is_any_of, {"b"}))}),
      std::nullopt);
}

TEST(Lint, APermissionIsShadowedByAProhibitionOfAtLeastAsMuch) {
  const auto permitted = permits(
      all({names(kData, Operator::is_any_of, {"a", "b"}), number(kEpsilon, Operator::lteq, 1)}));
  EXPECT_EQ(found({permitted, prohibits(names(kData, Operator::is_any_of, {"a", "b", "c"}))}),
            FindingKind::shadowed);
  EXPECT_EQ(found({permitted, prohibits(names(kData, Operator::is_any_of, {"a"}))}), std::nullopt);
  EXPECT_EQ(found({permitted, prohibits(number(kEpsilon, Operator::lt, 2))}),
            FindingKind::shadowed);
  EXPECT_EQ(found({permitted, prohibits(number(kEpsilon, Operator::lt, 1))}), std::nullopt);
  EXPECT_EQ(found({permitted, prohibits(number(kEpsilon, Operator::neq, 2))}),
            FindingKind::shadowed);
  EXPECT_EQ(found({permitted, prohibits({})}), FindingKind::shadowed);
}

TEST(Lint, ScopeCounts) {
  auto forbids = prohibits({});
  forbids.target = "ovens";
  EXPECT_EQ(found({permits({}), forbids}), std::nullopt);
  auto permitted = permits({});
  permitted.target = "ovens";
  EXPECT_EQ(found({permitted, forbids}), FindingKind::shadowed);
  forbids.action = Action::label;
  EXPECT_EQ(found({permitted, forbids}), std::nullopt);
  forbids.action = Action::train;
  EXPECT_EQ(found({permitted, forbids}), FindingKind::contradicting);
  permitted.action = Action::use;
  EXPECT_EQ(found({permitted, forbids}), std::nullopt);
}

TEST(Lint, AnOlderSignalImpliesNothingOfAFresherOne) {
  const auto condition = load(Operator::lt, 0.5, 60'000);
  EXPECT_EQ(found({permits(condition), prohibits(load(Operator::lt, 0.9, 30'000))}), std::nullopt);
  EXPECT_EQ(found({permits(condition), prohibits(load(Operator::lt, 0.9, 60'000))}),
            FindingKind::shadowed);
}

TEST(Lint, TheSamePermittedAndProhibitedContradicts) {
  auto forbids = prohibits(all({names(kData, Operator::is_any_of, {"a"})}));
  forbids.action = Action::train;
  EXPECT_EQ(found({permits(all({names(kData, Operator::is_any_of, {"a"})})), forbids}),
            FindingKind::contradicting);
}

TEST(Lint, WhatNoRequestSatisfiesNeverApplies) {
  const auto never = [](std::vector<Condition> parts) {
    return found({permits(all(std::move(parts)))}) == FindingKind::never_applies;
  };
  EXPECT_TRUE(never({number(kEpsilon, Operator::lt, 1), number(kEpsilon, Operator::gteq, 1)}));
  EXPECT_FALSE(never({number(kEpsilon, Operator::lteq, 1), number(kEpsilon, Operator::gteq, 1)}));
  EXPECT_TRUE(never(
      {names(kData, Operator::is_any_of, {"a"}), names(kData, Operator::is_none_of, {"a", "b"})}));
  EXPECT_TRUE(never(
      {names(kData, Operator::is_all_of, {"a", "c"}), names(kData, Operator::is_none_of, {"c"})}));
  EXPECT_TRUE(
      never({any({load(Operator::lt, 0.2), load(Operator::gt, 0.8)}), load(Operator::eq, 0.5)}));
  EXPECT_TRUE(never({number(Operand::time_of_day, Operator::gt, 1439)}));
  EXPECT_TRUE(never({number(Operand::day_of_week, Operator::gt, 2),
                     number(Operand::day_of_week, Operator::lt, 3)}));
  Atom closed{.operand = Operand::date_time, .op = Operator::is_part_of, .intervals = {{5, 5}}};
  EXPECT_TRUE(never({holds(closed)}));
  EXPECT_TRUE(never({any({})}));
  Atom idle{.operand = Operand::signal, .name = "state", .names = {"idle"}, .max_age = {1000}};
  idle.op = Operator::is_any_of;
  Atom busy = idle;
  busy.names = {"busy"};
  EXPECT_TRUE(never({holds(idle), holds(busy)}));
}

TEST(Lint, TwoListsThatShareNothingTakeARequestThatSaysBoth) {
  EXPECT_EQ(found({permits(all({names(kData, Operator::is_any_of, {"a"}),
                                names(kData, Operator::is_any_of, {"b"})}))}),
            FindingKind::several_names);
  EXPECT_EQ(found({permits(all({names(kData, Operator::is_any_of, {"a"}),
                                names(kData, Operator::is_any_of, {"a", "b"})}))}),
            std::nullopt);
}

TEST(Lint, ATimeThatIsOverIsSaidSo) {
  const auto now = static_cast<double>(testing::kRandomNow);
  const auto ended = findings({permits(number(Operand::date_time, Operator::lt, now))});
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].kind, FindingKind::closed_window);
  EXPECT_EQ(ended[0].text, "its time ended at 2026-11-22T21:00:00Z: it permits nothing any more");
  EXPECT_EQ(found({permits(number(Operand::date_time, Operator::lt, now + 1))}), std::nullopt);
  EXPECT_EQ(found({permits(number(Operand::date_time, Operator::gt, now))}), std::nullopt);
  auto late = permits({});
  late.duties.delete_by = kNow;
  EXPECT_EQ(found({late}), FindingKind::closed_window);
}

TEST(Lint, WhatIsSaidTwiceIsSaidSo) {
  auto second = permits(load(Operator::lt, 0.5));
  second.pointer = "/permission/1";
  const auto twice = findings({permits(load(Operator::lt, 0.5)), second});
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_EQ(twice[0].kind, FindingKind::duplicate);
  EXPECT_EQ(twice[0].pointer, "/permission/1");
  second.duties.min_cohort = 3;
  EXPECT_EQ(found({permits(load(Operator::lt, 0.5)), second}), std::nullopt);
}

// Every finding is true of requests at random.
RC_GTEST_PROP(Lint, SaysNothingThatIsNotSo, (std::uint64_t seed)) {
  RandomPolicies random(seed);
  const auto policies = random.policies(8);
  const auto odd = lint(policies, kNow);
  const auto rule_of = [&](const Finding& finding) -> const Rule* {
    for (const Policy& policy : policies)
      for (const Rule& rule : policy.rules)
        if (policy.uid == finding.policy && rule.pointer == finding.pointer) return &rule;
    return nullptr;
  };
  for (int i = 0; i < 50; ++i) {
    const Request request = random.request();
    const Signals signals = random.signals();
    const Facts facts{request, signals, RandomPolicies::now(), {}};
    const auto is_so = [&](const Rule& rule) {
      return speaks_of(rule, request) && trace(rule.condition, facts).truth == Truth::yes;
    };
    for (const Finding& finding : odd) {
      const Rule& rule = *rule_of(finding);
      if (!is_so(rule)) continue;
      RC_ASSERT(finding.kind != FindingKind::never_applies);
      if (finding.kind == FindingKind::closed_window) RC_ASSERT(rule.duties.delete_by <= kNow);
      if (finding.kind != FindingKind::shadowed && finding.kind != FindingKind::contradicting)
        continue;
      bool is_prohibited = false;
      for (const Policy& policy : policies)
        for (const Rule& other : policy.rules)
          is_prohibited |= other.is_prohibition && is_so(other);
      RC_ASSERT(is_prohibited);
    }
  }
}

}  // namespace
}  // namespace hanse::policy
