#include "policy/internal/json_ld.h"

#include <algorithm>
#include <array>
#include <set>

#include "policy/operand.h"

namespace hanse::policy::internal {
namespace {

using base::Result;

struct Namespace {
  std::string_view iri;
  std::string_view prefix;
};
constexpr std::array kNamespaces = std::to_array<Namespace>({
    {"http://www.w3.org/ns/odrl/2/", "odrl"},
    {"https://w3id.org/catenax/policy/", "cx"},
    {"https://w3id.org/catenax/2025/9/policy/", "cx"},
    {"https://w3id.org/edc/v0.0.1/ns/", "edc"},
    {"urn:hanse:policy:", "hanse"},
    {"http://purl.org/dc/terms/", "dct"},
    {"http://www.w3.org/2000/01/rdf-schema#", "rdfs"},
    {"http://www.w3.org/2001/XMLSchema#", "xsd"},
});
// As contexts call them.
constexpr std::array kPrefixes = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"odrl", "http://www.w3.org/ns/odrl/2/"},
    {"cx-policy", "https://w3id.org/catenax/policy/"},
    {"edc", "https://w3id.org/edc/v0.0.1/ns/"},
    {"hanse", "urn:hanse:policy:"},
    {"dct", "http://purl.org/dc/terms/"},
    {"dcterms", "http://purl.org/dc/terms/"},
    {"rdfs", "http://www.w3.org/2000/01/rdf-schema#"},
    {"xsd", "http://www.w3.org/2001/XMLSchema#"},
});

constexpr std::array<std::string_view, 52> kOdrl = {
    "Policy",      "Set",         "Offer",       "Agreement",  "uid",          "profile",
    "conflict",    "permission",  "prohibition", "obligation", "duty",         "remedy",
    "consequence", "inheritFrom", "action",      "target",     "assigner",     "assignee",
    "constraint",  "refinement",  "leftOperand", "operator",   "rightOperand", "unit",
    "dataType",    "status",      "and",         "or",         "xone",         "andSequence",
    "eq",          "neq",         "lt",          "lteq",       "gt",           "gteq",
    "isAnyOf",     "isAllOf",     "isNoneOf",    "isPartOf",   "use",          "distribute",
    "transfer",    "delete",      "inform",      "dateTime",   "purpose",      "spatial",
    "delayPeriod", "elapsedTime", "recipient",   "prohibit"};

// Of ours, beside the operands.
constexpr std::array<std::string_view, 25> kOurs = {
    "kind",      "maxAge",     "apply",          "train",       "evaluate",
    "select",    "label",      "trace",          "epsilon_cap", "delta_cap",
    "clip_norm", "min_cohort", "aggregate_only", "retention",   "delete_by",
    "notify",    "regulatory", "contractual",    "operational", "competitive",
    "lineLoad",  "oeeState",   "lotStatus",      "ledgerProof", "maintenanceWindow"};

bool is_catena_x_term(std::string_view term) {
  constexpr std::array<std::string_view, 6> kMore = {"access",
                                                     "DataUsageEndDate",
                                                     "DataUsageEndDurationDays",
                                                     "DataProvisioningEndDate",
                                                     "DataProvisioningEndDurationDays",
                                                     "profile2405"};
  if (std::ranges::find(kMore, term) != kMore.end()) return true;
  const auto operand = operand_named(term);
  return operand && row_of(*operand).is_catena_x;
}

bool is_our_term(std::string_view term) {
  if (term == "max_data_points" || std::ranges::find(kOurs, term) != kOurs.end()) return true;
  const auto operand = operand_named(term);
  return operand && !row_of(*operand).is_catena_x && term != "dateTime";  // ODRL has that one
}

bool is_absolute(std::string_view written) {
  return written.find("://") != std::string_view::npos || written.starts_with("urn:");
}

std::string shortened(std::string_view iri) {
  for (const Namespace& one : kNamespaces)
    if (iri.starts_with(one.iri) && iri.size() > one.iri.size())
      return fmt::format("{}:{}", one.prefix, iri.substr(one.iri.size()));
  return std::string(iri);
}

}  // namespace

Result<void> Contexts::add(const Json& context, const std::string& pointer) {
  if (context.is_array()) {
    for (std::size_t i = 0; i < context.size(); ++i) {
      if (context[i].is_array()) return wrong(pointer, "a list of contexts within a list");
      HANSE_TRY_VOID(add(context[i], fmt::format("{}/{}", pointer, i)));
    }
    return {};
  }
  if (context.is_string()) return add_named(context.get_ref<const std::string&>(), pointer);
  if (context.is_object()) return add_terms(context, pointer);
  return wrong(pointer, "a context is a known name or an object, found {}", context.type_name());
}

Result<void> Contexts::add_named(std::string_view url, std::string_view pointer) {
  if (url == "http://www.w3.org/ns/odrl.jsonld" || url == "https://www.w3.org/ns/odrl.jsonld" ||
      url == "https://w3id.org/catenax/2025/9/policy/odrl.jsonld") {
    has_odrl_ = true;
  } else if (url == "https://w3id.org/catenax/2025/9/policy/context.jsonld" ||
             url == "https://w3id.org/catenax/policy/context.jsonld") {
    has_catena_x_ = true;
  } else if (url == "urn:hanse:policy:context:1") {
    has_ours_ = true;
  } else {
    return wrong(pointer,
                 "no context is fetched, and '{}' is none of those that are known: "
                 "http://www.w3.org/ns/odrl.jsonld, "
                 "https://w3id.org/catenax/2025/9/policy/odrl.jsonld, "
                 "https://w3id.org/catenax/2025/9/policy/context.jsonld and "
                 "urn:hanse:policy:context:1",
                 url);
  }
  return {};
}

