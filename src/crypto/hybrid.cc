#include "crypto/hybrid.h"

#include <sodium.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/digest.h"
#include "crypto/agreement.h"
#include "crypto/derive.h"
#include "crypto/internal/bytes.h"
#include "crypto/internal/constant_time.h"
#include "crypto/internal/wiped.h"

namespace hanse::crypto {
namespace {

using base::ByteView;
using base::ErrorCode;
using base::view_of;
using internal::in;
using internal::out;

constexpr std::string_view kSalt = "hanse hybrid 1";
constexpr std::size_t kX25519Bytes = kKeyBytes;

ByteView x25519_of(ByteView key) { return key.first(kX25519Bytes); }
ByteView mlkem_of(ByteView key) { return key.subspan(kX25519Bytes); }

// What a derivation is for, as the digest of all that is public about it: the HKDF of common
// libraries takes at most 1,024 bytes there.
base::Digest digest_of(std::initializer_list<ByteView> parts) {
  base::Hasher hasher;
  for (const ByteView part : parts) hasher.add(part);
  return hasher.finish();
}

SecretBytes derived(const SecretBytes& seed, std::string_view purpose, std::size_t size) {
  return derive(seed.reveal(), view_of(kSalt), view_of(purpose), size);
}

base::Result<void> check_size(ByteView key) {
  if (key.size() != kHybridPublicBytes)
    return base::fail(ErrorCode::invalid_argument, "a hybrid key has {} bytes, found {}",
                      kHybridPublicBytes, key.size());
  return {};
}

// Secrets of both kinds and all that was public about them, as X-Wing
// (draft-connolly-cfrg-xwing-kem) and TLS (draft-ietf-tls-hybrid-design, section 3.3) join theirs.
base::Result<SecretBytes> joined_secret(const SecretBytes& x25519, ByteView peer_public,
                                        const SecretBytes& mlkem, const base::Digest& transcript) {
  internal::Wiped<std::array<std::byte, kX25519Bytes + mlkem768::kSharedBytes>> both;
  const int small_order =
      crypto_scalarmult(out(*both), in(x25519.reveal()), in(x25519_of(peer_public)));
  internal::declassify(small_order);  // a fact of the peer's key alone
  if (small_order != 0)
    return base::fail(ErrorCode::invalid_argument,
                      "expected a hybrid key; the X25519 part of this one has small order, so "
                      "that everybody knows what is agreed with it");
  std::ranges::copy(mlkem.reveal(), both->begin() + kX25519Bytes);
  return derive(*both, view_of(kSalt), transcript.bytes(), kHybridSecretBytes);
}

}  // namespace

base::Result<void> check_hybrid_key(ByteView key) {
  HANSE_TRY_VOID(check_size(key));
  HANSE_TRY_VOID(check_agreement_key(x25519_of(key)));
  HANSE_TRY_VOID(mlkem768::EncapsulationKey::create(mlkem_of(key)));
  return {};
}

HybridKey::HybridKey(SecretBytes x25519, SecretBytes encapsulation,
                     mlkem768::DecapsulationKey mlkem)
    : x25519_(std::move(x25519)),
      encapsulation_(std::move(encapsulation)),
      mlkem_(std::move(mlkem)) {
  HANSE_CHECK(crypto_scalarmult_base(out(public_), in(x25519_.reveal())) == 0);
  internal::declassify(public_);
  std::ranges::copy(mlkem_.public_key(), public_.begin() + kX25519Bytes);
}

HybridKey HybridKey::from_seed(const SecretBytes& seed) {
  HANSE_CHECK(seed.size() == kHybridSeedBytes);
  const SecretBytes mlkem = derived(seed, "ml-kem-768", mlkem768::kSeedBytes);
  return HybridKey(derived(seed, "x25519", kX25519Bytes), derived(seed, "encapsulation", 32),
                   mlkem768::DecapsulationKey::from_seed(mlkem.reveal()));
}

base::Result<HybridKey::Sent> HybridKey::encapsulate(ByteView peer_public, ByteView context) const {
  HANSE_TRY_VOID(check_size(peer_public));
  HANSE_TRY(const auto peer, mlkem768::EncapsulationKey::create(mlkem_of(peer_public)));
  const SecretBytes message =
      derive(encapsulation_.reveal(), view_of(kSalt), digest_of({peer_public, context}).bytes(),
             mlkem768::kMessageBytes);
  mlkem768::Encapsulated made = peer.encapsulate(message.reveal());
  HANSE_TRY(SecretBytes secret,
            joined_secret(x25519_, peer_public, made.shared,
                          digest_of({public_, peer_public, made.ciphertext, context})));
  return Sent{made.ciphertext, std::move(secret)};
}

base::Result<SecretBytes> HybridKey::decapsulate(ByteView peer_public, ByteView ciphertext,
                                                 ByteView context) const {
  HANSE_TRY_VOID(check_size(peer_public));
  if (ciphertext.size() != kHybridCiphertextBytes)
    return base::fail(ErrorCode::invalid_argument, "a hybrid ciphertext has {} bytes, found {}",
                      kHybridCiphertextBytes, ciphertext.size());
  const SecretBytes shared = mlkem_.decapsulate(ciphertext.first<kHybridCiphertextBytes>());
  return joined_secret(x25519_, peer_public, shared,
                       digest_of({peer_public, public_, ciphertext, context}));
}

}  // namespace hanse::crypto
