#include "crypto/mask_stream.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck/gtest.h>

#include "crypto/internal/bytes.h"
#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using testing::from_hex;

base::Bytes stream_of(base::ByteView key, std::size_t size) {
  base::Bytes bytes(size, std::byte{0xff});  // what was there before must not show
  KeyStream(SecretBytes::copy_of(key)).fill(bytes);
  return bytes;
}

// NIST AESAVS, KAT ECBKeySbox256, COUNT 0 and 1: AES-256 of the zero block, our first block.
TEST(KeyStream, begins_with_the_zero_block_encrypted) {
  EXPECT_EQ(
      stream_of(from_hex("c47b0294dbbbee0fec4757f22ffeee3587ca4730c3d33b691df38bab076bc558"), 16),
      from_hex("46f2fb342d6f0ab477476fc501242c5f"));
  EXPECT_EQ(
      stream_of(from_hex("28d46cffa158533194214a91e712fc2b45b518076675affd910edeca5f41ac64"), 16),
      from_hex("4bf3b0a69aeb6657794f2901b1440ad4"));
}

// SP 800-38A by its definition: block i is the encrypted counter i, big-endian.
TEST(KeyStream, is_the_counter_encrypted_block_by_block) {
  const base::Bytes key(kStreamKeyBytes, std::byte{0x5a});
  base::Bytes counters(16 * 1100);
  for (std::size_t i = 0; i < counters.size() / 16; ++i) {
    counters[16 * i + 14] = static_cast<std::byte>(i >> 8U);
    counters[16 * i + 15] = static_cast<std::byte>(i & 255U);
  }
  base::Bytes expected(counters.size() + 16);
  EVP_CIPHER_CTX* const cipher = EVP_CIPHER_CTX_new();
  ASSERT_EQ(EVP_EncryptInit_ex(cipher, EVP_aes_256_ecb(), nullptr, internal::in(key), nullptr), 1);
  int length = 0;
  ASSERT_EQ(EVP_EncryptUpdate(cipher, internal::out(expected), &length, internal::in(counters),
                              static_cast<int>(counters.size())),
            1);
  EVP_CIPHER_CTX_free(cipher);
  expected.resize(counters.size());
  EXPECT_EQ(stream_of(key, expected.size()), expected);
}

RC_GTEST_PROP(KeyStream, does_not_depend_on_how_it_is_asked, (std::uint64_t seed)) {
  base::SeededSimulationRandom random(seed, "stream");
  base::Bytes key(kStreamKeyBytes);
  random.fill(key);
  const std::size_t size = base::uniform_below(random, 70'000);
  base::Bytes pieces(size);
  KeyStream stream(SecretBytes::copy_of(key));
  for (std::size_t done = 0; done < size;) {
    const std::size_t piece = std::min<std::size_t>(
        size - done, base::uniform_below(random, 2) == 0 ? base::uniform_below(random, 40)
                                                         : base::uniform_below(random, 40'000));
    stream.fill(std::span(pieces).subspan(done, piece));
    KeyStream moved = std::move(stream);
    stream = std::move(moved);
    done += piece;
  }
  RC_ASSERT(pieces == stream_of(key, size));
}

TEST(KeyStreamDeathTest, a_key_has_32_bytes) {
  EXPECT_DEATH(stream_of(base::Bytes(31), 1), "kStreamKeyBytes");
}

}  // namespace
}  // namespace hanse::crypto
