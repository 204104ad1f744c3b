// What holds of every set and every request: at random, from fixed seeds.
#include <gtest/gtest.h>

#include "policy/random_testing.h"

namespace hanse::policy {
namespace {

using testing::random_set;
using testing::RandomPolicies;

std::shared_ptr<const PolicySet> set_of(std::vector<Policy> policies) {
  auto set = PolicySet::create(std::move(policies));
  HANSE_CHECK(set.has_value());
  return *set;
}

// What a decision says, whatever numbers the set has for its rules.
std::string said(const PolicySet& set, const Decision& decision) {
  std::string text = for_owner(set, decision);
  for (const ObligationText& one : texts_of(obligations_of(set, decision)))
    text += fmt::format(" {}={}", one.name, one.value);
  return text + fmt::format(" until {}", decision.changes_at.value);
}

TEST(Properties, NoOrderMatters) {
  RandomPolicies random(1);
  for (int i = 0; i < 500; ++i) {
    const std::vector<Policy> policies = random.policies(1 + random.below(30));
    std::vector<Policy> mixed = policies;
    for (Policy& policy : mixed) std::ranges::reverse(policy.rules);
    for (std::size_t j = mixed.size(); j > 1; --j) std::swap(mixed[j - 1], mixed[random.below(j)]);
    const auto one = set_of(policies);
    const auto other = set_of(mixed);
    ASSERT_EQ(one->digest(), other->digest());
    for (int j = 0; j < 20; ++j) {
      const Request request = random.request();
      const Signals signals = random.signals();
      ASSERT_EQ(said(*one, decide(*one, request, signals, RandomPolicies::now())),
                said(*other, decide(*other, request, signals, RandomPolicies::now())));
    }
  }
}

TEST(Properties, OneProhibitionMoreNeverPermitsMore) {
  RandomPolicies random(2);
  int denied_by_it = 0;
  for (int i = 0; i < 500; ++i) {
    const std::vector<Policy> policies = random.policies(1 + random.below(30));
    std::vector<Policy> more = policies;
    more.push_back({.uid = "urn:more", .rules = {random.rule(true)}});
    const auto fewer = set_of(policies);
    const auto set = set_of(more);
    for (int j = 0; j < 20; ++j) {
      const Request request = random.request();
      const Signals signals = random.signals();
      const Decision before = decide(*fewer, request, signals, RandomPolicies::now());
      const Decision after = decide(*set, request, signals, RandomPolicies::now());
      ASSERT_LE(after.permitted, before.permitted);
      if (after.permitted) {
        ASSERT_EQ(after.shape, before.shape);
      }
      denied_by_it += before.permitted && !after.permitted ? 1 : 0;
    }
  }
  EXPECT_GT(denied_by_it, 50);
}

// One permission fewer: nothing more is permitted, but where its own error was what denied.
TEST(Properties, OnePermissionFewerNeverPermitsMore) {
  RandomPolicies random(3);
  int denied_without_it = 0;
  int denied_by_its_error = 0;
  for (int i = 0; i < 800; ++i) {
    std::vector<Policy> policies = random.policies(1 + random.below(12));
    policies.push_back({.uid = "urn:one", .rules = {random.rule(false)}});
    std::vector<Policy> fewer = policies;
    fewer.pop_back();
    const auto set = set_of(policies);
    const auto alone = set_of({policies.back()});
    const auto without = set_of(fewer);
    for (int j = 0; j < 20; ++j) {
      const Request request = random.request();
      const Signals signals = random.signals();
      const Decision before = decide(*set, request, signals, RandomPolicies::now());
      const Decision after = decide(*without, request, signals, RandomPolicies::now());
      denied_without_it += before.permitted && !after.permitted ? 1 : 0;
      if (before.permitted || !after.permitted) continue;
      const Decision its_own = decide(*alone, request, signals, RandomPolicies::now());
      // What it asks with the others can be impossible, too.
      ASSERT_TRUE(its_own.reason == Reason::unknown ||
                  before.reason == Reason::impossible_obligations);
      ++denied_by_its_error;
    }
  }
  EXPECT_GT(denied_without_it, 50);
  EXPECT_GT(denied_by_its_error, 5) << "the exception is one that happens";
}

TEST(Properties, ObligationsAreNeverLooserThanAnySource) {
  RandomPolicies random(4);
  int permitted = 0;
  for (int i = 0; i < 800; ++i) {
    const std::vector<Policy> policies = random.policies(1 + random.below(12));
    const auto set = set_of(policies);
    for (int j = 0; j < 10; ++j) {
      const Request request = random.request();
      const Signals signals = random.signals();
      const Decision decision = decide(*set, request, signals, RandomPolicies::now());
      if (!decision.permitted) continue;
      ++permitted;
      const Obligations asked = obligations_of(*set, decision);
      // Each rule by itself.
      for (const Policy& policy : policies)
        for (const Rule& rule : policy.rules) {
          const auto alone = set_of({{.uid = policy.uid, .rules = {rule}}});
          if (decide(*alone, request, signals, RandomPolicies::now()).permitted) {
            ASSERT_TRUE(at_least_as_tight(asked, rule.duties));
          }
        }
    }
  }
  EXPECT_GT(permitted, 300);
}

// Nothing changes by itself before the time that a decision says.
TEST(Properties, ADecisionStandsUntilItsTime) {
  RandomPolicies random(5);
  int bounded = 0;
  for (int i = 0; i < 500; ++i) {
    const auto set = random_set(random, 1 + random.below(20));
    const ClockSettings clock{{static_cast<std::int64_t>(random.below(3) * 700)}};
    for (int j = 0; j < 10; ++j) {
      const Request request = random.request();
      const Signals signals = random.signals();
      const Moment now = RandomPolicies::now();
      const Decision decision = decide(*set, request, signals, now, clock);
      const std::int64_t end = std::min(decision.changes_at.value, now.wall.value + 100'000'000);
      ASSERT_GT(end, now.wall.value);
      bounded += decision.changes_at.value == end ? 1 : 0;
      for (const std::int64_t at : {end - 1, now.wall.value + 1, (now.wall.value + end) / 2}) {
        if (at >= end) continue;
        const Moment later{{at}, {now.monotonic.value + at - now.wall.value}};
        const Decision then = decide(*set, request, signals, later, clock);
        ASSERT_EQ(then.permitted, decision.permitted);
        ASSERT_EQ(then.rule, decision.rule);
        ASSERT_EQ(then.shape, decision.shape);
      }
    }
  }
  EXPECT_GT(bounded, 1000);
}

// A thread's kept residuals, through a million steps of anything that can happen.
TEST(Properties, AKeptResidualDecidesAsNone) {
  RandomPolicies random(6);
  // Enough rules that any request meets residuals.
  const auto crowd = [&] {
    std::vector<Policy> policies = random.policies(110);
    for (Policy& policy : policies) {
      // Few prohibitions, or nothing is ever permitted.
      std::erase_if(policy.rules,
                    [&](const Rule& rule) { return rule.is_prohibition && !random.one_in(12); });
      for (Rule& rule : policy.rules)
        rule.condition = {.kind = Condition::Kind::any, .parts = {rule.condition}};
    }
    return set_of(std::move(policies));
  };
  std::vector<std::shared_ptr<const PolicySet>> sets;
  for (int i = 0; i < 12; ++i) sets.push_back(crowd());
  std::vector<Request> requests;
  for (int i = 0; i < 40; ++i) requests.push_back(random.request());
  std::vector<Signals> signals;
  for (int i = 0; i < 12; ++i) signals.push_back(random.signals());

  PolicyDecisionPoint point(sets[0]);
  Decider decider(point);
  Moment now = RandomPolicies::now();
  std::size_t known = 0;
  std::size_t set = 0;
  std::uint64_t decisions = 0;
  std::uint64_t permitted = 0;
  std::uint64_t revocations = 0;
  for (int step = 0; step < 1'000'000; ++step) {
    const std::size_t what = random.below(100);
    if (what < 1) {
      set = random.below(sets.size());
      ++revocations;
      const std::uint64_t epoch = point.adopt(sets[set]);
      ASSERT_EQ(epoch, point.epoch());
    } else if (what < 20) {
      const auto by = static_cast<std::int64_t>(random.below(random.one_in(50) ? 400'000 : 900));
      now = {now.wall + base::Milliseconds{by}, now.monotonic + base::Milliseconds{by}};
    } else if (what < 22) {  // somebody sets the clock
      now.wall = {RandomPolicies::now().wall.value + static_cast<std::int64_t>(random.below(9000)) -
                  4500};
    } else if (what < 30) {
      known = random.below(signals.size());
    } else if (step % 4 == 0) {  // the slow way costs the most here
      const Request& request = requests[random.below(requests.size())];
      const Decision kept = decider.decide(request, signals[known], now);
      const Decision fresh = decide(*sets[set], request, signals[known], now);
      ++decisions;
      permitted += fresh.permitted ? 1 : 0;
      ASSERT_EQ(kept.epoch, point.epoch());
      ASSERT_EQ(kept.reason, fresh.reason) << step;
      ASSERT_EQ(kept.rule, fresh.rule) << step;
      ASSERT_EQ(kept.shape, fresh.shape) << step;
      ASSERT_GE(kept.changes_at, fresh.changes_at) << step;
    } else {
      (void)decider.decide(requests[random.below(requests.size())], signals[known], now);
    }
  }
  EXPECT_GT(decisions, 100'000U);
  EXPECT_GT(permitted, 1000U);
  EXPECT_GT(revocations, 5000U);
  EXPECT_GT(decider.clock_steps_back(), 1000U);
}

}  // namespace
}  // namespace hanse::policy
