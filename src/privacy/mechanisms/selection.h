// Selecting from public candidates by their scores: the exponential mechanism, its one-shot top k,
// and permute-and-flip.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/units.h"
#include "privacy/accounting/loss.h"
#include "privacy/mechanisms/sensitivity.h"

namespace hanse::privacy {

// Scores are whole lattice steps and the draw is exact: floating-point weights round to 0 or to
// each other in ways that depend on the data, and tell (Ilvento 2020). Every candidate can be
// drawn, whatever the scores. The time of a draw depends on the scores, through the length of their
// numbers: it must not be observed.

// At most so many candidates.
inline constexpr std::size_t kMaxCandidates = std::size_t{1} << 20;

// Candidate i with probability ∝ exp(ε·scoreᵢ/(2Δ)), Δ the sensitivity (linf) of one score
// (McSherry, Talwar 2007). All weights are formed for every draw.
class ExponentialMechanism {
 public:
  // ε not 0; a sensitivity that is no whole number of steps: invalid_argument.
  static base::Result<ExponentialMechanism> create(base::Epsilon epsilon, const Sensitivity& score);

  // No candidates or too many: invalid_argument.
  base::Result<std::size_t> select(std::span<const std::int64_t> scores,
                                   base::RandomSource& random) const;
  // k different candidates, best first: the law of the k largest of scores with Gumbel noise, which
  // is k selections one after the other (Durfee, Rogers 2019, Lemma 4.2). Fewer candidates than k:
  // invalid_argument.
  base::Result<std::vector<std::size_t>> select_top(std::span<const std::int64_t> scores,
                                                    std::size_t k,
                                                    base::RandomSource& random) const;

  // ε-bounded range, of one selection; select_top charges it k times (Dong, Durfee, Rogers 2020).
  const PrivacyLoss& loss() const { return loss_; }
  Charge charge(std::uint64_t k) const { return {loss_, k}; }

 private:
  ExponentialMechanism(double epsilon, std::uint64_t sensitivity, PrivacyLoss loss)
      : epsilon_(epsilon), sensitivity_(sensitivity), loss_(std::move(loss)) {}
  double epsilon_;
  std::uint64_t sensitivity_;
  PrivacyLoss loss_;
};

// The candidates in random order, each kept with probability exp(−ε·(best − scoreᵢ)/(2Δ)); the
// first that is kept. Never worse than the exponential mechanism at the same ε (McKenna, Sheldon
// 2020, Theorems 1 and 2). All coins fall in every draw.
class PermuteAndFlip {
 public:
  static base::Result<PermuteAndFlip> create(base::Epsilon epsilon, const Sensitivity& score);

  base::Result<std::size_t> select(std::span<const std::int64_t> scores,
                                   base::RandomSource& random) const;

  // Pure ε: the whole of it, twice what one candidate's coin moves by.
  const PrivacyLoss& loss() const { return loss_; }

 private:
  PermuteAndFlip(double epsilon, std::uint64_t sensitivity, PrivacyLoss loss)
      : epsilon_(epsilon), sensitivity_(sensitivity), loss_(std::move(loss)) {}
  double epsilon_;
  std::uint64_t sensitivity_;
  PrivacyLoss loss_;
};

}  // namespace hanse::privacy
