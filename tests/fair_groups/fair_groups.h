// Fair classification of two groups, measured: on the law school records, whose arms are those of
// Xue and Yu 2026, and on the population whose oracle is known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fairness/fdp_fair.h"

namespace hanse::fair_groups {

// How a classifier is learned. What is private spends one ε at δ for each half of the records.
enum class Arm {
  free,            // neither private nor bounded
  fair,            // bounded, in the clear
  private_unfair,  // private, no bound
  cdp_fair,        // private and bounded, one place
  fdp_fair,        // the same by a tree of counts, one site
  fdp_fair_sites,  // the same at kSites sites, each with noise of its own
};

inline constexpr std::size_t kSites = 4;

std::string_view name_of(Arm arm);
bool is_private(Arm arm);

// Of one classifier: the share of wrong answers, |disparity|, and the ρ that a record paid (0 in
// the clear).
struct Point {
  double error = 0;
  double disparity = 0;
  double rho = 0;
  double excess = 0;  // over the oracle at this disparity, where it is known
};

// law/law.csv below HANSE_DATA: LSAT, grade average and residence; group and label as it has them.
base::Result<fairness::FairRecords> read_law(const std::string& folder);

// One split of 70 to 30 by that seed; the training part is halved by coins. δ is the half's size to
// the power of −2, as in the paper; ε is unused in the clear.
base::Result<Point> law_point(const fairness::FairRecords& records, Arm arm, double epsilon,
                              double bound, std::uint64_t seed);

// So many fresh records of fairness::ArctanPopulation, halved; values by quadrature.
base::Result<Point> oracle_point(std::size_t records, Arm arm, double epsilon, double bound,
                                 std::uint64_t seed);

}  // namespace hanse::fair_groups
