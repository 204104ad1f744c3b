// How a budget and records are divided between a model and the correction that makes it fair, so
// that the costs of known_models.h are least.
#pragma once

#include "fairness/known_models.h"

namespace hanse::fairness {

// What there is to divide.
struct Means {
  std::array<double, 2> records{};  // of each class, learned from or calibrated on
  double rho = 0;                   // of each class's records
  double clip = 0;
  double loss_bound = 0;
  double sites = 1;
};

struct Allocation {
  double gap_share = .5;          // of ρ
  double calibration_share = .5;  // of each class's records
  Effort effort;
  Costs costs;
};

// At these shares.
Allocation allocated(const LineModel& model, const Means& means, double bound, double gap_share,
                     double calibration_share);

// The least a + b + c2 + d, c1 being the same for all, to within a hundredth of the shares. Means
// that are not above 0: invalid_argument.
base::Result<Allocation> best_allocation(const LineModel& model, const Means& means, double bound);

}  // namespace hanse::fairness
