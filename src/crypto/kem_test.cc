#include "crypto/kem.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/internal/keccak.h"
#include "crypto/testing.h"

namespace hanse::crypto::mlkem768 {
namespace {

using crypto::testing::array_of;
using crypto::testing::from_hex;
using internal::Keccak;

base::Bytes drawn(std::size_t size, base::RandomSource& random) {
  base::Bytes bytes(size);
  random.fill(bytes);
  return bytes;
}

// Seeds, messages and arbitrary ciphertexts come from SHAKE-128 of nothing; what is made of them
// goes into another one, of which 32 bytes are the result.
base::Bytes accumulated(int rounds, bool with_secret_keys) {
  Keccak source(internal::kShake128);
  Keccak results(internal::kShake128);
  base::Bytes seed(kSeedBytes);
  base::Bytes message(kMessageBytes);
  Ciphertext arbitrary;
  for (int i = 0; i < rounds; ++i) {
    source.squeeze(seed);
    const auto key = DecapsulationKey::from_seed(seed);
    results.absorb(key.public_key());
    if (with_secret_keys) results.absorb(key.expanded().reveal());
    source.squeeze(message);
    const Encapsulated made = key.encapsulation_key().encapsulate(message);
    results.absorb(made.ciphertext);
    results.absorb(made.shared.reveal());
    EXPECT_EQ(key.decapsulate(made.ciphertext), made.shared) << i;
    source.squeeze(arbitrary);
    results.absorb(key.decapsulate(arbitrary).reveal());
  }
  base::Bytes digest(32);
  results.squeeze(digest);
  return digest;
}

// C2SP/CCTV, ML-KEM/README.md, "Accumulated vectors": 10,000 tests of FIPS 203 as it was published.
TEST(MlKem, the_accumulated_vector_of_cctv) {
  EXPECT_EQ(accumulated(10'000, true),
            from_hex("f959d18d3d1180121433bf0e05f11e7908cf9d03edc150b2b07cb90bef5bc1c1"));
}

// Go's crypto/mlkem, TestAccumulated: 100 tests, secret keys left out.
TEST(MlKem, the_accumulated_vector_of_go) {
  EXPECT_EQ(accumulated(100, false),
            from_hex("1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415"));
}

RC_GTEST_PROP(MlKem, both_sides_agree, (std::uint64_t seed)) {
  base::SeededSimulationRandom random(seed, "kem");
  auto key = DecapsulationKey::from_seed(drawn(kSeedBytes, random));
  const auto peer = EncapsulationKey::create(key.public_key());
  RC_ASSERT(peer.has_value());
  const auto message = drawn(kMessageBytes, random);
  const auto made = peer->encapsulate(message);
  RC_ASSERT(made.shared.size() == kSharedBytes);
  RC_ASSERT(made.ciphertext == key.encapsulation_key().encapsulate(message).ciphertext);
  const DecapsulationKey moved = std::move(key);
  RC_ASSERT(moved.decapsulate(made.ciphertext) == made.shared);
}

// FIPS 203, algorithm 18, line 7: SHAKE-256 of z ‖ ciphertext, 32 bytes.
TEST(MlKem, every_damaged_ciphertext_is_rejected_without_a_sign) {
  base::SeededSimulationRandom random(4, "kem");
  const auto seed = drawn(kSeedBytes, random);
  const auto key = DecapsulationKey::from_seed(seed);
  auto made = key.encapsulation_key().encapsulate(drawn(kMessageBytes, random));
  for (std::size_t place = 0; place < kCiphertextBytes; ++place) {
    const std::byte flip{static_cast<unsigned char>(1U << (place % 8))};
    made.ciphertext[place] ^= flip;
    base::Bytes rejected(kSharedBytes);
    internal::keccak(internal::kShake256, {base::ByteView(seed).last(32), made.ciphertext},
                     rejected);
    EXPECT_EQ(key.decapsulate(made.ciphertext), SecretBytes::copy_of(rejected)) << place;
    made.ciphertext[place] ^= flip;
  }
  EXPECT_EQ(key.decapsulate(made.ciphertext), made.shared);
}

TEST(EncapsulationKey, sizes_and_coefficients_are_checked) {
  base::SeededSimulationRandom random(5, "kem");
  const auto key = DecapsulationKey::from_seed(drawn(kSeedBytes, random));
  base::Bytes bytes(key.public_key().begin(), key.public_key().end());
  EXPECT_TRUE(EncapsulationKey::create(bytes));
  EXPECT_FALSE(EncapsulationKey::create(base::ByteView(bytes).first(1183)));
  EXPECT_FALSE(EncapsulationKey::create({}));
  for (const std::size_t coefficient : {0U, 1U, 255U, 256U, 767U})
    for (const unsigned value : {3328U, 3329U, 4095U}) {
      base::Bytes changed = bytes;
      const std::size_t place = coefficient / 2 * 3;
      const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(changed[place + i]); };
      if (coefficient % 2 == 0) {
        changed[place + 1] = static_cast<std::byte>((at(1) & 0xf0U) | value >> 8U);
        changed[place] = static_cast<std::byte>(value & 255U);
      } else {
        changed[place + 1] = static_cast<std::byte>((at(1) & 0x0fU) | (value & 15U) << 4U);
        changed[place + 2] = static_cast<std::byte>(value >> 4U);
      }
      const auto created = EncapsulationKey::create(changed);
      EXPECT_EQ(created.has_value(), value < 3329) << coefficient << ' ' << value;
      EXPECT_TRUE(created || created.error().code() == base::ErrorCode::invalid_argument);
    }
}

TEST(MlKemDeathTest, sizes_of_our_own_abort) {
  EXPECT_DEATH(DecapsulationKey::from_seed(base::Bytes(63)), "kSeedBytes");
  const auto key = DecapsulationKey::from_seed(base::Bytes(64));
  EXPECT_DEATH(key.encapsulation_key().encapsulate(base::Bytes(31)), "kMessageBytes");
}

}  // namespace
}  // namespace hanse::crypto::mlkem768
