// Numbers that may not be mixed up. Each is checked once, where it is made.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>

#include "base/result.h"

namespace hanse::base {

// Differential privacy's ε: finite and not negative.
class Epsilon {
 public:
  static Result<Epsilon> create(double value) {
    if (!std::isfinite(value) || value < 0)
      return fail(ErrorCode::invalid_argument, "epsilon must be finite and at least 0, found {}",
                  value);
    return Epsilon(value);
  }
  double value() const { return value_; }
  auto operator<=>(const Epsilon&) const = default;

 private:
  explicit Epsilon(double value) : value_(value) {}
  double value_;
};

// Differential privacy's δ: a probability below 1.
class Delta {
 public:
  static Result<Delta> create(double value) {
    if (!(value >= 0 && value < 1))
      return fail(ErrorCode::invalid_argument, "delta must be in [0, 1), found {}", value);
    return Delta(value);
  }
  double value() const { return value_; }
  auto operator<=>(const Delta&) const = default;

 private:
  explicit Delta(double value) : value_(value) {}
  double value_;
};

// A point in time and a length of time, in whole milliseconds. Time is an argument: only
// base::Clock reads it.
struct Milliseconds {
  std::int64_t value = 0;
  auto operator<=>(const Milliseconds&) const = default;
  Milliseconds operator+(Milliseconds other) const { return {value + other.value}; }
  Milliseconds operator-(Milliseconds other) const { return {value - other.value}; }
};

}  // namespace hanse::base