Result<void> Contexts::add_terms(const Json& terms, const std::string& pointer) {
  for (const auto& [term, value] : terms.items())
    HANSE_TRY_VOID(add_term(term, value, pointer + pointer_step(term)));
  return {};
}

Result<void> Contexts::add_term(const std::string& term, const Json& value, const std::string& at) {
  const Json* meaning = &value;
  if (value.is_object()) {
    // "@type": "@id" says how values are written; they are understood in either way here.
    const auto id = value.find("@id");
    const bool is_plain = std::ranges::all_of(value.items(), [](const auto& one) {
      return one.key() == "@id" ||
             (one.key() == "@type" && (one.value() == "@id" || one.value() == "@vocab"));
    });
    if (id == value.end() || !is_plain)
      return wrong(at, "a term is an IRI, or an object of its @id and a @type of @id or @vocab");
    meaning = &*id;
  }
  if (!meaning->is_string()) return wrong(at, "an IRI is expected, found {}", meaning->type_name());
  std::string iri = meaning->get<std::string>();
  if (!is_absolute(iri)) {
    const std::size_t colon = iri.find(':');
    const auto known =
        colon == std::string::npos ? terms_.end() : terms_.find(iri.substr(0, colon));
    const auto built = std::ranges::find(kPrefixes, std::string_view(iri).substr(0, colon),
                                         &std::pair<std::string_view, std::string_view>::first);
    if (colon == std::string::npos || (known == terms_.end() && built == kPrefixes.end()))
      return wrong(at, "'{}' is no absolute IRI", iri);
    iri = (known != terms_.end() ? known->second : std::string(built->second)) +
          iri.substr(colon + 1);
  }
  if (term == "@vocab") {
    vocabulary_ = iri;
  } else if (term.starts_with('@')) {
    return wrong(at, "'{}' is not understood in a context", term);
  } else {
    terms_.insert_or_assign(term, std::move(iri));
  }
  return {};
}

Result<std::string> Contexts::word(std::string_view written, std::string_view pointer) const {
  if (written.starts_with('@')) return std::string(written);
  if (const auto at = terms_.find(written); at != terms_.end()) return shortened(at->second);
  if (is_absolute(written)) return shortened(written);
  if (const std::size_t colon = written.find(':'); colon != std::string_view::npos) {
    const std::string_view prefix = written.substr(0, colon);
    const std::string_view rest = written.substr(colon + 1);
    if (const auto at = terms_.find(prefix); at != terms_.end())
      return shortened(at->second + std::string(rest));
    for (const auto& [name, iri] : kPrefixes)
      if (name == prefix) return shortened(fmt::format("{}{}", iri, rest));
  }
  if (has_catena_x_ && is_catena_x_term(written)) return fmt::format("cx:{}", written);
  if (has_ours_ && is_our_term(written)) return fmt::format("hanse:{}", written);
  if (has_odrl_ && std::ranges::find(kOdrl, written) != kOdrl.end())
    return fmt::format("odrl:{}", written);
  if (!vocabulary_.empty()) return shortened(vocabulary_ + std::string(written));
  return wrong(pointer, "no context says what '{}' is", written);
}

const Json& unwrapped(const Json& value) {
  const Json* at = &value;
  while (true) {
    if (at->is_array() && at->size() == 1) {
      at = &at->front();
    } else if (at->is_object() && at->contains("@value")) {
      const bool is_plain = std::ranges::all_of(at->items(), [](const auto& one) {
        return one.key() == "@value" || one.key() == "@type";
      });
      if (!is_plain) return *at;
      at = &at->at("@value");
    } else if (at->is_object() && at->size() == 1 && at->contains("@id")) {
      at = &at->at("@id");
    } else {
      return *at;
    }
  }
}

std::vector<const Json*> items_of(const Json& value) {
  const Json* at = &value;
  while ((at->is_object() && at->size() == 1 && at->contains("@list")) ||
         (at->is_array() && at->size() == 1 && at->front().is_object() &&
          at->front().contains("@list")))
    at = at->is_object() ? &at->at("@list") : &at->front();
  std::vector<const Json*> items;
  if (!at->is_array()) return {at};
  for (const Json& item : *at) items.push_back(&item);
  return items;
}

Result<std::vector<Member>> members_of(const Json& object, const Contexts& contexts,
                                       std::string_view pointer) {
  if (!object.is_object())
    return wrong(pointer, "an object is expected, found {}", object.type_name());
  std::vector<Member> members;
  std::set<std::string> words;
  for (const auto& [key, value] : object.items()) {
    const std::string at = std::string(pointer) + pointer_step(key);
    HANSE_TRY(std::string word, contexts.word(key, at));
    if (word == "odrl:uid") word = "@id";
    if (!words.insert(word).second)
      return wrong(at, "'{}' stands here twice, in two spellings", word);
    members.push_back({std::move(word), &value, at});
  }
  return members;
}

}  // namespace hanse::policy::internal
