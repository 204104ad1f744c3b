// The largest of numbers that each have known normal noise, and the gap between the largest and the
// least. Noise alone makes both look larger than they are: the luckless class wins.
//
// The interval holds whatever the true numbers are: its upper end needs one comparison only (the
// class that truly is worst, Berger 1982), its lower end all at once (the maximum of independent
// normals; for the gap the studentised range of Tukey and Kramer, Hayter 1984, Annals of Statistics
// 12). The value takes away the bias that the same noise would have if what was released were true
// (Efron 1979). No correction is right for all truths: this one takes some 40 % away where all
// classes are alike, and seldom more than there is where they lie apart.
#pragma once

#include <span>

#include "base/result.h"
#include "math/student.h"

namespace hanse::fairness {

struct Corrected {
  double released = 0;  // the maximum or gap as it was
  double value = 0;     // of a gap perhaps below 0: clamped, it would be biased again
  math::Interval interval;
};

inline constexpr std::size_t kMaxCorrected = 1024;

// One value and one deviation of each class, the noise independent from class to class; a deviation
// of 0 is exact. What is not finite, negative deviations, no class or more than kMaxCorrected,
// confidence outside (0, 1): invalid_argument.
base::Result<Corrected> corrected_maximum(std::span<const double> values,
                                          std::span<const double> deviations,
                                          double confidence = .95);

// max − min of two classes at least. The interval begins at 0 at least.
base::Result<Corrected> corrected_gap(std::span<const double> values,
                                      std::span<const double> deviations, double confidence = .95);

}  // namespace hanse::fairness
