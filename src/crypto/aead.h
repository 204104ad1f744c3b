// Closing bytes under a shared key.
#pragma once

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace hanse::crypto {

inline constexpr std::size_t kAeadKeyBytes = 32;
// What closing adds: the tag.
inline constexpr std::size_t kTagBytes = 16;

// ChaCha20-Poly1305 (RFC 8439, section 2.8) with nonce zero, as `plain` encrypted ‖ tag; what is
// `associated` is bound to it and does not travel in it. The nonce never changes, so a key closes
// ONE message, ever: derive a key for each. A key of another size aborts.
base::Bytes close_under(const SecretBytes& key, base::ByteView plain, base::ByteView associated);

// Not closed under this key with this `associated`, or changed since: corruption.
base::Result<SecretBytes> open_under(const SecretBytes& key, base::ByteView closed,
                                     base::ByteView associated);

}  // namespace hanse::crypto
