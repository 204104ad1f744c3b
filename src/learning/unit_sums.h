// Sums over units of privacy: of clipped gradients, and of clipped second moments.
#pragma once

#include "learning/kernels.h"
#include "learning/units.h"
#include "learning/whitening.h"
#include "privacy/clipped_sum.h"

namespace hanse::base {
class Executor;
}

namespace hanse::learning {

// What the sum of a unit's gradients is made of.
struct GradientOf {
  const Model& model;
  const InputMap* map = nullptr;  // features are mapped by it before the model sees them
  double scale = 1;   // a contribution is divided by it, and then clipped to its part's clip
  double clip = 1;    // … or to so much of it, in (0, 1]
  double weight = 1;  // … and then multiplied by this, in (0, 1]
};

// Part 0: the clipped gradient of each unit, which of several records is the mean of theirs. A
// part 1, where the layout has it: 1 for each unit whose gradient is beyond the part's clip.
// Records as units are added in full blocks of kBlock but for the last, entities one by one, and so
// is everything that a layout with a rotation rounds at random.
privacy::ClippedSum sum_of_gradients(const GradientOf& of, const data::Dataset& records,
                                     const Units& units, const privacy::Layout& layout,
                                     const std::string& unit, base::Executor& executor,
                                     base::RandomSource& random);

// Part 0: 1 for each record at class · kNormBins + the bin of the length of its gradient over the
// clip; of a gradient that is not finite nothing. `places`: of each of the records' classes of
// sites.
privacy::ClippedSum sum_of_norms(const GradientOf& of, const data::Dataset& records,
                                 const Units& units, const privacy::Layout& layout,
                                 const std::string& unit, std::span<const std::uint32_t> places);

// Bins of lengths over a clip, in octaves: below 2^-4, then up to each of 2^-3 … 2^4, then above. A
// unit is clipped in the bins from kClippedFrom on.
inline constexpr std::uint32_t kNormBins = 10;
inline constexpr std::uint32_t kClippedFrom = 5;
std::uint32_t norm_bin(double norm);

// Part 0: the upper triangle, row after row, of v vᵀ for v = (1, features, targets), where targets
// are the one-hot label or the scaled target, or absent; off the diagonal times √2, so that its
// norm is ‖v‖². Divided by scale, then clipped. Of several records the mean of theirs. Part 1: how
// many units there are.
privacy::ClippedSum sum_of_moments(const Architecture& architecture, bool with_targets,
                                   double scale, const data::Dataset& records, const Units& units,
                                   const privacy::Layout& layout, const std::string& unit,
                                   base::RandomSource& random);

// Targets of v, if any: as many as labels, or one.
std::size_t moment_targets(const Architecture& architecture, bool with_targets);
// Numbers of the triangle.
std::size_t moment_count(const Architecture& architecture, bool with_targets);

}  // namespace hanse::learning
