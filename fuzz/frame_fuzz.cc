// Frames and letters, as they come from a peer: even first bytes try frames, odd ones letters. What
// is refused changes nothing; what is true goes through after it.

#include <cstdlib>

#include "transport/letter.h"

using namespace hanse;

namespace {

class Constant final : public base::RandomSource {
 public:
  void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{'A'}); }
};

// A coordinator that plant-0 has greeted, and plant-0 itself.
struct Ends {
  Constant random;
  crypto::Signer site_key = crypto::Signer::create(random);
  crypto::AgreementKey agreement = crypto::AgreementKey::create(random);
  transport::Address site = transport::Address::site(*base::SiteId::create("plant-0"));
  transport::Address other = transport::Address::site(*base::SiteId::create("plant-1"));
  std::shared_ptr<const transport::KeyRing> ring = make_ring();

  std::shared_ptr<const transport::KeyRing> make_ring() const {
    transport::KeyRing made{1, base::Digest(), "hub", {}, {}};
    for (const auto& address : {transport::Address::coordinator(), site, other})
      made.peers.emplace(address,
                         transport::PeerKeys{site_key.verifier(), agreement.public_key(), {}});
    return std::make_shared<const transport::KeyRing>(std::move(made));
  }
  transport::FrameCodec codec(const transport::Address& self, const transport::Address& peer) {
    return {self, peer, ring, site_key, random};
  }
};

base::Bytes bytes_of(base::ByteView view) { return {view.begin(), view.end()}; }

void check(const transport::Frame& frame, std::size_t size) {
  const std::size_t parts = frame.proof.size() + frame.chunk.size();
  if (parts != size || frame.message.size() > frame.proof.size()) std::abort();
}

void try_frame(Ends& ends, base::ByteView input) {
  const base::Slice received(bytes_of(input));
  auto fresh = ends.codec(transport::Address::coordinator(), ends.site);
  if (fresh.answer(received) && !fresh.is_open()) std::abort();
  auto at_site = ends.codec(ends.site, transport::Address::coordinator());
  const auto answer = at_site.accept(received);
  if (answer.has_value() != at_site.is_open()) std::abort();

  auto sender = ends.codec(ends.site, transport::Address::coordinator());
  auto receiver = ends.codec(transport::Address::coordinator(), ends.site);
  const auto greeted = receiver.answer(base::Slice(sender.greeting()));
  if (!greeted || !sender.accept(base::Slice(*greeted))) std::abort();
  if (const auto frame = receiver.open(received)) check(*frame, received.size());
  // A true frame goes through, whatever came before it.
  const auto kind = transport::FrameKind::envelope;
  base::Bytes bytes = sender.seal(kind, input, 0);
  const std::size_t size = bytes.size();
  const auto frame = receiver.open(base::Slice(std::move(bytes)));
  if (!frame || !std::ranges::equal(frame->message, input)) std::abort();
  check(*frame, size);
}

void try_letter(Ends& ends, base::ByteView input) {
  transport::Letters letters(ends.other, ends.ring, ends.site_key, ends.agreement, ends.random, 1);
  const base::Slice received(bytes_of(input));
  const auto head = transport::head_of_letter(input);
  if (letters.open(received) && !head) std::abort();
  transport::Letters sender(ends.site, ends.ring, ends.site_key, ends.agreement, ends.random, 1);
  const auto letter = sender.seal({ends.site, ends.other, bytes_of(input), {}});
  if (!letter) std::abort();
  // One byte changed: refused, whichever.
  base::Bytes changed = *letter;
  const std::size_t at = input.empty() ? 0 : static_cast<std::size_t>(input[0]) % changed.size();
  changed[at] ^= std::byte{1};
  if (letters.open(base::Slice(changed)) || !letters.open(base::Slice(*letter))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto& ends = *new Ends;
  if (size == 0 || size > 4096) return 0;
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  if (data[0] % 2 == 0)
    try_frame(ends, bytes.subspan(1));
  else
    try_letter(ends, bytes.subspan(1));
  return 0;
}
