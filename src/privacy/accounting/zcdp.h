// Zero-concentrated differential privacy (Bun, Steinke 2016): D_α ≤ ρ·α at every order, and back to
// (ε, δ).
#pragma once

#include <optional>

#include "privacy/accounting/loss.h"

namespace hanse::privacy {

// The ρ of one use, rounded up; none where none is known. Sampling does not lower it: a sampled
// loss costs what it costs without sampling.
std::optional<double> rho(const PrivacyLoss& loss);

// ρ of a discrete Gaussian, all shares together, without sampling.
double discrete_gaussian_rho(const loss::DiscreteGaussian& kind);

// What ρ-zCDP promises: the least ε at δ > 0 and the least δ at ε, over all orders (Canonne,
// Kamath, Steinke 2020, Proposition 12). Rounded up.
double zcdp_epsilon(double rho, double delta);
double zcdp_delta(double rho, double epsilon);

// The largest ρ that keeps (ε, δ), δ > 0, by that conversion. Rounded down.
double zcdp_budget(double epsilon, double delta);

}  // namespace hanse::privacy
