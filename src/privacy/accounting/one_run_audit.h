// What a single training run, looked at by an adversary, proves about its privacy.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace hanse::privacy {

// So many examples, each in the run or not by a fair coin of its own. The adversary guesses the
// coins of some and abstains from the others.
struct Guesses {
  std::uint64_t examples = 0;
  std::uint64_t guessed = 0;
  std::uint64_t correct = 0;
};

// The probability that an (ε, δ)-private run gives an adversary as many correct guesses, at most
// (Steinke, Nasr, Jagielski 2023, Theorem 5.2, in the form of its Algorithm in Appendix D). Counts
// that contradict each other, or more than a million guesses: aborts.
double audit_p_value(const Guesses& guesses, double epsilon, base::Delta delta);

// The run is not (ε, δ)-private for any ε below this, at confidence 1 − error; 0 where nothing is
// shown. Searched from 0 to 64, to 1e-9.
double audited_epsilon(const Guesses& guesses, base::Delta delta, double error);

}  // namespace hanse::privacy
