// What a site keeps to itself in one attempt, all of it made of one root; and what it receives.
#pragma once

#include <memory>
#include <vector>

#include "aggregation/masked/agreement.h"
#include "aggregation/masked/graph.h"
#include "aggregation/masked/ring.h"
#include "aggregation/masked/terms.h"
#include "aggregation/masked/words.h"

namespace hanse::aggregation {

// Members of an attempt, as one of them or the coordinator knows them.
struct Circle {
  SiteSet members;
  Graph graph;
  base::Digest transcript;      // of the context and all members' adverts
  std::vector<Advert> adverts;  // by site; those that were given

  static Circle of(const Terms& terms, const SiteSet& members,
                   std::span<const base::Digest> digests);
};

// Two sites with one key could not be told apart: corruption.
base::Result<void> no_key_twice(std::span<const base::ByteView> keys);

// An advert of this attempt by this site, else: of another offer, roster or ring:
// failed_precondition; not signed by the site's key in the roster: permission_denied.
base::Result<Advert> checked_advert(const Terms& terms, std::size_t site, base::ByteView word);

// One site's shares of another one's secrets (or of its own).
struct Held {
  std::size_t of = 0;
  crypto::SecretBytes self_mask;
  crypto::SecretBytes mask_key;
};

// The keystream of a mask, from the secret it hangs on.
crypto::KeyStream self_stream(const crypto::SecretBytes& seed, const base::Digest& transcript);
crypto::KeyStream pair_stream(const crypto::SecretBytes& secret, const base::Digest& transcript);
base::Digest commitment_to(const crypto::SecretBytes& self_mask, const base::Digest& context);

// What a pair's agreements are bound to.
base::Bytes mask_context(const base::Digest& transcript);

class Secrets {
 public:
  Secrets(const Terms& terms, std::size_t self, const crypto::Signer& signer,
          const Agreement& agreement, crypto::SecretBytes root);

  const crypto::SecretBytes& root() const { return root_; }
  const Advert& advert() const { return advert_; }

  struct Sharing {
    SharesWord word;
    Held own;
    std::vector<crypto::SecretBytes> pairs;  // by neighbour; empty of those with a lower index
  };
  // What this site says to its neighbours: the same each time.
  base::Result<Sharing> share(const Circle& circle) const;

  // What neighbour `from` said to this site. Not closed for this site by `from`, or not the share
  // at this site's point: corruption.
  base::Result<Held> open(const Circle& circle, std::size_t from, const Parcel& parcel) const;
  base::Result<crypto::SecretBytes> pair_with(const Circle& circle, std::size_t from,
                                              const Parcel& parcel) const;
  crypto::KeyStream own_mask(const Circle& circle) const;

 private:
  std::size_t self_;
  crypto::SecretBytes root_;
  crypto::SecretBytes self_mask_;
  crypto::SecretBytes mask_seed_;
  std::unique_ptr<KeyPair> mask_key_;
  std::unique_ptr<KeyPair> share_key_;
  Advert advert_;
  base::Digest context_;
};

}  // namespace hanse::aggregation
