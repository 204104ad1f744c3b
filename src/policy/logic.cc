#include "policy/logic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "policy/trace.h"

namespace hanse::policy::internal {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Every one of some, and every one of others.
Recipes cross(const std::vector<Recipes>& parts, std::size_t limit) {
  Recipes product{{{}}, true};
  for (const Recipes& part : parts) {
    Recipes next{{}, product.is_complete && part.is_complete};
    for (const Recipe& before : product.all)
      for (const Recipe& with : part.all) {
        if (next.all.size() == limit) {
          next.is_complete = false;
          break;
        }
        next.all.push_back(before);
        next.all.back().insert(next.all.back().end(), with.begin(), with.end());
      }
    product = std::move(next);
  }
  return product;
}

void add(Recipes& into, const Recipes& more, std::size_t limit) {
  into.is_complete = into.is_complete && more.is_complete;
  for (const Recipe& one : more.all) {
    if (into.all.size() == limit) {
      into.is_complete = false;
      return;
    }
    into.all.push_back(one);
  }
}

Recipes exactly_one(const Condition& condition, std::size_t limit) {
  Recipes ways;
  for (std::size_t chosen = 0; chosen < condition.parts.size(); ++chosen) {
    std::vector<Recipes> parts;
    for (std::size_t i = 0; i < condition.parts.size(); ++i)
      parts.push_back(recipes_of(condition.parts[i], i == chosen, limit));
    add(ways, cross(parts, limit), limit);
  }
  return ways;
}

// None of them, or two.
Recipes not_one(const Condition& condition, std::size_t limit) {
  std::vector<Recipes> none;
  for (const Condition& part : condition.parts) none.push_back(recipes_of(part, false, limit));
  Recipes ways = cross(none, limit);
  for (std::size_t i = 0; i < condition.parts.size(); ++i)
    for (std::size_t k = i + 1; k < condition.parts.size(); ++k) {
      if (ways.all.size() == limit) return {std::move(ways.all), false};
      add(ways,
          cross({recipes_of(condition.parts[i], true, limit),
                 recipes_of(condition.parts[k], true, limit)},
                limit),
          limit);
    }
  return ways;
}

bool is_whole(ValueKind kind) {
  return kind == ValueKind::level || kind == ValueKind::minutes || kind == ValueKind::weekday ||
         kind == ValueKind::instant;
}

Range domain_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::level:
      return {0, 3};
    case ValueKind::minutes:
      return {0, 1439};
    case ValueKind::weekday:
      return {1, 7};
    default:
      return {-kInfinity, kInfinity};
  }
}

double before(double value, bool whole) {
  return whole ? std::ceil(value) - 1 : std::nextafter(value, -kInfinity);
}
double after(double value, bool whole) {
  return whole ? std::floor(value) + 1 : std::nextafter(value, kInfinity);
}

Ranges complement(const Ranges& ranges, bool whole) {
  Ranges rest;
  double low = -kInfinity;
  bool is_open = true;
  for (const Range& one : ranges) {
    if (one.low > low) rest.push_back({low, before(one.low, whole)});
    is_open = one.high < kInfinity;
    low = is_open ? after(one.high, whole) : kInfinity;
  }
  if (is_open) rest.push_back({low, kInfinity});
  return rest;
}

Ranges held_by(const Atom& atom, bool whole) {
  const double c = atom.number;
  switch (atom.op) {
    case Operator::eq:
      return {{c, c}};
    case Operator::neq:
      return complement({{c, c}}, whole);
    case Operator::lt:
      return {{-kInfinity, before(c, whole)}};
    case Operator::lteq:
      return {{-kInfinity, whole ? std::floor(c) : c}};
    case Operator::gt:
      return {{after(c, whole), kInfinity}};
    case Operator::gteq:
      return {{whole ? std::ceil(c) : c, kInfinity}};
    default:
      break;
  }
  Ranges ranges;
  for (const Interval& one : atom.intervals) {
    const Range range{static_cast<double>(one.from), static_cast<double>(one.to) - 1};
    if (range.low > range.high) continue;
    if (!ranges.empty() && range.low <= ranges.back().high + 1)
      ranges.back().high = std::max(ranges.back().high, range.high);
    else
      ranges.push_back(range);
  }
  return ranges;
}

