#include "federation/audit/durable_witness.h"

#include <mutex>

namespace hanse::federation {

base::Result<std::unique_ptr<DurableWitness>> DurableWitness::open(storage::Store& store,
                                                                   WitnessIdentity identity) {
  HANSE_TRY(auto durable, Durable::open(store, "witness", {}));
  return std::unique_ptr<DurableWitness>(
      new DurableWitness(std::move(identity), std::move(durable)));
}

// Whoever is judged on a head that another request has moved since is judged again: its entry does
// not pass, or what it signed is not the largest head any more and does not leave.
audit::WitnessAnswer DurableWitness::answer(base::ByteView request, std::uint64_t seconds) {
  const std::shared_lock lock(mutex_);
  while (true) {
    audit::Judgement judged = audit::judge(request, record(), identity_.logs);
    if (judged.answer) return *std::move(judged.answer);
    const audit::SignedCheckpoint& head = judged.request->checkpoint;
    const auto sign = [&] {
      return audit::cosigned(head, identity_.name, *identity_.signer, seconds);
    };
    if (judged.entry.empty()) {
      audit::WitnessAnswer answer = sign();
      if (is_at(head.value())) return answer;
      continue;
    }
    const auto done = durable_->append(std::move(judged.entry));
    if (done) return sign();
    if (done.error().code() != base::ErrorCode::failed_precondition)
      return {503, "text/plain; charset=utf-8", "this witness cannot write down what it signs\n"};
  }
}

bool DurableWitness::is_at(const audit::Checkpoint& head) const {
  return durable_->read([&](const audit::WitnessRecord& at) {
    return at.head(head.origin) == audit::WitnessRecord::Head{head.size, head.root};
  });
}

void DurableWitness::adopt(WitnessIdentity identity) {
  const std::unique_lock lock(mutex_);
  identity_ = std::move(identity);
}

audit::WitnessRecord DurableWitness::record() const {
  return durable_->read([](const audit::WitnessRecord& at) { return at; });
}

}  // namespace hanse::federation
