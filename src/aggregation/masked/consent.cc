#include "aggregation/masked/consent.h"

#include <algorithm>

#include "aggregation/masked/coordinator.h"
#include "aggregation/masked/terms.h"
#include "aggregation/masked/words.h"

namespace hanse::aggregation {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// Takes from the front; what is not there any more: corruption.
class Pieces {
 public:
  explicit Pieces(ByteView bytes) : rest_(bytes) {}
  Result<ByteView> take(std::size_t size) {
    if (size > rest_.size())
      return fail(ErrorCode::corruption, "evidence ends too early: {} bytes more were expected",
                  size - rest_.size());
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  Result<Digest> digest() {
    HANSE_TRY(const ByteView bytes, take(Digest::kSize));
    return Digest::from_bytes(bytes);
  }
  Result<SiteSet> set(std::size_t cohort) {
    HANSE_TRY(const ByteView bytes, take(SiteSet::encoded_size(cohort)));
    return SiteSet::decode(bytes, cohort);
  }
  std::size_t left() const { return rest_.size(); }

 private:
  ByteView rest_;
};

Result<void> check_sets(const Consent& consent, const Setup& setup) {
  const std::size_t least = std::max<std::size_t>(setup.threshold, setup.min_sites);
  const bool nested = consent.senders.is_within(consent.members) &&
                      consent.survivors.is_within(consent.senders) &&
                      consent.signers.is_within(consent.survivors);
  if (!nested)
    return fail(ErrorCode::permission_denied,
                "evidence names signers that are no survivors, or survivors that shared nothing");
  if (consent.survivors.size() < least)
    return fail(ErrorCode::permission_denied,
                "a sum of {} sites was stated, and at least {} were promised",
                consent.survivors.size(), least);
  if (consent.signers.size() < setup.threshold)
    return fail(ErrorCode::permission_denied, "{} sites signed whose sum it is, expected {}",
                consent.signers.size(), setup.threshold);
  return {};
}

}  // namespace

Bytes encode(const Consent& consent) {
  Writer writer;
  writer.add(consent.ring.bytes());
  writer.add(consent.members.encoded());
  for (const Digest& advert : consent.adverts) writer.add(advert.bytes());
  writer.add(consent.senders.encoded());
  writer.add(consent.survivors.encoded());
  writer.add(consent.signers.encoded());
  for (const crypto::Signature& signature : consent.signatures) writer.add(signature);
  return std::move(writer).take();
}

Result<Consent> decode_consent(ByteView bytes, std::size_t cohort) {
  Pieces pieces(bytes);
  HANSE_TRY(const Digest ring, pieces.digest());
  HANSE_TRY(SiteSet members, pieces.set(cohort));
  std::vector<Digest> adverts;
  for (std::size_t i = 0; i < members.size(); ++i) {
    HANSE_TRY(const Digest advert, pieces.digest());
    adverts.push_back(advert);
  }
  HANSE_TRY(SiteSet senders, pieces.set(cohort));
  HANSE_TRY(SiteSet survivors, pieces.set(cohort));
  HANSE_TRY(SiteSet signers, pieces.set(cohort));
  std::vector<crypto::Signature> signatures;
  for (std::size_t i = 0; i < signers.size(); ++i) {
    HANSE_TRY(const ByteView signature, pieces.take(crypto::kSignatureBytes));
    std::ranges::copy(signature, signatures.emplace_back().begin());
  }
  if (pieces.left() > 0)
    return fail(ErrorCode::corruption, "evidence has {} bytes behind its end", pieces.left());
  return Consent{.ring = ring,
                 .members = std::move(members),
                 .adverts = std::move(adverts),
                 .senders = std::move(senders),
                 .survivors = std::move(survivors),
                 .signers = std::move(signers),
                 .signatures = std::move(signatures)};
}

Bytes MaskedCoordinator::evidence() const {
  const auto* state = std::get_if<Opening>(&state_);
  if (state == nullptr || !is_done()) return {};
  Consent consent{.ring = terms_->ring_digest,
                  .members = state->shared.circle.members,
                  .adverts = {},
                  .senders = state->senders,
                  .survivors = state->survivors,
                  .signers = SiteSet(terms_->cohort()),
                  .signatures = {}};
  for (const auto& [site, advert] : state->shared.adverts)
    consent.adverts.push_back(Digest::of(advert));
  for (const auto& [site, signature] : state->signatures) {
    consent.signers.add(site);
    consent.signatures.push_back(signature);
  }
  return encode(consent);
}

Result<Agreed> agreed_by(ByteView bytes, const Setup& setup) {
  HANSE_TRY_VOID(Terms::check(setup));
  HANSE_TRY(const Consent consent, decode_consent(bytes, setup.cohort.size()));
  HANSE_TRY_VOID(check_sets(consent, setup));
  const Digest transcript = transcript_of(context_of(setup.offer, setup.roster, consent.ring),
                                          consent.members, consent.adverts);
  Agreed agreed{{}, signed_sets(transcript, consent.senders, consent.survivors), {}};
  for (const std::size_t site : consent.signers.sites()) {
    if (!setup.keys[site].verify(agreed.statement, consent.signatures[agreed.signers.size()]))
      return fail(ErrorCode::permission_denied,
                  "the signature of site '{}' under whose sum it is does not hold",
                  setup.cohort[site].text());
    agreed.signers.push_back(setup.cohort[site]);
  }
  for (const std::size_t site : consent.survivors.sites())
    agreed.sites.push_back(setup.cohort[site]);
  return agreed;
}

}  // namespace hanse::aggregation
