// How good a model is on the records that sites hold, as one private sum: clipped metrics of every
// unit, and how many units there are.
//
//   part     of a unit, between 0 and 1, over its records the mean                    clip
//   metrics  classification: min(loss, C)/C and whether it is right  ┐ each           1
//            regression: min(|error|, C)²/C² and min(|error|, C)/C   ┘ over √2
//   count    1                                                                        1
//
// C is the clip of the plan's options, plan.parameters the model, in features as declared.
#pragma once

#include <array>

#include "learning/private_queries.h"
#include "learning/strategy.h"
#include "learning/units.h"

namespace hanse::learning {

// As the creators of private_queries.h.
base::Result<std::unique_ptr<query::Query>> create_metrics(const query::QueryPlan& plan);

// A record of which the model makes no number counts as one that it gets wholly wrong: a model that
// overflows is no good one.
privacy::ClippedSum sum_of_metrics(const Model& model, double clip, const data::Dataset& records,
                                   const Units& units, const privacy::Layout& layout,
                                   const std::string& unit);

privacy::Layout metrics_layout(math::Lattice lattice, std::uint64_t max_units);
// Share of the round's ρ that pays for the count: all three numbers then have the same noise.
inline constexpr double kMetricsCountShare = 1.0 / 3;

// C: three times the loss of a model that thinks all labels equally likely; half the range of a
// target, which is scaled to [−1, 1].
double metrics_clip(const Architecture& architecture);

// Standard deviations of the noise in a sum.
struct MetricsNoise {
  double metrics = 0;
  double count = 0;
};

// What the sums say: loss and accuracy, or rmse and mae in units of the scaled target. Nothing but
// post-processing.
std::vector<ReleasedMetric> released_metrics(const Architecture& architecture,
                                             std::span<const double> metrics, double count,
                                             const MetricsNoise& noise);

}  // namespace hanse::learning
