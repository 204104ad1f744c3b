// Who shares masks with whom.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "aggregation/masked/site_set.h"
#include "base/digest.h"

namespace hanse::aggregation {

// Up to here everybody shares masks with everybody.
inline constexpr std::size_t kMaxFullSites = 128;

// How many neighbours a site has, and how many of them rebuild its secrets.
struct Degree {
  std::size_t neighbours = 0;  // even
  std::uint32_t threshold = 0;
};

// The least degree for this many members of which a tenth tell the coordinator what they know and a
// fifth drop out, drawn at random, so that but for 2^−40 nobody's secrets are rebuilt by them and
// the others stay connected, and but for 2^−20 every secret that is needed is rebuilt. None below
// members − 1: nothing. Bell, Bonawitz, Gascón, Lepoint, Raykova 2020, section 4, with exact tails.
std::optional<Degree> least_degree(std::size_t members);

// Each member's neighbours hold shares of its secrets; each pair of neighbours has a mask. All
// parties draw the same graph of the same members.
class Graph {
 public:
  // Everybody with everybody, `threshold` of them rebuild a secret.
  static Graph full(const SiteSet& members, std::uint32_t threshold);
  // Everybody with the `degree.neighbours` nearest on a ring in an order that follows from `seed`
  // (Harary's graph). Proved for coordinators that follow the protocol: one that lies chooses whom
  // it lets in until a site sits among its friends.
  static Graph ring(const SiteSet& members, const Degree& degree, const base::Digest& seed);
  // As the cohort's size says; members are enough for the threshold.
  static Graph of(const SiteSet& members, std::uint32_t threshold, const base::Digest& seed);

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
