// Checkpoints: what is accepted is what is written, and nobody has signed it by chance.

#include <cstdlib>
#include <span>

#include "audit/checkpoint.h"

using namespace hanse;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

crypto::Signer signer() {
  base::SeededSimulationRandom random(1, "fuzz");
  return crypto::Signer::create(random);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto text = audit::Checkpoint::from_text(base::text_of(bytes)))
    expect(text->to_text() == base::text_of(bytes));
  auto read = audit::SignedCheckpoint::parse(bytes);
  if (!read) return 0;
  expect(read->encode() == base::text_of(bytes));
  static const crypto::Signer key = signer();
  const crypto::NoteKey witness{"w", crypto::SignatureType::ed25519_cosignature, key.verifier()};
  for (const auto& one : read->note().signatures())
    expect(!audit::cosigned_at(read->note().text(), one, witness));
  const bool carries = cosigned_at(*read, witness).has_value();
  expect(!carries);
  read->add(cosign(*read, "w", key, size));
  const auto again = audit::SignedCheckpoint::parse(base::view_of(read->encode()));
  if (again) expect(*again == *read);  // it may have become too large
  return 0;
}
