#include "aggregation/masked/graph.h"

#include <algorithm>

#include "crypto/mask_stream.h"

namespace hanse::aggregation {

namespace {

constexpr double kCorrupt = 0.1;
constexpr double kDropped = 0.2;
constexpr double kSecurity = 0x1p-41;  // each of two ways to fail
constexpr double kCorrectness = 0x1p-20;

// Probability of at least `least` marked ones among `drawn` of `all` without replacement, `marked`
// of which are. By recurrence from that of none, in operations that every machine rounds alike:
// all parties must find the same degree.
double tail(std::size_t all, std::size_t marked, std::size_t drawn, std::size_t least) {
  double term = 1;
  for (std::size_t i = 0; i < drawn; ++i)
    term *= static_cast<double>(all - marked - i) / static_cast<double>(all - i);
  double sum = least == 0 ? term : 0;
  for (std::size_t found = 0; found < std::min(marked, drawn); ++found) {
    term *= static_cast<double>((marked - found) * (drawn - found)) /
            static_cast<double>((found + 1) * (all - marked - drawn + found + 1));
    if (found + 1 >= least) sum += term;
  }
  return sum;
}

// A share of `members`, rounded up.
std::size_t part_of(std::size_t members, double share) {
  const double exact = share * static_cast<double>(members);
  const auto below = static_cast<std::size_t>(exact);
  return static_cast<double>(below) < exact ? below + 1 : below;
}

}  // namespace

std::optional<Degree> least_degree(std::size_t members) {
  const auto count = static_cast<double>(members);
  const std::size_t corrupt = part_of(members, kCorrupt);
  const std::size_t dropped = part_of(members, kDropped);
  double cut = count;  // expected runs of neighbours / 2 on the ring that are all out of it
  for (std::size_t k = 2; k + 1 < members && k + corrupt + dropped < members; k += 2) {
    cut *= kCorrupt + kDropped;
    if (cut > kSecurity) continue;
    std::uint32_t t = 1;
    while (t < k && count * tail(members - 1, corrupt, k, t) > kSecurity) ++t;
    if (count * tail(members - 1, dropped, k, k - t + 1) <= kCorrectness) return Degree{k, t};
  }
  return std::nullopt;
}

Graph Graph::of(const SiteSet& members, std::uint32_t threshold, const base::Digest& seed) {
  const auto degree =
      members.cohort() > kMaxFullSites ? least_degree(members.size()) : std::nullopt;
  return degree ? ring(members, *degree, seed) : full(members, threshold);
}

Graph Graph::ring(const SiteSet& members, const Degree& degree, const base::Digest& seed) {
  Graph graph;
  graph.threshold_ = degree.threshold;
  graph.neighbours_.resize(members.cohort());
  std::vector<std::size_t> order = members.sites();
  HANSE_CHECK(degree.neighbours < order.size());
  crypto::KeyStream stream(crypto::SecretBytes::copy_of(seed.bytes()));  // known to everybody
  base::shuffle(stream, order);
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t step = 1; step <= degree.neighbours / 2; ++step) {
      const std::size_t next = order[(i + step) % order.size()];
      graph.neighbours_[order[i]].push_back(next);
      graph.neighbours_[next].push_back(order[i]);
    }
  }
  for (auto& neighbours : graph.neighbours_) std::ranges::sort(neighbours);
  return graph;
}

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
