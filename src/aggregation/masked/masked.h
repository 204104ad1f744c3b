// Sums by masks that cancel: Bonawitz et al. 2017, the variant for coordinators that may lie, with
// signed keys and a hybrid key agreement. docs/formats/masked.md has each byte.
//
// The coordinator learns the sum over the survivors and nothing else while fewer than `threshold`
// sites tell it what they know; if it also lies, while fewer than 2 · threshold − sites do. Of more
// sites than kMaxFullSites each shares masks with some only (Bell et al. 2020), and the second does
// not hold.
#pragma once

#include "aggregation/backend.h"
#include "aggregation/masked/agreement.h"

namespace hanse::aggregation {

// The same protocol over another key agreement, which outlives it. For tests of many sites.
std::unique_ptr<Backend> masked_over(const Agreement& agreement);

}  // namespace hanse::aggregation
