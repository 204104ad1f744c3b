// A stretch and a shift of a model's output for each class of sites, out of what a released
// histogram says: post-processing of it, so nothing more is charged.
//
// The two numbers solve the class's own score equations, whose noise is known. With a prior that
// they are (1, 0), within kPriorOfOdds or of a regression kPriorOfValues, the fit is the maximum a
// posteriori: where noise outweighs what the class's records say, the model stays as it is.
#pragma once

#include "fairness/class_histogram.h"
#include "fairness/noised.h"

namespace hanse::fairness {

struct Calibration {
  double stretch = 1;
  double shift = 0;  // of a regression in units of the scaled target, else of log-odds of label 1

  bool operator==(const Calibration&) const = default;
};

// Standard deviations.
inline constexpr Calibration kPriorOfOdds{.stretch = .5, .shift = .5};
// Of a target that is scaled to [−1, 1], a mean error of a tenth is large.
inline constexpr Calibration kPriorOfValues{.stretch = .25, .shift = .1};

// By class. Of a classification with more than two labels a stretch alone, as if all labels but a
// record's own were one: which of them is favoured a shift could not say.
std::vector<Calibration> fit_calibrations(const ClassCounts& counts,
                                          const ClassHistogramOptions& options);

// The same model so stretched and shifted: a model like any other.
base::Result<learning::Model> calibrated(const learning::Model& model,
                                         const Calibration& calibration);

// Mean loss of a class by the histogram, with this calibration: the logarithmic one of a
// classification (of more than two labels by the own label's odds: exact without a stretch), the
// squared error of a regression's scaled target, there without calibration. Bins stand for their
// middles. A class whose noised total does not stand kSignal deviations above its noise has none.
std::optional<Noised> mean_loss(const ClassCounts& counts, const ClassHistogramOptions& options,
                                std::size_t of_class, const Calibration& calibration);

}  // namespace hanse::fairness
