// What a fair training keeps of its rounds by class, in an iterate's history, and when they are.
#pragma once

#include "fairness/calibration.h"
#include "fairness/class_weights.h"
#include "learning/options.h"

namespace hanse::fairness {

// Rounds by class of a whole training: the last one, and those that weigh classes.
std::uint32_t rounds_by_class(const FairSpec& spec);
// What one of them takes of the budget for all: the last one half, the others the rest.
double share_of_round(const FairSpec& spec, bool is_last);
// Whether the round after so many, from 0, is one of them, of a training of `updates` rounds.
bool asks_classes(const FairSpec& spec, std::uint32_t updates, std::uint32_t steps);

struct FairHistory {
  // Of a method that weighs classes; before the first round by class all weights are 1.
  Weighing weighing;
  RecordWeights weights;
  // After the last round.
  std::vector<Calibration> calibrations;

  bool operator==(const FairHistory&) const = default;
};

FairHistory first_history(const FairSpec& spec);

// Doubles, little-endian: weights, part, shares and multipliers of a method that weighs; then
// stretch and shift of each class, after the last round. Nothing before the first round by class.
base::Bytes encode(const FairHistory& history);
// Other bytes, numbers that are not finite, weights beyond (0, 1]: corruption.
base::Result<FairHistory> decode_fair_history(base::ByteView bytes, const FairSpec& spec);

// What gradient plans say of weights; nothing where all are 1.
std::optional<learning::ClassWeights> plan_weights(const FairSpec& spec,
                                                   const FairHistory& history);
// A history of which a plan with these weights follows, for who is asked and has not seen what was
// released. Classes of another job, a method that weighs none: invalid_argument.
base::Result<base::Bytes> history_with(const FairSpec& spec,
                                       const std::optional<learning::ClassWeights>& weights);

}  // namespace hanse::fairness
