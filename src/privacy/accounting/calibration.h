// The least noise that keeps a promise.
#pragma once

#include <functional>

#include "base/result.h"

namespace hanse::privacy {

// Beyond it nothing useful is left of any answer.
inline constexpr double kMaxNoise = 1'000'000;

// The least noise at which `cost` is at most `limit`, to a relative 1e-6 and never below: `cost`
// falls as noise grows, may be +infinity, and is asked about a dozen times. By the Illinois method
// in logarithms (Dowell, Jarratt 1971). No noise up to kMaxNoise is enough: unsupported. An error
// of `cost` is passed on.
base::Result<double> least_noise(const std::function<base::Result<double>(double noise)>& cost,
                                 double limit);

}  // namespace hanse::privacy
