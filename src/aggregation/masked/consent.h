// What shows whose answers a masked sum is of, to anybody who knows the sites' keys. Public.
// docs/formats/masked.md, "Consent"
#pragma once

#include <vector>

#include "aggregation/backend.h"
#include "aggregation/masked/site_set.h"

namespace hanse::aggregation {

struct Consent {
  base::Digest ring;
  SiteSet members;
  std::vector<base::Digest> adverts;  // of each member
  SiteSet senders;
  SiteSet survivors;
  SiteSet signers;
  std::vector<crypto::Signature> signatures;  // of each signer
};

base::Bytes encode(const Consent& consent);
// Anything else than what encode() writes for such a cohort: corruption.
base::Result<Consent> decode_consent(base::ByteView bytes, std::size_t cohort);

// As Backend::agreed.
base::Result<Agreed> agreed_by(base::ByteView evidence, const Setup& setup);

}  // namespace hanse::aggregation
