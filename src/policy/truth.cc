// Whether a condition holds for a request, at a time: yes, no, or nobody can say (Kleene's logic of
// three values). What is unknown never becomes "no" by itself.
#include <algorithm>
#include <cmath>

#include "policy/internal/compiled.h"

namespace hanse::policy::internal {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

Truth of(bool holds) { return holds ? Truth::yes : Truth::no; }

bool compare(Operator op, double left, double right) {
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
      break;
  }
  HANSE_CHECK(false);
}

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

void until(Asking& asking, std::int64_t time) {
  if (time > asking.now.wall.value) asking.changes_at = std::min(asking.changes_at, time);
}

// Something changes when the requester's clock passes `time`: ours may be `skew` off either way.
void flips(Asking& asking, std::int64_t time) {
  until(asking, time - asking.skew);
  until(asking, time + asking.skew);
}

// The same whatever the requester's clock says within the skew, or unknown.
template <class Holds>
Truth at_any_clock(const Asking& asking, const Holds& holds) {
  const std::int64_t now = asking.now.wall.value;
  const bool early = holds(now - asking.skew);
  return asking.skew == 0 || early == holds(now + asking.skew) ? of(early) : Truth::unknown;
}

Truth within(Asking& asking, const std::vector<Interval>& intervals) {
  const std::int64_t early = asking.now.wall.value - asking.skew;
  const std::int64_t late = asking.now.wall.value + asking.skew;
  Truth truth = Truth::no;
  for (const Interval& interval : intervals) {
    flips(asking, interval.from);
    flips(asking, interval.to);
    if (interval.from <= early && late < interval.to) truth = Truth::yes;
    const bool touches = interval.from <= late && early < interval.to;
    if (touches && truth == Truth::no) truth = Truth::unknown;
  }
  return truth;
}

Truth instant(Asking& asking, const Atom& atom) {
  if (atom.op == Operator::is_part_of) return within(asking, atom.intervals);
  double boundary = atom.number;
  if (atom.after_agreement) {
    const double* const agreed = asking.bound.request->number(Operand::contract_agreed);
    if (agreed == nullptr) return Truth::unknown;
    boundary += *agreed;
  }
  // Within what wall clocks say; beyond it nothing changes any more.
  const auto time = static_cast<std::int64_t>(std::clamp(boundary, -4e15, 4e15));
  flips(asking, time);
  flips(asking, time + 1);
  const bool is_equality = atom.op == Operator::eq || atom.op == Operator::neq;
  if (is_equality && asking.skew > 0 && std::abs(time - asking.now.wall.value) <= asking.skew)
    return Truth::unknown;
  return at_any_clock(
      asking, [&](std::int64_t at) { return compare(atom.op, static_cast<double>(at), boundary); });
}

Truth hour_or_day(Asking& asking, const Atom& atom) {
  const bool is_day = atom.operand == Operand::day_of_week;
  const auto value = [&](std::int64_t at) {
    const std::int64_t day = floor_div(at, kDay);
    if (!is_day) return (at - day * kDay) / kMinute;
    const std::int64_t since_monday = (day + 3) % 7;  // 1970 began on a Thursday
    return 1 + (since_monday < 0 ? since_monday + 7 : since_monday);
  };
  const std::int64_t now = asking.now.wall.value;
  for (const std::int64_t at : {now - asking.skew, now + asking.skew}) {
    const std::int64_t midnight = floor_div(at, kDay) * kDay;
    flips(asking, midnight + kDay);
    if (is_day) continue;
    const auto time = midnight + static_cast<std::int64_t>(atom.number) * kMinute;
    flips(asking, time);
    flips(asking, time + kMinute);
  }
  return at_any_clock(asking, [&](std::int64_t at) {
    return compare(atom.op, static_cast<double>(value(at)), atom.number);
  });
}

// A single name is a list of one.
bool is_of_the_list(Operator op) { return op == Operator::is_any_of || op == Operator::eq; }

Truth named(const Atom& atom, std::string_view text) {
  const bool is_listed = std::ranges::binary_search(atom.names, text, std::less<>());
  return of(is_of_the_list(atom.op) == is_listed);
}

