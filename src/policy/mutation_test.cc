// Damage never permits. A damaged policy is refused whole, or means something that is as strict: a
// prohibition that cannot be read is no prohibition left out. A request that says less than it did,
// or says it wrongly, is not permitted what it was denied.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "policy/testing.h"

namespace hanse::policy {
namespace {

using namespace testing;
using nlohmann::ordered_json;

// Everything in it counts: a permission with conditions and duties, prohibitions of several sorts.
const std::string kPolicy = policy_text("urn:p:1", R"(
  "kind": "competitive",
  "permission": [{"action": "train", "target": "ovens", "constraint": [
     {"leftOperand": "BusinessPartnerGroup", "operator": "isAnyOf",
      "rightOperand": ["platform", "supplier"]},
     {"or": [
       {"leftOperand": "UsagePurpose", "operator": "eq", "rightOperand": "predictive-maintenance"},
       {"leftOperand": "ContractReference", "operator": "eq", "rightOperand": "C-99"}]},
     {"leftOperand": "DataUsageEndDate", "operator": "eq", "rightOperand": "2027-12-31T23:00:00Z"},
     {"leftOperand": "lineLoad", "operator": "lt", "rightOperand": 0.9}],
   "duty": [{"action": "hanse:apply", "constraint": [
     {"leftOperand": "epsilon_cap", "operator": "lteq", "rightOperand": 1},
     {"leftOperand": "min_cohort", "operator": "gteq", "rightOperand": 3}]}]}],
  "prohibition": [
    {"action": "use", "constraint": [
      {"leftOperand": "BusinessPartnerNumber", "operator": "eq",
       "rightOperand": "BPNL0000000RIVAL"}]},
    {"action": "train", "constraint": [
      {"leftOperand": "sensitivity", "operator": "gteq", "rightOperand": "secret"}]}]
)");

const std::string kRequest = R"({
  "subject": {"type": "organisation", "id": "hub", "properties": {
    "BusinessPartnerNumber": ["BPNL00000000HUB1"], "BusinessPartnerGroup": ["platform"]}},
  "action": {"name": "train", "properties": {"UsagePurpose": ["predictive-maintenance"]}},
  "resource": {"type": "dataset", "id": "ovens", "properties": {
    "dataType": ["vibration"], "sensitivity": "confidential"}},
  "context": {"requestedEpsilon": 1, "contract": {"ContractReference": ["C-17"]},
              "signals": {"lineLoad": {"value": 0.5, "age_ms": 100}}}})";

bool permits(const PolicySet& set, std::string_view request) {
  const auto question = parse_question(request, kNow);
  return question && decide(set, question->request, question->signals, kNow).permitted;
}

std::vector<std::string> pointers_in(const ordered_json& document) {
  std::vector<std::string> all;
  const std::function<void(const ordered_json&, const std::string&)> walk =
      [&](const ordered_json& at, const std::string& pointer) {
        if (!pointer.empty()) all.push_back(pointer);
        if (at.is_object())
          for (const auto& [key, child] : at.items()) walk(child, pointer + "/" + key);
        if (at.is_array())
          for (std::size_t i = 0; i < at.size(); ++i)
            walk(at[i], pointer + "/" + std::to_string(i));
      };
  walk(document, "");
  return all;
}

// Another type, a misspelling, or rubbish in the place of a value.
ordered_json damaged(const ordered_json& value, std::mt19937_64& source) {
  switch (source() % 6) {
    case 0:
      return nullptr;
    case 1:
      return ordered_json{{"@odd", value}};
    case 2:
      return ordered_json::array({ordered_json::array({value})});
    case 3:
      return value.is_string() ? ordered_json(value.get<std::string>() + "\x01")
                               : ordered_json("\x01");
    case 4:
      return true;
    default:
      return ordered_json::object();
  }
}

