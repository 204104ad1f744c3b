// A job's records: read from its source, one dataset per site, and split.
#pragma once

#include "base/executor.h"
#include "data/encode.h"
#include "jobs/job.h"

namespace hanse::jobs {

// Reads the source. Errors are those of its reader.
base::Result<std::vector<data::SiteData>> read_records(const Job& job,
                                                       const storage::Directory& directory,
                                                       base::Executor& executor);

// One site's part of a fold.
struct SiteFold {
  base::SiteId site;
  std::string site_class;
  std::shared_ptr<const data::Dataset> train;
  data::Dataset test;
};

// The folds that the job runs, each with all its sites. A site that could not learn, with no
// training record, with one label only or with more than max_records_per_site, is
// failed_precondition and named.
base::Result<std::vector<std::vector<SiteFold>>> folds_of(const Job& job,
                                                          std::span<const data::SiteData> sites);

}  // namespace hanse::jobs
