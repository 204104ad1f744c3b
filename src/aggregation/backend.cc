#include "aggregation/backend.h"

namespace hanse::aggregation {

std::size_t Setup::coordinates() const {
  std::size_t total = 0;
  for (const Stretch& stretch : layout) total += stretch.coordinates;
  return total;
}

math::Opened Sum::open() && { return math::Opened(std::move(values_), contributors_); }

}  // namespace hanse::aggregation
