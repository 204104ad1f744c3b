// How a job's rounds are added up, once it is known among how many sites.
#pragma once

#include "federation/message/message.h"
#include "jobs/job.h"
#include "jobs/report.h"

namespace hanse::jobs {

struct Aggregation {
  federation::Protection protection;
  std::uint32_t min_sites = 1;  // a sum of fewer is not opened
};

// With what the job leaves open settled: the threshold is more than two thirds of the sites
// and more than half of sites and colluders together (Bonawitz et al. 2017, section 6, for a
// coordinator that may lie), and min_sites the least that threshold, contributors and colluders
// allow. What such a consortium cannot keep:
// failed_precondition, naming the key to change. One site alone adds nothing up: its sums are
// plain.
base::Result<Aggregation> aggregation_of(const AggregationSpec& spec, std::size_t sites);

// The fewest sites among which the job can be trained.
std::uint32_t fewest_sites(const AggregationSpec& spec);

// Of one party that adds nothing up.
inline Aggregation alone() { return {}; }

// As a report begins with it: nothing is counted yet.
ReportedAggregation reported(const Aggregation& aggregation, std::size_t sites, int fraction_bits);

// Notes a round: bytes of one contribution, and its coordinates. The largest counts.
void count_bytes(std::uint64_t sealed_bytes, std::uint64_t coordinates,
                 ReportedAggregation& report);

// The sites whose noise makes the whole dose in each sum: as many as are left of min_sites when
// those that may collude take theirs away.
std::uint32_t noise_shares(const Aggregation& aggregation);

}  // namespace hanse::jobs
