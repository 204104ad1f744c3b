#include "fairness/allocation.h"

namespace hanse::fairness {

Allocation allocated(const LineModel& model, const Means& means, double bound, double gap_share,
                     double calibration_share) {
  Allocation one{.gap_share = gap_share,
                 .calibration_share = calibration_share,
                 .effort = {.clip = means.clip,
                            .rho = means.rho * (1 - gap_share),
                            .loss_bound = means.loss_bound,
                            .gap_rho = means.rho * gap_share,
                            .sites = means.sites},
                 .costs = {}};
  for (std::size_t c = 0; c < 2; ++c) {
    one.effort.records[c] = means.records[c] * (1 - calibration_share);
    one.effort.calibration[c] = means.records[c] * calibration_share;
  }
  one.costs = model.costs(one.effort, bound);
  return one;
}

base::Result<Allocation> best_allocation(const LineModel& model, const Means& means, double bound) {
  if (!(means.records[0] > 0 && means.records[1] > 0 && means.rho > 0 && means.clip > 0 &&
        means.loss_bound > 0))
    return base::fail(base::ErrorCode::invalid_argument,
                      "records, rho, clip and loss_bound must be above 0 to be divided");
  std::optional<Allocation> best;
  // Costs are smooth and one grid is a few milliseconds: nothing is assumed of their shape.
  for (int gap = 1; gap < 100; ++gap)
    for (int calibration = 1; calibration < 100; ++calibration) {
      const Allocation one = allocated(model, means, bound, gap / 100.0, calibration / 100.0);
      const bool learns = one.effort.records[0] > model.dimensions + 1 &&
                          one.effort.records[1] > model.dimensions + 1;
      if (learns && (!best || one.costs.sum() < best->costs.sum())) best = one;
    }
  if (!best)
    return base::fail(base::ErrorCode::invalid_argument,
                      "{} dimensions take more records than {} and {}", model.dimensions,
                      means.records[0], means.records[1]);
  return *best;
}

}  // namespace hanse::fairness
