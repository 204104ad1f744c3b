// A key agreement for tests and fuzzers of many sites.
#pragma once

#include <algorithm>
#include <memory>

#include "aggregation/masked/agreement.h"
#include "base/digest.h"

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
      const base::Digest text = digest_of(public_, peer, context);
      base::Bytes ciphertext;
      while (ciphertext.size() < kCiphertextBytes)
        ciphertext.insert(ciphertext.end(), text.bytes().begin(), text.bytes().end());
      auto secret = secret_of(public_, peer, ciphertext);
      return Encapsulated{std::move(ciphertext), std::move(secret)};
    }
    base::Result<crypto::SecretBytes> decapsulate(base::ByteView peer, base::ByteView ciphertext,
                                                  base::ByteView) const override {
      return secret_of(peer, public_, ciphertext);
    }

   private:
    static base::Digest digest_of(base::ByteView from, base::ByteView to, base::ByteView more) {
      base::Hasher hasher;
      for (const base::ByteView part : {from, to, more}) hasher.add(part);
      return hasher.finish();
    }
    static crypto::SecretBytes secret_of(base::ByteView from, base::ByteView to,
                                         base::ByteView ciphertext) {
      return crypto::SecretBytes::copy_of(digest_of(from, to, ciphertext).bytes());
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
