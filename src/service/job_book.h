// Which jobs a coordinator was given, in which order, and how each ended. A storage::Machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "base/units.h"

namespace hanse::service {

// How a job came to its end: its name in the control protocol is its phase.
struct JobEnd {
  std::string phase;   // finished, cancelled, failed
  std::string reason;  // of a failure
  base::Milliseconds at;

  bool operator==(const JobEnd&) const = default;
};

struct BookedJob {
  base::JobId id;
  base::Digest text;  // names the blob that is the job file
  std::string by;     // the party that submitted it
  base::Milliseconds at;
  std::vector<base::SiteId> cohort;  // sites of the roster then
  std::optional<JobEnd> end;

  bool operator==(const BookedJob&) const = default;
};

class JobBook {
 public:
  // The entries.
  static base::Bytes submitted(const BookedJob& job);
  static base::Bytes ended(const base::JobId& job, const JobEnd& end);

  // As storage::Machine has them. A second job of a name, or an end of what has ended:
  // failed_precondition.
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<JobBook> restore(base::ByteView bytes);

  // In the order in which they came.
  const std::vector<BookedJob>& jobs() const { return jobs_; }
  const BookedJob* find(const base::JobId& job) const;
  // The first that has not ended: one after another.
  const BookedJob* current() const;

  bool operator==(const JobBook&) const = default;

 private:
  std::vector<BookedJob> jobs_;
};

// NAME, or the first of NAME-2, NAME-3, … that is free, cut to a name's length: a release is named
// by its job, and no two trainings may share one.
base::Result<base::JobId> free_id(const JobBook& book, const base::JobId& name);

}  // namespace hanse::service
