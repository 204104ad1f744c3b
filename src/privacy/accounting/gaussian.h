// The Gaussian mechanism's exact trade of ε against δ, and the least noise for a promise.
#pragma once

namespace hanse::privacy {

// Φ(−ε/μ + μ/2) − e^ε·Φ(−ε/μ − μ/2) with μ = 1/σ, of N(0, σ²) and N(1, σ²): the least δ at ε ≥ 0
// (Balle, Wang 2018, Theorem 8). In logarithms, without cancellation at any size, to a relative
// 1e-12 and rounded up.
double gaussian_log_delta(double sigma, double epsilon);
double gaussian_delta(double sigma, double epsilon);

// The least ε ≥ 0 at δ; +infinity at 0. Rounded up.
double gaussian_epsilon(double sigma, double delta);

// The least σ at which (ε, δ) holds, δ in (0, 1). Rounded up.
double gaussian_sigma(double epsilon, double delta);

}  // namespace hanse::privacy
