#include "policy/internal/residuals.h"

#include <algorithm>
#include <bit>

namespace hanse::policy::internal {

ResidualKey::ResidualKey(const Compiled& set, const Bound& bound) {
  add(static_cast<std::uint32_t>(bound.request->action));
  add(bound.subject);
  add(bound.resource);
  for (std::size_t i = 0; i < kOperands; ++i) {
    const auto operand = static_cast<Operand>(i);
    if (!set.asked[i] || changes_by_itself(operand)) continue;
    if (row_of(operand).kind == ValueKind::names) {
      add(bound.is_known[i] ? bound.count[i] + 1U : 0U);
      for (const std::uint32_t id : bound.of(operand)) add(id);
    } else {
      const double* const number = bound.request->number(operand);
      add(number == nullptr ? 0U : 1U);
      const auto bits = std::bit_cast<std::uint64_t>(number == nullptr ? 0.0 : *number);
      add(static_cast<std::uint32_t>(bits));
      add(static_cast<std::uint32_t>(bits >> 32));
    }
  }
}

void ResidualKey::add(std::uint32_t word) {
  words_[size_++] = word;
  hash_ = (hash_ ^ word) * 0x9E3779B97F4A7C15ULL;
  hash_ ^= hash_ >> 32;
}

void Residuals::clear() {
  for (Entry& entry : entries_) entry.is_there = false;
}

Decision Residuals::decide(Asking& asking, const Candidates& candidates) {
  const ResidualKey key(asking.set, asking.bound);
  Entry& entry = entries_[key.hash() % entries_.size()];
  const std::int64_t age = asking.now.monotonic.value - entry.made;
  const bool is_hit =
      entry.is_there && age >= 0 && age < kLifeMs && std::ranges::equal(entry.key, key.words());
  if (!is_hit) fill(entry, asking, candidates, key);
  Verdict verdict;
  for (const std::uint32_t rule : entry.rules) {
    const bool is_denied = verdict.prohibited != kNoRule || verdict.unknown != kNoRule;
    if (rule >= asking.set.prohibitions && is_denied) break;
    verdict.hear(asking, rule);
  }
  return verdict.decision(asking);
}

void Residuals::fill(Entry& entry, const Asking& asking, const Candidates& candidates,
                     const ResidualKey& key) {
  Asking standing = asking;
  standing.is_static = true;
  entry.rules.clear();
  for (const int half : {0, 1})
    candidates.each(half, [&](std::uint32_t rule) {
      if (speaks_of(standing, rule) && truth_of(standing, asking.set.rules[rule].root) != Truth::no)
        entry.rules.push_back(rule);
    });
  std::ranges::sort(entry.rules);
  const auto twice = std::ranges::unique(entry.rules);
  entry.rules.erase(twice.begin(), twice.end());
  entry.key.assign(key.words().begin(), key.words().end());
  entry.made = asking.now.monotonic.value;
  entry.is_there = true;
}

}  // namespace hanse::policy::internal
