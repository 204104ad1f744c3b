// Who shares masks with whom.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "aggregation/masked/site_set.h"
#include "base/digest.h"

namespace hanse::aggregation {

// Each member's neighbours hold shares of its secrets; each pair of neighbours has a mask. All
// parties draw the same graph of the same members.
class Graph {
 public:
  // Everybody with everybody, `threshold` of them rebuild a secret.
  static Graph full(const SiteSet& members, std::uint32_t threshold);

  // Ascending, without the site itself.
  std::span<const std::size_t> neighbours(std::size_t site) const { return neighbours_[site]; }
  // The same with the site itself: whoever holds a share of its secrets, one's own kept at home.
  std::vector<std::size_t> holders(std::size_t site) const;
  std::uint32_t threshold() const { return threshold_; }

 private:
  std::vector<std::vector<std::size_t>> neighbours_;  // empty for a site that is no member
  std::uint32_t threshold_ = 0;
};

}  // namespace hanse::aggregation
