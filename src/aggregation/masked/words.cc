#include "aggregation/masked/words.h"

#include <algorithm>
#include <array>

namespace hanse::aggregation {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;
using crypto::Signature;

namespace {

constexpr std::array<std::string_view, 8> kNames{
    "advert", "roster", "shares", "delivery", "survivors", "signature", "confirmation", "unmask",
};
constexpr std::size_t kHead = 1 + Digest::kSize;  // kind and transcript

// Reads what was measured before: reading on beyond the end is a broken invariant.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  ByteView take(std::size_t size) {
    HANSE_CHECK(size <= rest_.size());
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  Bytes bytes(std::size_t size) {
    const ByteView taken = take(size);
    return {taken.begin(), taken.end()};
  }
  Digest digest() { return Digest::from_bytes(take(Digest::kSize)).value(); }
  Signature signature() {
    Signature signature;
    std::ranges::copy(take(signature.size()), signature.begin());
    return signature;
  }

 private:
  ByteView rest_;
};

Result<void> check_size(WordKind kind, ByteView word, std::size_t expected) {
  if (word.size() == expected && word[0] == std::byte{static_cast<std::uint8_t>(kind)}) return {};
  if (word.size() == expected)
    return fail(ErrorCode::corruption, "expected a word of the kind {}", name_of(kind));
  return fail(ErrorCode::corruption, "a word of the kind {} has {} bytes here, found {}",
              name_of(kind), expected, word.size());
}

Result<SiteSet> take_set(WordKind kind, ByteView word, std::size_t offset, std::size_t cohort) {
  const std::size_t size = SiteSet::encoded_size(cohort);
  if (word.size() < offset + size)
    return fail(ErrorCode::corruption, "a word of the kind {} has at least {} bytes, found {}",
                name_of(kind), offset + size, word.size());
  return SiteSet::decode(word.subspan(offset, size), cohort);
}

std::size_t parcel_bytes(std::size_t from, std::size_t to) {
  return (from < to ? 2 : 1) * kCiphertextBytes + kClosedBytes;
}

Parcel read_parcel(Reader& reader, std::size_t from, std::size_t to) {
  Parcel parcel;
  if (from < to) parcel.mask_ciphertext = reader.bytes(kCiphertextBytes);
  parcel.channel = reader.bytes(kCiphertextBytes);
  parcel.closed = reader.bytes(kClosedBytes);
  return parcel;
}

void write(Writer& writer, const Parcel& parcel) {
  writer.add(parcel.mask_ciphertext);
  writer.add(parcel.channel);
  writer.add(parcel.closed);
}

void write_body(Writer& writer, const Advert& advert) {
  writer.add(advert.offer.bytes());
  writer.add(advert.roster.bytes());
  writer.add(advert.ring.bytes());
  writer.add(advert.mask_key);
  writer.add(advert.share_key);
  writer.add(advert.commitment.bytes());
}

}  // namespace

std::string_view name_of(WordKind kind) { return kNames[static_cast<std::size_t>(kind) - 1]; }

Result<WordKind> kind_of(ByteView word) {
  const unsigned kind = word.empty() ? 0 : std::to_integer<unsigned>(word[0]);
  if (kind < 1 || kind > kNames.size())
    return fail(ErrorCode::corruption, "a word begins with its kind, 1 … {}; found {}",
                kNames.size(), kind);
  return static_cast<WordKind>(kind);
}

Writer::Writer(WordKind kind) { u8(static_cast<std::uint8_t>(kind)); }