bool is_inside(const Ranges& one, const Ranges& other) { return both(one, other) == one; }

using Names = std::set<std::string>;

// What a request's names must and must not have.
struct NameDemand {
  Names required;
  Names forbidden;
  std::vector<const Atom*> some_of;
  std::vector<const Atom*> not_all_of;

  void add(const Literal& literal) {
    const Atom& atom = *literal.atom;
    const bool is_none = atom.op == Operator::is_none_of || atom.op == Operator::neq;
    if (atom.op == Operator::is_all_of && literal.is_wanted)
      required.insert(atom.names.begin(), atom.names.end());
    else if (atom.op == Operator::is_all_of)
      not_all_of.push_back(&atom);
    else if (is_none == literal.is_wanted)
      forbidden.insert(atom.names.begin(), atom.names.end());
    else
      some_of.push_back(&atom);
  }
  bool has_way() const {
    const auto within = [](const std::vector<std::string>& names, const Names& set) {
      return std::ranges::all_of(names, [&](const auto& name) { return set.contains(name); });
    };
    return std::ranges::none_of(required,
                                [&](const auto& one) { return forbidden.contains(one); }) &&
           std::ranges::none_of(some_of,
                                [&](const Atom* one) { return within(one->names, forbidden); }) &&
           std::ranges::none_of(not_all_of,
                                [&](const Atom* one) { return within(one->names, required); });
  }
  // Whether a single name satisfies it.
  bool has_single() const {
    if (required.size() > 1) return false;
    Names left = required;
    bool is_any = required.empty();  // a name that nobody lists
    for (const Atom* one : some_of) {
      Names next;
      for (const std::string& name : one->names)
        if ((is_any || left.contains(name)) && !forbidden.contains(name)) next.insert(name);
      left = std::move(next);
      is_any = false;
    }
    return is_any || !left.empty();
  }
};

std::map<std::string, Recipe> by_key(const Recipe& recipe) {
  std::map<std::string, Recipe> keys;
  for (const Literal& literal : recipe) keys[key_of(*literal.atom)].push_back(literal);
  return keys;
}

bool atom_implies(const Atom& one, const Atom& other) {
  if (one.operand != other.operand || one.name != other.name ||
      one.after_agreement != other.after_agreement || one.max_age > other.max_age)
    return false;
  const auto mine = ranges_of({&one, true});
  const auto others = ranges_of({&other, true});
  if (mine && others) return is_inside(*mine, *others);
  if (mine || others) return false;
  const auto within = [](const auto& names, const auto& set) {
    return std::ranges::all_of(
        names, [&](const auto& name) { return std::ranges::find(set, name) != set.end(); });
  };
  const auto meets = [](const auto& names, const auto& set) {
    return std::ranges::any_of(
        names, [&](const auto& name) { return std::ranges::find(set, name) != set.end(); });
  };
  const bool is_live = one.operand == Operand::signal || one.operand == Operand::proof;
  const auto kind = [](const Atom& atom) {
    return atom.op == Operator::eq    ? Operator::is_any_of
           : atom.op == Operator::neq ? Operator::is_none_of
                                      : atom.op;
  };
  switch (kind(one)) {
    case Operator::is_any_of:
      if (kind(other) == Operator::is_any_of) return within(one.names, other.names);
      if (kind(other) == Operator::is_all_of)
        return one.names.size() == 1 && other.names == one.names;
      return is_live && !meets(one.names, other.names);
    case Operator::is_all_of:
      return kind(other) == Operator::is_any_of   ? meets(one.names, other.names)
             : kind(other) == Operator::is_all_of ? within(other.names, one.names)
                                                  : false;
    default:
      return kind(other) == Operator::is_none_of && within(other.names, one.names);
  }
}

}  // namespace

