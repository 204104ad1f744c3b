#include "crypto/agreement.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using testing::array_of;
using testing::CountingRandom;
using testing::from_hex;

TEST(Agreement, keys_of_rfc_7748) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
       "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
      {"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
       "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"}};  // section 6.1
  for (const auto& [secret, key] : vectors) {
    const auto made = AgreementKey::from_secret(from_hex(secret));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->public_key(), array_of<kKeyBytes>(from_hex(key)));
  }
}

// Made by a Python program from the layout in agreement.h: X25519 and ChaCha20-Poly1305 of the
// package cryptography, BLAKE2b of hashlib, HChaCha20 written out and checked against section 2.2.1
// of draft-irtf-cfrg-xchacha-03.
TEST(Seal, golden) {
  CountingRandom ephemeral(0);
  CountingRandom random(100);
  const AgreementKey receiver = AgreementKey::create(random);
  ASSERT_EQ(receiver.public_key(),
            array_of<kKeyBytes>(
                from_hex("7d9c24316539825c1896e57f28197746793ce60cbee3ad47da9d07b85fa55e2a")));
  const auto sealed = seal(base::view_of("twelve ovens"), base::view_of("round 7"),
                           receiver.public_key(), ephemeral);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(*sealed, from_hex("8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f"
                              "2f64012ad70f52514997ad454c2f932af55698b0e31e862a1a5c5d6f"));
  const auto opened = receiver.open(*sealed, base::view_of("round 7"));
  ASSERT_TRUE(opened);
  EXPECT_EQ(base::text_of(*opened), "twelve ovens");
}

TEST(Seal, every_changed_bit_is_noticed) {
  base::SeededSimulationRandom random(1, "seal");
  const AgreementKey receiver = AgreementKey::create(random);
  auto sealed =
      *seal(base::view_of("plain"), base::view_of("beside"), receiver.public_key(), random);
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    const std::byte mask{static_cast<unsigned char>(1U << (bit % 8))};
    sealed[bit / 8] ^= mask;
    const auto opened = receiver.open(sealed, base::view_of("beside"));
    // X25519 ignores the top bit of a key, but the derivation does not.
    ASSERT_FALSE(opened) << bit;
    EXPECT_EQ(opened.error().code(), base::ErrorCode::corruption);
    sealed[bit / 8] ^= mask;
  }
  EXPECT_TRUE(receiver.open(sealed, base::view_of("beside")));
  EXPECT_FALSE(receiver.open(sealed, base::view_of("besides")));
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(receiver.open(base::ByteView(sealed).first(size), base::view_of("beside")));
}

TEST(Seal, keys_of_small_order_are_refused) {
  base::SeededSimulationRandom random(1, "seal");
  const AgreementKey receiver = AgreementKey::create(random);
  for (const char* key : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       }) {
    const auto weak = array_of<kKeyBytes>(from_hex(key));
    EXPECT_FALSE(check_agreement_key(weak)) << key;
    const auto sealed = seal({}, {}, weak, random);
    ASSERT_FALSE(sealed) << key;
    EXPECT_EQ(sealed.error().code(), base::ErrorCode::invalid_argument);
    base::Bytes forged(weak.begin(), weak.end());
    forged.resize(kSealBytes);
    EXPECT_FALSE(receiver.open(forged, {})) << key;
  }
  EXPECT_TRUE(check_agreement_key(receiver.public_key()));
  EXPECT_FALSE(check_agreement_key(from_hex("0102")));
}

RC_GTEST_PROP(Seal, opens_for_its_receiver_alone,
              (std::uint64_t seed, std::string plain, std::string beside)) {
  base::SeededSimulationRandom random(seed, "seal");
  const AgreementKey receiver = AgreementKey::create(random);
  const AgreementKey other = AgreementKey::create(random);
  const auto sealed =
      seal(base::view_of(plain), base::view_of(beside), receiver.public_key(), random);
  RC_ASSERT(sealed.has_value());
  RC_ASSERT(sealed->size() == plain.size() + kSealBytes);
  const auto opened = receiver.open(*sealed, base::view_of(beside));
  RC_ASSERT(opened.has_value());
  RC_ASSERT(base::text_of(*opened) == plain);
  RC_ASSERT(!other.open(*sealed, base::view_of(beside)));
  const auto again =
      seal(base::view_of(plain), base::view_of(beside), receiver.public_key(), random);
  RC_ASSERT(*again != *sealed);
}

TEST(AgreementKey, comes_back_from_its_secret) {
  base::SeededSimulationRandom random(2, "seal");
  const AgreementKey one = AgreementKey::create(random);
  EXPECT_EQ(AgreementKey::from_secret(one.secret().reveal())->public_key(), one.public_key());
  EXPECT_FALSE(AgreementKey::from_secret({}));
}

}  // namespace
}  // namespace hanse::crypto