void Writer::add(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

void Writer::integer(std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    bytes_.push_back(static_cast<std::byte>(value >> 8 * i & 0xff));
}

Bytes encode(const Advert& advert) {
  Writer writer(WordKind::advert);
  write_body(writer, advert);
  writer.add(advert.signature);
  return std::move(writer).take();
}

Result<Advert> decode_advert(ByteView word) {
  HANSE_TRY_VOID(check_size(WordKind::advert, word, kAdvertBytes));
  Reader reader(word.subspan(1));
  Advert advert;
  advert.offer = reader.digest();
  advert.roster = reader.digest();
  advert.ring = reader.digest();
  advert.mask_key = reader.bytes(kPublicKeyBytes);
  advert.share_key = reader.bytes(kPublicKeyBytes);
  advert.commitment = reader.digest();
  advert.signature = reader.signature();
  return advert;
}

Bytes signed_part(const Advert& advert, const Digest& context, std::size_t site) {
  Writer writer;
  writer.text("hanse advert 1");
  writer.add(context.bytes());
  writer.u32(site);
  write_body(writer, advert);
  return std::move(writer).take();
}

Bytes encode(const RosterWord& roster) {
  Writer writer(WordKind::roster);
  writer.add(roster.members.encoded());
  for (const Digest& digest : roster.digests) writer.add(digest.bytes());
  for (const Bytes& advert : roster.adverts) writer.add(advert);
  return std::move(writer).take();
}

Result<RosterWord> decode_roster(ByteView word, std::size_t cohort) {
  HANSE_TRY(SiteSet members, take_set(WordKind::roster, word, 1, cohort));
  const std::size_t fixed = 1 + SiteSet::encoded_size(cohort) + members.size() * Digest::kSize;
  const std::size_t adverts = word.size() < fixed ? 0 : (word.size() - fixed) / kAdvertBytes;
  HANSE_TRY_VOID(
      check_size(WordKind::roster, word, fixed + std::min(adverts, members.size()) * kAdvertBytes));
  Reader reader(word.subspan(1 + SiteSet::encoded_size(cohort)));
  RosterWord roster{std::move(members), {}, {}};
  for (std::size_t i = roster.members.size(); i > 0; --i) roster.digests.push_back(reader.digest());
  for (std::size_t i = 0; i < adverts; ++i) roster.adverts.push_back(reader.bytes(kAdvertBytes));
  return roster;
}

Bytes encode(const SharesWord& shares) {
  Writer writer(WordKind::shares);
  writer.add(shares.transcript.bytes());
  for (const Parcel& parcel : shares.parcels) write(writer, parcel);
  return std::move(writer).take();
}

Result<SharesWord> decode_shares(ByteView word, std::size_t from,
                                 std::span<const std::size_t> peers) {
  std::size_t size = kHead;
  for (const std::size_t to : peers) size += parcel_bytes(from, to);
  HANSE_TRY_VOID(check_size(WordKind::shares, word, size));
  Reader reader(word.subspan(1));
  SharesWord shares{reader.digest(), {}};
  for (const std::size_t to : peers) shares.parcels.push_back(read_parcel(reader, from, to));
  return shares;
}

Bytes encode(const DeliveryWord& delivery) {
  Writer writer(WordKind::delivery);
  writer.add(delivery.transcript.bytes());
  writer.add(delivery.senders.encoded());
  for (const Parcel& parcel : delivery.parcels) write(writer, parcel);
  return std::move(writer).take();
}

Result<DeliveryWord> decode_delivery(ByteView word, std::size_t cohort, std::size_t to,
                                     std::span<const std::size_t> neighbours) {
  HANSE_TRY(SiteSet senders, take_set(WordKind::delivery, word, kHead, cohort));
  std::size_t size = kHead + SiteSet::encoded_size(cohort);
  for (const std::size_t from : neighbours)
    if (senders.has(from)) size += parcel_bytes(from, to);
  HANSE_TRY_VOID(check_size(WordKind::delivery, word, size));
  Reader reader(word.subspan(1));
  DeliveryWord delivery{reader.digest(), std::move(senders), {}};
  reader.take(SiteSet::encoded_size(cohort));
  for (const std::size_t from : neighbours)
    if (delivery.senders.has(from)) delivery.parcels.push_back(read_parcel(reader, from, to));
  return delivery;
}

Bytes encode(const SurvivorsWord& survivors) {
  Writer writer(WordKind::survivors);
  writer.add(survivors.transcript.bytes());
  writer.add(survivors.survivors.encoded());
  return std::move(writer).take();
}

Result<SurvivorsWord> decode_survivors(ByteView word, std::size_t cohort) {
  HANSE_TRY_VOID(check_size(WordKind::survivors, word, kHead + SiteSet::encoded_size(cohort)));
  HANSE_TRY(SiteSet survivors, take_set(WordKind::survivors, word, kHead, cohort));
  return SurvivorsWord{Reader(word.subspan(1)).digest(), std::move(survivors)};
}

Bytes encode(const SignatureWord& signature) {
  Writer writer(WordKind::signature);
  writer.add(signature.transcript.bytes());
  writer.add(signature.signature);
  return std::move(writer).take();
}

Result<SignatureWord> decode_signature(ByteView word) {
  HANSE_TRY_VOID(check_size(WordKind::signature, word, kHead + crypto::kSignatureBytes));
  Reader reader(word.subspan(1));
  const Digest transcript = reader.digest();
  return SignatureWord{transcript, reader.signature()};
}

Digest transcript_of(const Digest& context, const SiteSet& members,
                     std::span<const Digest> adverts) {
  Writer writer;
  writer.text("hanse transcript 1");
  writer.add(context.bytes());
  writer.add(members.encoded());
  for (const Digest& digest : adverts) writer.add(digest.bytes());
  return Digest::of(writer.bytes());
}

Bytes signed_sets(const Digest& transcript, const SiteSet& senders, const SiteSet& survivors) {
  Writer writer;
  writer.text("hanse survivors 1");
  writer.add(transcript.bytes());
  writer.add(senders.encoded());
  writer.add(survivors.encoded());
  return std::move(writer).take();
}

Bytes encode(const ConfirmationWord& confirmation) {
  Writer writer(WordKind::confirmation);
  writer.add(confirmation.transcript.bytes());
  writer.add(confirmation.signers.encoded());
  for (const Signature& signature : confirmation.signatures) writer.add(signature);
  return std::move(writer).take();
}

Result<ConfirmationWord> decode_confirmation(ByteView word, std::size_t cohort) {
  HANSE_TRY(SiteSet signers, take_set(WordKind::confirmation, word, kHead, cohort));
  HANSE_TRY_VOID(
      check_size(WordKind::confirmation, word,
                 kHead + SiteSet::encoded_size(cohort) + signers.size() * crypto::kSignatureBytes));
  Reader reader(word.subspan(1));
  ConfirmationWord confirmation{reader.digest(), std::move(signers), {}};
  reader.take(SiteSet::encoded_size(cohort));
  for (std::size_t i = confirmation.signers.size(); i > 0; --i)
    confirmation.signatures.push_back(reader.signature());
  return confirmation;
}

Bytes encode(const UnmaskWord& unmask) {
  Writer writer(WordKind::unmask);
  writer.add(unmask.transcript.bytes());
  for (const Bytes& share : unmask.shares) writer.add(share);
  return std::move(writer).take();
}

Result<UnmaskWord> decode_unmask(ByteView word, std::size_t shares) {
  HANSE_TRY_VOID(check_size(WordKind::unmask, word, kHead + shares * crypto::shamir::kShareBytes));
  Reader reader(word.subspan(1));
  UnmaskWord unmask{reader.digest(), {}};
  for (std::size_t i = 0; i < shares; ++i)
    unmask.shares.push_back(reader.bytes(crypto::shamir::kShareBytes));
  return unmask;
}

}  // namespace hanse::aggregation
