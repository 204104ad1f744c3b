// What a permission asks of whoever enforces it. A closed list: what is not understood denies.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace hanse::policy {

// Each field binds where it is set. No field is "no obligation".
struct Obligations {
  std::optional<double> epsilon_cap;             // of the whole job, at this site
  std::optional<double> delta_cap;               // at which that ε is counted
  std::optional<double> clip_norm;               // of one unit's contribution, in L2, at most
  std::optional<std::uint64_t> max_data_points;  // records in one answer
  std::optional<std::uint64_t> min_cohort;       // sites in the sum, at least
  bool aggregate_only = false;                   // nobody reads this site's answer by itself
  std::optional<base::Milliseconds> retention;   // of what is stored of an answer
  std::optional<base::Milliseconds> delete_by;   // wall clock
  std::set<std::string> notify;                  // who is told

  bool is_empty() const;
  bool operator==(const Obligations&) const = default;
};

// Both: the tighter of each.
void merge(Obligations& into, const Obligations& with);
// Nothing satisfies them at this time: a cap of 0, a time that has passed. Empty: something does.
std::optional<std::string_view> contradiction(const Obligations& obligations,
                                              base::Milliseconds wall);
// No field is looser than in `other`.
bool at_least_as_tight(const Obligations& one, const Obligations& other);

// "epsilon_cap=0.5": one for each field that is set, in the order above, as JSON and receipts have
// them.
struct ObligationText {
  std::string_view name;
  std::string value;  // a JSON value
};
std::vector<ObligationText> texts_of(const Obligations& obligations);

}  // namespace hanse::policy
