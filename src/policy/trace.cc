#include "policy/trace.h"

#include <algorithm>
#include <cmath>

namespace hanse::policy {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

Truth of(bool holds) { return holds ? Truth::yes : Truth::no; }

bool holds(Operator op, double left, double right) {
  switch (op) {
    case Operator::eq:
      return left == right;
    case Operator::neq:
      return left != right;
    case Operator::lt:
      return left < right;
    case Operator::lteq:
      return left <= right;
    case Operator::gt:
      return left > right;
    case Operator::gteq:
      return left >= right;
    default:
      return false;
  }
}

std::int64_t days_of(std::int64_t wall) {
  return wall >= 0 ? wall / kDay : -((-wall + kDay - 1) / kDay);
}

// Minutes since midnight, or Monday … Sunday as 1 … 7.
double clock_value(Operand operand, std::int64_t wall) {
  const std::int64_t day = days_of(wall);
  if (operand == Operand::time_of_day) return static_cast<double>((wall - day * kDay) / kMinute);
  return static_cast<double>(((day + 3) % 7 + 7) % 7 + 1);  // 1970 began on a Thursday
}

Truth of_time(const Atom& atom, const Facts& facts) {
  const std::int64_t early = facts.now.wall.value - facts.clock.skew.value;
  const std::int64_t late = facts.now.wall.value + facts.clock.skew.value;
  if (atom.op == Operator::is_part_of) {
    Truth truth = Truth::no;
    for (const Interval& one : atom.intervals) {
      if (one.from <= early && late < one.to) return Truth::yes;
      if (one.from <= late && early < one.to) truth = Truth::unknown;
    }
    return truth;
  }
  double boundary = atom.number;
  if (atom.after_agreement) {
    const double* const agreed = facts.request.number(Operand::contract_agreed);
    if (agreed == nullptr) return Truth::unknown;
    boundary += *agreed;
  }
  const auto from = static_cast<double>(early);
  const auto to = static_cast<double>(late);
  const bool is_equality = atom.op == Operator::eq || atom.op == Operator::neq;
  if (is_equality && early < late && from <= boundary && boundary <= to) return Truth::unknown;
  const bool first = holds(atom.op, from, boundary);
  return first == holds(atom.op, to, boundary) ? of(first) : Truth::unknown;
}

Truth of_hour_or_day(const Atom& atom, const Facts& facts) {
  const auto at = [&](std::int64_t wall) {
    return holds(atom.op, clock_value(atom.operand, wall), atom.number);
  };
  const bool first = at(facts.now.wall.value - facts.clock.skew.value);
  return first == at(facts.now.wall.value + facts.clock.skew.value) ? of(first) : Truth::unknown;
}

Truth of_names(const Atom& atom, const std::vector<std::string>& said) {
  const auto is_listed = [&](const std::string& name) {
    return std::ranges::find(atom.names, name) != atom.names.end();
  };
  switch (atom.op) {
    case Operator::is_all_of:
      return of(std::ranges::all_of(atom.names, [&](const std::string& name) {
        return std::ranges::find(said, name) != said.end();
      }));
    case Operator::is_none_of:
    case Operator::neq:
      return of(std::ranges::none_of(said, is_listed));
    default:
      return of(std::ranges::any_of(said, is_listed));
  }
}

const Signals::Value* live_value(const Atom& atom, const Signals& signals) {
  return atom.operand == Operand::signal ? signals.find(atom.name) : signals.find_proof(atom.name);
}

Truth of_live(const Atom& atom, const Facts& facts) {
  const Signals::Value* const value = live_value(atom, facts.signals);
  if (value == nullptr) return Truth::unknown;
  const base::Milliseconds age = facts.now.monotonic - value->at;
  if (age.value < 0 || age > atom.max_age) return Truth::unknown;
  if (atom.names.empty() != value->text.empty()) return Truth::unknown;
  return atom.names.empty() ? of(holds(atom.op, value->number, atom.number))
                            : of_names(atom, {value->text});
}

Trace asked(const Condition& condition, const Facts& facts) {
  Trace trace{&condition, Truth::unknown, {}};
  if (condition.kind == Condition::Kind::atom) {
    trace.truth = truth_of(condition.atom, facts);
    return trace;
  }
  for (const Condition& part : condition.parts) trace.parts.push_back(asked(part, facts));
  const auto count = [&](Truth truth) {
    return std::ranges::count(trace.parts, truth, &Trace::truth);
  };
  switch (condition.kind) {
    case Condition::Kind::all:
      trace.truth = count(Truth::no) > 0        ? Truth::no
                    : count(Truth::unknown) > 0 ? Truth::unknown
                                                : Truth::yes;
      break;
    case Condition::Kind::any:
      trace.truth = count(Truth::yes) > 0       ? Truth::yes
                    : count(Truth::unknown) > 0 ? Truth::unknown
                                                : Truth::no;
      break;
    default:
      trace.truth = count(Truth::unknown) > 0 ? Truth::unknown : of(count(Truth::yes) == 1);
  }
  return trace;
}

}  // namespace

std::string_view name_of(Truth truth) {
  return truth == Truth::yes ? "yes" : truth == Truth::no ? "no" : "unknown";
}

Truth truth_of(const Atom& atom, const Facts& facts) {
  switch (row_of(atom.operand).place) {
    case Place::clock:
      return atom.operand == Operand::date_time ? of_time(atom, facts)
                                                : of_hour_or_day(atom, facts);
    case Place::signals:
    case Place::proofs:
      return of_live(atom, facts);
    default:
      break;
  }
  if (row_of(atom.operand).kind == ValueKind::names) {
    const std::vector<std::string>* const said = facts.request.names(atom.operand);
    return said == nullptr ? Truth::unknown : of_names(atom, *said);
  }
  const double* const said = facts.request.number(atom.operand);
  return said == nullptr ? Truth::unknown : of(holds(atom.op, *said, atom.number));
}

Trace trace(const Condition& condition, const Facts& facts) { return asked(condition, facts); }

bool speaks_of(const Rule& rule, const Request& request) {
  if (!(rule.is_prohibition ? hinders(rule.action, request.action)
                            : covers(rule.action, request.action)))
    return false;
  if (!rule.target.empty() && rule.target != request.resource) return false;
  if (rule.assignee.empty() || rule.assignee == request.subject) return true;
  const auto* const numbers = request.names(Operand::business_partner_number);
  return numbers != nullptr && std::ranges::find(*numbers, rule.assignee) != numbers->end();
}

}  // namespace hanse::policy
