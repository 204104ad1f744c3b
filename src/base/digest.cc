#include "base/digest.h"

#include <openssl/evp.h>

#include <cstring>

namespace hanse::base {
namespace {

// Fetched once: asking OpenSSL 3 for it by each hash takes longer than hashing a short text.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  HANSE_CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

struct Hasher::Body {
  EVP_MD_CTX* state = EVP_MD_CTX_new();
  ~Body() { EVP_MD_CTX_free(state); }
};

Hasher::Hasher() : body_(std::make_unique<Body>()) {
  HANSE_CHECK(body_->state != nullptr);
  HANSE_CHECK(EVP_DigestInit_ex(body_->state, sha256(), nullptr) == 1);
}

Hasher::~Hasher() = default;

void Hasher::add(ByteView bytes) {
  HANSE_CHECK(EVP_DigestUpdate(body_->state, bytes.data(), bytes.size()) == 1);
}

Digest Hasher::finish() {
  std::array<std::uint8_t, Digest::kSize> value{};
  HANSE_CHECK(EVP_DigestFinal_ex(body_->state, value.data(), nullptr) == 1);
  HANSE_CHECK(EVP_DigestInit_ex(body_->state, sha256(), nullptr) == 1);
  return Digest(value);
}

Digest Digest::of(ByteView bytes) {
  std::array<std::uint8_t, kSize> value{};
  HANSE_CHECK(EVP_Digest(bytes.data(), bytes.size(), value.data(), nullptr, sha256(), nullptr) ==
              1);
  return Digest(value);
}

Result<Digest> Digest::from_bytes(ByteView bytes) {
  if (bytes.size() != kSize)
    return fail(ErrorCode::corruption, "a digest has {} bytes, found {}", kSize, bytes.size());
  Digest digest;
  std::memcpy(digest.value_.data(), bytes.data(), kSize);
  return digest;
}

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : value_) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace hanse::base
