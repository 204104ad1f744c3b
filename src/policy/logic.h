// Conditions as what they come to: lists of comparisons that hold together. Included by .cc files
// of the room only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace hanse::policy::internal {

// A comparison that is to hold, or is not to hold. The atom outlives it.
struct Literal {
  const Atom* atom = nullptr;
  bool is_wanted = true;
};
using Recipe = std::vector<Literal>;

// Ways in which the condition comes out as wanted: each holds by itself. Where there are more than
// `limit`, some of them.
struct Recipes {
  std::vector<Recipe> all;
  bool is_complete = true;
};
Recipes recipes_of(const Condition& condition, bool is_wanted, std::size_t limit = 64);

// Numbers from `low` to `high`, both included; lists are sorted and do not touch.
struct Range {
  double low = 0;
  double high = 0;
  bool operator==(const Range&) const = default;
};
using Ranges = std::vector<Range>;

// Where the comparison is as wanted; none of names.
std::optional<Ranges> ranges_of(const Literal& literal);
Ranges both(const Ranges& one, const Ranges& other);

// What one value says: two atoms of one key ask the same.
std::string key_of(const Atom& atom);

// Why no request can satisfy all of them: empty where one can.
std::string impossible(const Recipe& recipe);
// The only requests that can say several names at once of this operand: null where there is none.
const Atom* needs_several(const Recipe& recipe);

// Whenever the first holds the second does. May miss some.
bool implies(const Condition& one, const Condition& other);

}  // namespace hanse::policy::internal
