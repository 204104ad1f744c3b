#include "crypto/aead.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using base::view_of;
using testing::CountingRandom;
using testing::from_hex;

SecretBytes some_key(unsigned first) {
  CountingRandom random(first);
  return SecretBytes::random(kAeadKeyBytes, random);
}

// Made with Node's chacha20-poly1305 (OpenSSL): key 00 01 … 1f, nonce of twelve zero bytes.
TEST(Aead, comes_out_as_others_make_it) {
  const base::Bytes closed = close_under(some_key(0), view_of("one share"), view_of("round 7"));
  EXPECT_EQ(closed, from_hex("77d62711de8ec7a3763b07be5e8bdc761b81889a2f846fb05f"));
}

RC_GTEST_PROP(Aead, what_is_closed_opens_for_the_same_purpose_only,
              (std::string plain, std::string purpose)) {
  const base::Bytes closed = close_under(some_key(1), view_of(plain), view_of(purpose));
  RC_ASSERT(closed.size() == plain.size() + kTagBytes);
  const auto opened = open_under(some_key(1), closed, view_of(purpose));
  RC_ASSERT(opened.has_value());
  RC_ASSERT(*opened == SecretBytes::copy_of(view_of(plain)));
  RC_ASSERT(!open_under(some_key(2), closed, view_of(purpose)).has_value());
  RC_ASSERT(!open_under(some_key(1), closed, view_of(purpose + ".")).has_value());
}

TEST(Aead, every_changed_bit_and_every_missing_byte_is_noticed) {
  base::Bytes closed = close_under(some_key(3), view_of("one share"), view_of("round 7"));
  for (std::size_t bit = 0; bit < 8 * closed.size(); ++bit) {
    closed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(open_under(some_key(3), closed, view_of("round 7"))) << bit;
    closed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  for (std::size_t size = 0; size < closed.size(); ++size) {
    const auto opened =
        open_under(some_key(3), base::ByteView(closed).first(size), view_of("round 7"));
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error().code(), base::ErrorCode::corruption);
  }
  EXPECT_TRUE(open_under(some_key(3), closed, view_of("round 7")));
}

TEST(AeadDeathTest, a_key_has_32_bytes) {
  EXPECT_DEATH(close_under(SecretBytes::copy_of(base::Bytes(31)), {}, {}), "kAeadKeyBytes");
}

}  // namespace
}  // namespace hanse::crypto
