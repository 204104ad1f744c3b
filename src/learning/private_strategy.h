// Private training: a round of second moments, then rounds of noised gradients in whitened inputs.
#pragma once

#include "learning/strategy.h"

namespace hanse::learning {

// spec.privacy is there: checked, aborts. What the kind cannot do in private: unsupported.
base::Result<std::unique_ptr<Strategy>> create_private_strategy(StrategySpec spec, base::JobId job,
                                                                std::uint32_t max_sites);

}  // namespace hanse::learning