Recipes recipes_of(const Condition& condition, bool is_wanted, std::size_t limit) {
  if (condition.kind == Condition::Kind::atom) return {{{{&condition.atom, is_wanted}}}, true};
  if (condition.kind == Condition::Kind::one)
    return is_wanted ? exactly_one(condition, limit) : not_one(condition, limit);
  std::vector<Recipes> parts;
  for (const Condition& part : condition.parts) parts.push_back(recipes_of(part, is_wanted, limit));
  if ((condition.kind == Condition::Kind::all) == is_wanted) return cross(parts, limit);
  Recipes ways;
  for (const Recipes& part : parts) add(ways, part, limit);
  return ways;
}

std::optional<Ranges> ranges_of(const Literal& literal) {
  const Atom& atom = *literal.atom;
  if (!atom.names.empty()) return std::nullopt;
  const ValueKind kind = row_of(atom.operand).kind;
  const bool whole = is_whole(kind);
  Ranges ranges = held_by(atom, whole);
  if (!literal.is_wanted) ranges = complement(ranges, whole);
  return both(ranges, {domain_of(kind)});
}

Ranges both(const Ranges& one, const Ranges& other) {
  Ranges shared;
  for (const Range& a : one)
    for (const Range& b : other)
      if (std::max(a.low, b.low) <= std::min(a.high, b.high))
        shared.push_back({std::max(a.low, b.low), std::min(a.high, b.high)});
  return shared;
}

std::string key_of(const Atom& atom) {
  // Texts and numbers of one signal are apart: it says the one or the other.
  return fmt::format("{}/{}/{}", row_of(atom.operand).name, atom.name,
                     atom.after_agreement ? "after" : "");
}

std::string impossible(const Recipe& recipe) {
  for (const auto& [key, literals] : by_key(recipe)) {
    const auto words = [&] {
      std::string text;
      for (const Literal& one : literals)
        text += fmt::format("{}{}{}", text.empty() ? "" : " and ", one.is_wanted ? "" : "not ",
                            words_of(*one.atom));
      return text;
    };
    Ranges left{{-kInfinity, kInfinity}};
    NameDemand demand;
    bool asks_names = false;
    bool asks_numbers = false;
    for (const Literal& literal : literals) {
      const auto ranges = ranges_of(literal);
      (ranges ? asks_numbers : asks_names) = true;
      if (ranges)
        left = both(left, *ranges);
      else
        demand.add(literal);
    }
    const Operand operand = literals.front().atom->operand;
    const bool is_live = operand == Operand::signal || operand == Operand::proof;
    const bool has_names = is_live ? demand.has_single() : demand.has_way();
    if (left.empty() || !has_names || (asks_names && asks_numbers))
      return fmt::format("{}: no value is so", words());
  }
  return {};
}

const Atom* needs_several(const Recipe& recipe) {
  for (const auto& [key, literals] : by_key(recipe)) {
    const Atom& atom = *literals.front().atom;
    if (row_of(atom.operand).kind != ValueKind::names) continue;
    // A single isAllOf of several says so itself.
    NameDemand demand;
    std::size_t any = 0;
    for (const Literal& literal : literals) {
      if (!literal.is_wanted || literal.atom->op == Operator::is_all_of) continue;
      demand.add(literal);
      ++any;
    }
    if (any > 1 && !demand.has_single()) return &atom;
  }
  return nullptr;
}

bool implies(const Condition& one, const Condition& other) {
  using Kind = Condition::Kind;
  if (one == other) return true;
  const auto to = [&](const Condition& part) { return implies(one, part); };
  const auto from = [&](const Condition& part) { return implies(part, other); };
  if (other.kind == Kind::all) return std::ranges::all_of(other.parts, to);
  if (one.kind == Kind::any && !one.parts.empty()) return std::ranges::all_of(one.parts, from);
  if (other.kind == Kind::any && std::ranges::any_of(other.parts, to)) return true;
  if (one.kind == Kind::all) return std::ranges::any_of(one.parts, from);
  return one.kind == Kind::atom && other.kind == Kind::atom && atom_implies(one.atom, other.atom);
}

}  // namespace hanse::policy::internal
