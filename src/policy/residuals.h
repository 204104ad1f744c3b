// What is left of a set for one kind of request: the rules that what stands still in the request
// does not rule out. What changes by itself (time, signals, proofs, the round) is asked at each
// hit. Included by .cc files of the room only.
#pragma once

#include <array>
#include <vector>

#include "policy/deciding.h"

namespace hanse::policy::internal {

// Everything that stands still in a request, in the set's numbers: compared in full. Two requests
// with one key differ in nothing that a rule of the set can see.
class ResidualKey {
 public:
  ResidualKey(const Compiled& set, const Bound& bound);
  std::span<const std::uint32_t> words() const { return {words_.data(), size_}; }
  std::size_t hash() const { return hash_; }

 private:
  void add(std::uint32_t word);
  std::array<std::uint32_t, Bound::kMaxIds + 4 * kOperands> words_;
  std::size_t size_ = 0;
  std::size_t hash_ = 0;
};

class Residuals {
 public:
  // A residual is thrown away after so long, whatever else happens.
  static constexpr std::int64_t kLifeMs = 300'000;
  // Fewer candidates are heard faster than a residual is found (bench/policy.cc).
  static constexpr std::size_t kFewestRules = 16;

  // Kinds of request that are kept: parties × data × purposes.
  static constexpr std::size_t kEntries = 1024;

  void clear();
  Decision decide(Asking& asking, const Candidates& candidates);

 private:
  struct Entry {
    std::vector<std::uint32_t> key;
    std::vector<std::uint32_t> rules;  // ascending: prohibitions first
    std::int64_t made = 0;             // monotonic
    bool is_there = false;
  };
  static void fill(Entry& entry, const Asking& asking, const Candidates& candidates,
                   const ResidualKey& key);
  std::vector<Entry> entries_{kEntries};  // by hash; a later one takes an earlier one's place
};

}  // namespace hanse::policy::internal
