#include "transport/frame.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "transport/testing.h"

namespace hanse::transport {
namespace {

using testing::site;

// The same byte again and again.
class Constant final : public base::RandomSource {
 public:
  explicit Constant(char byte) : byte_(static_cast<std::byte>(byte)) {}
  void fill(std::span<std::byte> out) override { std::ranges::fill(out, byte_); }

 private:
  std::byte byte_;
};

crypto::Signer signer(std::uint8_t first) {
  base::Bytes secret(32);
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::byte>(first + i);
  return *crypto::Signer::from_secret(secret);
}

// Both ends of one connection.
struct Ends {
  crypto::Signer site_key = signer(0);
  crypto::Signer coordinator_key = signer(32);
  Constant site_random{'A'};
  Constant coordinator_random{'B'};
  KeyRing ring = make_ring();
  FrameCodec at_site = site_codec(ring);
  FrameCodec at_coordinator = coordinator_codec(ring);

  KeyRing make_ring() {
    KeyRing made{7, base::Digest::of(base::view_of("roster of epoch 7")), "hub", {}, {}};
    made.peers.emplace(Address::coordinator(), PeerKeys{coordinator_key.verifier(), {}, {}});
    made.peers.emplace(site(0), PeerKeys{site_key.verifier(), {}, {}});
    made.peers.emplace(site(1), PeerKeys{signer(64).verifier(), {}, {}});
    return made;
  }
  FrameCodec site_codec(const KeyRing& of) {
    return {site(0), Address::coordinator(), std::make_shared<const KeyRing>(of), site_key,
            site_random};
  }
  FrameCodec coordinator_codec(const KeyRing& of) {
    return {Address::coordinator(), site(0), std::make_shared<const KeyRing>(of), coordinator_key,
            coordinator_random};
  }
  Ends& greet() {
    const auto answer = at_coordinator.answer(base::Slice(at_site.greeting()));
    HANSE_CHECK(answer.has_value());
    HANSE_CHECK(at_site.accept(base::Slice(*answer)).has_value());
    return *this;
  }
};

base::Bytes bytes_of(std::string_view text) {
  const auto bytes = base::view_of(text);
  return {bytes.begin(), bytes.end()};
}

// As it travels: head and chunk in one piece.
base::Bytes sealed(FrameCodec& codec, std::string_view message, std::string_view chunk = {},
                   FrameKind kind = FrameKind::envelope) {
  base::Bytes bytes = codec.seal(kind, bytes_of(message), chunk.size());
  const base::Bytes rest = bytes_of(chunk);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

Refusal refusal(FrameCodec& codec, base::Bytes bytes) {
  const auto opened = codec.open(base::Slice(std::move(bytes)));
  HANSE_CHECK(!opened.has_value());
  return opened.error();
}

// Digests of what docs/formats/transport.md describes, put together in Python with hashlib and
// OpenSSL's Ed25519 for these keys, nonces and roster.
TEST(Frame, IsAsWritten) {
  Ends ends;
  const auto digest = [](base::ByteView bytes) { return base::Digest::of(bytes).hex(); };
  const base::Bytes greeting = ends.at_site.greeting();
  EXPECT_EQ(digest(greeting), "622c9291c4d0d9805c5d334fa2919e0f7d47693b713a2af116952a2286282921");
  const auto answer = ends.at_coordinator.answer(base::Slice(greeting));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(digest(*answer), "9750b32cde52faf2b5ca8b57b8475ffa6994e92631ce47d8c7dcbaecccf615ce");
  ASSERT_TRUE(ends.at_site.accept(base::Slice(*answer)).has_value());
  EXPECT_EQ(digest(sealed(ends.at_site, "answer", "chunk")),
            "8f41370b53b85b64f61339d6682a6ae44c2e766b2c988283b8a11b93df5aebc3");
}

RC_GTEST_PROP(Frame, BringsWhatWasSealed,
              (const std::vector<std::pair<std::string, std::string>>& said)) {
  Ends ends;
  ends.greet();
  for (const auto& [message, chunk] : said) {
    const base::Bytes bytes = sealed(ends.at_site, message, chunk);
    const auto frame = ends.at_coordinator.open(base::Slice(bytes));
    RC_ASSERT(frame.has_value());
    RC_ASSERT(base::text_of(frame->message) == message);
    RC_ASSERT(base::text_of(frame->chunk.view()) == chunk);
    // The proof is all but the chunk, and stands alone.
    const base::ByteView proof = frame->proof.view();
    RC_ASSERT(proof.size() == bytes.size() - chunk.size());
    crypto::Signature signature;
    std::ranges::copy(proof.last(signature.size()), signature.begin());
    RC_ASSERT(ends.site_key.verifier().verify(proof.first(proof.size() - 64), signature));
    const auto back = ends.at_site.open(base::Slice(sealed(ends.at_coordinator, chunk, message)));
    RC_ASSERT(back.has_value() && base::text_of(back->message) == chunk);
  }
}

TEST(Frame, RefusesEveryChangedByteBeforeTheChunk) {
  for (std::size_t at = 0;; ++at) {
    Ends ends;
    base::Bytes bytes = sealed(ends.greet().at_site, "a message", "chunk");
    if (at == bytes.size() - 5) break;
    bytes[at] ^= std::byte{1};
    EXPECT_FALSE(ends.at_coordinator.open(base::Slice(bytes)).has_value()) << at;
    // It counts for nothing: the true one still goes through.
    bytes[at] ^= std::byte{1};
    EXPECT_TRUE(ends.at_coordinator.open(base::Slice(bytes)).has_value()) << at;
  }
}

TEST(Frame, RefusesEveryOtherLength) {
  Ends ends;
  const base::Bytes bytes = sealed(ends.greet().at_site, "a message", "chunk");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(
        refusal(ends.at_coordinator,
                base::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))),
        Refusal::malformed);
  base::Bytes longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_EQ(refusal(ends.at_coordinator, longer), Refusal::malformed);
  EXPECT_EQ(refusal(ends.at_coordinator, base::Bytes(kMaxFrameBytes + 1)), Refusal::too_large);
}

TEST(Frame, RefusesMoreThanAnEnvelopeHolds) {
  Ends ends;
  ends.greet();
  const std::string chunk(base::kMaxMessageBytes - 2, 'x');
  EXPECT_TRUE(ends.at_coordinator.open(base::Slice(sealed(ends.at_site, "ab", chunk))).has_value());
  EXPECT_EQ(refusal(ends.at_coordinator, sealed(ends.at_site, "abc", chunk)), Refusal::too_large);
  // A chunk stands beside envelopes only.
  EXPECT_EQ(refusal(ends.at_coordinator, sealed(ends.at_site, "a", "b", FrameKind::letter)),
            Refusal::malformed);
}

TEST(Frame, ComesOnceAndInOrder) {
  Ends ends;
  ends.greet();
  const base::Bytes first = sealed(ends.at_site, "first");
  const base::Bytes second = sealed(ends.at_site, "second");
  EXPECT_EQ(refusal(ends.at_coordinator, second), Refusal::replayed);
  EXPECT_TRUE(ends.at_coordinator.open(base::Slice(first)).has_value());
  EXPECT_EQ(refusal(ends.at_coordinator, first), Refusal::replayed);
  EXPECT_TRUE(ends.at_coordinator.open(base::Slice(second)).has_value());
}

TEST(Frame, BelongsToItsSession) {
  Ends yesterday;
  const base::Bytes recorded = sealed(yesterday.greet().at_site, "yesterday");
  Ends today;
  today.coordinator_random = Constant('C');
  today.at_coordinator = today.coordinator_codec(today.ring);
  today.greet();
  EXPECT_EQ(refusal(today.at_coordinator, recorded), Refusal::foreign_session);
  // Recorded answers fit no new greeting.
  const auto answer =
      yesterday.coordinator_codec(yesterday.ring).answer(base::Slice(yesterday.at_site.greeting()));
  today.site_random = Constant('D');
  FrameCodec anew = today.site_codec(today.ring);
  EXPECT_EQ(anew.accept(base::Slice(*answer)).error(), Refusal::foreign_session);
}

TEST(Frame, BelongsToItsEpoch) {
  Ends ends;
  KeyRing next = ends.ring;
  ++next.epoch;
  KeyRing fork = ends.ring;
  fork.roster = base::Digest::of(base::view_of("another roster of epoch 7"));
  for (const KeyRing& other : {next, fork}) {
    EXPECT_EQ(ends.coordinator_codec(other).answer(base::Slice(ends.at_site.greeting())).error(),
              Refusal::foreign_epoch);
    // Also in the middle of a session, whatever the reason.
    Ends open;
    FrameCodec foreign = open.site_codec(other);
    FrameCodec peer = open.coordinator_codec(other);
    ASSERT_TRUE(foreign.accept(base::Slice(*peer.answer(base::Slice(foreign.greeting())))));
    EXPECT_EQ(refusal(open.greet().at_coordinator, sealed(foreign, "x")), Refusal::foreign_epoch);
  }
}

TEST(Frame, SpeaksForItsSenderOnly) {
  Ends ends;
  // In another site's name.
  FrameCodec other(site(1), Address::coordinator(), std::make_shared<const KeyRing>(ends.ring),
                   ends.site_key, ends.site_random);
  EXPECT_EQ(ends.at_coordinator.answer(base::Slice(other.greeting())).error(),
            Refusal::foreign_sender);
  // In the right name with the wrong key.
  const crypto::Signer stranger = signer(96);
  FrameCodec forged(site(0), Address::coordinator(), std::make_shared<const KeyRing>(ends.ring),
                    stranger, ends.site_random);
  EXPECT_EQ(ends.at_coordinator.answer(base::Slice(forged.greeting())).error(), Refusal::forged);
  // To somebody else.
  FrameCodec astray(site(0), site(1), std::make_shared<const KeyRing>(ends.ring), ends.site_key,
                    ends.site_random);
  EXPECT_EQ(ends.at_coordinator.answer(base::Slice(astray.greeting())).error(),
            Refusal::foreign_receiver);
  // What a site sent does not come back to it.
  ends.greet();
  EXPECT_EQ(refusal(ends.at_site, sealed(ends.at_site, "mirror")), Refusal::foreign_sender);
}

TEST(Frame, IsGreetedOnce) {
  Ends ends;
  const base::Slice greeting(ends.at_site.greeting());
  ASSERT_TRUE(ends.at_coordinator.answer(greeting).has_value());
  EXPECT_EQ(ends.at_coordinator.answer(greeting).error(), Refusal::malformed);
  EXPECT_EQ(ends.at_coordinator.open(greeting).error(), Refusal::malformed);
}

TEST(Frame, TellsAnotherVersion) {
  Ends ends;
  base::Bytes greeting = ends.at_site.greeting();
  greeting[12] = std::byte{'2'};
  EXPECT_EQ(ends.at_coordinator.answer(base::Slice(greeting)).error(), Refusal::foreign_version);
}

TEST(Refusal, HasANameAndAdvice) {
  for (int i = 0; i <= static_cast<int>(Refusal::stopping); ++i) {
    const auto each = static_cast<Refusal>(i);
    EXPECT_EQ(refusal_named(name_of(each)), each);
    EXPECT_FALSE(advice_for(each).empty());
  }
  EXPECT_EQ(refusal_named("no such thing"), std::nullopt);
}

}  // namespace
}  // namespace hanse::transport
