// Which of many questions have an answer above a threshold: the sparse vector technique.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "base/units.h"
#include "privacy/accounting/loss.h"
#include "privacy/mechanisms/discrete_laplace.h"
#include "privacy/mechanisms/sensitivity.h"

namespace hanse::privacy {

// One run of questions, made by AboveThreshold::start. Not thread-safe. Moves and is never copied:
// a copy would give its positive answers again.
class Questions {
 public:
  Questions(Questions&&) = default;
  Questions& operator=(Questions&&) = default;

  // Whether the score, with noise, reaches the threshold, with its. After the last positive:
  // failed_precondition. |score| beyond 2^61: invalid_argument.
  base::Result<bool> ask(std::int64_t score, base::RandomSource& random);

  std::uint64_t positives_left() const { return left_; }

 private:
  friend class AboveThreshold;
  Questions(std::int64_t threshold, std::uint64_t positives, DiscreteLaplace noise)
      : threshold_(threshold), left_(positives), noise_(std::move(noise)) {}
  std::int64_t threshold_;  // with its noise
  std::uint64_t left_;
  DiscreteLaplace noise_;
};

// Any number of answers "below" and the first `positives` answers "above" cost ε together. The
// threshold is noised once, with scale 2Δ/ε, each score with 4·positives·Δ/ε, and no number leaves:
// Lyu, Su, Li 2017, Algorithm 1 (ε₁ = ε₂ = ε/2), the correct one of six that they compare; its
// proof shifts the noise by Δ and 2Δ, whole steps here.
class AboveThreshold {
 public:
  // Sensitivity (linf) of one score, a whole number of steps; 1 to 2^20 positives; ε not 0; scales
  // of at most 2^40 steps; else invalid_argument.
  static base::Result<AboveThreshold> create(base::Epsilon epsilon, const Sensitivity& score,
                                             std::uint64_t positives);

  // |threshold| ≤ 2^61; else invalid_argument.
  base::Result<Questions> start(std::int64_t threshold, base::RandomSource& random) const;

  // Of everything that is asked of one start.
  const PrivacyLoss& loss() const { return loss_; }

 private:
  AboveThreshold(std::uint64_t positives, DiscreteLaplace once, DiscreteLaplace each,
                 PrivacyLoss loss)
      : positives_(positives),
        once_(std::move(once)),
        each_(std::move(each)),
        loss_(std::move(loss)) {}
  std::uint64_t positives_;
  DiscreteLaplace once_;
  DiscreteLaplace each_;
  PrivacyLoss loss_;
};

}  // namespace hanse::privacy
