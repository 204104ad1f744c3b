#include "aggregation/masked/secrets.h"

#include <algorithm>
#include <set>

#include "crypto/derive.h"

namespace hanse::aggregation {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;
using crypto::SecretBytes;

namespace {

SecretBytes derived(const SecretBytes& secret, const Digest& salt, std::string_view purpose) {
  return crypto::derive(secret.reveal(), salt.bytes(), base::view_of(purpose), kSeedBytes);
}

// A site's point on the polynomials of all others.
std::uint32_t point_of(std::size_t site) { return static_cast<std::uint32_t>(site + 1); }

Bytes channel_context(const Digest& transcript) {
  Writer writer;
  writer.text("hanse share channel 1");
  writer.add(transcript.bytes());
  return std::move(writer).take();
}

// What the closed shares are bound to besides their key.
Bytes associated(const Digest& transcript, std::size_t from, std::size_t to, ByteView mask) {
  Writer writer;
  writer.add(transcript.bytes());
  writer.u32(from);
  writer.u32(to);
  writer.add(mask);
  return std::move(writer).take();
}

SecretBytes joined(std::uint32_t point, const SecretBytes& one, const SecretBytes& two) {
  return SecretBytes::filled(kOpenParcelBytes, [&](std::span<std::byte> out) {
    for (unsigned i = 0; i < 4; ++i) out[i] = static_cast<std::byte>(point >> 8 * i & 0xff);
    std::ranges::copy(one.reveal(), out.begin() + 4);
    std::ranges::copy(two.reveal(), out.begin() + 4 + crypto::shamir::kShareBytes);
  });
}

std::uint32_t point_in(ByteView opened) {
  std::uint32_t point = 0;
  for (unsigned i = 0; i < 4; ++i) point |= std::to_integer<std::uint32_t>(opened[i]) << 8 * i;
  return point;
}

}  // namespace

Circle Circle::of(const Terms& terms, const SiteSet& members, std::span<const Digest> digests) {
  const Digest transcript = transcript_of(terms.context, members, digests);
  return {members, Graph::of(members, terms.setup.threshold, transcript), transcript,
          std::vector<Advert>(terms.cohort())};
}

Result<Advert> checked_advert(const Terms& terms, std::size_t site, ByteView word) {
  HANSE_TRY(Advert advert, decode_advert(word));
  const auto equal = [&](std::string_view what, const Digest& expected,
                         const Digest& found) -> Result<void> {
    if (expected == found) return {};
    return fail(ErrorCode::failed_precondition,
                "site '{}' advertises for another {}: expected {}, found {}", terms.name(site),
                what, expected.hex(), found.hex());
  };
  HANSE_TRY_VOID(equal("offer", terms.setup.offer, advert.offer));
  HANSE_TRY_VOID(equal("roster", terms.setup.roster, advert.roster));
  HANSE_TRY_VOID(equal("ring", terms.ring_digest, advert.ring));
  if (!terms.setup.keys[site].verify(signed_part(advert, terms.context, site), advert.signature))
    return fail(ErrorCode::permission_denied,
                "keys advertised for site '{}' are not signed with its key in the roster",
                terms.name(site));
  return advert;
}

crypto::KeyStream self_stream(const SecretBytes& seed, const Digest& transcript) {
  return crypto::KeyStream(derived(seed, transcript, "hanse self mask stream 1"));
}

crypto::KeyStream pair_stream(const SecretBytes& secret, const Digest& transcript) {
  return crypto::KeyStream(derived(secret, transcript, "hanse pair mask stream 1"));
}

Digest commitment_to(const SecretBytes& self_mask, const Digest& context) {
  base::Hasher hasher;
  hasher.add(base::view_of("hanse self mask 1"));
  hasher.add(context.bytes());
  hasher.add(self_mask.reveal());
  return hasher.finish();
}

Bytes mask_context(const Digest& transcript) {
  Writer writer;
  writer.text("hanse pair mask 1");
  writer.add(transcript.bytes());
  return std::move(writer).take();
}

Secrets::Secrets(const Terms& terms, std::size_t self, const crypto::Signer& signer,
                 const Agreement& agreement, SecretBytes root)
    : self_(self),
      root_(std::move(root)),
      self_mask_(derived(root_, terms.context, "self mask seed")),
      mask_seed_(derived(root_, terms.context, "mask key seed")),
      mask_key_(agreement.from_seed(mask_seed_)),
      share_key_(agreement.from_seed(derived(root_, terms.context, "share key seed"))),
      context_(terms.context) {
  const auto bytes = [](ByteView view) { return Bytes(view.begin(), view.end()); };
  advert_ = {terms.setup.offer,
             terms.setup.roster,
             terms.ring_digest,
             bytes(mask_key_->public_key()),
             bytes(share_key_->public_key()),
             commitment_to(self_mask_, terms.context),
             {}};
  advert_.signature = signer.sign(signed_part(advert_, terms.context, self));
}

Result<Secrets::Sharing> Secrets::share(const Circle& circle) const {
  const std::vector<std::size_t> holders = circle.graph.holders(self_);
  std::vector<std::uint32_t> points;
  for (const std::size_t holder : holders) points.push_back(point_of(holder));
  const auto split = [&](const SecretBytes& secret, std::string_view purpose) {
    crypto::KeyStream stream(derived(root_, circle.transcript, purpose));
    return crypto::shamir::split(secret, circle.graph.threshold(), points, stream);
  };
  auto self_shares = split(self_mask_, "self mask shares");
  auto key_shares = split(mask_seed_, "mask key shares");
  Sharing sharing{{circle.transcript, {}}, {}, {}};
  for (std::size_t i = 0; i < holders.size(); ++i) {
    const std::size_t to = holders[i];
    if (to == self_) {
      sharing.own = {self_, std::move(self_shares[i].value), std::move(key_shares[i].value)};
      continue;
    }
    Parcel parcel;
    sharing.pairs.emplace_back();
    if (self_ < to) {
      HANSE_TRY(Encapsulated mask, mask_key_->encapsulate(circle.adverts[to].mask_key,
                                                          mask_context(circle.transcript)));
      parcel.mask_ciphertext = std::move(mask.ciphertext);
      sharing.pairs.back() = std::move(mask.secret);
    }
    HANSE_TRY(Encapsulated channel, share_key_->encapsulate(circle.adverts[to].share_key,
                                                            channel_context(circle.transcript)));
    parcel.channel = std::move(channel.ciphertext);
    const SecretBytes plain = joined(points[i], self_shares[i].value, key_shares[i].value);
    parcel.closed = crypto::close_under(
        derived(channel.secret, circle.transcript, "hanse closed shares 1"), plain.reveal(),
        associated(circle.transcript, self_, to, parcel.mask_ciphertext));
    sharing.word.parcels.push_back(std::move(parcel));
  }
  return sharing;
}

Result<Held> Secrets::open(const Circle& circle, std::size_t from, const Parcel& parcel) const {
  HANSE_TRY(const SecretBytes channel,
            share_key_->decapsulate(circle.adverts[from].share_key, parcel.channel,
                                    channel_context(circle.transcript)));
  HANSE_TRY(const SecretBytes opened,
            crypto::open_under(derived(channel, circle.transcript, "hanse closed shares 1"),
                               parcel.closed,
                               associated(circle.transcript, from, self_, parcel.mask_ciphertext)));
  const ByteView bytes = opened.reveal();
  if (point_in(bytes) != point_of(self_))
    return fail(ErrorCode::corruption, "shares for this site are at point {}, found point {}",
                point_of(self_), point_in(bytes));
  return Held{from, SecretBytes::copy_of(bytes.subspan(4, crypto::shamir::kShareBytes)),
              SecretBytes::copy_of(bytes.subspan(4 + crypto::shamir::kShareBytes))};
}

Result<SecretBytes> Secrets::pair_with(const Circle& circle, std::size_t from,
                                       const Parcel& parcel) const {
  return mask_key_->decapsulate(circle.adverts[from].mask_key, parcel.mask_ciphertext,
                                mask_context(circle.transcript));
}

crypto::KeyStream Secrets::own_mask(const Circle& circle) const {
  return self_stream(self_mask_, circle.transcript);
}

base::Result<void> no_key_twice(std::span<const base::ByteView> keys) {
  std::set<std::vector<std::byte>> seen;
  for (const base::ByteView key : keys)
    if (!seen.emplace(key.begin(), key.end()).second)
      return base::fail(base::ErrorCode::corruption,
                        "each site advertises two keys of its own, found one key twice");
  return {};
}

}  // namespace hanse::aggregation
