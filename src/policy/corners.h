// Requests at the corners of what policies ask: each value that one names, one between each two,
// one that nobody names, and none. Included by .cc files of the room only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "policy/logic.h"
#include "policy/policy_set.h"
#include "policy/trace.h"

namespace hanse::policy::internal {

// A request with everything that changes by itself.
struct Corner {
  Request request;
  Signals signals;
  base::Milliseconds wall;

  static constexpr base::Milliseconds kMonotonic{1'000'000'000'000};  // signals age back from it
  Facts facts() const { return {request, signals, {wall, kMonotonic}, {}}; }
};

// What one thing that policies ask may be said to be.
struct Value {
  bool is_known = true;
  std::vector<std::string> names = {};
  double number = 0;
  std::string text = {};    // of a signal
  std::int64_t age_ms = 0;  // of a signal
};

// All that the clock says is one key: what it says hangs together.
inline constexpr auto kClockKey = "the clock";
std::string corner_key(const Atom& atom);

class Corners {
 public:
  // What the rules of all these sets ask.
  Corners(const std::vector<const PolicySet*>& sets, base::Milliseconds wall);

  // Everything that is asked is said, by values that nobody names.
  const Corner& plain() const { return plain_; }
  const std::vector<Value>& values(const std::string& key) const { return values_.at(key); }
  std::vector<std::string> keys() const;
  // The keys of what a condition asks.
  static std::set<std::string> keys_of(const Condition& condition);

  void put(Corner& corner, const std::string& key, const Value& value) const;
  // Sets what is not in `fixed` so that the recipe holds, and adds it to them. False: no value
  // does, and the corner is unchanged.
  bool satisfy(Corner& corner, const Recipe& recipe, std::set<std::string>& fixed) const;

 private:
  void hear(const Condition& condition);
  void fill(const std::string& key, const std::vector<const Atom*>& atoms);
  void fill_clock(const std::vector<const Atom*>& atoms);
  bool satisfy_key(Corner& corner, const std::string& key, const Recipe& literals) const;

  base::Milliseconds wall_;
  std::map<std::string, std::vector<const Atom*>> asked_;
  std::map<std::string, std::vector<Value>> values_;
  Corner plain_;
};

}  // namespace hanse::policy::internal
