// What a round that counted by class says in words: each class's loss and the gap between them.
#pragma once

#include "fairness/calibration.h"
#include "learning/strategy.h"

namespace hanse::fairness {

// "counted_CLASS", how many records; "loss_CLASS" by its calibration, and "sampling_CLASS", the
// standard deviation that another draw of as many records would give it, unless noise outweighs the
// class's records; "gap" where every class has a loss.
std::vector<learning::ReleasedMetric> released_losses(const ClassCounts& counts,
                                                      const ClassHistogramOptions& options,
                                                      std::span<const Calibration> calibrations);

}  // namespace hanse::fairness
