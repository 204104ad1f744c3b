#include "crypto/aead.h"

#include <sodium.h>

#include "crypto/internal/bytes.h"

namespace hanse::crypto {
namespace {

using internal::in;
using internal::out;

static_assert(kAeadKeyBytes == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(kTagBytes == crypto_aead_chacha20poly1305_ietf_ABYTES);
constexpr std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> kNonce{};

}  // namespace

base::Bytes close_under(const SecretBytes& key, base::ByteView plain, base::ByteView associated) {
  HANSE_CHECK(key.size() == kAeadKeyBytes);
  base::Bytes closed(plain.size() + kTagBytes);
  crypto_aead_chacha20poly1305_ietf_encrypt(out(closed), nullptr, in(plain), plain.size(),
                                            in(associated), associated.size(), nullptr,
                                            kNonce.data(), in(key.reveal()));
  return closed;
}

base::Result<SecretBytes> open_under(const SecretBytes& key, base::ByteView closed,
                                     base::ByteView associated) {
  HANSE_CHECK(key.size() == kAeadKeyBytes);
  if (closed.size() < kTagBytes)
    return base::fail(base::ErrorCode::corruption,
                      "what is closed under a key has at least {} bytes, found {}", kTagBytes,
                      closed.size());
  bool opened = false;
  SecretBytes plain =
      SecretBytes::filled(closed.size() - kTagBytes, [&](std::span<std::byte> bytes) {
        opened = crypto_aead_chacha20poly1305_ietf_decrypt(
                     out(bytes), nullptr, nullptr, in(closed), closed.size(), in(associated),
                     associated.size(), kNonce.data(), in(key.reveal())) == 0;
      });
  if (!opened)
    return base::fail(base::ErrorCode::corruption,
                      "{} closed bytes do not open: they were closed under another key or for "
                      "another purpose, or changed on the way",
                      closed.size());
  return plain;
}

}  // namespace hanse::crypto
