#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "policy/analysis.h"
#include "policy/random_testing.h"

namespace hanse::policy {
namespace {

using testing::RandomPolicies;

constexpr base::Milliseconds kNow{testing::kRandomNow};

Atom load_below(double limit) {
  return {.operand = Operand::signal,
          .name = "lineLoad",
          .op = Operator::lt,
          .number = limit,
          .max_age = {30'000}};
}
Atom data(std::string name) {
  return {.operand = Operand::data_type, .op = Operator::is_any_of, .names = {std::move(name)}};
}

Rule rule(bool is_prohibition, std::vector<Atom> atoms) {
  Rule rule{.is_prohibition = is_prohibition, .action = Action::train};
  for (Atom& atom : atoms)
    rule.condition.parts.push_back(
        {.kind = Condition::Kind::atom, .atom = std::move(atom), .parts = {}});
  rule.pointer = is_prohibition ? "/prohibition/0" : "/permission/0";
  return rule;
}

std::shared_ptr<const PolicySet> set_of(std::vector<Rule> rules) {
  return PolicySet::create({{"urn:a", Kind::contractual, std::move(rules)}}).value();
}

TEST(Compare, EqualSetsDifferInNothing) {
  const auto set = set_of({rule(false, {data("a"), load_below(0.9)})});
  const Comparison same = compare(*set, *set, kNow);
  EXPECT_TRUE(same.differences.empty());
  EXPECT_EQ(same.tried, 0U);
}

TEST(Compare, AThresholdThatMovedIsFoundBetweenTheTwo) {
  const auto before = set_of({rule(false, {data("a"), load_below(0.9)})});
  const auto after = set_of({rule(false, {data("a"), load_below(0.8)})});
  const Comparison found = compare(*before, *after, kNow);
  ASSERT_EQ(found.differences.size(), 1U);
  const Difference& one = found.differences[0];
  EXPECT_TRUE(one.before.permitted);
  EXPECT_FALSE(one.after.permitted);
  EXPECT_TRUE(found.unexercised.empty());
  // 0.8 itself, or what lies between.
  const auto asked = parse_question(one.request, RandomPolicies::now());
  ASSERT_TRUE(asked.has_value()) << one.request;
  EXPECT_GE(asked->signals.find("lineLoad")->number, 0.8);
  EXPECT_LT(asked->signals.find("lineLoad")->number, 0.9);
}

TEST(Compare, AnObligationThatChangedIsADifference) {
  auto tighter = rule(false, {data("a")});
  tighter.duties.epsilon_cap = 0.5;
  const Comparison found = compare(*set_of({rule(false, {data("a")})}), *set_of({tighter}), kNow);
  ASSERT_EQ(found.differences.size(), 1U);
  EXPECT_EQ(found.differences[0].after.obligations.epsilon_cap, 0.5);
}

TEST(Compare, ARuleBehindOthersIsReached) {
  // The prohibition asks what the permission does not, and both ask signals.
  const auto permission = rule(false, {data("a"), load_below(0.9)});
  auto hides = rule(false, {data("a")});
  hides.pointer = "/permission/1";
  const Atom epsilon{.operand = Operand::requested_epsilon, .op = Operator::gt, .number = 2};
  const Comparison found =
      compare(*set_of({permission, rule(true, {data("b"), epsilon})}), *set_of({permission}), kNow);
  // What it prohibits nobody permits, but who says both types of data.
  EXPECT_TRUE(found.unexercised.empty());
  Rule forbids = rule(true, {epsilon});
  forbids.pointer = "/prohibition/0";
  const Comparison shown = compare(*set_of({hides, forbids}), *set_of({hides}), kNow);
  EXPECT_FALSE(shown.differences.empty());
  EXPECT_FALSE(shown.differences[0].before.permitted);
  EXPECT_TRUE(shown.differences[0].after.permitted);
}

TEST(Compare, AProhibitionThatMovedShowsWhereSomethingPermits) {
  const auto permission = rule(false, {data("a")});
  Atom busy = load_below(0.9);
  busy.op = Operator::gteq;
  Atom busier = busy;
  busier.number = 0.8;
  const Comparison found = compare(*set_of({permission, rule(true, {busy})}),
                                   *set_of({permission, rule(true, {busier})}), kNow);
  ASSERT_EQ(found.differences.size(), 1U);
  EXPECT_TRUE(found.differences[0].before.permitted);
}

TEST(Compare, TheEndOfAnAgreementIsFoundToTheMillisecond) {
  const Atom end{.operand = Operand::date_time, .op = Operator::lt, .number = 1.9e12};
  const Atom later{.operand = Operand::date_time, .op = Operator::lteq, .number = 1.9e12};
  const Comparison found =
      compare(*set_of({rule(false, {end})}), *set_of({rule(false, {later})}), kNow);
  ASSERT_EQ(found.differences.size(), 1U);
  EXPECT_EQ(found.differences[0].at.value, 1'900'000'000'000);
  EXPECT_TRUE(found.differences[0].after.permitted);
}

TEST(Compare, WhatNoRequestReachesIsSaid) {
  Atom above = load_below(0.5);
  above.op = Operator::gt;
  const auto never = rule(false, {load_below(0.5), above});
  const Comparison found = compare(*set_of({}), *set_of({never}), kNow);
  ASSERT_EQ(found.unexercised.size(), 1U);
  EXPECT_EQ(found.unexercised[0], "policy 'urn:a' /permission/0 of the second");
}

TEST(Compare, KeepsToItsBound) {
  const Comparison cut = compare(*set_of({rule(false, {data("a"), load_below(0.9)})}),
                                 *set_of({rule(false, {data("b")})}), kNow, 3);
  EXPECT_LE(cut.tried, 3U);
  EXPECT_GT(cut.tried, 0U);
  EXPECT_TRUE(cut.is_cut);
}

// Answers that differ at random requests come of rules that corners reach.
TEST(Compare, FindsADifferenceWhereRequestsAtRandomShowOne) {
  std::size_t differ = 0;
  std::size_t missed = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    RandomPolicies random(seed);
    auto policies = random.policies(6);
    const auto before = PolicySet::create(policies).value();
    std::vector<Rule>& rules = policies[random.below(policies.size())].rules;
    rules[random.below(rules.size())] = random.rule(random.one_in(3));
    const auto after = PolicySet::create(policies).value();
    bool is_shown = false;
    for (int i = 0; i < 300 && !is_shown; ++i) {
      const Request request = random.request();
      const Signals signals = random.signals();
      const Decision one = decide(*before, request, signals, RandomPolicies::now());
      const Decision other = decide(*after, request, signals, RandomPolicies::now());
      is_shown = one.permitted != other.permitted ||
                 (one.permitted && obligations_of(*before, one) != obligations_of(*after, other));
    }
    if (!is_shown) continue;
    ++differ;
    if (compare(*before, *after, kNow, 5000).differences.empty()) ++missed;
  }
  EXPECT_GE(differ, 30U);
  // Corners are no proof: seldom does it take two unusual values at once.
  EXPECT_LE(50 * missed, differ) << missed << " of " << differ;
}

}  // namespace
}  // namespace hanse::policy
