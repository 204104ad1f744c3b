// Counting without end in sight: a running count after every step, at the price of its logarithm.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "privacy/accounting/loss.h"
#include "privacy/mechanisms/discrete_gaussian.h"
#include "privacy/mechanisms/sensitivity.h"

namespace hanse::privacy {

// A running sum over up to `steps` steps by a binary tree: each node is the sum of its leaves and
// gets noise once, and a prefix is the sum of the at most log₂ nodes that its length's binary
// digits name (Dwork, Naor, Pitassi, Rothblum 2010; Chan, Shi, Song 2011, binary mechanism). Keeps
// one number for each level. Not thread-safe. Moves and is never copied: a copy would noise a node
// twice.
class TreeCount {
 public:
  TreeCount(TreeCount&&) = default;
  TreeCount& operator=(TreeCount&&) = default;

  // steps 1 to 2^20; else invalid_argument.
  static base::Result<TreeCount> create(std::uint64_t steps, DiscreteGaussian noise);

  // What this step adds, |value| ≤ 2^40; the noised sum of all steps so far. More than `steps`:
  // failed_precondition.
  base::Result<std::int64_t> add(std::int64_t value, base::RandomSource& random);

  // ⌊log₂ steps⌋ + 1: what one step is part of, and so how often a unit's contribution counts.
  std::uint64_t levels() const { return sums_.size(); }

  // Of all sums together, for units that each contribute to one step by `step`: one release of L2
  // sensitivity Δ·√levels. Replaced, a unit may leave one step and enter another, and moves the
  // nodes of both: Δ·√(2·levels). A unit in m steps: step.repeated(m) is not enough; clamp it to
  // one.
  base::Result<PrivacyLoss> loss(const Sensitivity& step) const;

 private:
  TreeCount(std::uint64_t steps, std::size_t levels, DiscreteGaussian noise)
      : steps_(steps), sums_(levels), noised_(levels), noise_(std::move(noise)) {}
  std::uint64_t steps_;
  std::uint64_t taken_ = 0;
  std::vector<std::int64_t> sums_;    // by level: of the node now being filled
  std::vector<std::int64_t> noised_;  // by level: the last complete node
  DiscreteGaussian noise_;
};

}  // namespace hanse::privacy
