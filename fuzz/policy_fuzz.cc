// Policies: what is accepted means the same when it is written and read again, and a head that
// nobody has signed satisfies none.

#include <cstdlib>
#include <span>

#include "audit/policy.h"

using namespace hanse;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

audit::SignedCheckpoint stranger() {
  base::SeededSimulationRandom random(1, "fuzz");
  const crypto::Signer key = crypto::Signer::create(random);
  return *audit::SignedCheckpoint::sign({"log", 1, audit::leaf_hash({})}, key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto policy = audit::Policy::parse(base::text_of(bytes));
  if (!policy) {
    expect(!policy.error().text().empty());
    return 0;
  }
  const std::string text = policy->to_text();
  const auto again = audit::Policy::parse(text);
  expect(again && again->to_text() == text);
  expect(again->quorum() == policy->quorum());
  for (const auto& group : policy->groups())
    expect(group.threshold >= 1 && group.threshold <= group.members.size());
  static const audit::SignedCheckpoint head = stranger();
  expect(policy->check(head, 0).error().code() == base::ErrorCode::permission_denied);
  return 0;
}
