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

// A storage::Machine. An entry is the steps of one round that is over; a round is over once.
class RunRecord {
 public:
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<RunRecord> restore(base::ByteView bytes);

  const std::vector<Outcome>& outcomes() const { return outcomes_; }
  bool is_over(const federation::Release& release) const;
  federation::ClosedRounds closed_rounds() const;

 private:
  std::vector<base::Bytes> entries_;
  std::vector<Outcome> outcomes_;
};

static_assert(storage::Machine<RunRecord>);

}  // namespace hanse::simulation
