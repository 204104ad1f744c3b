// Proofs that stand alone: what is accepted is what is written, and it proves nothing by chance.

#include <cstdlib>
#include <span>

#include "audit/proof.h"

using namespace hanse;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

audit::Policy policy_for(const std::string& origin) {
  base::SeededSimulationRandom random(1, "fuzz");
  const crypto::Signer key = crypto::Signer::create(random);
  const auto name = crypto::is_key_name(origin) ? origin : "log";
  const crypto::NoteKey log{name, crypto::SignatureType::ed25519, key.verifier()};
  return *audit::Policy::parse("log " + log.to_text() + "\nquorum none\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto proof = audit::Proof::parse(bytes);
  if (!proof) return 0;
  expect(proof->encode() == base::text_of(bytes));
  expect(proof->hashes.size() <= audit::kMaxProofHashes);
  const audit::Policy policy = policy_for(proof->checkpoint.value().origin);
  expect(verify(*proof, proof->extra, policy, 0).error().code() ==
         base::ErrorCode::permission_denied);
  return 0;
}
