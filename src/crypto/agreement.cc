#include "crypto/agreement.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/internal/bytes.h"

namespace hanse::crypto {
namespace {

using base::ErrorCode;
using internal::in;
using internal::out;

constexpr std::string_view kLabel = "hanse seal 1";
constexpr std::size_t kAeadKey = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kKeyBytes == crypto_scalarmult_BYTES && kKeyBytes + kTag == kSealBytes);

// Key and nonce of one sealing; wiped with the object.
class Derived {
 public:
  // False where the shared secret is all zero: one of the keys has small order.
  static bool derive(const SecretBytes& secret, base::ByteView other, base::ByteView ephemeral,
                     base::ByteView to, Derived& derived) {
    PublicKey shared;
    const bool agreed = crypto_scalarmult(out(shared), in(secret.reveal()), in(other)) == 0;
    if (agreed) {
      crypto_generichash_state state;
      crypto_generichash_init(&state, in(shared), shared.size(), derived.bytes_.size());
      for (const base::ByteView part : {base::view_of(kLabel), ephemeral, to})
        crypto_generichash_update(&state, in(part), part.size());
      crypto_generichash_final(&state, out(derived.bytes_), derived.bytes_.size());
      sodium_memzero(&state, sizeof state);
    }
    wipe(shared);
    return agreed;
  }
  ~Derived() { wipe(bytes_); }
  const unsigned char* key() const { return in(bytes_); }
  const unsigned char* nonce() const { return key() + kAeadKey; }

 private:
  std::array<std::byte, kAeadKey + kNonce> bytes_{};
};

}  // namespace

AgreementKey::AgreementKey(SecretBytes secret) : secret_(std::move(secret)) {
  HANSE_CHECK(crypto_scalarmult_base(out(public_key_), in(secret_.reveal())) == 0);
}

AgreementKey AgreementKey::create(base::RandomSource& random) {
  return AgreementKey(SecretBytes::random(kKeyBytes, random));
}

base::Result<AgreementKey> AgreementKey::from_secret(base::ByteView secret) {
  if (secret.size() != kKeyBytes)
    return base::fail(ErrorCode::invalid_argument, "an X25519 secret has {} bytes, found {}",
                      kKeyBytes, secret.size());
  return AgreementKey(SecretBytes::copy_of(secret));
}

base::Result<base::Bytes> AgreementKey::open(base::ByteView sealed,
                                             base::ByteView associated) const {
  if (sealed.size() < kSealBytes)
    return base::fail(ErrorCode::corruption, "what is sealed has at least {} bytes, found {}",
                      kSealBytes, sealed.size());
  const base::ByteView ephemeral = sealed.first(kKeyBytes);
  const base::ByteView body = sealed.subspan(kKeyBytes);
  base::Bytes plain(body.size() - kTag);
  Derived derived;
  if (!Derived::derive(secret_, ephemeral, ephemeral, public_key_, derived) ||
      crypto_aead_xchacha20poly1305_ietf_decrypt(out(plain), nullptr, nullptr, in(body),
                                                 body.size(), in(associated), associated.size(),
                                                 derived.nonce(), derived.key()) != 0)
    return base::fail(ErrorCode::corruption,
                      "{} sealed bytes do not open: they were sealed to another key or for "
                      "another purpose, or changed on the way; ask the sender to seal them again",
                      sealed.size());
  return plain;
}

base::Result<void> check_agreement_key(base::ByteView key) {
  if (key.size() != kKeyBytes)
    return base::fail(ErrorCode::invalid_argument, "an X25519 key has {} bytes, found {}",
                      kKeyBytes, key.size());
  // Any clamped scalar is a multiple of the cofactor and takes points of small order to zero.
  const PublicKey any{std::byte{1}};
  PublicKey shared;
  if (crypto_scalarmult(out(shared), in(any), in(key)) != 0)
    return base::fail(ErrorCode::invalid_argument,
                      "expected an X25519 public key; this one has small order, so that anybody "
                      "could open what is sealed to it");
  return {};
}

base::Result<base::Bytes> seal(base::ByteView plain, base::ByteView associated, const PublicKey& to,
                               base::RandomSource& random) {
  const AgreementKey ephemeral = AgreementKey::create(random);
  Derived derived;
  if (!Derived::derive(ephemeral.secret(), to, ephemeral.public_key(), to, derived))
    return base::fail(ErrorCode::invalid_argument,
                      "cannot seal: the receiver's X25519 key has small order, so that anybody "
                      "could open; ask the receiver for a new key");
  base::Bytes sealed(plain.size() + kSealBytes);
  std::ranges::copy(ephemeral.public_key(), sealed.begin());
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      out(std::span(sealed).subspan(kKeyBytes)), nullptr, in(plain), plain.size(), in(associated),
      associated.size(), nullptr, derived.nonce(), derived.key());
  return sealed;
}

}  // namespace hanse::crypto
