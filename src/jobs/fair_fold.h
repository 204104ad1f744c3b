// What one fold of a simulation says of fairness: the fair training beside those that it is
// compared with.
#pragma once

#include "jobs/class_losses.h"
#include "jobs/records.h"
#include "jobs/training.h"

namespace hanse::jobs {

struct FairTrainings {
  SharedIterate fair;
  SharedIterate plain;              // nothing done by class
  SharedIterate shrunk;             // … and small weights
  std::vector<SharedIterate> best;  // of records_by_class
};

// That each site's class is one of these: else failed_precondition naming site and class.
base::Result<void> check_site_classes(const data::SiteClasses& classes,
                                      std::span<const data::SiteData> sites);

// The training records of each class in one place, and last those of all. The better of the models
// of the two is taken for the class's own best. A class of which no site trains:
// failed_precondition.
base::Result<std::vector<SiteRecords>> records_by_class(const data::SiteClasses& classes,
                                                        std::span<const data::SiteData> sites,
                                                        std::span<const SiteFold> parts);

// `plain` for such records, without noise: what it misses, no training can be blamed for.
Job in_one_place(const Job& plain, std::size_t sites);

// As ReportedFairness::metrics has them, on the fold's test records.
base::Result<Arms> fairness_of(const Job& job, const Job& plain, const data::Schema& schema,
                               std::span<const data::SiteData> sites,
                               std::span<const SiteFold> parts, const FairTrainings& trainings);

}  // namespace hanse::jobs
