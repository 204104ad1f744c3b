#include "transport/letter.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "transport/testing.h"

namespace hanse::transport {
namespace {

using testing::envelope;
using testing::site;

struct Post {
  base::SeededSimulationRandom random{1, "letters"};
  testing::Members members{3, {{0}, {1'000'000}}, random};
  std::shared_ptr<const KeyRing> ring = std::make_shared<const KeyRing>(members.ring());
  Letters first = letters(0, 1);
  Letters second = letters(1, 1);

  Letters letters(int number, std::uint64_t next) {
    const testing::Keys& keys = members.keys(site(number));
    return {site(number), ring, keys.signing, keys.agreement, random, next};
  }
};

RC_GTEST_PROP(Letter, ReachesOnlyItsReceiver,
              (const std::string& message, const std::string& chunk)) {
  Post post;
  const base::Slice beside(base::Bytes(base::view_of(chunk).begin(), base::view_of(chunk).end()));
  const base::Slice letter(*post.first.seal(envelope(site(0), site(1), message, beside)));
  const auto opened = post.second.open(letter);
  RC_ASSERT(opened.has_value());
  RC_ASSERT(opened->from == site(0) && opened->to == site(1));
  RC_ASSERT(base::text_of(opened->message) == message);
  RC_ASSERT(base::text_of(opened->chunk.view()) == chunk);
  RC_ASSERT(opened->proof.size() == letter.size());
  const auto head = head_of_letter(letter.view());
  RC_ASSERT(head.has_value() && head->from == site(0) && head->to == site(1));
  Letters third = post.letters(2, 1);
  RC_ASSERT(third.open(letter).error() == Refusal::foreign_receiver);
}

TEST(Letter, RefusesEveryChangedByteAndLength) {
  Post post;
  const base::Bytes letter = *post.first.seal(envelope(site(0), site(1), "a message"));
  for (std::size_t at = 0; at < letter.size(); ++at) {
    base::Bytes changed = letter;
    changed[at] ^= std::byte{1};
    EXPECT_FALSE(post.second.open(base::Slice(changed)).has_value()) << at;
    changed.resize(at);
    EXPECT_EQ(post.second.open(base::Slice(changed)).error(), Refusal::malformed) << at;
  }
  EXPECT_TRUE(post.second.open(base::Slice(letter)).has_value());
}

TEST(Letter, HidesWhatItSays) {
  Post post;
  const base::Bytes letter = *post.first.seal(envelope(site(0), site(1), "a secret of the plant"));
  EXPECT_EQ(base::text_of(letter).find("secret"), std::string_view::npos);
}

TEST(Letter, ComesOnce) {
  Post post;
  const base::Slice old(*post.first.seal(envelope(site(0), site(1), "old")));
  const base::Slice fresh(*post.first.seal(envelope(site(0), site(1), "fresh")));
  EXPECT_TRUE(post.second.open(fresh).has_value());
  EXPECT_EQ(post.second.open(fresh).error(), Refusal::replayed);
  EXPECT_EQ(post.second.open(old).error(), Refusal::replayed);
  // A sender that starts again goes on above what it used.
  Letters anew = post.letters(0, 100);
  EXPECT_TRUE(
      post.second.open(base::Slice(*anew.seal(envelope(site(0), site(1), "anew")))).has_value());
}

TEST(Letter, BelongsToItsEpochAndItsMembers) {
  Post post;
  KeyRing next = post.members.ring();
  ++next.epoch;
  const auto adopted = std::make_shared<const KeyRing>(next);
  const base::Slice letter(*post.first.seal(envelope(site(0), site(1), "x")));
  post.second.adopt(adopted);
  EXPECT_EQ(post.second.open(letter).error(), Refusal::foreign_epoch);
  post.first.adopt(adopted);
  EXPECT_TRUE(
      post.second.open(base::Slice(*post.first.seal(envelope(site(0), site(1), "y")))).has_value());
  const auto nobody = post.first.seal(envelope(site(0), site(9), "x"));
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().code(), base::ErrorCode::not_found);
}

TEST(Letter, IsSignedByItsSender) {
  Post post;
  // Another member writes in the name of plant-0.
  const testing::Keys& other = post.members.keys(site(2));
  Letters forger(site(0), post.ring, other.signing, other.agreement, post.random, 1);
  const base::Slice letter(*forger.seal(envelope(site(0), site(1), "x")));
  EXPECT_EQ(post.second.open(letter).error(), Refusal::forged);
}

TEST(Letter, HoldsTheLargestEnvelope) {
  Post post;
  const base::Slice chunk(base::Bytes(base::kMaxMessageBytes));
  const auto letter = post.first.seal(envelope(site(0), site(1), "", chunk));
  ASSERT_TRUE(letter.has_value());
  EXPECT_LT(letter->size() + 512, kMaxFrameBytes);  // a frame's head and signature beside
  EXPECT_TRUE(post.second.open(base::Slice(*letter)).has_value());
  EXPECT_FALSE(post.first.seal(envelope(site(0), site(1), "x", chunk)).has_value());
}

}  // namespace
}  // namespace hanse::transport
