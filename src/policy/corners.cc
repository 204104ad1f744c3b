#include "policy/corners.h"

#include <algorithm>
#include <cmath>

namespace hanse::policy::internal {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;
// Lists of a policy may be long; the first of them stand for the others.
constexpr std::size_t kMaxValues = 256;
constexpr auto kNobody = "urn:hanse:nobody-names-this";

bool is_live(const Atom& atom) {
  return atom.operand == Operand::signal || atom.operand == Operand::proof;
}

// A number below all, each of them, one between each two, one above all.
std::vector<double> around(std::set<double> thresholds) {
  std::vector<double> numbers;
  if (thresholds.empty()) return {0};
  const double low = *thresholds.begin();
  const double high = *thresholds.rbegin();
  numbers.push_back(low > 0 ? low / 2 : low - 1);
  double last = std::nan("");
  for (const double one : thresholds) {
    if (!std::isnan(last)) numbers.push_back(last + (one - last) / 2);
    numbers.push_back(one);
    last = one;
  }
  numbers.push_back(high > 0 ? 2 * high : high + 1);
  return numbers;
}

std::set<double> thresholds_of(const std::vector<const Atom*>& atoms) {
  std::set<double> thresholds;
  for (const Atom* const atom : atoms)
    if (atom->names.empty()) thresholds.insert(atom->number);
  return thresholds;
}

std::vector<Value> names_asked(const std::vector<const Atom*>& atoms) {
  std::vector<Value> values{{.names = {kNobody}}};
  std::set<std::vector<std::string>> seen;
  const auto add = [&](std::vector<std::string> names) {
    if (names.size() > kMaxNames || values.size() >= kMaxValues) return;
    if (seen.insert(names).second) values.push_back({.names = std::move(names)});
  };
  for (const Atom* const atom : atoms) {
    if (atom->op == Operator::is_all_of) add(atom->names);
    for (const std::string& name : atom->names) add({name});
  }
  values.push_back({.is_known = false});
  return values;
}

std::vector<Value> live_asked(const std::vector<const Atom*>& atoms) {
  std::vector<Value> values;
  std::set<std::string> texts;
  std::set<std::int64_t> ages;
  for (const Atom* const atom : atoms) {
    texts.insert(atom->names.begin(), atom->names.end());
    ages.insert(atom->max_age.value);
  }
  const std::set<double> thresholds = thresholds_of(atoms);
  if (!thresholds.empty())
    for (const double number : around(thresholds)) values.push_back({.number = number});
  if (!texts.empty()) values.push_back({.text = "nobody-names-this"});
  for (const std::string& text : texts)
    if (values.size() < kMaxValues) values.push_back({.text = text});
  // Old enough for one rule and not for the next: of each value.
  const std::vector<Value> fresh = values;
  for (const std::int64_t age : ages)
    for (const Value& value : fresh) {
      if (values.size() >= 2 * kMaxValues) break;
      values.push_back(value);
      values.back().age_ms = age + 1;
    }
  values.push_back({.is_known = false});
  return values;
}

std::int64_t midnight_of(std::int64_t wall) { return wall - ((wall % kDay) + kDay) % kDay; }

}  // namespace

std::string corner_key(const Atom& atom) {
  if (row_of(atom.operand).place == Place::clock) return kClockKey;
  return fmt::format("{} {}", row_of(atom.operand).name, atom.name);
}

Corners::Corners(const std::vector<const PolicySet*>& sets, base::Milliseconds wall) : wall_(wall) {
  for (const PolicySet* const set : sets)
    for (std::uint32_t i = 0; i < set->size(); ++i) hear(set->rule(i).condition);
  plain_.wall = wall;
  plain_.request.subject = kNobody;
  plain_.request.resource = kNobody;
  plain_.request.action = Action::train;
  for (const auto& [key, atoms] : asked_) fill(key, atoms);
  for (const auto& [key, values] : values_)
    if (key != kClockKey) put(plain_, key, values.front());
}

