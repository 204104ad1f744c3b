// A witness on its store: what it has cosigned is durable before the cosignature leaves.
#pragma once

#include <memory>
#include <shared_mutex>

#include "audit/witness.h"
#include "storage/durable.h"

namespace hanse::federation {

// Who cosigns, and whose logs. The signer outlives the witness.
struct WitnessIdentity {
  std::string name;
  const crypto::Signer* signer = nullptr;
  std::vector<crypto::NoteKey> logs;
};

// Thread-safe.
class DurableWitness {
 public:
  static base::Result<std::unique_ptr<DurableWitness>> open(storage::Store& store,
                                                            WitnessIdentity identity);

  // `seconds` since 1970. A store that fails: 503, and nothing is cosigned any more.
  audit::WitnessAnswer answer(base::ByteView request, std::uint64_t seconds);
  void adopt(WitnessIdentity identity);
  audit::WitnessRecord record() const;

 private:
  using Durable = storage::Durable<audit::WitnessRecord>;
  DurableWitness(WitnessIdentity identity, std::unique_ptr<Durable> durable)
      : identity_(std::move(identity)), durable_(std::move(durable)) {}

  bool is_at(const audit::Checkpoint& head) const;

  mutable std::shared_mutex mutex_;  // of the identity
  WitnessIdentity identity_;
  std::unique_ptr<Durable> durable_;
};

}  // namespace hanse::federation
