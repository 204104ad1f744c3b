// The door to key agreement: hybrid keys in the product, a counting stand-in in tests of many
// sites.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace hanse::aggregation {

inline constexpr std::size_t kPublicKeyBytes = 1216;   // X25519 ‖ ML-KEM-768
inline constexpr std::size_t kCiphertextBytes = 1088;  // of ML-KEM-768
inline constexpr std::size_t kSeedBytes = 32;

struct Encapsulated {
  base::Bytes ciphertext;
  crypto::SecretBytes secret;
};

// Both keys of one seed. Everything it makes follows from the seed and what it is given.
class KeyPair {
 public:
  virtual ~KeyPair() = default;
  virtual base::ByteView public_key() const = 0;
  // A peer's key that is none: invalid_argument.
  virtual base::Result<Encapsulated> encapsulate(base::ByteView peer,
                                                 base::ByteView context) const = 0;
  virtual base::Result<crypto::SecretBytes> decapsulate(base::ByteView peer,
                                                        base::ByteView ciphertext,
                                                        base::ByteView context) const = 0;
};

class Agreement {
 public:
  virtual ~Agreement() = default;
  virtual std::unique_ptr<KeyPair> from_seed(const crypto::SecretBytes& seed) const = 0;
  // A peer's key that no encapsulation takes: invalid_argument.
  virtual base::Result<void> check(base::ByteView key) const = 0;
};

// X25519 and ML-KEM-768 together (crypto/hybrid.h).
const Agreement& hybrid();

}  // namespace hanse::aggregation
