// The steps of a decision, for the decisions that are made at once and for those that go by a
// residual. Included by .cc files of the room only.
#pragma once

#include "policy/compiled.h"
#include "policy/decision.h"

namespace hanse::policy::internal {

// The rules that a request may be about: those of its data types, organisations and groups; all of
// them where it does not say by what rules are found.
class Candidates {
 public:
  Candidates(const Compiled& set, const Bound& bound);

  std::size_t size() const { return is_all_ ? set_.rules.size() : rules_; }

  // Prohibitions with `half` 0, permissions with 1. A rule may come twice.
  template <class Hear>
  void each(int half, const Hear& hear) const {
    if (is_all_) {
      const auto all = static_cast<std::uint32_t>(set_.rules.size());
      const std::uint32_t last = half == 0 ? set_.prohibitions : all;
      for (std::uint32_t rule = half == 0 ? 0 : set_.prohibitions; rule < last; ++rule) hear(rule);
      return;
    }
    const auto rules = set_.index.rules();
    for (std::size_t i = 0; i < count_; ++i) {
      const Bucket& bucket = *spans_[i];
      const std::uint32_t last = half == 0 ? bucket.middle : bucket.last;
      for (std::uint32_t at = half == 0 ? bucket.first : bucket.middle; at < last; ++at)
        hear(rules[at]);
    }
  }

 private:
  // Beyond either the rules one after another are no slower.
  static constexpr std::size_t kMaxSpans = 64;
  static constexpr std::size_t kMaxProbes = 512;

  bool find();

  const Compiled& set_;
  const Bound& bound_;
  bool is_all_ = false;
  std::size_t probes_ = 0;
  std::size_t count_ = 0;
  std::size_t rules_ = 0;
  std::array<const Bucket*, kMaxSpans> spans_;
};

// What the rules that were heard come to. The order in which they are heard is of no matter.
struct Verdict {
  std::uint32_t prohibited = kNoRule;  // the first of each sort, in the set's order
  std::uint32_t unknown = kNoRule;
  std::uint32_t permitted = kNoRule;
  Shape shape = {};

  void hear(Asking& asking, std::uint32_t rule);
  Decision decision(const Asking& asking) const;
};

Decision decide(Asking& asking, const Candidates& candidates);

}  // namespace hanse::policy::internal
