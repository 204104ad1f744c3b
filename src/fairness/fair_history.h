// What a fair training keeps of its rounds by class, in an iterate's history, and when they are.
#pragma once

#include "fairness/calibration.h"
#include "fairness/class_weights.h"
#include "learning/options.h"

namespace hanse::fairness {

// What a round of a fair training asks: gradients and the like, or by class how right the model is
// (class_histogram.h) or how long gradients are (class_norms.h).
enum class Asks { training, scores, norms };

// Rounds by class of a whole training: the last one, which asks for scores; those of a method that
// weighs or clips; and one of norms where the job wants it.
std::uint32_t rounds_by_class(const FairSpec& spec);
// How many of them, but for the last, ask this.
std::uint32_t rounds_between(const FairSpec& spec, Asks what);
// What one of them takes of the budget for all: the last one half, the others the rest.
double share_of_round(const FairSpec& spec, bool is_last);
// What the round after so many, from 0, asks in a training of `updates` rounds.
Asks asks(const FairSpec& spec, std::uint32_t updates, std::uint32_t steps);

struct FairHistory {
  // Of a method that weighs classes; before the first round by class all weights are 1.
  Weighing weighing;
  RecordWeights weights;
  // Of one that clips: by class the share of the plan's clip, the greatest 1.
  std::vector<double> clips;
  // After the last round.
  std::vector<Calibration> calibrations;

  bool operator==(const FairHistory&) const = default;
};

FairHistory first_history(const FairSpec& spec);

// Doubles, little-endian: weights, part, shares and multipliers of a method that weighs, clips of
// one that clips; then stretch and shift of each class, after the last round. Nothing before the
// first round by class.
base::Bytes encode(const FairHistory& history);
// Other bytes, numbers that are not finite, weights beyond (0, 1]: corruption.
base::Result<FairHistory> decode_fair_history(base::ByteView bytes, const FairSpec& spec);

// Has a gradient's options say the weights and clips; nothing where all are 1.
void say_classes(const FairSpec& spec, const FairHistory& history, learning::Options& options);
// A history of which a plan with these options follows, for who is asked and has not seen what was
// released. Classes of another job, a method that weighs or clips none: invalid_argument.
base::Result<base::Bytes> history_with(const FairSpec& spec, const learning::Options& options);

}  // namespace hanse::fairness
