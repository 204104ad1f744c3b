// The aggregation backends that a job can name.
#pragma once

#include <string_view>

#include "aggregation/backend.h"

namespace hanse::federation {

using aggregation::Backend;

// "masked", "plain". Lives as long as the process. Another name: invalid_argument with the valid
// ones.
base::Result<const Backend*> backend_named(std::string_view name);

}  // namespace hanse::federation
