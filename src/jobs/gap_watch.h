// The gap between classes over the runs of a schedule, and whether it grew: what `hanse fairness
// watch` says. Each run released its gap with noise and was charged for it; nothing more is asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "jobs/report.h"

namespace hanse::jobs {

// One run: what it released, by its own word.
struct GapPeriod {
  std::string run;
  double gap = 0;
  double noise = 0;     // standard deviation
  double sampling = 0;  // of the records, by the same histogram

  double deviation() const;
};

// From the rounds' facts, of several trainings the last. A run that released no gap:
// failed_precondition.
base::Result<GapPeriod> gap_of(const std::string& run,
                               const std::vector<learning::RoundFacts>& rounds);

struct WatchedPeriod {
  GapPeriod period;
  double standardised = 0;  // (gap − reference) / deviation
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

// `reference`: the gap that is fine; none: the first run's and 1.96 of its deviations more, which
// the true one is below in 97.5 % of all cases, and the first run is not watched. At least one
// period to watch, α in (0, 1): else invalid_argument.
base::Result<GapWatch> watch_gaps(const std::vector<GapPeriod>& periods,
                                  std::optional<double> reference, double alpha);

std::string to_json(const GapWatch& watch);

}  // namespace hanse::jobs
