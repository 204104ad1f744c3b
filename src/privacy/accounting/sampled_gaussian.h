// Rényi moments of the Poisson-sampled Gaussian mechanism, at any order.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace hanse::privacy {

// All moments are log E_Q[(P/Q)^α] = (α − 1)·D_α(P‖Q) of P = (1 − q)·Q + q·P₁, never below the
// truth; for a mirror-symmetric pair (Q, P₁) the other direction's is no larger (Mironov, Talwar,
// Zhang 2019, Theorem 5).

// At a whole order ≥ 2, of any pair with log_moment(k) = log E_Q[(P₁/Q)^k]: the binomial sum of
// section 3.3 there, its first two terms cancelled against 1.
double sampled_moment(double sampling_rate, double order,
                      const std::function<double(double)>& log_moment);

// The same for N(0, σ²) and N(1, σ²), without the call per term.
double sampled_gaussian_moment(double sigma, double sampling_rate, double order);

// At a fractional order > 1: the integral by the trapezoid rule, whose error falls with exp(−2πd/h)
// for an integrand analytic in a strip of half-width d = πσ (Trefethen, Weideman 2014, "The
// exponentially convergent trapezoidal rule", Theorem 5.1). Where that takes too many nodes, the
// chord between the whole orders beside it: the moment is convex in the order.
double sampled_gaussian_fractional_moment(double sigma, double sampling_rate, double order);

// A moment at any order > 1 from those at whole orders: convex in the order and 0 at 1, so no chord
// is below it.
double chord(double order, const std::function<double(double)>& moment_at_whole);

// The orders over which an accountant searches: 1.1, 1.2, … 10.9, then whole ones, growing further
// apart, up to 1024.
std::span<const double> renyi_orders();

// The moments at all renyi_orders(), many times faster than one by one.
std::vector<double> sampled_gaussian_moments(double sigma, double sampling_rate);

// The same from whole orders alone, the others by the chord.
std::vector<double> sampled_lattice_moments(double sigma, double sampling_rate);

}  // namespace hanse::privacy
