// Tries to break a claim of differential privacy from samples: a lower bound on ε that holds with
// probability 1 − 10⁻⁶, whatever the mechanism does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/random.h"

namespace hanse::statistical {

// Runs on one of two neighbouring tables, 0 or 1; what an observer sees, as a number.
using Observed = std::function<std::int64_t(int table, base::RandomSource& random)>;

struct Claim {
  double epsilon = 0;
  double delta = 0;
};

struct Verdict {
  double epsilon_low = 0;  // the true ε at the claim's δ is at least this
  double claimed = 0;
  bool falsified() const { return epsilon_low > claimed; }
};

// How often a claim that holds is called falsified, at most.
inline constexpr double kFalseAlarm = 1e-6;

// Draws `draws` times from each table to choose an event (a set of outcomes, and which table is the
// likelier), and as often again to bound its two probabilities by Clopper and Pearson 1934, each at
// kFalseAlarm/2: ε ≥ log((p − δ)/p′). Prints one line.
Verdict falsify(const std::string& name, Claim claim, const Observed& mechanism,
                std::size_t draws = 200'000);

// The probability of an event that came `hits` times in `draws` is at least, at most: one-sided
// bounds that fail with probability alpha.
double at_least(std::uint64_t hits, std::uint64_t draws, double alpha);
double at_most(std::uint64_t hits, std::uint64_t draws, double alpha);

}  // namespace hanse::statistical
