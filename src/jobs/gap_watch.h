// The gap between classes over the runs of a schedule, and whether it grew: what `hanse fairness
// watch` says. Each run released its classes' losses with noise and was charged for them; nothing
// more is asked.
//
// Two numbers, for two readers:
//
//   the gap of one run    fairness::corrected_gap: less the bias that noise gives to a greatest
//                         less a least, with an interval that holds whatever the losses are
//   what monitors eat     loss of one class − loss of another − reference, over its deviation
//
// Monitors want a mean of at most 0 while the gap is at most the reference, and deviations that are
// known. The released gap has neither: its mean is above the gap's. The corrected one has neither:
// its bias depends on the losses, and so does its deviation. The difference of two classes that are
// named before the run is looked at has both: no gap is below it. The pair is the one that the run
// before released as worst and best; its noise is not this run's, so nothing was chosen by luck.
//
// Where no run before names a pair of this one's classes, all pairs are looked at: (released gap −
// mean gap of the noise alone − reference) over the greatest deviation of a pair. A gap of means
// exceeds theirs by no more on average, and its noise is sub-Gaussian with that scale (Borell;
// Tsirelson, Ibragimov, Sudakov 1976): it may be fed as well, and says less.
//
// Runs over the same records watch the gap on those records: their sampling is drawn once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "fairness/corrected_maximum.h"
#include "jobs/report.h"

namespace hanse::jobs {

struct ReleasedLoss {
  std::string of_class;
  double value = 0;
  double noise = 0;     // standard deviation
  double sampling = 0;  // of another draw of as many records

  bool operator==(const ReleasedLoss&) const = default;
};

// One run: what it released, by its own word.
struct GapPeriod {
  std::string run;
  std::vector<ReleasedLoss> losses;  // of two classes at least, each once
  fairness::Corrected gap = {};      // at 95 %

  double deviation_of(std::size_t loss) const;
};

// From the rounds' facts, of several trainings the last. A run that released no gap or no losses of
// two classes, or none of which is uncertain: failed_precondition.
base::Result<GapPeriod> gap_of(const std::string& run,
                               const std::vector<learning::RoundFacts>& rounds);

struct WatchedPeriod {
  GapPeriod period;
  // The classes whose difference is watched; empty: all pairs.
  std::string worse;
  std::string better;
  double deviation = 0;     // of what is watched
  double standardised = 0;  // what monitors are fed
  double cusum = 0;         // k = 1/2, alarm above 4
  double evidence = 0;      // of the e-process, alarm at 1/α
  double window = 0;        // periods that ADWIN keeps
  bool cusum_alarms = false;
  bool evidence_alarms = false;
  bool was_cut = false;  // ADWIN: the mean changed
};

struct GapWatch {
  double reference = 0;
  double alpha = .05;
  std::vector<WatchedPeriod> periods;

  bool alarms() const;
};

// `reference`: the gap that is fine; none: the upper end of the first run's interval, which the
// true gap is below in 97.5 % of all cases, and the first run only names a pair. At least one
// period to watch, α in (0, 1): else invalid_argument.
base::Result<GapWatch> watch_gaps(const std::vector<GapPeriod>& periods,
                                  std::optional<double> reference, double alpha);

std::string to_json(const GapWatch& watch);

}  // namespace hanse::jobs
