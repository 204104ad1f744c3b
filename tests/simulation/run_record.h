// What the simulated coordinator keeps: how each round ended, with all its steps.
#pragma once

#include <optional>
#include <vector>

#include "federation/coordinator/coordinator.h"
#include "storage/durable.h"

namespace hanse::simulation {

struct Outcome {
  federation::Release release;
  bool closed;
  std::vector<federation::step::Count> counted;
};

// A storage::Machine. An entry is the steps of one round that is over, or what the aggregation of
// the open one must not forget; a round is over once.
class RunRecord {
 public:
  static base::Bytes over(std::span<const federation::RoundStep> steps);
  static base::Bytes kept(const base::Bytes& entry);

  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<RunRecord> restore(base::ByteView bytes);

  const std::vector<Outcome>& outcomes() const { return outcomes_; }
  const std::vector<base::Bytes>& kept() const { return kept_; }
  bool is_over(const federation::Release& release) const;
  federation::ClosedRounds closed_rounds() const;

 private:
  std::vector<base::Bytes> entries_;
  std::vector<Outcome> outcomes_;
  std::vector<base::Bytes> kept_;  // of the open round
};

static_assert(storage::Machine<RunRecord>);

}  // namespace hanse::simulation
