// Composition of privacy loss distributions by Fourier transforms: the tightest accountant.
#pragma once

#include <span>

#include "privacy/accounting/loss.h"

namespace hanse::privacy {

// The least ε at δ and the least δ at ε that the composition of all charges keeps, never below the
// truth, within about 1e-4 + 1e-4·ε above it. Every loss is dominated (loss_distribution.h), under
// one relation. Unsampled Gaussians alone: exact.
//
// How: one pass on a coarse grid finds the tilt λ at which Chernoff's bound is least, from it the
// window of losses that matter and the grid's step. Each distribution is tilted by e^(λ·loss), so
// that what decides is the bulk and not a tail of the transform; spectra are raised to their counts
// and multiplied; the inverse is tilted back. (Koskela, Jälkö, Honkela 2020; Gopi, Lee, Wutschitz
// 2021; the tilt is Esscher's, 1932.) What lies above the window and what the transforms may have
// rounded is added to δ.
double pld_epsilon(std::span<const Charge> charges, double delta);
double pld_delta(std::span<const Charge> charges, double epsilon);

}  // namespace hanse::privacy
