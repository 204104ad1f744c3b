#include "crypto/sign.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <type_traits>

#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using testing::array_of;
using testing::from_hex;

struct Vector {
  std::string_view secret, key, message, signature;
};

// RFC 8032, section 7.1: TEST 1, 2 and 3.
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6594a7c15e9716ed28dc027beceea1ec40a"}};

TEST(Sign, vectors_of_rfc_8032) {
  for (const Vector& vector : kVectors) {
    const auto signer = Signer::from_secret(from_hex(vector.secret));
    ASSERT_TRUE(signer);
    const auto message = from_hex(vector.message);
    const auto signature = array_of<kSignatureBytes>(from_hex(vector.signature));
    EXPECT_EQ(signer->verifier().key(), array_of<kKeyBytes>(from_hex(vector.key)));
    EXPECT_EQ(signer->sign(message), signature);
    EXPECT_TRUE(signer->verifier().verify(message, signature));
  }
}

TEST(Sign, every_changed_bit_is_noticed) {
  base::SeededSimulationRandom random(1, "sign");
  const Signer signer = Signer::create(random);
  base::Bytes message(40, std::byte{7});
  Signature signature = signer.sign(message);
  for (auto* bytes : {&message[0], &signature[0]}) {
    const std::size_t size = bytes == &message[0] ? message.size() : signature.size();
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      const std::byte mask{static_cast<unsigned char>(1U << (bit % 8))};
      bytes[bit / 8] ^= mask;
      EXPECT_FALSE(signer.verifier().verify(message, signature)) << bit;
      bytes[bit / 8] ^= mask;
    }
  }
  EXPECT_TRUE(signer.verifier().verify(message, signature));
}

// S and S + L satisfy the same equation; only the smaller one is a signature.
TEST(Sign, the_second_encoding_of_a_signature_is_refused) {
  const auto signer = Signer::from_secret(from_hex(kVectors[0].secret));
  auto signature = array_of<kSignatureBytes>(from_hex(kVectors[0].signature));
  // L = 2^252 + 27742317777372353535851937790883648493, little-endian.
  const auto order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += std::to_integer<unsigned>(signature[32 + i]) + std::to_integer<unsigned>(order[i]);
    signature[32 + i] = static_cast<std::byte>(carry & 255U);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0U);
  EXPECT_FALSE(signer->verifier().verify({}, signature));
}

TEST(Verifier, weak_keys_are_refused) {
  for (const char* key : {
           "0000000000000000000000000000000000000000000000000000000000000000",  // order 4
           "0100000000000000000000000000000000000000000000000000000000000000",  // the neutral one
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // order 2
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  // order 8
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // 1, not canonical
           "0200000000000000000000000000000000000000000000000000000000000000",  // on no curve
       })
    EXPECT_FALSE(Verifier::create(from_hex(key))) << key;
  const auto error = Verifier::create(from_hex("00")).error();
  EXPECT_EQ(error.code(), base::ErrorCode::invalid_argument);
  EXPECT_NE(error.text().find("32 bytes, found 1"), std::string::npos);
}

TEST(Signer, comes_back_from_its_secret) {
  base::SeededSimulationRandom random(2, "sign");
  const Signer one = Signer::create(random);
  const auto two = Signer::from_secret(one.secret().reveal());
  ASSERT_TRUE(two);
  EXPECT_EQ(one.verifier(), two->verifier());
  EXPECT_EQ(one.secret(), two->secret());
  EXPECT_FALSE(Signer::from_secret(one.secret().reveal().first(31)));
  EXPECT_NE(one.verifier(), Signer::create(random).verifier());
  static_assert(!std::is_copy_constructible_v<Signer> && std::is_move_constructible_v<Signer>);
}

RC_GTEST_PROP(Sign, verifies_its_own_and_no_other, (std::uint64_t seed, std::string message)) {
  base::SeededSimulationRandom random(seed, "sign");
  const Signer one = Signer::create(random);
  const Signer other = Signer::create(random);
  const Signature signature = one.sign(base::view_of(message));
  RC_ASSERT(one.verifier().verify(base::view_of(message), signature));
  RC_ASSERT(!other.verifier().verify(base::view_of(message), signature));
  RC_ASSERT(!one.verifier().verify(base::view_of(message + "."), signature));
}

}  // namespace
}  // namespace hanse::crypto
