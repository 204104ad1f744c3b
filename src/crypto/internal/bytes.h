// Our bytes as the C libraries take them.
#pragma once

#include <span>

#include "base/bytes.h"

namespace hanse::crypto::internal {

inline const unsigned char* in(base::ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

inline unsigned char* out(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace hanse::crypto::internal
