// What of policies may be offered to others, in the words of the Catena-X profile 2025/9
// (github.com/catenax-eV/cx-odrl-profile, schema/): one `and` of comparisons for each rule.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "policy/analysis.h"
#include "policy/parse.h"
#include "policy/write.h"

namespace hanse::policy {
namespace {

using Json = nlohmann::ordered_json;

// How the profile writes an operand's values.
enum class Form : std::uint8_t { single, any, any_or_none, all };

// Where the profile lets an operand stand.
constexpr unsigned kAccess = 1;
constexpr unsigned kUse = 2;
constexpr unsigned kForbid = 4;

struct ProfileRow {
  Operand operand;
  Form form;
  unsigned places;
};

using enum Operand;
constexpr std::array kProfile = std::to_array<ProfileRow>({
    {membership, Form::single, kAccess | kUse},
    {business_partner_number, Form::any, kAccess},
    {business_partner_group, Form::any_or_none, kAccess},
    {framework_agreement, Form::single, kAccess | kUse},
    {usage_purpose, Form::any, kUse},
    {contract_reference, Form::all, kUse},
    {affiliates_region, Form::any, kUse | kForbid},
    {affiliates_bpnl, Form::any, kUse | kForbid},
    {managed_legal_entity_region, Form::any, kUse},
    {managed_legal_entity_bpnl, Form::any, kUse},
    {data_frequency, Form::single, kUse},
    {version_changes, Form::single, kUse},
    {contract_termination, Form::single, kUse},
    {confidential_information_measures, Form::single, kUse},
    {confidential_information_sharing, Form::any, kUse},
    {exclusive_usage, Form::single, kUse},
    {warranty, Form::single, kUse},
    {warranty_definition, Form::single, kUse},
    {warranty_duration_months, Form::single, kUse},
    {liability, Form::single, kUse},
    {jurisdiction_location, Form::single, kUse},
    {jurisdiction_location_reference, Form::single, kUse},
    {precedence, Form::single, kUse},
    {data_usage_end_definition, Form::single, kUse},
    {usage_restriction, Form::all, kForbid},
});

Json constraint(std::string_view left, std::string_view op, Json right) {
  Json json = Json::object();
  json["leftOperand"] = left;
  json["operator"] = op;
  json["rightOperand"] = std::move(right);
  return json;
}

// In the profile's words, or null.
Json in_profile(const Atom& atom, unsigned place) {
  if (atom.operand == date_time && atom.op == Operator::lt && place == kUse) {
    constexpr double kDayMs = 86'400'000;
    if (!atom.after_agreement)
      return constraint("DataUsageEndDate", "eq",
                        instant_text({static_cast<std::int64_t>(atom.number)}));
    const auto days = static_cast<std::int64_t>(atom.number / kDayMs);
    if (days > 0 && static_cast<double>(days) * kDayMs == atom.number)
      return constraint("DataUsageEndDurationDays", "eq", days);
    return {};
  }
  const auto at = std::ranges::find(kProfile, atom.operand, &ProfileRow::operand);
  if (at == kProfile.end() || (at->places & place) == 0) return {};
  const std::string_view name = row_of(atom.operand).name;
  const bool is_any = atom.op == Operator::is_any_of || atom.op == Operator::eq;
  if (atom.names.empty())
    return atom.op == Operator::eq ? constraint(name, "eq", fmt::format("{}", atom.number))
                                   : Json();
  const bool is_one = atom.names.size() == 1;
  switch (at->form) {
    case Form::single:
      return is_any && is_one ? constraint(name, "eq", atom.names[0]) : Json();
    case Form::any_or_none:
      if (atom.op == Operator::is_none_of) return constraint(name, "isNoneOf", atom.names);
      [[fallthrough]];
    case Form::any:
      return is_any ? constraint(name, "isAnyOf", atom.names) : Json();
    case Form::all:
      return atom.op == Operator::is_all_of || (is_any && is_one)
                 ? constraint(name, "isAllOf", atom.names)
                 : Json();
  }
  return {};
}

// A rule as far as the profile has words for it.
struct OfferedRule {
  Json json = {};  // null: nothing of it can be offered
  bool is_whole = false;
  std::size_t said = 0;  // comparisons
  std::size_t all = 0;
};

unsigned place_of(const Rule& rule) {
  if (rule.is_prohibition) return rule.action == Action::use ? kForbid : 0;
  if (rule.action == Action::access) return kAccess;
  // Each of ours is a way of using.
  return covers(Action::use, rule.action) ? kUse : 0;
}

OfferedRule offered(const Rule& rule) {
  OfferedRule out;
  const unsigned place = place_of(rule);
  std::vector<const Condition*> parts;
  if (rule.condition.kind == Condition::Kind::all)
    for (const Condition& part : rule.condition.parts) parts.push_back(&part);
  else
    parts.push_back(&rule.condition);
  Json comparisons = Json::array();
  for (const Condition* const part : parts) {
    Json one = part->kind == Condition::Kind::atom ? in_profile(part->atom, place) : Json();
    if (!one.is_null()) comparisons.push_back(std::move(one));
  }
  out.all = parts.size();
  out.said = comparisons.size();
  const Action action = place == kAccess ? Action::access : Action::use;
  out.is_whole = place != 0 && out.said == out.all && out.said > 0 && rule.action == action &&
                 rule.target.empty() && rule.assignee.empty() && rule.duties.is_empty();
  // A prohibition of which a part is left out prohibits more; a rule that asks nothing offers all;
  // whom it is for is nobody else's business.
  if (place == 0 || out.said == 0 || !rule.assignee.empty()) return out;
  if (rule.is_prohibition && !out.is_whole) return out;
  out.json = Json::object();
  out.json["action"] = policy::name_of(action);
  Json both = Json::object();
  both["and"] = std::move(comparisons);
  out.json["constraint"] = Json::array({std::move(both)});
  return out;
}

std::string document_of(std::string_view uid, const Json& permissions, const Json& prohibitions) {
  Json document = Json::object();
  document["@context"] = {kOdrlContext, kCatenaContext};
  document["@type"] = "Set";
  document["@id"] = uid;
  if (!permissions.empty()) document["permission"] = permissions;
  if (!prohibitions.empty()) document["prohibition"] = prohibitions;
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

class Offering {
 public:
  explicit Offering(const OfferOptions& options) : options_(options) {}

  Offer run(const std::vector<Policy>& policies) {
    for (const Policy& policy : policies) {
      const bool is_kept = (policy.kind == Kind::operational && options_.keeps_operational) ||
                           (policy.kind == Kind::competitive && options_.keeps_competitive);
      if (is_kept) {
        note("policy '{}' is {} and stays at home", policy.uid, policy::name_of(policy.kind));
        annex_.push_back(policy);
      } else {
        split(policy);
      }
    }
    out_.annex = policies_json(annex_);
    return std::move(out_);
  }

 private:
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    out_.notes.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  void split(const Policy& policy) {
    Json access = Json::array();
    Json use = Json::array();
    Json forbidden = Json::array();
    Policy rest{policy.uid, policy.kind, {}};
    for (const Rule& rule : policy.rules) {
      OfferedRule one = offered(rule);
      if (!one.is_whole) {
        rest.rules.push_back(rule);
        if (one.json.is_null())
          note("policy '{}' {} stays at home", policy.uid, rule.pointer);
        else
          note("policy '{}' {} is offered with {} of its {} conditions; the rest binds at home",
               policy.uid, rule.pointer, one.said, one.all);
      }
      if (one.json.is_null()) continue;
      const bool is_access = one.json["action"] == "access";
      Json& list = rule.is_prohibition ? forbidden : is_access ? access : use;
      // Rules that differ at home alone are one to others.
      if (std::ranges::find(list, one.json) == list.end()) list.push_back(std::move(one.json));
    }
    if (!rest.rules.empty()) annex_.push_back(std::move(rest));
    // The profile has policies of access and policies of use.
    if (!access.empty())
      out_.offers.push_back(
          {policy.uid + ":access", document_of(policy.uid + ":access", access, Json::array())});
    if (use.empty() && forbidden.empty()) return;
    out_.offers.push_back({policy.uid, document_of(policy.uid, use, forbidden)});
    expect(policy.uid, use);
  }

  // schema/policy-schema.json of the profile: a permission to use has two constraints at least, and
  // its operating model names these two.
  void expect(const std::string& uid, const Json& permissions) {
    for (const Json& permission : permissions)
      for (const std::string_view word : {"FrameworkAgreement", "UsagePurpose"}) {
        const Json& comparisons = permission["constraint"][0]["and"];
        const bool is_there = std::ranges::any_of(
            comparisons, [&](const Json& one) { return one["leftOperand"] == word; });
        if (!is_there)
          note("offer '{}': a permission without {}; connectors expect one", uid, word);
      }
  }

  OfferOptions options_;
  std::vector<Policy> annex_;
  Offer out_;
};

}  // namespace

Offer offer(const std::vector<Policy>& policies, const OfferOptions& options) {
  return Offering(options).run(policies);
}

}  // namespace hanse::policy
