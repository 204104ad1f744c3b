// Bytes that nobody else may learn: keys and seeds.
#pragma once

#include <concepts>
#include <memory>

#include "base/bytes.h"
#include "base/random.h"

namespace hanse::crypto {

// Wiped when dropped, never copied by accident, compared in constant time; has no way into a log.
class SecretBytes {
 public:
  SecretBytes() = default;
  static SecretBytes random(std::size_t size, base::RandomSource& random);
  // The caller wipes what was copied.
  static SecretBytes copy_of(base::ByteView bytes);
  // What `fill` writes into `size` zero bytes; the only moment at which a secret can be written to.
  template <std::invocable<std::span<std::byte>> Fill>
  static SecretBytes filled(std::size_t size, Fill&& fill) {
    SecretBytes secret(size);
    fill(std::span<std::byte>(secret.bytes_.get(), size));
    return secret;
  }

  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;

  // Named so that each place where a secret leaves its wrapping can be found.
  base::ByteView reveal() const { return {bytes_.get(), size_}; }
  std::size_t size() const { return size_; }

  // The time depends on the sizes alone.
  bool operator==(const SecretBytes& other) const;

 private:
  explicit SecretBytes(std::size_t size);
  void wipe();

  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

// Overwrites bytes that held a secret; unlike a plain loop it is never optimised away.
void wipe(std::span<std::byte> bytes);

}  // namespace hanse::crypto
