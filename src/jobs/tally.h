// Gathers what the folds of a run found, and makes a report's rows of it.
#pragma once

#include <map>

#include "jobs/evaluation.h"
#include "jobs/records.h"

namespace hanse::jobs {

class Tally {
 public:
  // Both outlive it.
  Tally(const Job& job, const data::Schema& schema) : job_(&job), label_(schema.label()) {}

  // From here on, folds are of this repeat.
  void begin_repeat(std::uint64_t seed, const DealtRecords& records);

  // One entry of `judged` per site of `sites`.
  void add_fold(const JobFold& fold, std::span<const data::SiteData> sites,
                std::span<const SiteJudged> judged);

  // A vector of so many bytes left the site.
  void add_departure(const base::SiteId& site, std::uint64_t bytes);

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
  double test_to_train() const;
  std::size_t distinct_folds() const;

  const Job* job_;
  const data::Column* label_;
  std::uint64_t seed_ = 0;
  bool first_repeat_ = true;
  std::map<std::string, Site> sites_;
  std::map<std::string, Group> groups_;  // by site class
  std::vector<FoldRow> folds_;
  std::vector<double> held_out_to_train_;  // of each fold
  std::vector<LeftOutSite> too_small_;
};

}  // namespace hanse::jobs