// Damage that no writer of policies means: wherever it falls, nothing more is permitted than the
// whole policy permits. (Another word that is a good one is another policy.)
TEST(Mutations, ADamagedPolicyPermitsNothingMore) {
  const auto intact = set_of({kPolicy});
  ASSERT_TRUE(permits(*intact, kRequest));
  // What the whole policy denies, for each of its reasons.
  std::vector<std::string> denied;
  const auto with = [&](const char* pointer, const ordered_json& value) {
    ordered_json request = ordered_json::parse(kRequest);
    request[ordered_json::json_pointer(pointer)] = value;
    denied.push_back(request.dump());
    ASSERT_FALSE(permits(*intact, denied.back())) << pointer;
  };
  with("/subject/properties/BusinessPartnerNumber", {"BPNL0000000RIVAL"});
  with("/subject/properties/BusinessPartnerGroup", {"stranger"});
  with("/resource/properties/sensitivity", "secret");
  with("/resource/id", "presses");
  with("/action/name", "label");
  with("/action/properties/UsagePurpose", {"marketing"});
  with("/context/signals/lineLoad/value", .95);
  with("/context/signals", ordered_json::object());

  std::mt19937_64 source(7);
  const ordered_json document = ordered_json::parse(kPolicy);
  const std::vector<std::string> places = pointers_in(document);
  int refused = 0;
  int read = 0;
  for (int i = 0; i < 12'000; ++i) {
    std::string text;
    if (i % 3 == 0) {  // a byte of the text
      text = document.dump();
      const std::size_t at = source() % text.size();
      if (i % 2 == 0)
        text.resize(at);
      else
        text[at] = static_cast<char>(source() % 32);
    } else {
      ordered_json other = document;
      const ordered_json::json_pointer at(places[source() % places.size()]);
      if (i % 3 == 1) {
        other[at] = damaged(other[at], source);
      } else if (!at.parent_pointer().empty() && other[at.parent_pointer()].is_object()) {
        // The key is misspelt.
        ordered_json& parent = other[at.parent_pointer()];
        const ordered_json value = parent[at.back()];
        parent.erase(at.back());
        parent[at.back() + "x"] = value;
      }
      text = other.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    }
    auto policies = parse(text);
    if (!policies) {
      ++refused;
      continue;
    }
    ++read;
    auto set = PolicySet::create(*std::move(policies));
    ASSERT_TRUE(set.has_value());
    for (const std::string& request : denied) ASSERT_FALSE(permits(**set, request)) << text;
  }
  EXPECT_GT(refused, 8000);
  EXPECT_GT(read, 10) << "remarks and names may change";
}

TEST(Mutations, ADamagedRequestIsPermittedNothingMore) {
  const auto set = set_of({kPolicy});
  std::mt19937_64 source(8);
  int denied = 0;
  for (int i = 0; i < 12'000; ++i) {
    ordered_json request = ordered_json::parse(kRequest);
    // Denied as it is, for one reason or another.
    switch (i % 4) {
      case 0:
        request["subject"]["properties"]["BusinessPartnerNumber"] = {"BPNL0000000RIVAL"};
        break;
      case 1:
        request["resource"]["properties"]["sensitivity"] = "secret";
        break;
      case 2:
        request["context"]["signals"]["lineLoad"]["value"] = .95;
        break;
      default:
        request["action"]["properties"]["UsagePurpose"] = {"marketing"};
    }
    ASSERT_FALSE(permits(*set, request.dump()));
    const std::vector<std::string> places = pointers_in(request);
    for (int n = 1 + static_cast<int>(source() % 3); n > 0; --n) {
      const ordered_json::json_pointer at(places[source() % places.size()]);
      if (!request.contains(at)) continue;
      ordered_json& parent = request[at.parent_pointer()];
      if (source() % 2 == 0)
        request[at] = damaged(request[at], source);
      else if (parent.is_object())
        parent.erase(at.back());
    }
    const std::string text = request.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    ASSERT_FALSE(permits(*set, text)) << text;
    ++denied;
  }
  EXPECT_EQ(denied, 12'000);
}

}  // namespace
}  // namespace hanse::policy
