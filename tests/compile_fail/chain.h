// Values of each type of the chain, as their makers hand them out. Declared only: nothing here
// runs.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "aggregation/backend.h"
#include "base/ids.h"
#include "base/units.h"
#include "privacy/chain.h"
#include "query/query.h"

namespace hanse {

using Integers = std::vector<std::int64_t>;

privacy::Layout layout();
privacy::ClippedSumAccumulator accumulator();
privacy::ClippedSum clipped();
privacy::PrivateIterate iterate();
privacy::Noised noised();
math::Sealable sealable();
aggregation::SiteMachine& site_machine();
aggregation::SealedVector sealed();
aggregation::Sum sum();
math::Opened opened();

}  // namespace hanse
