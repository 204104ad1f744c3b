// A key agreement for tests and fuzzers of many sites.
#pragma once

#include <algorithm>
#include <memory>

#include "aggregation/masked/agreement.h"
#include "crypto/derive.h"

namespace hanse::aggregation::testing {

// A key agreement that hides nothing and costs nothing: the public key begins with its seed.
class StandIn final : public Agreement {
 public:
  class Pair final : public KeyPair {
   public:
    explicit Pair(const crypto::SecretBytes& seed) : public_(kPublicKeyBytes) {
      std::ranges::copy(seed.reveal(), public_.begin());
    }
    base::ByteView public_key() const override { return public_; }
    base::Result<Encapsulated> encapsulate(base::ByteView peer,
                                           base::ByteView context) const override {
      const crypto::SecretBytes text = crypto::derive(public_, peer, context, kCiphertextBytes);
      base::Bytes ciphertext(text.reveal().begin(), text.reveal().end());
      auto secret = secret_of(public_, peer, ciphertext);
      return Encapsulated{std::move(ciphertext), std::move(secret)};
    }
    base::Result<crypto::SecretBytes> decapsulate(base::ByteView peer, base::ByteView ciphertext,
                                                  base::ByteView) const override {
      return secret_of(peer, public_, ciphertext);
    }

   private:
    static crypto::SecretBytes secret_of(base::ByteView from, base::ByteView to,
                                         base::ByteView ciphertext) {
      base::Bytes both(from.begin(), from.end());
      both.insert(both.end(), to.begin(), to.end());
      return crypto::derive(both, {}, ciphertext);
    }
    base::Bytes public_;
  };

  std::unique_ptr<KeyPair> from_seed(const crypto::SecretBytes& seed) const override {
    return std::make_unique<Pair>(seed);
  }
  base::Result<void> check(base::ByteView key) const override {
    if (key.size() == kPublicKeyBytes) return {};
    return base::fail(base::ErrorCode::invalid_argument, "no key");
  }
};

}  // namespace hanse::aggregation::testing
