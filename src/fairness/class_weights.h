// How much each class of sites counts in a training that lifts those which the model serves worse:
// rules that turn what the classes lose, as a round of counts released it, into shares of the
// objective Σ a_g R_g. Post-processing of what was released.
//
//   saddle_point  a_g = w_g + λ_g with multipliers λ of the constraint (Agarwal et al. 2018;
//                 federated bounded group loss: Hu, Wu, Smith 2022). Each pair of classes, or each
//                 class where the worst is bounded, has a multiplier ν ≥ 0, raised by kStep times
//                 what the bound is missed by and lowered by what is left; λ_g is the sum of those
//                 that lift g less those that lift another above it. A share is never below
//                 kLeastShare of w_g: to make a class worse is no way to be fair to another.
//   agnostic      a_g ∝ a_g exp(kAgnosticStep · R_g) (agnostic federated learning, Mohri et al.
//                 2019; group DRO, Sagawa et al. 2020)
//   q_fedavg      a_g ∝ w_g R_g^q, q = kPower (Li et al. 2020), by class
//   gifair        a_g ∝ w_g (1 + c r_g), r_g = how many classes lose less minus how many lose more
//                 (Yue et al. 2023), c = kRankStep over its greatest value
//
// R_g is drawn to the mean over the fleet m by what noise would explain of its distance (James,
// Stein 1961): m + (R_g − m) max(0, 1 − σ²/(R_g − m)²). Where noise outweighs what classes lose,
// they count as declared.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fairness/fair_spec.h"
#include "fairness/noised.h"

namespace hanse::fairness {

inline constexpr double kStep = 2;
inline constexpr double kAgnosticStep = 4;
inline constexpr double kPower = 2;
inline constexpr double kRankStep = .9;
inline constexpr double kLeastShare = .05;

// Where the rule stands. Public.
struct Weighing {
  std::vector<double> shares;       // a_g, by class; their sum is 1
  std::vector<double> multipliers;  // ν: of each ordered pair of classes, or of each class; or none

  bool operator==(const Weighing&) const = default;
};

std::size_t multipliers_of(const FairSpec& spec);
// Shares as declared.
Weighing first_weighing(const FairSpec& spec);
// A class whose loss is unknown leaves its multipliers and its share before norming as they were.
Weighing next_weighing(const FairSpec& spec, const Weighing& before,
                       std::span<const std::optional<Noised>> losses);

// What each record of a class adds to a sum, and how many records the sum then stands for.
struct RecordWeights {
  std::vector<double> of_class;  // the greatest is 1; at least kLeastWeight
  double part = 1;               // Σ weight · records / Σ records

  bool operator==(const RecordWeights&) const = default;
};
inline constexpr double kLeastWeight = 0x1p-20;

// Of a sum that stands for fewer records noise is the larger part: weights are drawn to 1 until it
// stands for so many of them.
inline constexpr double kLeastPart = .25;

// By noised numbers of records, each above 0.
RecordWeights record_weights(const Weighing& weighing, std::span<const double> records);

}  // namespace hanse::fairness
