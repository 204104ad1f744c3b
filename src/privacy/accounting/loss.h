// What one use of a mechanism costs: public numbers only, and one spelling of them everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace hanse::privacy {

// Two tables that an observer must hardly tell apart: one has a unit more, or one unit is another.
// Losses under different relations never meet in one sum.
enum class Neighbours { add_remove, replace_one };

std::string_view text(Neighbours neighbours);
base::Result<Neighbours> parse_neighbours(std::string_view text);

// The mechanisms whose loss is known, each by the numbers that its theorem needs. Lengths are in
// multiples of the sensitivity, or in lattice steps where a struct says so.
namespace loss {

// N(0, σ²) on a sum: noise_multiplier is σ over the L2 sensitivity. Below a sampling_rate of 1, on
// a Poisson sample (Mironov, Talwar, Zhang 2019).
struct Gaussian {
  double noise_multiplier = 0;
  double sampling_rate = 1;
  bool operator==(const Gaussian&) const = default;
};

// The same on a sample of fixed size without replacement, replace_one only (Wang, Balle,
// Kasiviswanathan 2019).
struct FixedSizeGaussian {
  double noise_multiplier = 0;
  double sampling_rate = 1;
  bool operator==(const FixedSizeGaussian&) const = default;
};

// The sum of `shares` draws of the discrete Gaussian with parameter sigma (lattice steps) on each
// of so many coordinates of an integer vector; sensitivity is the L2 norm in steps (Canonne,
// Kamath, Steinke 2020; Kairouz, Liu, Steinke 2021; docs/proofs/discrete_gaussian.md).
struct DiscreteGaussian {
  double sigma = 0;
  double sensitivity = 1;
  std::uint64_t coordinates = 1;
  std::uint64_t shares = 1;
  double sampling_rate = 1;
  bool operator==(const DiscreteGaussian&) const = default;
};

// scale is b over the L1 sensitivity.
struct Laplace {
  double scale = 0;
  double sampling_rate = 1;
  bool operator==(const Laplace&) const = default;
};

// P(x) ∝ exp(−|x|/scale) on one integer; scale and sensitivity (L1) in lattice steps.
struct DiscreteLaplace {
  double scale = 0;
  std::uint64_t sensitivity = 1;
  bool operator==(const DiscreteLaplace&) const = default;
};

// The difference of two Poisson variables of mean variance/2, on each coordinate; sensitivities in
// lattice steps (Agarwal, Kairouz, Liu 2021).
struct Skellam {
  double variance = 0;
  double l1_sensitivity = 1;
  double l2_sensitivity = 1;
  bool operator==(const Skellam&) const = default;
};

// ε-DP and nothing better known: permute-and-flip, above-threshold.
struct Pure {
  double epsilon = 0;
  bool operator==(const Pure&) const = default;
};

// ε-bounded range: the exponential mechanism, Gumbel noise, one-shot top-k (Dong, Durfee, Rogers
// 2020).
struct BoundedRange {
  double epsilon = 0;
  bool operator==(const BoundedRange&) const = default;
};

// (ε, δ)-DP and nothing better known.
struct Approximate {
  double epsilon = 0;
  double delta = 0;
  bool operator==(const Approximate&) const = default;
};

// ρ-zCDP and nothing better known (Bun, Steinke 2016).
struct Concentrated {
  double rho = 0;
  bool operator==(const Concentrated&) const = default;
};

// No noise was drawn: nothing is promised, and no budget admits it.
struct Unbounded {
  bool operator==(const Unbounded&) const = default;
};

using Kind = std::variant<Unbounded, Gaussian, FixedSizeGaussian, DiscreteGaussian, Laplace,
                          DiscreteLaplace, Skellam, Pure, BoundedRange, Approximate, Concentrated>;

}  // namespace loss

// The loss of one use of a mechanism under one relation of neighbours. A value: cheap to copy.
class PrivacyLoss {
 public:
  // Not finite, not positive, a rate outside (0, 1], a δ outside [0, 1), or a kind that does not
  // know the relation: invalid_argument, with the field.
  static base::Result<PrivacyLoss> create(const loss::Kind& kind,
                                          Neighbours neighbours = Neighbours::add_remove);
  static PrivacyLoss unbounded() { return {loss::Unbounded{}, Neighbours::add_remove}; }

  // "gaussian noise_multiplier=1.1 sampling_rate=0.01", " neighbours=replace_one" where it is not
  // add_remove; fields that have their default are left out. `parse` takes what `text` says, fields
  // in any order, and gives the same bits; else invalid_argument, with what it knows.
  std::string text() const;
  static base::Result<PrivacyLoss> parse(std::string_view text);

  // The loss to a unit that moves the input by up to `stability` ≥ 1 of these units (group
  // privacy). For sampled mechanisms the units are all added or all removed, as the windows of one
  // recording are (Ganesh 2024, "Tight group-level DP guarantees for DP-SGD with sampling via
  // mixture of Gaussians mechanisms"). unsupported where no bound is known; an unbounded loss
  // stays.
  base::Result<PrivacyLoss> scaled(double stability) const;

  const loss::Kind& kind() const { return kind_; }
  Neighbours neighbours() const { return neighbours_; }
  bool is_bounded() const { return !std::holds_alternative<loss::Unbounded>(kind_); }

  bool operator==(const PrivacyLoss&) const = default;

 private:
  PrivacyLoss(loss::Kind kind, Neighbours neighbours) : kind_(kind), neighbours_(neighbours) {}
  loss::Kind kind_;
  Neighbours neighbours_;
};

// So many uses of one mechanism.
struct Charge {
  PrivacyLoss loss;
  std::uint64_t count = 1;
  bool operator==(const Charge&) const = default;
};

}  // namespace hanse::privacy
