#include "crypto/derive.h"

#include <sodium.h>

#include <algorithm>
#include <initializer_list>

#include "crypto/internal/bytes.h"
#include "crypto/internal/wiped.h"

namespace hanse::crypto {
namespace {

using internal::in;
using internal::out;

using Block = std::array<std::byte, crypto_auth_hmacsha256_BYTES>;

void hmac(base::ByteView key, std::initializer_list<base::ByteView> parts, Block& mac) {
  internal::Wiped<crypto_auth_hmacsha256_state> state;
  // libsodium hands pointers to memcpy, which takes no null, not even for nothing.
  const std::byte nothing{};
  const auto bytes = [&nothing](base::ByteView of) {
    return of.empty() ? in(base::ByteView(&nothing, 1)) : in(of);
  };
  crypto_auth_hmacsha256_init(&*state, bytes(key), key.size());
  for (const base::ByteView part : parts)
    if (!part.empty()) crypto_auth_hmacsha256_update(&*state, in(part), part.size());
  crypto_auth_hmacsha256_final(&*state, out(mac));
}

}  // namespace

SecretBytes derive(base::ByteView secret, base::ByteView salt, base::ByteView purpose,
                   std::size_t size) {
  HANSE_CHECK(size <= kMaxDerivedBytes);
  internal::Wiped<Block> extracted;
  hmac(salt, {secret}, *extracted);
  return SecretBytes::filled(size, [&](std::span<std::byte> bytes) {
    internal::Wiped<Block> block;
    base::ByteView previous;  // none at first
    for (unsigned i = 1; !bytes.empty(); ++i) {
      const std::array count{static_cast<std::byte>(i)};
      hmac(*extracted, {previous, purpose, count}, *block);
      previous = *block;
      const std::size_t taken = std::min(bytes.size(), previous.size());
      std::copy_n(previous.begin(), taken, bytes.begin());
      bytes = bytes.subspan(taken);
    }
  });
}

}  // namespace hanse::crypto
