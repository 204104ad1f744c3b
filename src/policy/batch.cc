// https://openid.net/specs/authorization-api-1_0.html, section 6.
#include "policy/batch.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "policy/question.h"

namespace hanse::policy {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using internal::Json;

// One more than a question, for the list and the object around it.
constexpr std::size_t kMaxBatchDepth = kMaxRequestDepth + 2;
constexpr std::array<std::string_view, 4> kParts = {"subject", "action", "resource", "context"};

std::optional<Semantic> semantic_named(std::string_view name) {
  if (name == "execute_all") return Semantic::execute_all;
  if (name == "deny_on_first_deny") return Semantic::deny_on_first_deny;
  if (name == "permit_on_first_permit") return Semantic::permit_on_first_permit;
  return std::nullopt;
}

Result<Semantic> semantic_of(const Json& document) {
  const auto options = document.find("options");
  if (options == document.end()) return Semantic::execute_all;
  if (!options->is_object())
    return fail(ErrorCode::invalid_argument, "/options: an object is expected, found {}",
                options->type_name());
  const auto said = options->find("evaluations_semantic");
  if (said == options->end()) return Semantic::execute_all;
  if (said->is_string())
    if (const auto known = semantic_named(said->get_ref<const std::string&>())) return *known;
  return fail(ErrorCode::invalid_argument,
              "/options/evaluations_semantic: execute_all, deny_on_first_deny or "
              "permit_on_first_permit is expected, found {}",
              said->dump(-1, ' ', false, Json::error_handler_t::replace));
}

Result<Question> question_at(const Json& defaults, const Json& given, const Moment& now) {
  if (!given.is_object())
    return fail(ErrorCode::invalid_argument, "/: an object is expected, found {}",
                given.type_name());
  Json whole = given;
  for (const std::string_view part : kParts) {
    const auto at = defaults.find(part);
    if (at != defaults.end() && !whole.contains(part)) whole[std::string(part)] = *at;
  }
  return internal::question_of(whole, now);
}

}  // namespace

Result<Batch> parse_batch(std::string_view json, const Moment& now) {
  HANSE_TRY(const Json document, internal::strict_json(json, kMaxBatchBytes, kMaxBatchDepth));
  if (!document.is_object())
    return fail(ErrorCode::invalid_argument, "/: an object is expected, found {}",
                document.type_name());
  Batch batch;
  HANSE_TRY(batch.semantic, semantic_of(document));
  const auto evaluations = document.find("evaluations");
  if (evaluations != document.end() && !evaluations->is_array())
    return fail(ErrorCode::invalid_argument, "/evaluations: a list is expected, found {}",
                evaluations->type_name());
  batch.is_single = evaluations == document.end() || evaluations->empty();
  if (batch.is_single) {
    batch.questions.push_back(internal::question_of(document, now));
    return batch;
  }
  if (evaluations->size() > kMaxBatch)
    return fail(ErrorCode::invalid_argument, "/evaluations: {} questions; at most {}",
                evaluations->size(), kMaxBatch);
  for (std::size_t i = 0; i < evaluations->size(); ++i) {
    auto one = question_at(document, (*evaluations)[i], now);
    if (one)
      batch.questions.push_back(std::move(one));
    else
      batch.questions.push_back(fail(one.error().within(fmt::format("/evaluations/{}", i))));
  }
  return batch;
}

}  // namespace hanse::policy
