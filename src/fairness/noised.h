// A number out of noised counts, and how far it may be from the truth.
#pragma once

#include <cmath>

namespace hanse::fairness {

// Deviations of its noise that a count stands above before anything is divided by it.
inline constexpr double kSignal = 4;

// With the standard deviation of the noise in it, and of sampling: of another draw of as many
// records.
struct Noised {
  double value = 0;
  double noise = 0;
  double sampling = 0;

  double deviation() const { return std::hypot(noise, sampling); }
};

}  // namespace hanse::fairness
