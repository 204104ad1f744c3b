// For tests: policies and requests at random, few values of everything so that they meet.
#pragma once

#include <algorithm>
#include <set>

#include "policy/decision_point.h"

namespace hanse::policy::testing {

inline constexpr std::int64_t kRandomNow = 1'795'381'200'000;  // 2026-11-22T21:00:00Z

class RandomPolicies {
 public:
  explicit RandomPolicies(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t count) {
    // SplitMix64 (Steele, Lea, Flood 2014).
    std::uint64_t mixed = random_ += 0x9E3779B97F4A7C15ULL;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
    return (mixed ^ (mixed >> 31)) % count;
  }
  bool one_in(std::size_t count) { return below(count) == 0; }

  std::vector<std::string> names() {
    std::set<std::string> names;
    for (std::size_t i = below(3) + 1; i > 0; --i) names.insert(std::string(1, "abcd"[below(4)]));
    return {names.begin(), names.end()};
  }

  Atom atom() {
    using enum Operand;
    constexpr std::array kAsked = {data_type,
                                   business_partner_number,
                                   business_partner_group,
                                   usage_purpose,
                                   sensitivity,
                                   requested_epsilon,
                                   cohort_size,
                                   date_time,
                                   time_of_day,
                                   day_of_week,
                                   Operand::signal,
                                   Operand::proof};
    Atom atom{.operand = kAsked[below(kAsked.size())]};
    const ValueKind kind = row_of(atom.operand).kind;
    if (kind == ValueKind::name_or_number) {
      atom.name = one_in(2) ? "load" : "state";
      atom.max_age.value = one_in(2) ? 30'000 : 60'000;
    }
    if (kind == ValueKind::names || (kind == ValueKind::name_or_number && atom.name == "state")) {
      constexpr std::array kOps = {Operator::is_any_of, Operator::is_none_of, Operator::is_all_of};
      atom.op = kOps[below(kind == ValueKind::names ? 3 : 2)];
      atom.names = names();
      return atom;
    }
    atom.op = static_cast<Operator>(below(6));
    if (kind == ValueKind::instant && one_in(3)) {
      atom.op = Operator::is_part_of;
      const std::int64_t from = kRandomNow + 1000 * (static_cast<std::int64_t>(below(9)) - 4);
      atom.intervals = {{from, from + 1000 * static_cast<std::int64_t>(below(3) + 1)}};
      atom.number = 0;
      return atom;
    }
    atom.number = number(kind);
    if (kind == ValueKind::instant && one_in(3)) {
      atom.after_agreement = true;
      atom.number = 1000 * static_cast<double>(below(5));
    }
    return atom;
  }

  Condition condition(int depth = 2) {
    if (depth == 0 || one_in(3)) return {.kind = Condition::Kind::atom, .atom = atom()};
    Condition condition{.kind = static_cast<Condition::Kind>(below(4) % 3)};
    for (std::size_t i = below(3) + 1; i > 0; --i)
      condition.parts.push_back(this->condition(depth - 1));
    return condition;
  }

  Rule rule(bool is_prohibition) {
    Rule rule{.is_prohibition = is_prohibition, .action = action()};
    if (one_in(4)) rule.target = one_in(2) ? "ovens" : "presses";
    if (one_in(4)) rule.assignee = one_in(2) ? "hub" : "b";
    rule.condition = {.kind = Condition::Kind::all};
    for (std::size_t i = below(3); i > 0; --i) rule.condition.parts.push_back(condition());
    if (is_prohibition) return rule;
    if (one_in(2)) rule.duties.epsilon_cap = 0.5 * static_cast<double>(below(3) + 1);
    if (one_in(3)) rule.duties.min_cohort = below(5) + 1;
    if (one_in(6)) rule.duties.aggregate_only = true;
    if (one_in(4)) rule.duties.notify = {one_in(2) ? "owner" : "works-council"};
    if (one_in(9)) rule.duties.delete_by = base::Milliseconds{kRandomNow + (one_in(2) ? -1 : 1)};
    return rule;
  }

  std::vector<Policy> policies(std::size_t rules) {
    std::vector<Policy> all;
    for (std::size_t i = 0; i < rules; ++i) {
      if (all.empty() || one_in(2))
        all.push_back({.uid = fmt::format("urn:p{}", all.size()),
                       .kind = static_cast<Kind>(below(4)),
                       .rules = {}});
      const bool is_prohibition = one_in(3);
      std::vector<Rule>& into = all.back().rules;
      into.push_back(rule(is_prohibition));
      const auto before = std::ranges::count(into, is_prohibition, &Rule::is_prohibition) - 1;
      into.back().pointer =
          fmt::format("/{}/{}", is_prohibition ? "prohibition" : "permission", before);
    }
    return all;
  }

  // Says nearly everything.
  Request request() {
    Request request;
    request.action = action();
    request.subject = one_in(2) ? "hub" : "a";
    request.resource = one_in(2) ? "ovens" : "belts";
    for (const OperandRow& row : operand_table()) {
      if (row.place == Place::clock || row.place == Place::signals || row.place == Place::proofs ||
          one_in(24))
        continue;
      if (row.kind == ValueKind::names)
        HANSE_CHECK(request.set(row.operand, names()));
      else
        HANSE_CHECK(request.set(row.operand, number(row.kind)));
    }
    return request;
  }

  Signals signals() {
    Signals signals;
    for (const bool is_proof : {false, true}) {
      const auto put = [&](std::string_view name, Signals::Value value) {
        value.at.value = now().monotonic.value - (one_in(2) ? 0 : one_in(2) ? 30'001 : 60'000);
        if (one_in(8)) return;
        HANSE_CHECK(is_proof ? signals.set_proof(name, value) : signals.set(name, value));
      };
      if (one_in(12))
        put("load", {.text = "a", .at = {}});
      else
        put("load", {.text = {}, .number = number(ValueKind::number), .at = {}});
      put("state", {.text = std::string(1, "abcd"[below(4)]), .at = {}});
    }
    return signals;
  }

  static Moment now() { return {{kRandomNow}, {9'000'000}}; }

 private:
  Action action() { return one_in(6) ? Action::access : one_in(3) ? Action::use : Action::train; }
  double number(ValueKind kind) {
    switch (kind) {
      case ValueKind::level:
        return static_cast<double>(below(4));
      case ValueKind::minutes:
        return 1258 + static_cast<double>(below(5));
      case ValueKind::weekday:
        return static_cast<double>(below(7) + 1);
      case ValueKind::instant:
        return static_cast<double>(kRandomNow + 1000 * (static_cast<std::int64_t>(below(5)) - 2));
      default:
        return 0.5 * static_cast<double>(below(7));
    }
  }

  std::uint64_t random_;
};

inline std::shared_ptr<const PolicySet> random_set(RandomPolicies& random, std::size_t rules) {
  auto set = PolicySet::create(random.policies(rules));
  HANSE_CHECK(set.has_value());
  return *set;
}

}  // namespace hanse::policy::testing
