#include "transport/letter.h"

#include "transport/fields.h"

namespace hanse::transport {
namespace {

using internal::equal;
using internal::put;
using internal::put_word;
using internal::word_at;

constexpr std::string_view kMagic("hanse letter 1\0\0", 16);
constexpr std::size_t kHeadBytes = 68;

// Where a letter's parts lie.
struct Layout {
  std::size_t box;        // begins here; all before is its associated data
  std::size_t signature;  // begins here; all before is signed
  LetterHead head;
};

Admitted<Layout> parse(base::ByteView letter) {
  if (letter.size() > kMaxFrameBytes) return tl::unexpected(Refusal::too_large);
  if (letter.size() < kHeadBytes + crypto::kSignatureBytes ||
      !equal(letter.first(kMagic.size()), base::view_of(kMagic)))
    return tl::unexpected(Refusal::malformed);
  const auto from_size = static_cast<std::size_t>(letter[16]);
  const auto to_size = static_cast<std::size_t>(letter[17]);
  const std::size_t box = kHeadBytes + from_size + to_size;
  const std::size_t signature = box + word_at<std::uint32_t>(letter, 64);
  if (from_size == 0 || to_size == 0 || word_at<std::uint16_t>(letter, 18) != 0 ||
      letter.size() != signature + crypto::kSignatureBytes)
    return tl::unexpected(Refusal::malformed);
  auto from = internal::address_named(letter.subspan(kHeadBytes, from_size));
  auto to = internal::address_named(letter.subspan(kHeadBytes + from_size, to_size));
  if (!from || !to) return tl::unexpected(Refusal::malformed);
  return Layout{box, signature, {*std::move(from), *std::move(to)}};
}

}  // namespace

Letters::Letters(Address self, std::shared_ptr<const KeyRing> ring, const crypto::Signer& signing,
                 const crypto::AgreementKey& agreement, base::RandomSource& random,
                 std::uint64_t first)
    : self_(std::move(self)),
      ring_(std::move(ring)),
      signing_(signing),
      agreement_(agreement),
      random_(random),
      next_(first) {}

base::Result<base::Bytes> Letters::seal(const Envelope& envelope) {
  HANSE_TRY_VOID(check_size(envelope));
  const auto peer = ring_->peers.find(envelope.to);
  if (peer == ring_->peers.end())
    return base::fail(base::ErrorCode::not_found,
                      "{} is not in the roster's epoch {}; adopt the epoch that has it",
                      envelope.to.text(), ring_->epoch);
  const std::string_view from = internal::name_of(self_);
  const std::string_view to = internal::name_of(envelope.to);
  base::Bytes plain;
  plain.reserve(4 + envelope.size());
  put_word(plain, static_cast<std::uint32_t>(envelope.message.size()));
  put(plain, envelope.message);
  put(plain, envelope.chunk.view());
  base::Bytes letter;
  put(letter, base::view_of(kMagic));
  letter.push_back(static_cast<std::byte>(from.size()));
  letter.push_back(static_cast<std::byte>(to.size()));
  put_word(letter, std::uint16_t{0});
  put_word(letter, ring_->epoch);
  put(letter, ring_->roster.bytes());
  put_word(letter, next_++);
  put_word(letter, static_cast<std::uint32_t>(plain.size() + crypto::kSealBytes));
  put(letter, base::view_of(from));
  put(letter, base::view_of(to));
  HANSE_TRY(const base::Bytes box, crypto::seal(plain, letter, peer->second.agreement, random_));
  put(letter, box);
  const crypto::Signature signature = signing_.sign(letter);
  put(letter, signature);
  return letter;
}

Admitted<Envelope> Letters::open(const base::Slice& letter) {
  const base::ByteView bytes = letter.view();
  const auto layout = parse(bytes);
  if (!layout) return tl::unexpected(layout.error());
  if (word_at<std::uint32_t>(bytes, 20) != ring_->epoch ||
      !equal(bytes.subspan(24, 32), ring_->roster.bytes()))
    return tl::unexpected(Refusal::foreign_epoch);
  if (layout->head.to != self_) return tl::unexpected(Refusal::foreign_receiver);
  const auto peer = ring_->peers.find(layout->head.from);
  if (peer == ring_->peers.end() || layout->head.from == self_)
    return tl::unexpected(Refusal::foreign_sender);
  crypto::Signature signature;
  std::ranges::copy(bytes.subspan(layout->signature), signature.begin());
  if (!peer->second.signing.verify(bytes.first(layout->signature), signature))
    return tl::unexpected(Refusal::forged);
  const auto number = word_at<std::uint64_t>(bytes, 56);
  const auto [last, first_letter] = last_.try_emplace(layout->head.from, number);
  if (!first_letter && number <= last->second) return tl::unexpected(Refusal::replayed);
  last->second = number;
  auto plain = agreement_.open(bytes.subspan(layout->box, layout->signature - layout->box),
                               bytes.first(layout->box));
  if (!plain) return tl::unexpected(Refusal::forged);
  if (plain->size() < 4 || word_at<std::uint32_t>(*plain, 0) > plain->size() - 4)
    return tl::unexpected(Refusal::malformed);
  if (plain->size() - 4 > base::kMaxMessageBytes) return tl::unexpected(Refusal::too_large);
  const std::size_t message_end = 4 + word_at<std::uint32_t>(*plain, 0);
  base::Bytes message(plain->begin() + 4,
                      plain->begin() + static_cast<std::ptrdiff_t>(message_end));
  const base::Slice inside(*std::move(plain));
  return Envelope{layout->head.from, self_, std::move(message),
                  inside.part(message_end, inside.size() - message_end), letter};
}

Admitted<LetterHead> head_of_letter(base::ByteView letter) {
  auto layout = parse(letter);
  if (!layout) return tl::unexpected(layout.error());
  return std::move(layout->head);
}

}  // namespace hanse::transport
