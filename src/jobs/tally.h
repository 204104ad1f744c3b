// Gathers what the folds of a run found, and makes a report's rows of it.
#pragma once

#include <map>

#include "jobs/evaluation.h"
#include "jobs/records.h"

namespace hanse::jobs {

// What one fold says about one site, or about one site class.
struct PartOutcome {
  std::string name;
  std::uint64_t test_records = 0;
  Arms arms;

  bool operator==(const PartOutcome&) const = default;
};

// What a cycle of an active training and its control, which is as many labels chosen by coins, say.
// Arms::federated is the former, Arms::local the latter.
struct CycleOutcome {
  double labels = 0;  // granted to the fleet by then
  Arms arms;
  std::vector<PartOutcome> groups;

  bool operator==(const CycleOutcome&) const = default;
};

// All that a report needs of a fold once its predictions are judged.
struct FoldOutcome {
  FoldRow row;
  double held_out_to_train = 0;
  std::vector<PartOutcome> sites;
  std::vector<PartOutcome> groups;
  std::vector<CycleOutcome> cycles = {};  // of an active training
  Arms fairness = {};                     // of a fair one, as ReportedFairness::metrics; else empty

  bool operator==(const FoldOutcome&) const = default;
};

class Tally {
 public:
  // Both outlive it.
  Tally(const Job& job, const data::Schema& schema) : job_(&job), label_(schema.label()) {}

  // From here on, folds are of this repeat.
  void begin_repeat(std::uint64_t seed, const DealtRecords& records);

  // One entry of `judged` per site of `sites`.
  FoldOutcome outcome_of(const JobFold& fold, std::span<const data::SiteData> sites,
                         std::span<const SiteJudged> judged) const;

  // Of one cycle: SiteJudged::local by the control's model, federated by the cycle's.
  CycleOutcome cycle_of(double labels, std::span<const data::SiteData> sites,
                        std::span<const SiteJudged> judged) const;

  // The next fold of this repeat. An outcome of sites that are not in it: corruption.
  base::Result<void> add(const FoldOutcome& outcome);

  // What left a site of this repeat; of another: corruption.
  base::Result<void> add_departures(const std::string& site, const Departures& more);

  // Fills sites, groups, metrics, hurt, and the sites that were left out.
  void write(Report& report) const;

 private:
  struct Site {
    SiteRow row;
    std::vector<Arms> folds;
  };
  struct Group {
    GroupRow row;
    std::vector<Arms> folds;
  };
  FoldValues evaluate(std::span<const data::SiteData> sites, std::span<const SiteJudged> judged,
                      const std::function<bool(const data::SiteData&)>& wanted) const;
  void add_site(const data::SiteData& site);
  ComparedArms curve(double ratio, std::size_t distinct) const;
  std::vector<CycleRow> cycle_rows(double ratio, std::size_t distinct) const;
  double test_to_train() const;
  std::size_t distinct_folds() const;

  const Job* job_;
  const data::Column* label_;
  std::uint64_t seed_ = 0;
  bool first_repeat_ = true;
  std::map<std::string, Site> sites_;
  std::map<std::string, Group> groups_;  // by site class
  std::vector<FoldRow> folds_;
  std::vector<std::vector<CycleOutcome>> cycles_;  // of each fold
  std::vector<Arms> fairness_;                     // of each fold
  std::vector<double> held_out_to_train_;          // of each fold
  std::vector<LeftOutSite> too_small_;
};

}  // namespace hanse::jobs
