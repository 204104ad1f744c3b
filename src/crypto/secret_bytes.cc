#include "crypto/secret_bytes.h"

#include <sodium.h>

#include <cstring>
#include <utility>

namespace hanse::crypto {
namespace {

// libsodium chooses its code for this machine; before that it runs its portable one.
[[maybe_unused]] const int kSodiumIsReady = sodium_init();

}  // namespace

SecretBytes::SecretBytes(std::size_t size)
    : bytes_(std::make_unique<std::byte[]>(size)), size_(size) {}

SecretBytes SecretBytes::random(std::size_t size, base::RandomSource& random) {
  SecretBytes secret(size);
  random.fill({secret.bytes_.get(), size});
  return secret;
}

SecretBytes SecretBytes::copy_of(base::ByteView bytes) {
  SecretBytes secret(bytes.size());
  if (!bytes.empty()) std::memcpy(secret.bytes_.get(), bytes.data(), bytes.size());
  return secret;
}

SecretBytes::~SecretBytes() { wipe(); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

bool SecretBytes::operator==(const SecretBytes& other) const {
  return size_ == other.size_ &&
         (size_ == 0 || sodium_memcmp(bytes_.get(), other.bytes_.get(), size_) == 0);
}

void SecretBytes::wipe() { crypto::wipe({bytes_.get(), size_}); }

void wipe(std::span<std::byte> bytes) {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace hanse::crypto
