// How long the gradients of each class's records are, as one private sum (learning's class_norms):
// which part the clip cuts, their median length, and clips of their own.
//
// DPSGD-F (Xu, Du, Wu 2020, "Removing disparate impact of differentially private stochastic
// gradient descent on model accuracy") gives class g the clip C (1 + r_g / r), r_g being the part
// of its gradients longer than C and r that of all: classes with more long gradients lose less of
// them. Here the greatest of these is the plan's clip, so the noise stays what it is and the others
// are clipped lower; and r_g is drawn to r by what noise explains of its distance, as in
// class_weights.h.
#pragma once

#include <optional>
#include <vector>

#include "data/site_classes.h"
#include "fairness/noised.h"
#include "privacy/chain.h"

namespace hanse::fairness {

struct ClassNorms {
  std::vector<std::vector<double>> counts;  // by class and learning::norm bin; may be negative
  double noise = 0;                         // standard deviation of each count's noise
};

// A sum of another plan: corruption.
base::Result<ClassNorms> class_norms_in(const privacy::Released& released,
                                        const data::SiteClasses& classes);

// Records that took part. Its deviation is that of noise.
Noised records_in(const ClassNorms& norms, std::size_t of_class);
// The part that is longer than the clip. None where the records do not stand kSignal deviations
// above their noise.
std::optional<Noised> clipped_part(const ClassNorms& norms, std::size_t of_class);
// The median length over the clip, between the ends of its octave by the logarithm. None as above,
// and where it is beyond the octaves.
std::optional<Noised> median_norm(const ClassNorms& norms, std::size_t of_class);

// Shares of the plan's clip by class, the greatest 1. All 1 where records or clipped gradients do
// not stand above their noise.
std::vector<double> clips_of(const ClassNorms& norms);

}  // namespace hanse::fairness
