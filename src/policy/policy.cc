#include "policy/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "policy/parse.h"

namespace hanse::policy {
namespace {

constexpr std::array<std::string_view, 4> kKinds = {"regulatory", "contractual", "operational",
                                                    "competitive"};

// Its length before it: no text can pretend to be two.
std::string sized(std::string_view text) { return fmt::format("{}:{}", text.size(), text); }

// A name alone and a list of one mean the same.
Operator listed(const Atom& atom) {
  if (atom.names.empty()) return atom.op;
  return atom.op == Operator::eq    ? Operator::is_any_of
         : atom.op == Operator::neq ? Operator::is_none_of
                                    : atom.op;
}

std::string canonical(const Atom& atom) {
  std::string text =
      fmt::format("{} {} {}", row_of(atom.operand).name, sized(atom.name), name_of(listed(atom)));
  std::vector<std::string> names = atom.names;
  std::ranges::sort(names);
  const auto twice = std::ranges::unique(names);
  names.erase(twice.begin(), twice.end());
  for (const std::string& name : names) text += " " + sized(name);
  if (!atom.intervals.empty())
    for (const Interval& interval : atom.intervals)
      text += fmt::format(" [{},{})", interval.from, interval.to);
  else if (names.empty())
    text += fmt::format(" {}", atom.number == 0 ? 0.0 : atom.number);  // -0 is 0
  if (atom.after_agreement) text += " after agreement";
  if (atom.max_age.value != 0) text += fmt::format(" within {}", atom.max_age.value);
  return text;
}

std::string_view word_of(Condition::Kind kind) {
  switch (kind) {
    case Condition::Kind::all:
      return "all";
    case Condition::Kind::any:
      return "any";
    case Condition::Kind::one:
      return "one";
    case Condition::Kind::atom:
      return "atom";
  }
  HANSE_CHECK(false);
}

// The parts of a condition with those of equal kind taken in: all of all is all.
void gather(const Condition& condition, Condition::Kind kind, std::vector<std::string>* parts) {
  for (const Condition& part : condition.parts) {
    if (part.kind == kind && kind != Condition::Kind::one)
      gather(part, kind, parts);
    else
      parts->push_back(canonical(part));
  }
}

}  // namespace

std::string_view name_of(Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::optional<Kind> kind_named(std::string_view name) {
  const auto at = std::ranges::find(kKinds, name);
  if (at == kKinds.end()) return std::nullopt;
  return static_cast<Kind>(at - kKinds.begin());
}

std::string canonical(const Condition& condition) {
  if (condition.kind == Condition::Kind::atom) return canonical(condition.atom);
  std::vector<std::string> parts;
  gather(condition, condition.kind, &parts);
  std::ranges::sort(parts);
  if (condition.kind != Condition::Kind::one) {  // exactly one of two alike is none
    const auto twice = std::ranges::unique(parts);
    parts.erase(twice.begin(), twice.end());
  }
  if (parts.size() == 1) return parts.front();
  std::string text = fmt::format("{}(", word_of(condition.kind));
  for (const std::string& part : parts) text += sized(part);
  return text + ")";
}

std::string canonical(const Policy& policy, const Rule& rule) {
  std::string text = fmt::format(
      "{} {} {} {} target {} assignee {} if {}", sized(policy.uid), name_of(policy.kind),
      rule.is_prohibition ? "prohibits" : "permits", name_of(rule.action), sized(rule.target),
      sized(rule.assignee), sized(canonical(rule.condition)));
  for (const ObligationText& duty : texts_of(rule.duties))
    text += fmt::format(" {}={}", duty.name, sized(duty.value));
  return text;
}

base::Digest digest_of(const std::vector<Policy>& policies) {
  std::vector<std::string> lines;
  for (const Policy& policy : policies)
    for (const Rule& rule : policy.rules) lines.push_back(canonical(policy, rule));
  std::ranges::sort(lines);
  const auto twice = std::ranges::unique(lines);
  lines.erase(twice.begin(), twice.end());
  base::Hasher hasher;
  hasher.add(base::view_of("hanse policies 1\n"));
  for (const std::string& line : lines) hasher.add(base::view_of(sized(line)));
  return hasher.finish();
}

}  // namespace hanse::policy
