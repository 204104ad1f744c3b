// Sealing to a public key: anybody can seal, only the key's holder can open.
#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "crypto/secret_bytes.h"
#include "crypto/sign.h"

namespace hanse::crypto {

// What sealing adds: the ephemeral key and the tag.
inline constexpr std::size_t kSealBytes = 48;

// An X25519 key (RFC 7748). Moved from, it may only be dropped. Thread-safe.
class AgreementKey {
 public:
  static AgreementKey create(base::RandomSource& random);
  // Any 32 bytes; other sizes: invalid_argument.
  static base::Result<AgreementKey> from_secret(base::ByteView secret);

  const SecretBytes& secret() const { return secret_; }
  const PublicKey& public_key() const { return public_key_; }

  // Not sealed to this key with this `associated`, or changed since: corruption.
  base::Result<base::Bytes> open(base::ByteView sealed, base::ByteView associated) const;

 private:
  explicit AgreementKey(SecretBytes secret);
  SecretBytes secret_;
  PublicKey public_key_;
};

// Not 32 bytes, or of small order, so that what is sealed to it could be opened by anybody:
// invalid_argument.
base::Result<void> check_agreement_key(base::ByteView key);

// Seals `plain` to the holder of `to`; `associated` is bound to it and does not travel in it. Says
// nothing about who sealed: sign what is sealed. A key of small order: invalid_argument.
//
//   ephemeral X25519 key (32) | XChaCha20 of plain (as long as plain) | Poly1305 tag (16)
//
// key (32) ‖ nonce (24) = BLAKE2b-448(key: shared secret; "hanse seal 1" ‖ ephemeral ‖ to). The
// ephemeral secret is fresh each time, and with it the key, so that the nonce need not travel. AEAD
// as in draft-irtf-cfrg-xchacha-03, section 2; X25519 checked as RFC 7748, section 6.1 asks.
base::Result<base::Bytes> seal(base::ByteView plain, base::ByteView associated, const PublicKey& to,
                               base::RandomSource& random);

}  // namespace hanse::crypto