Truth live(Asking& asking, const Atom& atom) {
  const Signals::Value* const value = atom.operand == Operand::signal
                                          ? asking.signals.find(atom.name)
                                          : asking.signals.find_proof(atom.name);
  if (value == nullptr) return Truth::unknown;
  const std::int64_t age = asking.now.monotonic.value - value->at.value;
  if (age < 0 || age > atom.max_age.value) return Truth::unknown;
  until(asking, asking.now.wall.value + atom.max_age.value - age + 1);
  const bool asks_name = !atom.names.empty();
  if (asks_name != !value->text.empty()) return Truth::unknown;
  return asks_name ? named(atom, value->text) : of(compare(atom.op, value->number, atom.number));
}

Truth of_names(const Asking& asking, const CompiledAtom& atom) {
  const auto at = static_cast<std::size_t>(atom.operand);
  if (!asking.bound.is_known[at]) return Truth::unknown;
  const auto said = asking.bound.of(atom.operand);
  const std::span<const std::uint32_t> listed(asking.set.ids.data() + atom.first, atom.count);
  if (atom.op == Operator::is_all_of)
    return of(std::ranges::all_of(
        listed, [&](std::uint32_t id) { return std::ranges::find(said, id) != said.end(); }));
  const bool any = std::ranges::any_of(said, [&](std::uint32_t id) {
    return listed.size() == 1 ? listed[0] == id : std::ranges::binary_search(listed, id);
  });
  return of(is_of_the_list(atom.op) == any);
}

}  // namespace

bool changes_by_itself(Operand operand) {
  switch (row_of(operand).place) {
    case Place::context:
    case Place::clock:
    case Place::signals:
    case Place::proofs:
      return true;
    default:
      return false;
  }
}

Truth truth_of(Asking& asking, const CompiledAtom& atom) {
  if (asking.is_static && atom.changes) return Truth::unknown;
  switch (atom.kind) {
    case ValueKind::names:
      return of_names(asking, atom);
    case ValueKind::minutes:
    case ValueKind::weekday:
      return hour_or_day(asking, *atom.atom);
    case ValueKind::name_or_number:
      return live(asking, *atom.atom);
    case ValueKind::instant:
      if (atom.operand == Operand::date_time) return instant(asking, *atom.atom);
      break;
    case ValueKind::number:
    case ValueKind::level:
      break;
  }
  const double* const said = asking.bound.request->number(atom.operand);
  return said == nullptr ? Truth::unknown : of(compare(atom.op, *said, atom.number));
}

Truth truth_of(Asking& asking, std::uint32_t node) {
  const Node& at = asking.set.nodes[node];
  const auto& nodes = asking.set.nodes;
  switch (at.kind) {
    case Condition::Kind::atom:
      return truth_of(asking, asking.set.atoms[at.atom]);
    case Condition::Kind::all:
    case Condition::Kind::any: {
      const bool is_all = at.kind == Condition::Kind::all;
      const Truth ends = is_all ? Truth::no : Truth::yes;
      Truth truth = is_all ? Truth::yes : Truth::no;
      for (std::uint32_t part = node + 1; part < at.end; part = nodes[part].end) {
        const Truth one = truth_of(asking, part);
        if (one == ends) return ends;
        if (one == Truth::unknown) truth = Truth::unknown;
      }
      return truth;
    }
    case Condition::Kind::one: {
      int yes = 0;
      for (std::uint32_t part = node + 1; part < at.end; part = nodes[part].end) {
        const Truth one = truth_of(asking, part);
        if (one == Truth::unknown) return Truth::unknown;
        if (one == Truth::yes) ++yes;
      }
      return of(yes == 1);
    }
  }
  HANSE_CHECK(false);
}

bool speaks_of(const Asking& asking, std::uint32_t rule) {
  const CompiledRule& compiled = asking.set.rules[rule];
  const Bound& bound = asking.bound;
  const Action asked = bound.request->action;
  const bool is_prohibition = rule < asking.set.prohibitions;
  if (is_prohibition ? !hinders(compiled.action, asked) : !covers(compiled.action, asked))
    return false;
  if (compiled.target != 0 && compiled.target != bound.resource) return false;
  if (compiled.assignee == 0 || compiled.assignee == bound.subject) return true;
  const auto numbers = bound.of(Operand::business_partner_number);
  return std::ranges::find(numbers, compiled.assignee) != numbers.end();
}

}  // namespace hanse::policy::internal
