// One decision: prohibitions before permissions, the unknown before the permitted.
#include <algorithm>

#include "base/limits.h"
#include "policy/decision_point.h"
#include "policy/internal/deciding.h"

namespace hanse::policy::internal {
namespace {

void tighten(Shape& into, const Shape& with) {
  into.epsilon_cap = std::min(into.epsilon_cap, with.epsilon_cap);
  into.delta_cap = std::min(into.delta_cap, with.delta_cap);
  into.clip_norm = std::min(into.clip_norm, with.clip_norm);
  into.max_data_points = std::min(into.max_data_points, with.max_data_points);
  into.min_cohort = std::max(into.min_cohort, with.min_cohort);
  into.retention = std::min(into.retention, with.retention);
  into.delete_by = std::min(into.delete_by, with.delete_by);
  into.notify |= with.notify;
  into.aggregate_only |= with.aggregate_only;
}

bool is_possible(const Shape& shape, std::int64_t wall) {
  return shape.epsilon_cap > 0 && shape.delta_cap >= 0 && shape.clip_norm > 0 &&
         shape.max_data_points > 0 && shape.min_cohort <= base::kMaxSites && shape.retention > 0 &&
         shape.delete_by > wall;
}

}  // namespace

bool bind(const Compiled& set, const Request& request, Bound* out) {
  out->request = &request;
  out->subject = request.subject.empty() ? 0 : set.names.find(request.subject);
  out->resource = request.resource.empty() ? 0 : set.names.find(request.resource);
  std::size_t used = 0;
  for (std::size_t i = 0; i < kOperands; ++i) {
    out->first[i] = static_cast<std::uint16_t>(used);
    out->count[i] = 0;
    out->is_known[i] = false;
    if (!set.asked[i]) continue;
    const std::vector<std::string>* const names = request.names(static_cast<Operand>(i));
    if (names == nullptr) continue;
    if (used + names->size() > Bound::kMaxIds) return false;
    out->is_known[i] = true;
    for (const std::string& name : *names) out->ids[used++] = set.names.find(name);
    out->count[i] = static_cast<std::uint16_t>(names->size());
  }
  return true;
}

void Verdict::hear(Asking& asking, std::uint32_t rule) {
  const bool is_prohibition = rule < asking.set.prohibitions;
  // Among those that say the same the first counts.
  if (is_prohibition && rule >= prohibited) return;
  if (!speaks_of(asking, rule)) return;
  const Truth truth = truth_of(asking, asking.set.rules[rule].root);
  if (truth == Truth::unknown) unknown = std::min(unknown, rule);
  if (truth != Truth::yes) return;
  if (is_prohibition) {
    prohibited = std::min(prohibited, rule);
  } else {
    permitted = std::min(permitted, rule);
    tighten(shape, asking.set.shapes[rule]);
  }
}

Decision Verdict::decision(const Asking& asking) const {
  Decision decision;
  if (prohibited != kNoRule) {
    decision.reason = Reason::prohibited;
    decision.rule = prohibited;
  } else if (unknown != kNoRule) {
    decision.reason = Reason::unknown;
    decision.rule = unknown;
  } else if (permitted != kNoRule) {
    const std::int64_t late = asking.now.wall.value + asking.skew;
    decision.permitted = is_possible(shape, late);
    decision.reason = decision.permitted ? Reason::permitted : Reason::impossible_obligations;
    decision.rule = permitted;
    decision.shape = shape;
  }
  decision.changes_at.value = asking.changes_at;
  if (decision.permitted && shape.delete_by != Shape().delete_by)
    decision.changes_at.value = std::min(asking.changes_at, shape.delete_by - asking.skew);
  return decision;
}

Candidates::Candidates(const Compiled& set, const Bound& bound) : set_(set), bound_(bound) {
  const Index& index = set.index;
  const auto is_said = [&](Operand operand) {
    return bound.is_known[static_cast<std::size_t>(operand)];
  };
  // A rule that asks what the request does not say must be heard: it denies.
  is_all_ = (index.by_data_type() && !is_said(Operand::data_type)) ||
            (index.by_number() && !is_said(Operand::business_partner_number)) ||
            (index.by_group() && !is_said(Operand::business_partner_group)) || !find();
}

bool Candidates::find() {
  const auto types = bound_.of(Operand::data_type);
  const auto numbers = bound_.of(Operand::business_partner_number);
  const auto groups = bound_.of(Operand::business_partner_group);
  // Place 0 is "any", and at an organisation's place 1 the subject itself.
  for (std::size_t t = 0; t <= types.size(); ++t) {
    const std::uint32_t type = t == 0 ? 0 : types[t - 1];
    if (t > 0 && type == 0) continue;
    for (std::size_t n = 0; n <= numbers.size() + 1; ++n) {
      const std::uint32_t organisation = n == 0 ? 0 : n == 1 ? bound_.subject : numbers[n - 2];
      if (n > 0 && organisation == 0) continue;
      for (std::size_t g = 0; g <= groups.size(); ++g) {
        const std::uint32_t group = g == 0 ? 0 : groups[g - 1];
        if (g > 0 && group == 0) continue;
        const unsigned pattern = (t > 0 ? 1U : 0U) | (n > 0 ? 2U : 0U) | (g > 0 ? 4U : 0U);
        if (!set_.index.has(pattern)) continue;
        if (++probes_ > kMaxProbes) return false;
        const Bucket* const bucket = set_.index.find({type, organisation, group});
        if (bucket == nullptr) continue;
        if (count_ == kMaxSpans) return false;
        spans_[count_++] = bucket;
        rules_ += bucket->last - bucket->first;
      }
    }
  }
  return true;
}

Decision decide(Asking& asking, const Candidates& candidates) {
  Verdict verdict;
  candidates.each(0, [&](std::uint32_t rule) { verdict.hear(asking, rule); });
  if (verdict.prohibited == kNoRule && verdict.unknown == kNoRule)
    candidates.each(1, [&](std::uint32_t rule) { verdict.hear(asking, rule); });
  return verdict.decision(asking);
}

}  // namespace hanse::policy::internal

namespace hanse::policy {

Decision decide(const PolicySet& set, const Request& request, const Signals& signals,
                const Moment& now, const ClockSettings& clock) {
  const internal::Compiled& compiled = set.body().compiled;
  internal::Bound bound;
  if (!internal::bind(compiled, request, &bound)) return Decision{.reason = Reason::unknown};
  internal::Asking asking{compiled, bound, signals, now, clock.skew.value};
  return internal::decide(asking, internal::Candidates(compiled, bound));
}

}  // namespace hanse::policy
