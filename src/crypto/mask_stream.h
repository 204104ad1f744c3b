// Keystreams: what masks are made of.
#pragma once

#include <memory>

#include "base/random.h"
#include "crypto/secret_bytes.h"

namespace hanse::crypto {

inline constexpr std::size_t kStreamKeyBytes = 32;

// AES-256 in counter mode over zeros (NIST SP 800-38A, section 6.5), the first counter block zero:
// the same bytes for the same key on every machine, however they are asked for. One key makes one
// stream and nothing else. Moved from, it may only be dropped. Not thread-safe.
class KeyStream final : public base::RandomSource {
 public:
  // Any other size than kStreamKeyBytes aborts.
  explicit KeyStream(const SecretBytes& key);
  ~KeyStream() override;
  KeyStream(KeyStream&& other) noexcept;
  KeyStream& operator=(KeyStream&& other) noexcept;

  // The next bytes.
  void fill(std::span<std::byte> out) override;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::crypto
