// Rosters, requests, identities, notes and certificates: what is accepted is what is written.

#include <cstdlib>
#include <span>

#include "crypto/certificate.h"
#include "roster/identity.h"
#include "roster/roster.h"

using namespace hanse;

namespace {

// The bytes that were read come back, to the last.
void expect(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void check_signed(base::ByteView bytes) {
  const auto read = roster::Signed<T>::parse(bytes);
  if (!read) return;
  expect(read->encode() == base::text_of(bytes));
  expect(to_text(read->value()) == read->text());
  const auto again = roster::Signed<T>::draft(read->value());
  expect(again && again->text() == read->text());
}

void check_roster(base::ByteView bytes) {
  check_signed<roster::Roster>(bytes);
  const auto read = roster::Signed<roster::Roster>::parse(bytes);
  if (!read) return;
  const auto next = roster::revoke(*read, read->value().parties.front().name);
  if (next) expect(check(*next).has_value());
  // Who has signed nothing is missing.
  const roster::Quorum quorum = quorum_of(*read, nullptr);
  expect(quorum.have.size() + quorum.missing.size() == read->value().parties.size());
  expect(quorum.have.size() <= read->cosignatures().size());
}

void check_certificate(base::ByteView der) {
  const auto facts = crypto::read_certificate(der);
  if (!facts) return;
  expect(crypto::Verifier::create(facts->key).has_value());
  expect(*crypto::der_of_pem(crypto::pem_of_certificate(der)) ==
         base::Bytes(der.begin(), der.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto note = roster::Note::parse(bytes)) expect(note->encode() == base::text_of(bytes));
  check_roster(bytes);
  check_signed<roster::Request>(bytes);
  check_certificate(bytes);
  if (const auto identity = roster::Identity::decode(bytes))
    expect(base::text_of(identity->encode().reveal()) == base::text_of(bytes));
  return 0;
}
