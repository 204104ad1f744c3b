// What a witness is asked, what it answers, and what it does not forget: bytes that are accepted
// are those that are written, and a head moves by entries that pass their check alone.

#include <cstdlib>
#include <span>

#include "audit/witness.h"

using namespace hanse;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

crypto::Signer signer() {
  base::SeededSimulationRandom random(1, "fuzz");
  return crypto::Signer::create(random);
}

void check_record(base::ByteView bytes) {
  const auto record = audit::WitnessRecord::restore(bytes);
  if (record) expect(base::text_of(record->snapshot()) == base::text_of(bytes));
  audit::WitnessRecord moved;
  if (!moved.check(bytes)) return;
  moved.apply(bytes);
  expect(moved.heads().size() == 1);
  expect(*audit::WitnessRecord::restore(moved.snapshot()) == moved);
}

void check_request(base::ByteView bytes) {
  const auto read = audit::AddCheckpoint::parse(bytes);
  const audit::WitnessRecord record;
  if (!read) {
    expect(judge(bytes, record, {}).answer->status == 400);
    return;
  }
  expect(read->encode() == base::text_of(bytes));
  // The log whose key this is has not signed; nobody's witness heard nothing.
  static const crypto::Signer key = signer();
  const std::string& origin = read->checkpoint.value().origin;
  const crypto::NoteKey log{origin, crypto::SignatureType::ed25519, key.verifier()};
  expect(judge(bytes, record, {}).answer->status == 404);
  expect(judge(bytes, record, {log}).answer->status == 403);
  const crypto::NoteKey witness{"w", crypto::SignatureType::ed25519_cosignature, key.verifier()};
  const audit::WitnessAnswer answer = cosigned(read->checkpoint, "w", key, 1);
  expect(hear(answer, read->checkpoint, witness)->cosignatures.size() == 1);
}

void check_answer(base::ByteView bytes) {
  static const crypto::Signer key = signer();
  static const auto asked = *audit::SignedCheckpoint::sign({"log", 1, audit::leaf_hash({})}, key);
  const crypto::NoteKey witness{"w", crypto::SignatureType::ed25519_cosignature, key.verifier()};
  const std::string body(base::text_of(bytes));
  expect(!hear({200, "", body}, asked, witness));
  const auto heard = hear({409, "text/x.tlog.size", body}, asked, witness);
  if (heard) expect(body == std::to_string(*heard->size) + "\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  check_record(bytes);
  check_request(bytes);
  check_answer(bytes);
  return 0;
}
