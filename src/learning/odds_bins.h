// Bins of how sure a classification is of a record's own label: of its log-odds from −kOddsSpan to
// kOddsSpan, beyond the ends at the ends.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace hanse::learning {

inline constexpr double kOddsSpan = 4;

// `probability` in [0, 1], bins at least 1.
inline std::uint32_t odds_bin(double probability, std::uint32_t bins) {
  constexpr double kLeast = 1e-12;
  const double right = std::clamp(probability, kLeast, 1 - kLeast);
  const double part = (std::log(right / (1 - right)) + kOddsSpan) / (2 * kOddsSpan);
  return std::min(static_cast<std::uint32_t>(std::clamp(part, 0.0, 1.0) * bins), bins - 1);
}

// The middle of a bin, in log-odds.
inline double odds_at(std::uint32_t bin, std::uint32_t bins) {
  return (2 * (bin + .5) / bins - 1) * kOddsSpan;
}

}  // namespace hanse::learning
