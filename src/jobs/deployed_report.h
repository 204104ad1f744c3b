// What a deployed training did, for those who may see it: nothing that was not released: no metric
// but those of a round of its own (privacy.metrics), no pooled column, since there is no such
// place.
#pragma once

#include "jobs/job.h"
#include "jobs/report.h"
#include "jobs/training_record.h"

namespace hanse::jobs {

inline constexpr std::string_view kDeployedSchema = "hanse.deployed_report/2";

// The epoch that the sites went by.
struct ReportedConsortium {
  std::string name;
  std::uint32_t epoch = 0;
  std::string roster;  // digest, hexadecimal

  bool operator==(const ReportedConsortium&) const = default;
};

struct DeployedRound {
  std::uint32_t round = 0;
  std::uint32_t attempts = 1;  // aborted ones count
  learning::RoundFacts facts;
  std::uint32_t sites_in = 0;
  std::uint64_t bytes = 0;  // of sealed vectors that left sites and were counted

  bool operator==(const DeployedRound&) const = default;
};

struct DeployedSite {
  std::string name;
  std::string group;  // its site class
  Departures left;    // what was counted

  bool operator==(const DeployedSite&) const = default;
};

// What differs between equal trainings.
struct DeployedTiming {
  std::string submitted;  // RFC 3339, UTC
  std::string ended;
  std::vector<double> round_seconds;  // of the attempt that closed

  bool operator==(const DeployedTiming&) const = default;
};

struct DeployedReport {
  ReportedJob job;
  ReportedConsortium consortium;
  std::uint64_t seed = 0;  // of the first parameters
  std::vector<DeployedRound> rounds;
  std::vector<DeployedSite> sites;
  ReportedPrivacy privacy;
  ReportedAggregation aggregation;
  DeployedTiming timing;

  bool operator==(const DeployedReport&) const = default;
};

// All but consortium, classes of sites and times.
base::Result<DeployedReport> deployed_report(const Job& job, const TrainingRecord& record,
                                             std::span<const base::SiteId> cohort);

// Its rounds as those of a run's report.
std::vector<RoundRow> rows_of(const DeployedReport& report);

std::string to_json(const DeployedReport& report);
// As report_from_json.
base::Result<DeployedReport> deployed_report_from_json(std::string_view text);
std::string to_html(const DeployedReport& report);

}  // namespace hanse::jobs
