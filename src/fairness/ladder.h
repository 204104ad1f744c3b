// What more would bring: the costs of a fleet's grid (decomposition.h) as a law of its records and
// its budget, fitted to grids of fewer records and of less budget.
//
//   R(neither) = R* + Σ_g a_g / f_g            R(private) = R(neither) + Σ_g b_g / (r f_g²)
//   R(fair) = R(neither) + c1 + Σ_g c_g / f_g  R(both) = R(fair) + R(private) − R(neither) + Σ_g
//   d_g / (r f_g²)
//
// f_g is the part of a class's records that a rung has, r the part of the budget ρ. The fit is by
// least squares over seeds and cells, its intervals by a bootstrap of seeds.
#pragma once

#include "fairness/decomposition.h"

namespace hanse::fairness {

// One grid: how much of everything it had. Rungs have the same seeds in the same order.
struct Rung {
  std::vector<double> records;  // f_g of each class, in (0, 1]
  double budget = 1;            // r, in (0, 1]
  std::vector<SeedLosses> seeds;
};

struct LadderFit {
  Interval learning;  // Σ a_g at the whole: of finite data
  Interval privacy;
  Interval tax;  // c1
  Interval correction;
  Interval private_fairness;
  // R*. It is identified, and with it `learning` and `tax`, where the interval of `learning` is
  // above 0: else the rungs do not show where the risk goes.
  Interval least_risk;
  bool is_identified = false;

  struct Class {
    double learning = 0;
    double privacy = 0;
    double correction = 0;
    double private_fairness = 0;
  };
  std::vector<Class> of_class;
};

// Fewer rungs than tell the terms apart (each class's records and the budget on a rung of its own,
// beside the whole), rungs of different seeds: invalid_argument.
base::Result<LadderFit> fit_ladder(const std::vector<Rung>& rungs,
                                   const std::vector<double>& weights, std::uint32_t draws,
                                   base::RandomSource& random);

// What an owner can do about it, and what that is predicted to change.
struct Lever {
  std::string name;   // "records of legacy × 2", "budget × 2", "share for fairness .2 → .4"
  double change = 0;  // of R(both); below 0: better
  std::optional<double> part = {};  // of the excess R(both) − R*, where R* is identified
};

struct Levers {
  std::vector<Lever> all;  // best first
  // The share of the budget for what is asked by class at which privacy and private fairness
  // together cost least, and what both are predicted to be there and now.
  double best_share = 0;
  double cost_at_best = 0;
  double cost_now = 0;
};

// `share` of the budget was spent on what is asked by class.
Levers levers_of(const LadderFit& fit, const std::vector<std::string>& classes, double share);

// Of privacy b, when the model has all of the budget, and private fairness d at this share: b/(1−s)
// + D/s is least at s = √D / (√b + √D).
struct BestShare {
  double share = 0;
  double cost = 0;
  double now = 0;
};
BestShare best_share(double privacy, double private_fairness, double share);

}  // namespace hanse::fairness
