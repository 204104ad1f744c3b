// What a permission asks: {"action": "hanse:apply", "constraint": [{"leftOperand": "epsilon_cap",
// …}]}, and ODRL's own words for deleting and informing.
#include <cmath>

#include "base/nearest.h"
#include "policy/internal/constraints.h"
#include "policy/parse.h"

namespace hanse::policy::internal {
namespace {

using base::Milliseconds;
using base::Result;

struct Parts {
  std::string left = {};
  std::string op = {};
  const Json* right = nullptr;
  std::string pointer = {};
};

Result<Parts> parts_of(const Json& written, const Contexts& contexts, const std::string& pointer) {
  HANSE_TRY(const std::vector<Member> members, members_of(written, contexts, pointer));
  Parts parts;
  parts.pointer = pointer;
  for (const Member& member : members) {
    if (member.word == "odrl:leftOperand") {
      HANSE_TRY(parts.left, word_of(*member.value, contexts, member.pointer));
    } else if (member.word == "odrl:operator") {
      HANSE_TRY(parts.op, word_of(*member.value, contexts, member.pointer));
    } else if (member.word == "odrl:rightOperand") {
      parts.right = member.value;
    } else if (member.word != "@type" && member.word != "@id") {
      return wrong(member.pointer, "'{}' is not understood in a duty's constraint", member.word);
    }
  }
  if (parts.left.empty() || parts.op.empty() || parts.right == nullptr)
    return wrong(pointer, "a leftOperand, an operator and a rightOperand are expected");
  return parts;
}

Result<void> expect(const Parts& parts, std::string_view op) {
  if (parts.op == op) return {};
  return wrong(parts.pointer + "/operator", "'{}' is bounded by {}, found '{}'", parts.left,
               op.substr(op.find(':') + 1), parts.op);
}

Result<double> number_of(const Parts& parts) {
  const Json& value = unwrapped(*parts.right);
  if (value.is_number() && std::isfinite(value.get<double>())) return value.get<double>();
  return wrong(parts.pointer + "/rightOperand", "a number is expected");
}

Result<std::uint64_t> count_of(const Parts& parts) {
  const Json& value = unwrapped(*parts.right);
  if (value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 1e15 &&
      value.get<double>() == std::floor(value.get<double>()))
    return static_cast<std::uint64_t>(value.get<double>());
  return wrong(parts.pointer + "/rightOperand", "a whole number is expected");
}

template <class T>
Result<void> read(const Parts& parts, Result<T> (*parse)(std::string_view), T* out) {
  const std::string at = parts.pointer + "/rightOperand";
  HANSE_TRY(const std::string text, text_of(*parts.right, at));
  Result<T> value = parse(text);
  if (!value) return base::fail(value.error().within(at));
  *out = *std::move(value);
  return {};
}

Result<void> retain(const Parts& parts, Obligations* out) {
  HANSE_TRY_VOID(expect(parts, "odrl:lteq"));
  return read(parts, &parse_duration, &out->retention.emplace());
}

Result<void> delete_by(const Parts& parts, Obligations* out) {
  HANSE_TRY_VOID(expect(parts, "odrl:lteq"));
  return read(parts, &parse_instant, &out->delete_by.emplace());
}

Result<void> notify(const Parts& parts, Obligations* out) {
  const auto items = items_of(*parts.right);
  if (parts.op != "odrl:isAllOf" && !(parts.op == "odrl:eq" && items.size() == 1))
    return wrong(parts.pointer + "/operator", "all who are named are told: isAllOf is expected");
  if (items.empty()) return wrong(parts.pointer + "/rightOperand", "it names nobody");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string at = item_pointer(parts.pointer + "/rightOperand", *parts.right, i);
    HANSE_TRY(std::string name, text_of(*items[i], at));
    out->notify.insert(std::move(name));
  }
  return {};
}

Result<void> aggregate_only(const Parts& parts, Obligations* out) {
  HANSE_TRY_VOID(expect(parts, "odrl:eq"));
  const Json& value = unwrapped(*parts.right);
  if (value != Json(true) && value != Json("true"))
    return wrong(parts.pointer + "/rightOperand", "true is expected");
  out->aggregate_only = true;
  return {};
}

// One obligation of ours.
Result<Obligations> apply(const Parts& parts) {
  Obligations out;
  const std::string_view word = parts.left;
  if (word == "hanse:retention") {
    HANSE_TRY_VOID(retain(parts, &out));
  } else if (word == "hanse:delete_by") {
    HANSE_TRY_VOID(delete_by(parts, &out));
  } else if (word == "hanse:notify") {
    HANSE_TRY_VOID(notify(parts, &out));
  } else if (word == "hanse:aggregate_only") {
    HANSE_TRY_VOID(aggregate_only(parts, &out));
  } else if (word == "hanse:min_cohort") {
    HANSE_TRY_VOID(expect(parts, "odrl:gteq"));
    HANSE_TRY(out.min_cohort, count_of(parts));
  } else if (word == "hanse:max_data_points") {
    HANSE_TRY_VOID(expect(parts, "odrl:lteq"));
    HANSE_TRY(out.max_data_points, count_of(parts));
  } else if (word == "hanse:epsilon_cap" || word == "hanse:delta_cap" ||
             word == "hanse:clip_norm") {
    HANSE_TRY_VOID(expect(parts, "odrl:lteq"));
    auto& field = word == "hanse:epsilon_cap" ? out.epsilon_cap
                  : word == "hanse:delta_cap" ? out.delta_cap
                                              : out.clip_norm;
    HANSE_TRY(field, number_of(parts));
    if (!(*field >= 0)) return wrong(parts.pointer + "/rightOperand", "it is below 0");
  } else {
    const std::vector<std::string> known = {"epsilon_cap",     "delta_cap",  "clip_norm",
                                            "max_data_points", "min_cohort", "aggregate_only",
                                            "retention",       "delete_by",  "notify"};
    return wrong(parts.pointer + "/leftOperand", "'{}' is no obligation that can be enforced{}",
                 word, base::did_you_mean(word.substr(word.find(':') + 1), known));
  }
  return out;
}

// ODRL's own: odrl:delete by a date or after a time, odrl:inform somebody.
Result<Obligations> of_odrl(std::string_view action, const Parts& parts) {
  Obligations out;
  const bool is_delete = action == "odrl:delete";
  if (is_delete && parts.left == "odrl:dateTime") {
    HANSE_TRY_VOID(delete_by(parts, &out));
  } else if (is_delete && (parts.left == "odrl:delayPeriod" || parts.left == "odrl:elapsedTime")) {
    HANSE_TRY_VOID(retain(parts, &out));
  } else if (!is_delete && parts.left == "odrl:recipient") {
    HANSE_TRY_VOID(notify(parts, &out));
  } else {
    return wrong(parts.pointer + "/leftOperand", "'{}' says nothing of '{}' that is understood",
                 parts.left, action);
  }
  return out;
}

}  // namespace

