#include "policy/policy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <random>

#include "policy/testing.h"

namespace hanse::policy {
namespace {

using namespace testing;
using Parts = std::vector<Condition>;

Condition named(std::string name) {
  Condition one;
  one.kind = Condition::Kind::atom;
  one.atom.operand = Operand::data_type;
  one.atom.op = Operator::is_any_of;
  one.atom.names = {std::move(name)};
  return one;
}
Condition of(Condition::Kind kind, Parts parts) {
  Condition one;
  one.kind = kind;
  one.parts = std::move(parts);
  return one;
}
Condition all(Parts parts) { return of(Condition::Kind::all, std::move(parts)); }
Condition any(Parts parts) { return of(Condition::Kind::any, std::move(parts)); }
Condition one_of(Parts parts) { return of(Condition::Kind::one, std::move(parts)); }

TEST(Policy, KindsHaveNames) {
  for (const Kind kind :
       {Kind::regulatory, Kind::contractual, Kind::operational, Kind::competitive})
    EXPECT_EQ(kind_named(name_of(kind)), kind);
  EXPECT_FALSE(kind_named("friendly").has_value());
  EXPECT_FALSE(kind_named("").has_value());
}

TEST(Canonical, IsWhatTheFormatSays) {
  EXPECT_EQ(canonical(named("a")), "dataType 0: isAnyOf 1:a");
  EXPECT_EQ(canonical(all({})), "all()");
  EXPECT_EQ(canonical(any({named("b"), named("a")})),
            "any(23:dataType 0: isAnyOf 1:a23:dataType 0: isAnyOf 1:b)");
  Condition number;
  number.kind = Condition::Kind::atom;
  number.atom = {.operand = Operand::signal, .name = "lineLoad", .op = Operator::lt, .number = 0.9};
  number.atom.max_age = base::Milliseconds{30'000};
  EXPECT_EQ(canonical(number), "signal 8:lineLoad lt 0.9 within 30000");
  number.atom.number = -0.0;
  EXPECT_EQ(canonical(number), "signal 8:lineLoad lt 0 within 30000");
}

TEST(Canonical, PartsAloneAndAlikeAreTakenIn) {
  const Condition a = named("a"), b = named("b"), c = named("c");
  EXPECT_EQ(canonical(all({any({a})})), canonical(a));
  EXPECT_EQ(canonical(all({c, any({all({a, b})})})), canonical(all({a, b, c})));
  EXPECT_EQ(canonical(any({one_of({any({a, b})}), c})), canonical(any({a, b, c})));
  EXPECT_EQ(canonical(all({c, any({all({a, b}), all({b, a})})})), canonical(all({a, b, c})));
  // Of which exactly one holds: neither of two alike, and nothing is taken in.
  EXPECT_NE(canonical(one_of({a, a})), canonical(a));
  EXPECT_NE(canonical(one_of({a, one_of({b, c})})), canonical(one_of({a, b, c})));
}

TEST(Digest, KnowsEachPartOfARule) {
  Policy policy{.uid = "urn:p", .kind = Kind::contractual, .rules = {Rule{}}};
  std::vector<Policy> others(9, policy);
  others[0].uid = "urn:q";
  others[1].kind = Kind::regulatory;
  others[2].rules[0].is_prohibition = true;
  others[3].rules[0].action = Action::train;
  others[4].rules[0].target = "a";
  others[5].rules[0].assignee = "a";
  others[6].rules[0].condition = named("a");
  others[7].rules[0].duties.min_cohort = 5;
  others[8].rules.clear();
  std::set<base::Digest> digests = {digest_of({policy})};
  for (const Policy& other : others) digests.insert(digest_of({other}));
  EXPECT_EQ(digests.size(), 10U);
  others[0] = policy;
  others[0].rules[0].pointer = "/permission/7";
  EXPECT_EQ(digest_of({others[0]}), digest_of({policy}));
  EXPECT_EQ(digest_of({policy, policy}), digest_of({policy}));
}

// No text can pass for the end of another.
TEST(Digest, TextsDoNotRunTogether) {
  Policy one{.uid = "urn:p", .kind = Kind::contractual, .rules = {Rule{}}};
  Policy other = one;
  one.rules[0].target = "a assignee 1:b";
  other.rules[0].target = "a";
  other.rules[0].assignee = "b";
  EXPECT_NE(digest_of({one}), digest_of({other}));
  one.rules[0] = other.rules[0] = Rule{};
  one.rules[0].condition = named("a 1:b");
  other.rules[0].condition = named("a");
  other.rules[0].condition.atom.names.push_back("b");
  EXPECT_NE(digest_of({one}), digest_of({other}));
}

constexpr std::array<std::string_view, 3> kNames = {"a", "b", "c"};

Condition some_condition(std::mt19937_64& source, int depth) {
  const int kind = depth == 0 ? 3 : static_cast<int>(source() % 4);
  if (kind == 3) return named(std::string(kNames[source() % 3]));
  Parts parts;
  for (std::size_t i = 1 + source() % 3; i > 0; --i)
    parts.push_back(some_condition(source, depth - 1));
  return of(static_cast<Condition::Kind>(kind), std::move(parts));
}

// What it says of each set of data types, as bits.
unsigned table_of(const Condition& condition) {
  Policy policy{.uid = "urn:p", .kind = Kind::contractual, .rules = {Rule{}}};
  policy.rules[0].condition = condition;
  const auto set = PolicySet::create({policy}).value();
  unsigned table = 0;
  for (unsigned bits = 0; bits < 8; ++bits) {
    Request asked;
    std::vector<std::string> names = {"none"};
    for (unsigned i = 0; i < 3; ++i)
      if ((bits >> i & 1U) != 0) names.emplace_back(kNames[i]);
    EXPECT_TRUE(asked.set(Operand::data_type, std::move(names)).has_value());
    if (decide(*set, asked, {}, kNow).permitted) table |= 1U << bits;
  }
  return table;
}

// The same in other words: other order, alone in a list, twice, grouped.
Condition in_other_words(Condition condition, std::mt19937_64& source) {
  if (condition.kind != Condition::Kind::atom) {
    for (Condition& part : condition.parts) part = in_other_words(std::move(part), source);
    const bool counts = condition.kind == Condition::Kind::one;
    Parts& parts = condition.parts;
    if (!counts && source() % 2 == 0) parts.push_back(Condition(parts.front()));
    for (std::size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[source() % i]);
    if (!counts && parts.size() > 2 && source() % 2 == 0) {
      const Condition pair = of(condition.kind, {parts[0], parts[1]});
      parts.erase(parts.begin(), parts.begin() + 2);
      parts.push_back(pair);
    }
  }
  const auto wrap = source() % 6;
  return wrap < 3 ? of(static_cast<Condition::Kind>(wrap), {std::move(condition)}) : condition;
}

RC_GTEST_PROP(Canonical, OtherWordsAreOneText, (std::uint64_t seed)) {
  std::mt19937_64 source(seed);
  const Condition condition = some_condition(source, 3);
  const Condition other = in_other_words(condition, source);
  RC_ASSERT(canonical(other) == canonical(condition));
  RC_ASSERT(table_of(other) == table_of(condition));
}

TEST(Canonical, OneTextMeansOneThing) {
  std::mt19937_64 source(9);
  std::map<std::string, unsigned> tables;
  int met = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Condition condition = some_condition(source, 2);
    const unsigned table = table_of(condition);
    const auto [at, is_new] = tables.emplace(canonical(condition), table);
    if (!is_new) ++met;
    ASSERT_EQ(at->second, table) << at->first;
  }
  EXPECT_GT(met, 1000);
}

}  // namespace
}  // namespace hanse::policy
