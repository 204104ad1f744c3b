// What a job promises of privacy, and the noise that keeps the promise.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jobs/job.h"
#include "jobs/report.h"
#include "privacy/accounting/gate.h"

namespace hanse::jobs {

// "record", or the name of the column that says which records are protected together.
base::Result<std::string> privacy_unit_of(const Job& job);
// What is protected is a part of what somebody is: a window of a recording, a record that
// transforms made of several. privacy_unit_of says "(weak)" behind it.
base::Result<bool> has_weak_unit(const Job& job);

// The job's strategy for so many sites. Of a private job with the least noise at which the whole
// training costs no more than its ε at its δ, counted as the gates of its sites count; and with
// weights by which a site that grants less pays no more than that. A promise
// that no noise keeps, or a strategy that knows no private training: invalid_argument.
base::Result<std::unique_ptr<learning::Strategy>> strategy_of(const Job& job,
                                                              const data::Schema& schema,
                                                              std::uint32_t sites);

// The noise of a round over its sensitivity, of a private job for so many sites: as it says, or as
// its ε takes it.
base::Result<double> noise_multiplier_of(const Job& job, const data::Schema& schema,
                                         std::uint32_t sites);

// All that a job costs a unit of this site, fixed before it begins; null: of one that
// privacy.site_epsilon does not name. Empty in the clear.
base::Result<std::vector<privacy::Charge>> charges_of(const Job& job, const data::Schema& schema,
                                                      std::uint32_t sites,
                                                      const base::SiteId* site = nullptr);

// That privacy.site_epsilon names none but these: else invalid_argument.
base::Result<void> check_named_sites(const Job& job, std::span<const base::SiteId> known);

// What the training guarantees, by gate and by PLD. Of a training that took several attempts at a
// round, how many at each from the first on: what is asked again is answered with fresh noise, and
// costs a site that answered as much again.
base::Result<ReportedPrivacy> reported_privacy(const Job& job, const data::Schema& schema,
                                               std::uint32_t sites,
                                               std::span<const std::uint32_t> attempts = {});

// How an active job divides its budget; nothing in the clear.
struct LabelBudget {
  double estimation = 0;       // as ReportedActive
  double quota_deviation = 0;  // as ReportedActive; 0 where sites choose alone
  std::vector<ReportedBlock> blocks;
};
base::Result<LabelBudget> label_budget(const Job& job, const data::Schema& schema,
                                       std::uint32_t sites);

// The guarantee for whoever has most units among these records, by group privacy: an engine whose
// rows are protected one by one. Counts records, so it is for simulations only.
base::Result<std::vector<LargerUnit>> larger_units(const Job& job,
                                                   std::span<const data::SiteData> sites);

}  // namespace hanse::jobs
