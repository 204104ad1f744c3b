#include "crypto/mask_stream.h"

#include <openssl/evp.h>

#include <algorithm>

#include "crypto/internal/bytes.h"

namespace hanse::crypto {
namespace {

// Written as zeros and encrypted in place while still in the first-level cache.
constexpr std::size_t kPiece = 16384;

}  // namespace

struct KeyStream::Body {
  Body() : cipher(EVP_CIPHER_CTX_new()) { HANSE_CHECK(cipher != nullptr); }
  ~Body() { EVP_CIPHER_CTX_free(cipher); }  // wipes the key schedule
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  EVP_CIPHER_CTX* cipher;
};

KeyStream::KeyStream(const SecretBytes& key) : body_(std::make_unique<Body>()) {
  HANSE_CHECK(key.size() == kStreamKeyBytes);
  const std::array<unsigned char, 16> counter{};
  HANSE_CHECK(EVP_EncryptInit_ex(body_->cipher, EVP_aes_256_ctr(), nullptr,
                                 internal::in(key.reveal()), counter.data()) == 1);
}

KeyStream::~KeyStream() = default;
KeyStream::KeyStream(KeyStream&& other) noexcept = default;
KeyStream& KeyStream::operator=(KeyStream&& other) noexcept = default;

void KeyStream::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto piece = out.first(std::min(out.size(), kPiece));
    std::ranges::fill(piece, std::byte{0});
    int length = 0;
    HANSE_CHECK(EVP_EncryptUpdate(body_->cipher, internal::out(piece), &length, internal::in(piece),
                                  static_cast<int>(piece.size())) == 1);
    HANSE_CHECK(static_cast<std::size_t>(length) == piece.size());
    out = out.subspan(piece.size());
  }
}

}  // namespace hanse::crypto
