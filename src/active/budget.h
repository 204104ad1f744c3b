// How a training of active learning divides its privacy budget: between the histograms of scores
// and the trainings, among the trainings, and what of it each block of a stream pays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "active/spec.h"
#include "privacy/accounting/loss.h"

namespace hanse::active {

// Histograms that one record can be counted in: of a pool those of all cycles; of a stream at most
// the two of the first block (its size, then its scores), since each later one counts the block
// before it alone.
std::uint32_t histograms_of_record(const ActiveSpec& spec);

// The part of the budget that the histograms together take, in (0, 1): what the spec says, else
//
//   max(√(k(k+1)) − k, min(q, .1))    k = 3 (cycles − 1) m H / (2ρ n²),  q = m H / (2ρ (Q/10)²)
//
// with H histograms of a record, m = groups · bins / 2 numbers above a threshold, n labels in all
// and a quota of Q, so that σ² = H/(2ρs) in each number. The first is where the sum of both costs
// is least if labels count by what private training loses, d/(ρ(1−s)n²) with n of relative
// variance k/(3s): E n⁻² ≈ (1 + k/s)/n̄², minimised over s. The second keeps the labels of a cycle
// within a tenth of the quota (one deviation), as far as a tenth of the budget pays for it: who
// pays for labels wants as many as he asked for. `rho` above 0: of the whole training.
double estimation_share(const ActiveSpec& spec, std::size_t labels, double rho);

// By how many labels the histogram's noise moves those of one cycle behind the first, one
// deviation.
double quota_deviation(const ActiveSpec& spec, std::size_t labels, double rho);

// Of the trainings' part, what this cycle's takes.
double share_of_cycle(const ActiveSpec& spec, std::uint32_t cycle);

// Of the charges of a stream's training (ActiveTraining::charges), those that records of one block
// pay: one histogram, and the trainings of its cycle and of those behind it. The first block pays
// all. A block above the last: none.
std::vector<privacy::Charge> charges_of_block(const ActiveSpec& spec,
                                              std::span<const privacy::Charge> charges,
                                              std::uint32_t block);

}  // namespace hanse::active
