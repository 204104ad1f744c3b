// Base 64 (RFC 4648, section 4), with padding, one text for each byte string.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace hanse::crypto {

std::string base64_of(base::ByteView bytes);

// Anything that base64_of() does not write, or more than `limit` bytes: invalid_argument.
base::Result<base::Bytes> bytes_of_base64(std::string_view text, std::size_t limit);

}  // namespace hanse::crypto