void Corners::hear(const Condition& condition) {
  if (condition.kind == Condition::Kind::atom) {
    const Atom& atom = condition.atom;
    asked_[corner_key(atom)].push_back(&atom);
    if (atom.after_agreement) asked_[fmt::format("{} ", row_of(Operand::contract_agreed).name)];
  }
  for (const Condition& part : condition.parts) hear(part);
}

std::set<std::string> Corners::keys_of(const Condition& condition) {
  std::set<std::string> keys;
  if (condition.kind == Condition::Kind::atom) {
    keys.insert(corner_key(condition.atom));
    if (condition.atom.after_agreement)
      keys.insert(fmt::format("{} ", row_of(Operand::contract_agreed).name));
  }
  for (const Condition& part : condition.parts) keys.merge(keys_of(part));
  return keys;
}

void Corners::fill(const std::string& key, const std::vector<const Atom*>& atoms) {
  std::vector<Value>& values = values_[key];
  if (key == kClockKey) return fill_clock(atoms);
  if (atoms.empty() || atoms.front()->operand == Operand::contract_agreed) {
    // Just now, and long enough ago for any number of days that a policy is likely to name.
    std::set<double> times{static_cast<double>(wall_.value)};
    for (const Atom* const atom : atoms) times.insert(atom->number);
    for (const double time : times)
      for (const double by : {0.0, -1.0, 1.0}) values.push_back({.number = time + by});
    values.push_back({.is_known = false});
    return;
  }
  const OperandRow& row = row_of(atoms.front()->operand);
  if (is_live(*atoms.front())) {
    values = live_asked(atoms);
  } else if (row.kind == ValueKind::names) {
    values = names_asked(atoms);
  } else {
    if (row.kind == ValueKind::level)
      for (const double level : {0.0, 1.0, 2.0, 3.0}) values.push_back({.number = level});
    else
      for (const double number : around(thresholds_of(atoms))) values.push_back({.number = number});
    values.push_back({.is_known = false});
  }
}

// Each boundary, just before and just after it; for hours and days, a week's around now.
void Corners::fill_clock(const std::vector<const Atom*>& atoms) {
  std::set<std::int64_t> times;
  std::set<std::int64_t> minutes;
  bool asks_day = false;
  const auto add = [&](std::int64_t time) {
    for (const std::int64_t by : {-1, 0, 1}) times.insert(time + by);
  };
  for (const Atom* const atom : atoms) {
    const auto number = static_cast<std::int64_t>(std::clamp(atom->number, -4e15, 4e15));
    if (atom->operand == Operand::time_of_day) {
      minutes.insert(number);
    } else if (atom->operand == Operand::day_of_week) {
      asks_day = true;
    } else {
      // Agreed just now, in the plain corner.
      if (atom->op != Operator::is_part_of)
        add(atom->after_agreement ? number + wall_.value : number);
      for (const Interval& one : atom->intervals) {
        add(one.from);
        add(one.to);
      }
    }
  }
  if (asks_day || !minutes.empty()) {
    std::set<std::int64_t> days{midnight_of(wall_.value)};
    for (const std::int64_t time : times)
      if (days.size() < 32) days.insert(midnight_of(time));
    if (asks_day)
      for (std::int64_t day = 1; day < 7; ++day) days.insert(midnight_of(wall_.value) + day * kDay);
    if (minutes.empty()) minutes.insert(12 * 60);
    for (const std::int64_t day : days)
      for (const std::int64_t minute : minutes)
        for (const std::int64_t by : {-1, 0, 1}) times.insert(day + (minute + by) * kMinute);
  }
  std::vector<Value>& values = values_[kClockKey];
  values.push_back({.number = static_cast<double>(wall_.value)});
  for (const std::int64_t time : times) values.push_back({.number = static_cast<double>(time)});
}

std::vector<std::string> Corners::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, values] : values_) keys.push_back(key);
  return keys;
}

