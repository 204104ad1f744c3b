// ML-KEM-768 (FIPS 203): agreeing on a secret that a quantum computer cannot find either.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

// Deterministic: seeds and messages are arguments, so that whoever holds them makes the same again.
// Nothing here branches on a secret or uses it as an index. Keys are thread-safe.
namespace hanse::crypto::mlkem768 {

inline constexpr std::size_t kPublicKeyBytes = 1184;
inline constexpr std::size_t kCiphertextBytes = 1088;
inline constexpr std::size_t kSharedBytes = 32;
inline constexpr std::size_t kSeedBytes = 64;         // d ‖ z
inline constexpr std::size_t kMessageBytes = 32;      // m, the randomness of an encapsulation
inline constexpr std::size_t kSecretKeyBytes = 2400;  // dk

using PublicKey = std::array<std::byte, kPublicKeyBytes>;
using Ciphertext = std::array<std::byte, kCiphertextBytes>;

struct Encapsulated {
  Ciphertext ciphertext;
  SecretBytes shared;  // kSharedBytes
};

// A public key that was checked and made ready. Copies share what they hold.
class EncapsulationKey {
 public:
  // Another size, or a coefficient that is not below the modulus (FIPS 203, section 7.2):
  // invalid_argument.
  static base::Result<EncapsulationKey> create(base::ByteView key);

  const PublicKey& bytes() const;
  // ML-KEM.Encaps_internal (algorithm 17). `message` has kMessageBytes, else aborts; whoever knows
  // it knows the shared secret, and it is used for one key, once.
  Encapsulated encapsulate(base::ByteView message) const;

 private:
  friend class DecapsulationKey;
  struct Body;
  explicit EncapsulationKey(std::shared_ptr<const Body> body) : body_(std::move(body)) {}
  std::shared_ptr<const Body> body_;
};

// Moved from, it may only be dropped.
class DecapsulationKey {
 public:
  // ML-KEM.KeyGen_internal (algorithm 16). A seed of another size aborts.
  static DecapsulationKey from_seed(base::ByteView seed);
  ~DecapsulationKey();
  DecapsulationKey(DecapsulationKey&& other) noexcept;
  DecapsulationKey& operator=(DecapsulationKey&& other) noexcept;

  const EncapsulationKey& encapsulation_key() const;
  const PublicKey& public_key() const { return encapsulation_key().bytes(); }
  // ML-KEM.Decaps_internal (algorithm 18). For bytes that no encapsulation made, a secret that only
  // the holder of this key can find, and no sign that it is another.
  SecretBytes decapsulate(std::span<const std::byte, kCiphertextBytes> ciphertext) const;
  // dk, as other implementations keep this key.
  SecretBytes expanded() const;

 private:
  struct Body;
  explicit DecapsulationKey(std::unique_ptr<const Body> body);
  std::unique_ptr<const Body> body_;
};

}  // namespace hanse::crypto::mlkem768
