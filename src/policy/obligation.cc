#include "policy/obligation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "policy/parse.h"

namespace hanse::policy {
namespace {

template <class T>
void tighten(std::optional<T>& into, const std::optional<T>& with, bool least = true) {
  if (!with) return;
  into = !into ? *with : least ? std::min(*into, *with) : std::max(*into, *with);
}

// An unset field is the loosest.
template <class T>
bool is_tight(const std::optional<T>& one, const std::optional<T>& other, bool least = true) {
  if (!other) return true;
  return one && (least ? *one <= *other : *one >= *other);
}

}  // namespace

bool Obligations::is_empty() const { return *this == Obligations(); }

void merge(Obligations& into, const Obligations& with) {
  tighten(into.epsilon_cap, with.epsilon_cap);
  tighten(into.delta_cap, with.delta_cap);
  tighten(into.clip_norm, with.clip_norm);
  tighten(into.max_data_points, with.max_data_points);
  tighten(into.min_cohort, with.min_cohort, false);
  into.aggregate_only |= with.aggregate_only;
  tighten(into.retention, with.retention);
  tighten(into.delete_by, with.delete_by);
  into.notify.insert(with.notify.begin(), with.notify.end());
}

std::optional<std::string_view> contradiction(const Obligations& asked, base::Milliseconds wall) {
  if (asked.epsilon_cap && !(*asked.epsilon_cap > 0)) return "epsilon_cap leaves nothing";
  if (asked.delta_cap && !(*asked.delta_cap >= 0)) return "delta_cap is below 0";
  if (asked.clip_norm && !(*asked.clip_norm > 0)) return "clip_norm leaves nothing";
  if (asked.max_data_points == 0U) return "max_data_points leaves no record";
  if (asked.min_cohort && *asked.min_cohort > base::kMaxSites)
    return "min_cohort is more than there can be";
  if (asked.retention && asked.retention->value <= 0) return "retention leaves no time";
  if (asked.delete_by && *asked.delete_by <= wall) return "delete_by has passed";
  return std::nullopt;
}

bool at_least_as_tight(const Obligations& one, const Obligations& other) {
  return is_tight(one.epsilon_cap, other.epsilon_cap) && is_tight(one.delta_cap, other.delta_cap) &&
         is_tight(one.clip_norm, other.clip_norm) &&
         is_tight(one.max_data_points, other.max_data_points) &&
         is_tight(one.min_cohort, other.min_cohort, false) &&
         (one.aggregate_only || !other.aggregate_only) &&
         is_tight(one.retention, other.retention) && is_tight(one.delete_by, other.delete_by) &&
         std::ranges::includes(one.notify, other.notify);
}

std::vector<ObligationText> texts_of(const Obligations& obligations) {
  using nlohmann::json;
  std::vector<ObligationText> texts;
  const auto add = [&](std::string_view name, const json& value) {
    texts.push_back({name, value.dump(-1, ' ', false, json::error_handler_t::replace)});
  };
  if (obligations.epsilon_cap) add("epsilon_cap", *obligations.epsilon_cap);
  if (obligations.delta_cap) add("delta_cap", *obligations.delta_cap);
  if (obligations.clip_norm) add("clip_norm", *obligations.clip_norm);
  if (obligations.max_data_points) add("max_data_points", *obligations.max_data_points);
  if (obligations.min_cohort) add("min_cohort", *obligations.min_cohort);
  if (obligations.aggregate_only) add("aggregate_only", true);
  if (obligations.retention)
    add("retention",
        fmt::format("PT{}S", static_cast<double>(obligations.retention->value) / 1000));
  if (obligations.delete_by) add("delete_by", instant_text(*obligations.delete_by));
  if (!obligations.notify.empty()) add("notify", obligations.notify);
  return texts;
}

}  // namespace hanse::policy
