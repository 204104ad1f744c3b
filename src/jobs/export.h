// A job's records and folds for other tools: what Hanse learns from, and what it tests on.
#pragma once

#include <functional>
#include <string_view>

#include "jobs/records.h"

namespace hanse::jobs {

// Gives up with its error.
using WriteText = std::function<base::Result<void>(std::string_view)>;

// A CSV table (RFC 4180) in pieces: site, site_class, group, fold, target, then the features as
// they are encoded, in [-1, 1]. `fold` is the number of the fold in which the record tests; it
// trains in all others. 0: it tests in none. Empty: it is not used. A target is the label's text,
// or its number in the declared unit, with all digits. Under job.seed, as the first repeat of a run
// has it. Records do not leave a plant this way: it is for simulations, where all of them lie in
// one place.
base::Result<void> export_records(const Job& job, const RecordDoors& doors, const WriteText& write);

}  // namespace hanse::jobs
