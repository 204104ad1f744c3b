// Ed25519 signatures (RFC 8032), deterministic, over exact bytes.
#pragma once

#include <array>
#include <compare>
#include <cstddef>

#include "base/bytes.h"
#include "base/random.h"
#include "crypto/secret_bytes.h"

namespace hanse::crypto {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;

using PublicKey = std::array<std::byte, kKeyBytes>;
using Signature = std::array<std::byte, kSignatureBytes>;

// A public key that was checked once: canonical, on the curve, of the prime-order subgroup, so that
// no two keys verify each other's signatures and none verifies everything. Thread-safe.
class Verifier {
 public:
  // Not such a key: invalid_argument.
  static base::Result<Verifier> create(base::ByteView key);

  const PublicKey& key() const { return key_; }
  // Refuses a second encoding of a signature too: S must be below the group's order (RFC 8032,
  // section 5.1.7).
  bool verify(base::ByteView message, const Signature& signature) const;
  auto operator<=>(const Verifier&) const = default;

 private:
  friend class Signer;
  explicit Verifier(const PublicKey& key) : key_(key) {}
  PublicKey key_;
};

// A signing key. Moved from, it may only be dropped. Thread-safe.
class Signer {
 public:
  static Signer create(base::RandomSource& random);
  // From the 32 bytes that RFC 8032 calls the private key; other sizes: invalid_argument.
  static base::Result<Signer> from_secret(base::ByteView secret);

  const SecretBytes& secret() const { return secret_; }
  const Verifier& verifier() const { return verifier_; }
  Signature sign(base::ByteView message) const;

 private:
  Signer(SecretBytes secret, SecretBytes expanded, const Verifier& verifier)
      : secret_(std::move(secret)), expanded_(std::move(expanded)), verifier_(verifier) {}
  static Signer expand(SecretBytes secret);

  SecretBytes secret_;
  SecretBytes expanded_;  // secret ‖ public key, as libsodium signs with
  Verifier verifier_;
};

}  // namespace hanse::crypto
