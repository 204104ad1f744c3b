// What sites and coordinator say to each other, to the byte (docs/formats/masked.md). Lengths
// follow from the setup and the sets alone.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "aggregation/masked/agreement.h"
#include "aggregation/masked/site_set.h"
#include "base/digest.h"
#include "crypto/aead.h"
#include "crypto/shamir.h"
#include "crypto/sign.h"

namespace hanse::aggregation {

// The first byte of each word.
enum class WordKind : std::uint8_t {
  advert = 1,
  roster,
  shares,
  delivery,
  survivors,
  signature,
  confirmation,
  unmask,
};

std::string_view name_of(WordKind kind);
// Empty, or no such kind: corruption.
base::Result<WordKind> kind_of(base::ByteView word);

// Bytes one after another; integers little-endian.
class Writer {
 public:
  Writer() = default;
  explicit Writer(WordKind kind);
  // Exactly this many bytes follow: no copy of a secret stays behind in a buffer that grew too
  // small.
  void reserve(std::size_t size) { bytes_.reserve(size); }
  void u8(std::uint8_t value) { integer(value, 1); }
  void u32(std::size_t value) { integer(value, 4); }
  void u64(std::uint64_t value) { integer(value, 8); }
  void add(base::ByteView bytes);
  void text(std::string_view text) { add(base::view_of(text)); }
  base::ByteView bytes() const { return bytes_; }
  base::Bytes take() && { return std::move(bytes_); }

 private:
  void integer(std::uint64_t value, std::size_t size);
  base::Bytes bytes_;
};

// Site → coordinator: two keys, made for this attempt, signed with the site's key in the roster.
struct Advert {
  base::Digest offer;
  base::Digest roster;
  base::Digest ring;
  base::Bytes mask_key;     // agrees on masks; a dropped site's is rebuilt
  base::Bytes share_key;    // carries shares; never leaves its site, or every dropped site would
                            // give the shares that it received to the coordinator
  base::Digest commitment;  // to the seed of the site's own mask
  crypto::Signature signature{};
};
inline constexpr std::size_t kAdvertBytes =
    1 + 4 * base::Digest::kSize + 2 * kPublicKeyBytes + crypto::kSignatureBytes;

base::Bytes encode(const Advert& advert);
base::Result<Advert> decode_advert(base::ByteView word);
// What is signed: the advert with the attempt's context and the site's index.
base::Bytes signed_part(const Advert& advert, const base::Digest& context, std::size_t site);

// Of the context and all members' adverts.
base::Digest transcript_of(const base::Digest& context, const SiteSet& members,
                           std::span<const base::Digest> adverts);

// Coordinator → each that advertised.
struct RosterWord {
  SiteSet members;
  std::vector<base::Digest> digests;  // of each member's advert
  std::vector<base::Bytes> adverts;   // of the receiver's neighbours
};

base::Bytes encode(const RosterWord& roster);
base::Result<RosterWord> decode_roster(base::ByteView word, std::size_t cohort);

// What `from` says for `to`, through the coordinator.
struct Parcel {
  base::Bytes mask_ciphertext;  // where `from` has the lower index; else empty
  base::Bytes channel;          // agrees on a key for what is closed
  base::Bytes closed;           // point ‖ share of the self-mask seed ‖ share of the mask-key seed
};
inline constexpr std::size_t kOpenParcelBytes = 4 + 2 * crypto::shamir::kShareBytes;
inline constexpr std::size_t kClosedBytes = kOpenParcelBytes + crypto::kTagBytes;

// Site → coordinator: a parcel for each of `peers`, the neighbours of `from`.
struct SharesWord {
  base::Digest transcript;
  std::vector<Parcel> parcels;
};

base::Bytes encode(const SharesWord& shares);
base::Result<SharesWord> decode_shares(base::ByteView word, std::size_t from,
                                       std::span<const std::size_t> peers);

// Coordinator → each that shared: what its neighbours among `senders` said for it.
struct DeliveryWord {
  base::Digest transcript;
  SiteSet senders;
  std::vector<Parcel> parcels;
};

base::Bytes encode(const DeliveryWord& delivery);
base::Result<DeliveryWord> decode_delivery(base::ByteView word, std::size_t cohort, std::size_t to,
                                           std::span<const std::size_t> neighbours);

// Coordinator → each whose contribution it counted.
struct SurvivorsWord {
  base::Digest transcript;
  SiteSet survivors;
};

base::Bytes encode(const SurvivorsWord& survivors);
base::Result<SurvivorsWord> decode_survivors(base::ByteView word, std::size_t cohort);

// Site → coordinator, over signed_sets().
struct SignatureWord {
  base::Digest transcript;
  crypto::Signature signature{};
};

base::Bytes encode(const SignatureWord& signature);
base::Result<SignatureWord> decode_signature(base::ByteView word);
base::Bytes signed_sets(const base::Digest& transcript, const SiteSet& senders,
                        const SiteSet& survivors);

// Coordinator → each that signed.
struct ConfirmationWord {
  base::Digest transcript;
  SiteSet signers;
  std::vector<crypto::Signature> signatures;
};

base::Bytes encode(const ConfirmationWord& confirmation);
base::Result<ConfirmationWord> decode_confirmation(base::ByteView word, std::size_t cohort);

// Site → coordinator: for each of the `holders` among those that shared, one share: of a survivor's
// self-mask seed, or of a dropped site's mask-key seed.
struct UnmaskWord {
  base::Digest transcript;
  std::vector<base::Bytes> shares;
};

base::Bytes encode(const UnmaskWord& unmask);
base::Result<UnmaskWord> decode_unmask(base::ByteView word, std::size_t shares);

}  // namespace hanse::aggregation
