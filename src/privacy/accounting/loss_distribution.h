// Privacy loss distributions on a grid: what one use may cost, and how likely.
#pragma once

#include <cstdint>
#include <vector>

#include "privacy/accounting/loss.h"

namespace hanse::privacy {

// Which of the two tables has the unit more: P/Q has it above, or below. Losses that know no
// direction are the same in both.
enum class Direction { remove, add };

// Probability under P of losses log(P/Q): masses[i] at (first + i)·step, and `infinity` where Q has
// none.
struct LossDistribution {
  std::int64_t first = 0;
  std::vector<double> masses;
  double infinity = 0;
};

// A pair of distributions that dominates the mechanism's in every hockey-stick divergence (Zhu,
// Dong, Wang 2022, Definition 7), put on a grid without falling below it: each cell's mass goes to
// its two ends so that both its probabilities stay (Doroshenko, Ghazi, Kamath, Kumar, Manurangsi
// 2022, "Connect the dots"). Tails beyond 1e-38 go to infinity or up to the grid.
// is_dominated(loss) must hold.
LossDistribution discretise(const PrivacyLoss& loss, Direction direction, double step);

// True where such a pair is known: not for Concentrated and Skellam, nor for a discrete Gaussian on
// several coordinates whose shares' sum has a variance of no more than 4 lattice steps.
bool is_dominated(const PrivacyLoss& loss);

// True where the two directions differ.
bool is_directed(const PrivacyLoss& loss);

// The widest loss of one use, but for tails: a grid should have some thousand steps in it.
double widest_loss(const PrivacyLoss& loss);

// What one use never costs more than; +infinity where there is no such number.
double largest_loss(const PrivacyLoss& loss);

// A loss may cost this much more than its pair: e^slack of each probability, both ways.
double slack(const PrivacyLoss& loss);

// The noise multiplier of a continuous, unsampled Gaussian that dominates the loss up to its slack;
// 0 where that is not its kind. Such losses compose to one Gaussian.
double as_gaussian(const PrivacyLoss& loss);

}  // namespace hanse::privacy
