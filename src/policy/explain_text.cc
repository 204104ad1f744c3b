// Explanations for people and for programs.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "policy/analysis.h"
#include "policy/answer.h"

namespace hanse::policy {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(Condition::Kind kind) {
  switch (kind) {
    case Condition::Kind::all:
      return "and";
    case Condition::Kind::any:
      return "or";
    case Condition::Kind::one:
      return "xone";
    case Condition::Kind::atom:
      break;
  }
  return "atom";
}

void write(const Trace& trace, const Facts& facts, std::size_t depth, std::string& out) {
  const std::string margin(2 * depth + 2, ' ');
  const auto truth = [&] { return fmt::format("{:<7}", policy::name_of(trace.truth)); };
  if (trace.condition->kind == Condition::Kind::atom) {
    const Atom& atom = trace.condition->atom;
    out +=
        fmt::format("{}{}  {}  (now: {})\n", margin, truth(), words_of(atom), said_of(atom, facts));
    return;
  }
  // A list of conditions that all hold needs no line of its own at the top.
  const bool is_plain = depth == 1 && trace.condition->kind == Condition::Kind::all;
  if (!is_plain) out += fmt::format("{}{}  {}\n", margin, truth(), name_of(trace.condition->kind));
  for (const Trace& part : trace.parts) write(part, facts, depth + (is_plain ? 0 : 1), out);
}

Json json_of(const Trace& trace, const Facts& facts) {
  Json json{{"truth", policy::name_of(trace.truth)}};
  if (trace.condition->kind == Condition::Kind::atom) {
    json["asks"] = words_of(trace.condition->atom);
    json["says"] = said_of(trace.condition->atom, facts);
    return json;
  }
  json["kind"] = name_of(trace.condition->kind);
  json["parts"] = Json::array();
  for (const Trace& part : trace.parts) json["parts"].push_back(json_of(part, facts));
  return json;
}

}  // namespace

std::string explanation_text(const PolicySet& set, const Explanation& explained,
                             const Facts& facts) {
  std::string out = fmt::format("{}: {}\n", explained.decision.permitted ? "permit" : "deny",
                                for_owner(set, explained.decision));
  if (explained.decision.permitted)
    for (const ObligationText& one : texts_of(obligations_of(set, explained.decision)))
      out += fmt::format("  obligation {} = {}\n", one.name, one.value);
  out += fmt::format("\n{} of {} rules speak of it\n", explained.rules.size(), set.size());
  for (const ExplainedRule& one : explained.rules) {
    const bool is_prohibition = set.rule(one.rule).is_prohibition;
    out += fmt::format("  {:<7}  {} {}\n", policy::name_of(one.trace.truth),
                       is_prohibition ? "prohibition" : "permission", set.name_of(one.rule));
    write(one.trace, facts, 1, out);
  }
  if (explained.changes.empty()) return out;
  out += explained.decision.permitted ? "\nwhat would end it\n" : "\nwhat would change it\n";
  for (const std::string& change : explained.changes) out += fmt::format("  {}\n", change);
  return out;
}

std::string explanation_json(const PolicySet& set, const Explanation& explained,
                             const Facts& facts) {
  Json rules = Json::array();
  for (const ExplainedRule& one : explained.rules) {
    Json ways = Json::array();
    for (const std::vector<Change>& way : one.ways) {
      Json changes = Json::array();
      for (const Change& change : way)
        changes.push_back({{"asks", words_of(*change.atom)},
                           {"says", said_of(*change.atom, facts)},
                           {"must_hold", change.must_hold}});
      ways.push_back(std::move(changes));
    }
    const Rule& rule = set.rule(one.rule);
    rules.push_back({{"policy", set.policy_of(one.rule).uid},
                     {"pointer", rule.pointer},
                     {"kind", policy::name_of(set.policy_of(one.rule).kind)},
                     {"is_prohibition", rule.is_prohibition},
                     {"truth", policy::name_of(one.trace.truth)},
                     {"condition", json_of(one.trace, facts)},
                     {"fewest_changes", std::move(ways)}});
  }
  const Json json{{"schema", "hanse.policy_explanation/1"},
                  {"answer", Json::parse(answer_json(set, explained.decision))},
                  {"rules_in_set", set.size()},
                  {"rules", std::move(rules)},
                  {"changes", explained.changes}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hanse::policy
