// Policies as they are understood: what parse() makes of ODRL and PolicySet compiles. Values of one
// spelling only, so that equal meaning is equal text. docs/formats/policy.md
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/units.h"
#include "policy/obligation.h"
#include "policy/operand.h"

namespace hanse::policy {

// Whose interest a policy guards.
enum class Kind : std::uint8_t { regulatory, contractual, operational, competitive };
std::string_view name_of(Kind kind);
std::optional<Kind> kind_named(std::string_view name);

// [from, to), milliseconds since 1970.
struct Interval {
  std::int64_t from = 0;
  std::int64_t to = 0;
  auto operator<=>(const Interval&) const = default;
};

// One comparison of what a request says with what the policy says.
struct Atom {
  Operand operand = Operand::date_time;
  std::string name = {};  // of a signal or a proof; else empty
  Operator op = Operator::eq;
  std::vector<std::string> names = {};   // sorted, each once: of ValueKind::names
  double number = 0;                     // of the others
  std::vector<Interval> intervals = {};  // sorted: of is_part_of
  // A signal or a checkpoint that is older is unknown. 0: of neither.
  base::Milliseconds max_age = {};
  // Of date_time: `number` is milliseconds after the contract was agreed.
  bool after_agreement = false;

  auto operator<=>(const Atom&) const = default;
};

// A tree of comparisons. `all` of nothing holds.
struct Condition {
  enum class Kind : std::uint8_t { all, any, one, atom };
  Kind kind = Kind::all;
  Atom atom = {};
  std::vector<Condition> parts = {};

  bool operator==(const Condition&) const = default;
};

struct Rule {
  bool is_prohibition = false;
  Action action = Action::use;
  std::string target = {};    // resource id; empty: any
  std::string assignee = {};  // subject id or its BusinessPartnerNumber; empty: anybody
  Condition condition = {};
  Obligations duties = {};   // of a permission
  std::string pointer = {};  // where it stands: "/permission/0"
};

struct Policy {
  std::string uid;
  Kind kind = Kind::contractual;
  std::vector<Rule> rules;
};

// One line for each meaning: parts of all, any and one in order, numbers in their shortest form.
std::string canonical(const Condition& condition);
std::string canonical(const Policy& policy, const Rule& rule);
// Of all of them, in any order, each once.
base::Digest digest_of(const std::vector<Policy>& policies);

}  // namespace hanse::policy
