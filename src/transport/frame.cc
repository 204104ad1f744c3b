#include "transport/frame.h"

#include <array>

#include "transport/fields.h"

namespace hanse::transport {
namespace {

using internal::equal;
using internal::put;
using internal::put_word;
using internal::word_at;

constexpr std::string_view kMagic("hanse frame 1\0\0\0", 16);
// What all versions begin with.
constexpr std::string_view kMagicOfAll("hanse frame ");
constexpr std::size_t kHeadBytes = 104;
constexpr std::size_t kNonceBytes = 32;

struct Row {
  std::string_view name;
  std::string_view advice;
};
constexpr std::array kRows = {
    Row{"no_certificate", "present the certificate that the roster pins"},
    Row{"unknown_certificate", "no party of the roster has this certificate; join the consortium"},
    Row{"expired_certificate", "rotate the keys, or set the clock"},
    Row{"foreign_version", "bring both ends to versions that understand each other"},
    Row{"foreign_epoch", "adopt the newest epoch of the roster"},
    Row{"foreign_sender", "speak for yourself"},
    Row{"foreign_receiver", "dial the coordinator that the roster names"},
    Row{"foreign_session", "connect anew"},
    Row{"replayed", "connect anew"},
    Row{"forged", "sign with the key that the roster pins"},
    Row{"malformed", "bring both ends to versions that understand each other"},
    Row{"too_large", "bring both ends to versions that understand each other"},
    Row{"superseded", "run one process for each site"},
    Row{"revoked", "the roster's next epoch leaves this party out; ask the members"},
    Row{"overloaded", "try again in a moment"},
    Row{"stopping", "wait until the coordinator is back"},
};
static_assert(kRows.size() == static_cast<std::size_t>(Refusal::stopping) + 1);

base::Digest session_of(base::ByteView site_nonce, base::ByteView coordinator_nonce) {
  base::Bytes text;
  put(text, base::view_of("hanse session 1"));
  put(text, site_nonce);
  put(text, coordinator_nonce);
  return base::Digest::of(text);
}

}  // namespace

std::string_view name_of(Refusal refusal) { return kRows[static_cast<std::size_t>(refusal)].name; }

std::string_view advice_for(Refusal refusal) {
  return kRows[static_cast<std::size_t>(refusal)].advice;
}

std::optional<Refusal> refusal_named(std::string_view name) {
  const auto found = std::ranges::find(kRows, name, &Row::name);
  if (found == kRows.end()) return std::nullopt;
  return static_cast<Refusal>(found - kRows.begin());
}

// Points into the received bytes.
struct FrameCodec::Parsed {
  FrameKind kind;
  base::Digest session;
  std::uint64_t sequence;
  base::ByteView message;
  std::size_t proof_size;  // what was signed, and the signature; the chunk is the rest
};

FrameCodec::FrameCodec(Address self, Address peer, std::shared_ptr<const KeyRing> ring,
                       const crypto::Signer& signing, base::RandomSource& random)
    : self_(std::move(self)), peer_(std::move(peer)), ring_(std::move(ring)), signing_(&signing) {
  HANSE_CHECK(ring_->peers.contains(peer_));
  random.fill(nonce_);
}

base::Bytes FrameCodec::encode(FrameKind kind, const base::Digest& session, std::uint64_t sequence,
                               base::ByteView message, std::size_t chunk_size) const {
  const std::string_view from = internal::name_of(self_);
  const std::string_view to = internal::name_of(peer_);
  base::Bytes bytes;
  bytes.reserve(kHeadBytes + from.size() + to.size() + message.size() + crypto::kSignatureBytes);
  put(bytes, base::view_of(kMagic));
  bytes.push_back(static_cast<std::byte>(kind));
  bytes.push_back(static_cast<std::byte>(from.size()));
  bytes.push_back(static_cast<std::byte>(to.size()));
  bytes.push_back(std::byte{0});
  put_word(bytes, ring_->epoch);
  put(bytes, ring_->roster.bytes());
  put(bytes, session.bytes());
  put_word(bytes, sequence);
  put_word(bytes, static_cast<std::uint32_t>(message.size()));
  put_word(bytes, static_cast<std::uint32_t>(chunk_size));
  put(bytes, base::view_of(from));
  put(bytes, base::view_of(to));
  put(bytes, message);
  const crypto::Signature signature = signing_->sign(bytes);
  put(bytes, signature);
  return bytes;
}

// Cheap checks first: nobody makes us verify a signature of something that cannot be for us.
Admitted<FrameCodec::Parsed> FrameCodec::parse(const base::Slice& received) const {
  const base::ByteView bytes = received.view();
  if (bytes.size() > kMaxFrameBytes) return tl::unexpected(Refusal::too_large);
  if (bytes.size() < kHeadBytes + crypto::kSignatureBytes)
    return tl::unexpected(Refusal::malformed);
  if (!equal(bytes.first(kMagic.size()), base::view_of(kMagic)))
    return tl::unexpected(base::text_of(bytes).starts_with(kMagicOfAll) ? Refusal::foreign_version
                                                                        : Refusal::malformed);
  const auto kind = static_cast<FrameKind>(bytes[16]);
  const auto from_size = static_cast<std::size_t>(bytes[17]);
  const auto to_size = static_cast<std::size_t>(bytes[18]);
  const std::size_t message_size = word_at<std::uint32_t>(bytes, 96);
  const std::size_t chunk_size = word_at<std::uint32_t>(bytes, 100);
  const std::size_t signed_size = kHeadBytes + from_size + to_size + message_size;
  if (kind < FrameKind::greeting || kind > FrameKind::letter || bytes[19] != std::byte{0} ||
      bytes.size() != signed_size + crypto::kSignatureBytes + chunk_size)
    return tl::unexpected(Refusal::malformed);
  if (kind == FrameKind::envelope && message_size + chunk_size > base::kMaxMessageBytes)
    return tl::unexpected(Refusal::too_large);
  if (kind != FrameKind::envelope && chunk_size != 0) return tl::unexpected(Refusal::malformed);
  if (word_at<std::uint32_t>(bytes, 20) != ring_->epoch ||
      !equal(bytes.subspan(24, 32), ring_->roster.bytes()))
    return tl::unexpected(Refusal::foreign_epoch);
  if (base::text_of(bytes.subspan(kHeadBytes, from_size)) != internal::name_of(peer_))
    return tl::unexpected(Refusal::foreign_sender);
  if (base::text_of(bytes.subspan(kHeadBytes + from_size, to_size)) != internal::name_of(self_))
    return tl::unexpected(Refusal::foreign_receiver);
  return Parsed{kind, *base::Digest::from_bytes(bytes.subspan(56, 32)),
                word_at<std::uint64_t>(bytes, 88),
                bytes.subspan(kHeadBytes + from_size + to_size, message_size),
                signed_size + crypto::kSignatureBytes};
}

bool FrameCodec::is_signed(base::ByteView proof) const {
  crypto::Signature signature;
  std::ranges::copy(proof.last(crypto::kSignatureBytes), signature.begin());
  return ring_->peers.at(peer_).signing.verify(proof.first(proof.size() - signature.size()),
                                               signature);
}

base::Bytes FrameCodec::greeting() {
  return encode(FrameKind::greeting, base::Digest(), 0, nonce_, 0);
}

Admitted<base::Bytes> FrameCodec::answer(const base::Slice& greeting) {
  const auto parsed = parse(greeting);
  if (!parsed) return tl::unexpected(parsed.error());
  if (open_ || parsed->kind != FrameKind::greeting || parsed->message.size() != kNonceBytes)
    return tl::unexpected(Refusal::malformed);
  if (parsed->session != base::Digest() || parsed->sequence != 0)
    return tl::unexpected(Refusal::foreign_session);
  if (!is_signed(greeting.view())) return tl::unexpected(Refusal::forged);
  session_ = session_of(parsed->message, nonce_);
  open_ = true;
  return encode(FrameKind::greeting, session_, 0, nonce_, 0);
}

Admitted<void> FrameCodec::accept(const base::Slice& answer) {
  const auto parsed = parse(answer);
  if (!parsed) return tl::unexpected(parsed.error());
  if (open_ || parsed->kind != FrameKind::greeting || parsed->message.size() != kNonceBytes)
    return tl::unexpected(Refusal::malformed);
  const base::Digest session = session_of(nonce_, parsed->message);
  if (parsed->session != session || parsed->sequence != 0)
    return tl::unexpected(Refusal::foreign_session);
  if (!is_signed(answer.view())) return tl::unexpected(Refusal::forged);
  session_ = session;
  open_ = true;
  return {};
}

base::Bytes FrameCodec::seal(FrameKind kind, base::ByteView message, std::size_t chunk_size) {
  HANSE_CHECK(open_ && message.size() + chunk_size <= kMaxFrameBytes);
  return encode(kind, session_, ++sent_, message, chunk_size);
}

Admitted<Frame> FrameCodec::open(const base::Slice& received) {
  HANSE_CHECK(open_);
  const auto parsed = parse(received);
  if (!parsed) return tl::unexpected(parsed.error());
  if (parsed->kind == FrameKind::greeting) return tl::unexpected(Refusal::malformed);
  if (parsed->session != session_) return tl::unexpected(Refusal::foreign_session);
  if (parsed->sequence != received_ + 1) return tl::unexpected(Refusal::replayed);
  const base::Slice proof = received.part(0, parsed->proof_size);
  if (!is_signed(proof.view())) return tl::unexpected(Refusal::forged);
  ++received_;
  return Frame{parsed->kind, base::Bytes(parsed->message.begin(), parsed->message.end()),
               received.part(parsed->proof_size, received.size() - parsed->proof_size), proof};
}

}  // namespace hanse::transport
