#include "crypto/base64.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/internal/bytes.h"

namespace hanse::crypto {

using base::ErrorCode;

namespace {

// libsodium 1.0.18 takes some bytes above 0x7f for digits.
bool is_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '=';
}

}  // namespace

std::string base64_of(base::ByteView bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), internal::in(bytes), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

base::Result<base::Bytes> bytes_of_base64(std::string_view text, std::size_t limit) {
  if (text.size() > (limit + 2) / 3 * 4)
    return base::fail(ErrorCode::invalid_argument, "expected base 64 of at most {} bytes, found {}",
                      limit, text.size() / 4 * 3);
  if (text.empty()) return base::Bytes();
  base::Bytes bytes(text.size() / 4 * 3);
  std::size_t size = 0;
  const char* end = nullptr;
  if (text.size() % 4 != 0 || !std::ranges::all_of(text, is_digit) ||
      sodium_base642bin(internal::out(bytes), bytes.size(), text.data(), text.size(), nullptr,
                        &size, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size() || size > limit)
    return base::fail(ErrorCode::invalid_argument,
                      "expected base 64 with its padding; {} characters are not", text.size());
  bytes.resize(size);
  return bytes;
}

}  // namespace hanse::crypto
