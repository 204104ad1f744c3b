// Rényi differential privacy (Mironov 2017): a loss as a curve over orders, and back to (ε, δ).
#pragma once

#include <optional>
#include <vector>

#include "privacy/accounting/loss.h"

namespace hanse::privacy {

// An upper bound of D_α of one use, in both directions, for a finite order above 1; +infinity where
// none is known. Rounded up.
double rdp(const PrivacyLoss& loss, double order);

// rdp at every one of renyi_orders() (sampled_gaussian.h), cheaper than one by one.
std::vector<double> rdp_curve(const PrivacyLoss& loss);

// What (α, divergence)-RDP promises: the least ε at δ > 0 and the least δ at ε (Canonne, Kamath,
// Steinke 2020, Proposition 12). Rounded up.
double rdp_epsilon(double divergence, double order, double delta);
double rdp_delta(double divergence, double order, double epsilon);

// The largest divergence at which rdp_epsilon is within ε; negative where none is. Rounded down.
double rdp_budget(double order, double epsilon, double delta);

// What the shares of a lattice's noise add up to: the n shares' sum has `sigma`, and the
// log-probability of each vector is within `slack` of the discrete Gaussian's with that sigma: τ
// per coordinate (docs/proofs/discrete_gaussian.md, Theorem 4; Kairouz, Liu, Steinke 2021).
// +infinity for shares below half a step.
struct LatticeNoise {
  double sigma;
  double slack;
};
LatticeNoise lattice_noise(const loss::DiscreteGaussian& kind);

}  // namespace hanse::privacy
