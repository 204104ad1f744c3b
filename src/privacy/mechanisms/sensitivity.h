// By how much one unit of privacy can move an answer.
#pragma once

#include <cstdint>

#include "privacy/accounting/loss.h"

namespace hanse::privacy {

// Norms, in lattice steps, of the difference that two neighbouring tables make; every mechanism
// takes its own. Made by name only, each under one relation of neighbours, so that the two
// relations never meet in one number. A value.
class Sensitivity {
 public:
  // How many units there are, or how many fulfil a condition.
  static Sensitivity of_count(Neighbours neighbours);

  // Counts in disjoint bins, where a unit adds 1 in up to `entries` places (one or several bins):
  // l1 = l2 = linf = entries. Replaced, it leaves some and enters others: l1 doubles; l2 grows by
  // √2 only, since the two differences have no negative product. entries 1 to 2^32; else
  // invalid_argument.
  static base::Result<Sensitivity> of_histogram(Neighbours neighbours, std::uint64_t entries = 1);

  // A number that each unit moves by up to `steps`, and to which it adds: sums of clamped values,
  // scores. 1 to 2^61; else invalid_argument. Replaced, a unit moves it by twice that.
  static base::Result<Sensitivity> of_sum(Neighbours neighbours, std::uint64_t steps);

  // A number that moves by up to `steps` between neighbours, whatever the relation: what a proof
  // about the score says.
  static base::Result<Sensitivity> of_score(Neighbours neighbours, std::uint64_t steps);

  // A vector of so many coordinates to which each unit adds up to l2 > 0 in L2 norm (a clipped sum:
  // its clip and rounding, in steps). Not finite: invalid_argument.
  static base::Result<Sensitivity> of_vector(Neighbours neighbours, double l2,
                                             std::uint64_t coordinates);

  // The same of the answer times `weight` > 0, which is public: a weighted contribution charges
  // w·C, and where the weight is no whole number, a step more on each coordinate for rounding the
  // product back to the lattice. Not finite or not positive: invalid_argument.
  base::Result<Sensitivity> weighted(double weight) const;

  // The same of `times` answers at once to which one unit adds in each: l1 grows by times, l2 by
  // its root.
  base::Result<Sensitivity> repeated(std::uint64_t times) const;

  Neighbours neighbours() const { return neighbours_; }
  double l1() const { return l1_; }
  double l2() const { return l2_; }
  double linf() const { return linf_; }
  // Coordinates that one unit can move, at most.
  std::uint64_t coordinates() const { return coordinates_; }

  bool operator==(const Sensitivity&) const = default;

 private:
  Sensitivity(Neighbours neighbours, double l1, double l2, double linf, std::uint64_t coordinates)
      : neighbours_(neighbours), l1_(l1), l2_(l2), linf_(linf), coordinates_(coordinates) {}
  Neighbours neighbours_;
  double l1_;
  double l2_;
  double linf_;
  std::uint64_t coordinates_;
};

}  // namespace hanse::privacy
