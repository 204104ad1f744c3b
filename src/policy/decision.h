// The answer: whether, under which obligations, why, and until when it cannot change by itself.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/units.h"
#include "policy/obligation.h"

namespace hanse::policy {

enum class Reason : std::uint8_t {
  permitted,
  no_permission,           // no rule permits it
  prohibited,              // by the rule that decided
  unknown,                 // the rule that decided asks what nobody says, or what is too old
  impossible_obligations,  // what the permissions ask together cannot be fulfilled
};
std::string_view name_of(Reason reason);

inline constexpr std::uint32_t kNoRule = std::numeric_limits<std::uint32_t>::max();

// What the permissions that hold ask together. As Obligations, without the heap.
struct Shape {
  double epsilon_cap = std::numeric_limits<double>::infinity();
  double delta_cap = std::numeric_limits<double>::infinity();
  double clip_norm = std::numeric_limits<double>::infinity();
  std::uint64_t max_data_points = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t min_cohort = 0;
  std::int64_t retention = std::numeric_limits<std::int64_t>::max();
  std::int64_t delete_by = std::numeric_limits<std::int64_t>::max();
  std::uint64_t notify = 0;  // a bit for each of the set's
  bool aggregate_only = false;
  bool operator==(const Shape&) const = default;
};

struct Decision {
  bool permitted = false;
  Reason reason = Reason::no_permission;
  std::uint32_t rule = kNoRule;  // that decided: of the set
  std::uint64_t epoch = 0;       // of the set
  Shape shape = {};
  // Wall clock: the earliest time at which another answer could come of time alone; the greatest
  // value: never.
  base::Milliseconds changes_at{std::numeric_limits<std::int64_t>::max()};

  // For the requester: one text for each answer, whatever its cause.
  std::string_view for_requester() const { return permitted ? "permitted" : "not permitted"; }
};

}  // namespace hanse::policy
