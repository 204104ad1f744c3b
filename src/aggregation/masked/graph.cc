#include "aggregation/masked/graph.h"

#include <algorithm>

namespace hanse::aggregation {

Graph Graph::full(const SiteSet& members, std::uint32_t threshold) {
  Graph graph;
  graph.threshold_ = threshold;
  graph.neighbours_.resize(members.cohort());
  for (const std::size_t site : members.sites()) {
    graph.neighbours_[site] = members.sites();
    std::erase(graph.neighbours_[site], site);
  }
  return graph;
}

std::vector<std::size_t> Graph::holders(std::size_t site) const {
  std::vector<std::size_t> holders = neighbours_[site];
  holders.insert(std::ranges::upper_bound(holders, site), site);
  return holders;
}

}  // namespace hanse::aggregation
