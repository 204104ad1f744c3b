// Keys from keys.
#pragma once

#include "crypto/secret_bytes.h"

namespace hanse::crypto {

// 255 blocks of SHA-256 (RFC 5869, section 2.3).
inline constexpr std::size_t kMaxDerivedBytes = std::size_t{255} * 32;

// HKDF-SHA-256 (RFC 5869): extracts from `secret` with `salt`, expands for `purpose` (its "info").
// Different purposes give independent keys; a purpose begins with a label that nothing else uses.
// More than kMaxDerivedBytes aborts.
SecretBytes derive(base::ByteView secret, base::ByteView salt, base::ByteView purpose,
                   std::size_t size = 32);

}  // namespace hanse::crypto
