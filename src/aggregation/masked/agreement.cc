#include "aggregation/masked/agreement.h"

#include "crypto/hybrid.h"

namespace hanse::aggregation {

static_assert(kPublicKeyBytes == crypto::kHybridPublicBytes);
static_assert(kCiphertextBytes == crypto::kHybridCiphertextBytes);
static_assert(kSeedBytes == crypto::kHybridSeedBytes);

namespace {

class HybridPair final : public KeyPair {
 public:
  explicit HybridPair(const crypto::SecretBytes& seed) : key_(crypto::HybridKey::from_seed(seed)) {}

  base::ByteView public_key() const override { return key_.public_bytes(); }

  base::Result<Encapsulated> encapsulate(base::ByteView peer,
                                         base::ByteView context) const override {
    HANSE_TRY(crypto::HybridKey::Sent sent, key_.encapsulate(peer, context));
    return Encapsulated{{sent.ciphertext.begin(), sent.ciphertext.end()}, std::move(sent.secret)};
  }

  base::Result<crypto::SecretBytes> decapsulate(base::ByteView peer, base::ByteView ciphertext,
                                                base::ByteView context) const override {
    return key_.decapsulate(peer, ciphertext, context);
  }

 private:
  crypto::HybridKey key_;
};

class Hybrid final : public Agreement {
 public:
  std::unique_ptr<KeyPair> from_seed(const crypto::SecretBytes& seed) const override {
    return std::make_unique<HybridPair>(seed);
  }
  base::Result<void> check(base::ByteView key) const override {
    return crypto::check_hybrid_key(key);
  }
};

}  // namespace

const Agreement& hybrid() {
  static const Hybrid agreement;
  return agreement;
}

}  // namespace hanse::aggregation
