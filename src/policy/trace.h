// Conditions asked one by one, slowly, with everything that was looked at: for explanations, and as
// a second opinion on what compiled sets decide.
#pragma once

#include <string>
#include <vector>

#include "policy/decision_point.h"

namespace hanse::policy {

enum class Truth : std::uint8_t { no, unknown, yes };
std::string_view name_of(Truth truth);

// What a question is held against. All outlive it.
struct Facts {
  const Request& request;
  const Signals& signals;
  Moment now;
  ClockSettings clock = {};
};

Truth truth_of(const Atom& atom, const Facts& facts);

// A condition with what came of each of its parts.
struct Trace {
  const Condition* condition = nullptr;  // outlives it
  Truth truth = Truth::no;
  std::vector<Trace> parts = {};
};
Trace trace(const Condition& condition, const Facts& facts);

// Whether action, target and assignee of the rule fit the request.
bool speaks_of(const Rule& rule, const Request& request);

// "lineLoad lt 0.9, at most 30 s old": what the policy says.
std::string words_of(const Atom& atom);
// "0.95, 12 s old", "nothing": what the request, the clock or a signal says.
std::string said_of(const Atom& atom, const Facts& facts);

}  // namespace hanse::policy
