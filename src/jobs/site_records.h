// A site's records for a job that came from elsewhere: the job says what the columns mean, the
// owner says where they lie.
#pragma once

#include "federation/message/message.h"
#include "jobs/records.h"

namespace hanse::jobs {

// Where the owner's records lie. Nothing in a job changes any of it.
struct OwnData {
  std::string path;                // a file, a folder, or a database's URL
  std::string query;               // of a database
  std::string map;                 // map file (docs/formats/map.md); empty: none
  std::vector<std::string> joins;  // a path for each table that the job joins, in its order

  bool operator==(const OwnData&) const = default;
};

// The records that `self` trains on. With `own` from its own tables alone, split by the job's rules
// and seed over these records; of a k-fold without `fold` the last one, whose model `hanse run`
// keeps. Without `own` the job's source is read as `hanse run` reads it, and the part dealt to
// `self` taken: for consortia of tests, where all records lie in one place anyway.
//
// Of a private job all own records train, but those that a column declares to be for tests: other
// splits depend on how many records there are, and so would what each of them adds. Nor is a number
// of records refused; without any, what is answered is noise alone.
//
// Errors are those of readers, pipeline and split, for the owner's eyes; not_found where the source
// knows no site of this name, failed_precondition where it cannot train.
base::Result<std::shared_ptr<const data::Dataset>> training_records(const Job& job,
                                                                    const base::SiteId& self,
                                                                    const std::string& site_class,
                                                                    const OwnData* own,
                                                                    const RecordDoors& doors);

// Whether an offer asks what its job says: the plan of one of its rounds, to as many sites as it
// adds up at least. Else permission_denied: whoever agreed to the job has not agreed to this.
base::Result<void> check_asked(const Job& job, const federation::Offer& offer);

}  // namespace hanse::jobs
