#include "crypto/derive.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using testing::CountingRandom;
using testing::from_hex;

base::Bytes counting(unsigned first, std::size_t size) {
  base::Bytes bytes(size);
  CountingRandom(first).fill(bytes);
  return bytes;
}

// RFC 5869, appendix A.1, A.2 and A.3.
TEST(Derive, vectors_of_rfc_5869) {
  EXPECT_EQ(derive(base::Bytes(22, std::byte{0x0b}), counting(0, 13), counting(0xf0, 10), 42),
            SecretBytes::copy_of(from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56"
                                          "ecc4c5bf34007208d5b887185865")));
  EXPECT_EQ(derive(counting(0, 80), counting(0x60, 80), counting(0xb0, 80), 82),
            SecretBytes::copy_of(
                from_hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99"
                         "cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87"
                         "c14c01d5c1f3434f1d87")));
  EXPECT_EQ(derive(base::Bytes(22, std::byte{0x0b}), {}, {}, 42),
            SecretBytes::copy_of(from_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f"
                                          "3c738d2d9d201395faa4b61a96c8")));
}

RC_GTEST_PROP(Derive, every_argument_counts, (std::string secret, std::string salt)) {
  const auto of = [&](std::string_view purpose, std::size_t size) {
    return derive(base::view_of(secret), base::view_of(salt), base::view_of(purpose), size);
  };
  const SecretBytes one = of("hanse one", 64);
  RC_ASSERT(of("hanse one", 64) == one);
  RC_ASSERT(of("hanse one", 32) == SecretBytes::copy_of(one.reveal().first(32)));
  RC_ASSERT(!(of("hanse two", 64) == one));
  RC_ASSERT(!(derive(base::view_of(secret + "."), base::view_of(salt), base::view_of("hanse one"),
                     64) == one));
  RC_ASSERT(!(derive(base::view_of(secret), base::view_of(salt + "."), base::view_of("hanse one"),
                     64) == one));
}

TEST(Derive, up_to_255_blocks) {
  EXPECT_EQ(derive({}, {}, {}, kMaxDerivedBytes).size(), kMaxDerivedBytes);
  EXPECT_DEATH(derive({}, {}, {}, kMaxDerivedBytes + 1), "kMaxDerivedBytes");
}

}  // namespace
}  // namespace hanse::crypto
