#include "crypto/secret_bytes.h"

#include <sodium.h>

#include <utility>

namespace hanse::crypto {

SecretBytes SecretBytes::random(std::size_t size, base::RandomSource& random) {
  base::Bytes bytes(size);
  random.fill(bytes);
  return SecretBytes(std::move(bytes));
}

SecretBytes::~SecretBytes() { wipe(); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

bool operator==(const SecretBytes& a, const SecretBytes& b) {
  return a.size() == b.size() && sodium_memcmp(a.bytes_.data(), b.bytes_.data(), a.size()) == 0;
}

void SecretBytes::wipe() { sodium_memzero(bytes_.data(), bytes_.size()); }

}  // namespace hanse::crypto