Result<Obligations> duty_of(const Json& duty, const Contexts& contexts,
                            const std::string& pointer) {
  HANSE_TRY(const std::vector<Member> members, members_of(duty, contexts, pointer));
  std::string action;
  const Member* constraints = nullptr;
  for (const Member& member : members) {
    if (member.word == "odrl:action") {
      HANSE_TRY(action, word_of(*member.value, contexts, member.pointer));
    } else if (member.word == "odrl:constraint") {
      constraints = &member;
    } else if (member.word != "@type" && member.word != "@id") {
      return wrong(member.pointer, "'{}' is not understood in a duty", member.word);
    }
  }
  const bool is_ours = action == "hanse:apply";
  if (!is_ours && action != "odrl:delete" && action != "odrl:inform")
    return wrong(pointer + "/action",
                 "'{}' is no duty that can be enforced; there are hanse:apply, delete and inform",
                 action);
  if (constraints == nullptr) return wrong(pointer, "a duty without a constraint");
  Obligations all;
  const auto items = items_of(*constraints->value);
  if (items.empty()) return wrong(constraints->pointer, "it asks nothing");
  for (std::size_t i = 0; i < items.size(); ++i) {
    HANSE_TRY(
        const Parts parts,
        parts_of(*items[i], contexts, item_pointer(constraints->pointer, *constraints->value, i)));
    HANSE_TRY(const Obligations one, is_ours ? apply(parts) : of_odrl(action, parts));
    merge(all, one);
  }
  return all;
}

Result<Obligations> duties_of(const Json& duties, const Contexts& contexts,
                              const std::string& pointer) {
  Obligations all;
  const auto items = items_of(duties);
  for (std::size_t i = 0; i < items.size(); ++i) {
    HANSE_TRY(const Obligations one,
              duty_of(*items[i], contexts, item_pointer(pointer, duties, i)));
    merge(all, one);
  }
  return all;
}

}  // namespace hanse::policy::internal
