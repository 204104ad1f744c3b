// Secrets between two parties that stand while either X25519 or ML-KEM-768 stands.
#pragma once

#include <array>

#include "base/bytes.h"
#include "crypto/kem.h"
#include "crypto/secret_bytes.h"

namespace hanse::crypto {

// X25519 (32) ‖ ML-KEM-768 (1184).
inline constexpr std::size_t kHybridPublicBytes = 32 + mlkem768::kPublicKeyBytes;
inline constexpr std::size_t kHybridSeedBytes = 32;
inline constexpr std::size_t kHybridSecretBytes = 32;
inline constexpr std::size_t kHybridCiphertextBytes = mlkem768::kCiphertextBytes;

using HybridPublic = std::array<std::byte, kHybridPublicBytes>;

// Not a size of kHybridPublicBytes, an X25519 part of small order, or no ML-KEM-768 key:
// invalid_argument.
base::Result<void> check_hybrid_key(base::ByteView key);

// A pair of keys of both kinds, all made of one seed, and with it every encapsulation: whoever gets
// the seed rebuilds the secrets with every peer. docs/formats/hybrid.md has each byte. Nobody
// without the seed of one of the two parties can compute a pair's secret, since X25519 is between
// their lasting keys; who holds which key is for a signature to say. Moved from, it may only be
// dropped. Thread-safe.
class HybridKey {
 public:
  struct Sent {
    mlkem768::Ciphertext ciphertext;
    SecretBytes secret;  // kHybridSecretBytes
  };

  // A seed of another size than kHybridSeedBytes aborts.
  static HybridKey from_seed(const SecretBytes& seed);

  const HybridPublic& public_bytes() const { return public_; }

  // The secret with a peer, and what the peer needs to find it. The same for the same seed, peer
  // and context; different contexts give independent ones. A bad key: as check_hybrid_key().
  base::Result<Sent> encapsulate(base::ByteView peer_public, base::ByteView context) const;

  // The secret that `peer_public` sent `ciphertext` for. A ciphertext that is another's, was
  // changed, or was made for another context gives another secret and no sign of it; of another
  // size, or a peer with a bad key: invalid_argument.
  base::Result<SecretBytes> decapsulate(base::ByteView peer_public, base::ByteView ciphertext,
                                        base::ByteView context) const;

 private:
  HybridKey(SecretBytes x25519, SecretBytes encapsulation, mlkem768::DecapsulationKey mlkem);

  SecretBytes x25519_;
  SecretBytes encapsulation_;  // of which the randomness of each encapsulation is made
  mlkem768::DecapsulationKey mlkem_;
  HybridPublic public_;
};

}  // namespace hanse::crypto