void Corners::put(Corner& corner, const std::string& key, const Value& value) const {
  if (key == kClockKey) {
    corner.wall.value = static_cast<std::int64_t>(value.number);
    return;
  }
  const auto& atoms = asked_.at(key);
  const Operand operand = atoms.empty() ? Operand::contract_agreed : atoms.front()->operand;
  if (!atoms.empty() && is_live(*atoms.front())) {
    const std::string& name = atoms.front()->name;
    Signals next;
    for (const auto& [other, old] : corner.signals.all())
      if (operand == Operand::proof || other != name) HANSE_CHECK(next.set(other, old));
    for (const auto& [other, old] : corner.signals.proofs())
      if (operand == Operand::signal || other != name) HANSE_CHECK(next.set_proof(other, old));
    const Signals::Value live{value.text, value.number,
                              Corner::kMonotonic - base::Milliseconds{value.age_ms}};
    // More signals than there can be stay unsaid.
    if (value.is_known)
      static_cast<void>(operand == Operand::signal ? next.set(name, live)
                                                   : next.set_proof(name, live));
    corner.signals = std::move(next);
    return;
  }
  if (!value.is_known) {
    // A request cannot unsay: it is said again without.
    Request next;
    next.action = corner.request.action;
    next.subject = corner.request.subject;
    next.resource = corner.request.resource;
    for (const OperandRow& row : operand_table()) {
      if (row.operand == operand) continue;
      if (const auto* const names = corner.request.names(row.operand))
        HANSE_CHECK(next.set(row.operand, *names));
      if (const double* const number = corner.request.number(row.operand))
        HANSE_CHECK(next.set(row.operand, *number));
    }
    corner.request = std::move(next);
  } else if (row_of(operand).kind == ValueKind::names) {
    HANSE_CHECK(corner.request.set(operand, value.names));
  } else {
    HANSE_CHECK(corner.request.set(operand, value.number));
  }
}

bool Corners::satisfy_key(Corner& corner, const std::string& key, const Recipe& literals) const {
  const auto holds = [&] {
    return std::ranges::all_of(literals, [&](const Literal& one) {
      return truth_of(*one.atom, corner.facts()) == (one.is_wanted ? Truth::yes : Truth::no);
    });
  };
  if (holds()) return true;
  const Corner before = corner;
  const Atom& first = *literals.front().atom;
  if (row_of(first.operand).kind == ValueKind::names) {
    // All that is asked for at once: every list's first name that is not forbidden.
    std::set<std::string> names, forbidden;
    const auto is_forbidding = [](const Literal& one) {
      const bool is_none = one.atom->op == Operator::is_none_of || one.atom->op == Operator::neq;
      return one.is_wanted == is_none;
    };
    for (const Literal& one : literals)
      if (is_forbidding(one)) forbidden.insert(one.atom->names.begin(), one.atom->names.end());
    for (const Literal& one : literals) {
      if (is_forbidding(one)) continue;
      for (const std::string& name : one.atom->names) {
        if (forbidden.contains(name) && one.atom->op != Operator::is_all_of) continue;
        names.insert(name);
        if (one.atom->op != Operator::is_all_of) break;
      }
    }
    if (!names.empty() && names.size() <= kMaxNames) {
      put(corner, key, {.names = {names.begin(), names.end()}});
      if (holds()) return true;
    }
  }
  for (const Value& value : values_.at(key)) {
    put(corner, key, value);
    if (holds()) return true;
  }
  corner = before;
  return false;
}

bool Corners::satisfy(Corner& corner, const Recipe& recipe, std::set<std::string>& fixed) const {
  std::map<std::string, Recipe> by_key;
  for (const Literal& literal : recipe) by_key[corner_key(*literal.atom)].push_back(literal);
  Corner next = corner;
  std::set<std::string> keys = fixed;
  for (const auto& [key, literals] : by_key) {
    if (!keys.insert(key).second) {
      const bool holds = std::ranges::all_of(literals, [&](const Literal& one) {
        return truth_of(*one.atom, next.facts()) == (one.is_wanted ? Truth::yes : Truth::no);
      });
      if (!holds) return false;
      continue;
    }
    if (!satisfy_key(next, key, literals)) return false;
  }
  corner = std::move(next);
  fixed = std::move(keys);
  return true;
}

}  // namespace hanse::policy::internal
