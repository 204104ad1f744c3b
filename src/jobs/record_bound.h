// Fewer records than a site has, by a rule that looks at each of them alone: so that one more or
// less changes the answer by one, and the promise of differential privacy stands as it was.
#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"

namespace hanse::jobs {

// How often, at most, a table as large as was promised has more records than it may after the draw.
inline constexpr double kMaxOverfull = 1e-9;

// The probability with which each of `promised` records is kept so that more than `most` of them
// remain with at most kMaxOverfull: by Chernoff's bound, exp(-n·KL(a‖p)) with a = (most+1)/n
// (Hoeffding 1963, Theorem 1). 1 where `promised` are not too many.
double keep_probability(std::uint64_t promised, std::uint64_t most);

// `most` of them at most. Each record is kept by a hash of what it says and of how many equal ones
// stand before it. Where a table of the promised size is small enough, all are. Still too many:
// permission_denied; so are units of several records, of which nobody knows how many are one's.
base::Result<std::shared_ptr<const data::Dataset>> bounded_records(
    std::shared_ptr<const data::Dataset> records, const std::string& unit, std::uint64_t promised,
    std::uint64_t most);

}  // namespace hanse::jobs
