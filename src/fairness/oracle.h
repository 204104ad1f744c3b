// A population whose fairest best classifier is known: what methods that bound the disparity of
// two groups are measured against.
//
// Group A is 1 with probability `share`; X₁ given A = a is Beta(first[a], 2), X₂ is uniform on (0,
// 1), and
//   P(Y = 1 | x, a) = η(x, a) = ½ + atan(steepness·s)/π,  s = (x₁ − ½) + (x₂ − ½) + shift·(2a − 1).
// The defaults are the federated model of Xue and Yu 2026, "Federated fairness-aware classification
// under differential privacy" (arXiv 2603.24392).
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "base/random.h"
#include "base/result.h"

namespace hanse::fairness {

struct ArctanPopulation {
  double share = 0.3;
  std::array<double, 2> first = {4.5, 4};
  double steepness = 12;
  double shift = -0.3;

  bool operator==(const ArctanPopulation&) const = default;
};

// What a classifier does to a population: P(Ŷ ≠ Y), and P(Ŷ = 1 | A = 1) − P(Ŷ = 1 | A = 0).
struct RiskAndDisparity {
  double risk = 0;
  double disparity = 0;
};

// The best classifier under a bound on |disparity| says 1 in group a where η ≥ ½ + τ(2a − 1)/(2πₐ),
// πₐ = P(A = a): a shift of each group's threshold by one number τ, the price of disparity (Zeng,
// Cheng, Dobriban 2024, "Minimax optimal fair classification with bounded demographic disparity").
// Disparity falls as τ rises.
struct FairPoint {
  double tau = 0;
  RiskAndDisparity value;
};

class Oracle {
 public:
  // share in (0, 1), first in [1, 1000], steepness in (0, 1000], |shift| ≤ 1, else
  // invalid_argument.
  static base::Result<Oracle> create(const ArctanPopulation& population = {});

  const ArctanPopulation& population() const { return population_; }
  double group_share(std::uint32_t group) const;
  // η; x₁ and x₂ in [0, 1], group 0 or 1.
  double probability(double x1, double x2, std::uint32_t group) const;

  // Of the rule of one τ: the disparity in closed form, the risk by quadrature to 1e-9.
  FairPoint at(double tau) const;
  // The least risk with |disparity| ≤ bound. bound in [0, 1], else invalid_argument.
  base::Result<FairPoint> fair(double bound) const;

  // Of any classifier that draws no coins, by the midpoint rule on side × side cells of each group:
  // the error is of the order of 1/side where the classifier jumps. side 1 to 4096: checked,
  // aborts.
  using Classifier = std::function<bool(double x1, double x2, std::uint32_t group)>;
  RiskAndDisparity of(const Classifier& classifier, std::uint32_t side = 512) const;

  struct Draw {
    double x1 = 0;
    double x2 = 0;
    std::uint32_t group = 0;
    std::uint32_t label = 0;
  };
  Draw draw(base::RandomSource& random) const;

 private:
  explicit Oracle(const ArctanPopulation& population) : population_(population) {}
  // Of group a at the cut u = x₁ + x₂ − 1 ≥ cut.
  double selected(std::uint32_t group, double cut) const;
  double group_risk(std::uint32_t group, double cut) const;
  double cut_of(std::uint32_t group, double tau) const;
  ArctanPopulation population_;
};

}  // namespace hanse::fairness
