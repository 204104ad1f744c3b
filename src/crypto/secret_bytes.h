// Bytes that must not be seen: wiped when they go, compared in constant time, not printable.
#pragma once

#include "base/bytes.h"
#include "base/random.h"

namespace hanse::crypto {

class SecretBytes {
 public:
  static SecretBytes random(std::size_t size, base::RandomSource& random);
  static SecretBytes copy_of(base::ByteView bytes) {
    return SecretBytes(base::Bytes(bytes.begin(), bytes.end()));
  }
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;

  // Named so that every place that looks at a secret can be found.
  base::ByteView reveal() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

  // Takes the same time wherever they differ; their sizes are no secret.
  friend bool operator==(const SecretBytes& a, const SecretBytes& b);

 private:
  explicit SecretBytes(base::Bytes bytes) : bytes_(std::move(bytes)) {}
  void wipe();
  base::Bytes bytes_;
};

}  // namespace hanse::crypto
