// Policies and questions for tests. Included by *_test.cc only.
#pragma once

#include "federation/site/granting.h"

namespace hanse::federation::testing {

// Of one field.
template <class Value>
policy::Obligations asking(Value policy::Obligations::* field,
                           const std::type_identity_t<Value>& value) {
  policy::Obligations asked;
  asked.*field = value;
  return asked;
}
inline policy::Obligations min_cohort(std::uint64_t sites) {
  return asking(&policy::Obligations::min_cohort, sites);
}

inline policy::Rule rule(policy::Condition condition = {}, policy::Obligations duties = {}) {
  return {.is_prohibition = false,
          .action = policy::Action::train,
          .target = "",
          .assignee = "",
          .condition = std::move(condition),
          .duties = std::move(duties),
          .pointer = "/permission/0"};
}

inline std::shared_ptr<const policy::PolicySet> set_of(std::vector<policy::Rule> rules) {
  std::vector<policy::Policy> policies;
  if (!rules.empty())
    policies.push_back({"urn:test:policy", policy::Kind::contractual, std::move(rules)});
  return policy::PolicySet::create(std::move(policies)).value();
}

// Whoever asks may train.
inline std::shared_ptr<const policy::PolicySet> permitting(policy::Obligations duties = {}) {
  return set_of({rule({}, std::move(duties))});
}
// No rule: nobody may.
inline std::shared_ptr<const policy::PolicySet> denying() { return set_of({}); }

// A prohibition by name, beside a permission for all.
inline std::shared_ptr<const policy::PolicySet> forbidding(std::string subject) {
  policy::Rule against = rule();
  against.is_prohibition = true;
  against.assignee = std::move(subject);
  against.pointer = "/prohibition/0";
  return set_of({rule(), std::move(against)});
}

// Only while the line's load is below so much, by a measurement of the last minute.
inline std::shared_ptr<const policy::PolicySet> below_load(double load) {
  policy::Condition condition{.kind = policy::Condition::Kind::atom};
  condition.atom = {.operand = policy::Operand::signal,
                    .name = "lineLoad",
                    .op = policy::Operator::lt,
                    .number = load,
                    .max_age = {60'000}};
  return set_of({rule(std::move(condition))});
}

inline policy::Request question(std::string subject = "hub") {
  policy::Request asked;
  asked.action = policy::Action::train;
  asked.subject = std::move(subject);
  asked.resource = "ovens";
  return asked;
}

inline policy::Signals::Value measured(double number, base::Milliseconds at) {
  return {.text = "", .number = number, .at = at};
}

}  // namespace hanse::federation::testing
