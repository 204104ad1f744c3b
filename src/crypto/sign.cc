#include "crypto/sign.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/internal/bytes.h"

namespace hanse::crypto {

using base::ErrorCode;
using internal::in;
using internal::out;

static_assert(kKeyBytes == crypto_sign_ed25519_PUBLICKEYBYTES);
static_assert(kKeyBytes == crypto_sign_ed25519_SEEDBYTES);
static_assert(kSignatureBytes == crypto_sign_ed25519_BYTES);

base::Result<Verifier> Verifier::create(base::ByteView key) {
  if (key.size() != kKeyBytes)
    return base::fail(ErrorCode::invalid_argument, "an Ed25519 key has {} bytes, found {}",
                      kKeyBytes, key.size());
  if (crypto_core_ed25519_is_valid_point(in(key)) != 1)
    return base::fail(ErrorCode::invalid_argument,
                      "expected an Ed25519 public key; these {} bytes are no point of its group",
                      kKeyBytes);
  PublicKey checked;
  std::ranges::copy(key, checked.begin());
  return Verifier(checked);
}

bool Verifier::verify(base::ByteView message, const Signature& signature) const {
  return crypto_sign_ed25519_verify_detached(in(signature), in(message), message.size(),
                                             in(key_)) == 0;
}

Signer Signer::create(base::RandomSource& random) {
  return expand(SecretBytes::random(kKeyBytes, random));
}

base::Result<Signer> Signer::from_secret(base::ByteView secret) {
  if (secret.size() != kKeyBytes)
    return base::fail(ErrorCode::invalid_argument, "an Ed25519 secret has {} bytes, found {}",
                      kKeyBytes, secret.size());
  return expand(SecretBytes::copy_of(secret));
}

Signer Signer::expand(SecretBytes secret) {
  PublicKey key;
  std::array<std::byte, crypto_sign_ed25519_SECRETKEYBYTES> expanded;
  HANSE_CHECK(crypto_sign_ed25519_seed_keypair(out(key), out(expanded), in(secret.reveal())) == 0);
  SecretBytes kept = SecretBytes::copy_of(expanded);
  wipe(expanded);
  return Signer(std::move(secret), std::move(kept), Verifier(key));
}

Signature Signer::sign(base::ByteView message) const {
  Signature signature;
  HANSE_CHECK(crypto_sign_ed25519_detached(out(signature), nullptr, in(message), message.size(),
                                           in(expanded_.reveal())) == 0);
  return signature;
}

}  // namespace hanse::crypto
