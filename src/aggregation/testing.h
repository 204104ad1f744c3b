// What tests and benches of masked sums share.
#pragma once

#include <vector>

#include "math/lattice.h"

// Only this class makes what a site seals. Stands in for privacy's own, which aggregation's tests
// do not link.
namespace hanse::privacy {
class Noised {
 public:
  static math::Sealable of(std::vector<std::int64_t> values) {
    return math::Sealable(std::move(values));
  }
};
}  // namespace hanse::privacy
