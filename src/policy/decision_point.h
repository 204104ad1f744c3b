// Where policies are decided: one set at a time, changed while everybody reads.
#pragma once

#include <atomic>
#include <memory>

#include "policy/policy_set.h"

namespace hanse::policy {

// How far a requester's clock and ours may differ. Within it of a boundary the answer is unknown.
inline constexpr base::Milliseconds kMaxSkew{29'000};  // two of them fit a minute of timeOfDay
struct ClockSettings {
  base::Milliseconds skew{0};  // at most kMaxSkew
};

// The set in force and its epoch. Thread-safe; deciding takes no lock but on the first decision
// after a change.
class PolicyDecisionPoint {
 public:
  // `first_epoch`: epochs go on over restarts where the caller keeps count.
  explicit PolicyDecisionPoint(std::shared_ptr<const PolicySet> set, ClockSettings clock = {},
                               std::uint64_t first_epoch = 1);

  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // Every decision that begins after this has returned is by the new set. Gives its epoch.
  std::uint64_t adopt(std::shared_ptr<const PolicySet> set);

  // The set in force with its epoch.
  struct Snapshot {
    std::shared_ptr<const PolicySet> set;
    std::uint64_t epoch = 0;
  };
  Snapshot snapshot() const { return *current_.load(); }
  const ClockSettings& clock() const { return clock_; }

 private:
  const ClockSettings clock_;
  std::atomic<std::shared_ptr<const Snapshot>> current_;  // libstdc++ spins for a moment here
  std::atomic<std::uint64_t> epoch_;                      // of it, or of one before
};

// One thread's way to a point: its snapshot and its residual cache. Not thread-safe. The point
// outlives it.
class Decider {
 public:
  explicit Decider(const PolicyDecisionPoint& point);
  ~Decider();

  // No allocation, unless the set has changed or a residual is kept for the first time.
  Decision decide(const Request& request, const Signals& signals, const Moment& now);
  // The set that the last decision was made by. Null before the first.
  const std::shared_ptr<const PolicySet>& set() const;
  // How often the wall clock was seen to go back: what was kept was thrown away each time.
  std::uint64_t clock_steps_back() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

// One decision by a set, without a point, a cache or an epoch: the reference that cached ones
// equal.
Decision decide(const PolicySet& set, const Request& request, const Signals& signals,
                const Moment& now, const ClockSettings& clock = {});

// What the decision asks, in full.
Obligations obligations_of(const PolicySet& set, const Decision& decision);
// "prohibited by policy 'urn:x' /prohibition/0": for the owner.
std::string for_owner(const PolicySet& set, const Decision& decision);

}  // namespace hanse::policy
