// What one released histogram of scores says of a class of sites: how often a model errs, whom it
// selects, how well it ranks, how well it is calibrated. All of it is post-processing: whoever
// released the counts was charged for them, and nothing more is.
//
// Each number comes with the standard deviation of the noise in it and of sampling, by the delta
// method: gradient g of the number by the counts n, noise σ‖g‖, sampling √Σ n g². The counts of all
// classes are disjoint, so the numbers of classes are independent; their maximum and gap are biased
// (corrected_maximum.h).
//
// A record is where the middle of its bin is, so records of one bin are ties, and numbers are those
// of the rounded scores. What is divided by has to stand kSignal deviations above its own noise:
// below, a ratio has no deviation that means something, and there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "fairness/group_metrics.h"
#include "fairness/noised.h"

namespace hanse::fairness {

inline constexpr std::size_t kMaxScoreBins = 65'536;

enum class ScoreScale { probability, log_odds };

// Counts by bin of the score that the label is 1, the lowest first, bins of one width from low to
// high. Noised counts may be negative. Where a histogram has the score of a record's own label,
// that of label 0 runs the other way: turn its counts around.
struct ScoreCounts {
  std::span<const double> negatives;  // of label 0
  std::span<const double> positives;  // of label 1
  double low = 0;
  double high = 1;
  ScoreScale scale = ScoreScale::probability;
  double noise = 0;  // standard deviation of each count's own noise
};

struct ScoreMetrics {
  // Of the decision 1 in bins from the threshold on. Demographic parity compares the selection
  // rates of classes, equalised odds both of their rates.
  std::optional<Noised> selection_rate;
  std::optional<Noised> error;
  std::optional<Noised> true_positive_rate;
  std::optional<Noised> false_positive_rate;
  // Of the ranking. A tie counts half (Mann and Whitney 1947); the sampling deviation is that of
  // DeLong et al. 1988.
  std::optional<Noised> roc_auc;
  // Area under precision and recall as the sum of precision over steps of recall ("average
  // precision"). Bins at the top are one step until their total stands above its noise.
  std::optional<Noised> average_precision;
  // Of the probability.
  std::optional<Noised> brier;
  std::optional<Noised> log_loss;        // in nats
  std::optional<Noised> overconfidence;  // mean score − share of label 1: without bias by noise
  // Σ |positives − score · total| over bins, over the total. Noise never cancels in it: a model
  // that is calibrated shows chance_calibration_error on average.
  std::optional<Noised> calibration_error;
  double chance_calibration_error = 0;
};

// `threshold`: the first bin whose records are selected, at most the number of bins. Spans of
// different lengths, no bin or more than kMaxScoreBins, counts that are not finite, a range that is
// none or of probabilities beyond [0, 1], noise below 0: invalid_argument.
base::Result<ScoreMetrics> score_metrics(const ScoreCounts& counts, std::size_t threshold);

// The same decisions as counts, for group_metrics.h. Noised ones may be negative.
base::Result<Confusion> confusion_at(const ScoreCounts& counts, std::size_t threshold);

// Of a regression: counts by bin of |prediction − target| from 0 to high.
struct ResidualCounts {
  std::span<const double> counts;
  double high = 1;
  double noise = 0;
};

struct ResidualMetrics {
  std::optional<Noised> mean_absolute;
  std::optional<Noised> mean_square;
  std::optional<Noised> beyond;  // share in bins from `tolerance` on
};

// Errors as of score_metrics.
base::Result<ResidualMetrics> residual_metrics(const ResidualCounts& counts, std::size_t tolerance);

// Mean of one loss per count, over all counts: of any histogram. None as of score_metrics; spans of
// different lengths are a broken invariant.
std::optional<Noised> mean_over_counts(std::span<const double> counts, double noise,
                                       std::span<const double> losses);

}  // namespace hanse::fairness
