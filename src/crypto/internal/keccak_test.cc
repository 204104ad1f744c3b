#include "crypto/internal/keccak.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "crypto/internal/bytes.h"

namespace hanse::crypto::internal {
namespace {

base::Bytes of_openssl(const EVP_MD* kind, base::ByteView message, std::size_t size) {
  base::Bytes digest(size);
  EVP_MD_CTX* const hash = EVP_MD_CTX_new();
  HANSE_CHECK(EVP_DigestInit_ex(hash, kind, nullptr) == 1);
  HANSE_CHECK(EVP_DigestUpdate(hash, message.data(), message.size()) == 1);
  if ((EVP_MD_flags(kind) & EVP_MD_FLAG_XOF) != 0)
    HANSE_CHECK(EVP_DigestFinalXOF(hash, out(digest), size) == 1);
  else
    HANSE_CHECK(EVP_DigestFinal_ex(hash, out(digest), nullptr) == 1);
  EVP_MD_CTX_free(hash);
  return digest;
}

base::Bytes ours(KeccakKind kind, base::ByteView message, std::size_t size) {
  base::Bytes digest(size);
  keccak(kind, {message}, digest);
  return digest;
}

// Messages of every length around one, two and three blocks.
TEST(Keccak, is_what_openssl_makes_of_every_length) {
  base::SeededSimulationRandom random(1, "keccak");
  for (std::size_t size = 0; size < 520; ++size) {
    base::Bytes message(size);
    random.fill(message);
    EXPECT_EQ(ours(kSha3_256, message, 32), of_openssl(EVP_sha3_256(), message, 32)) << size;
    EXPECT_EQ(ours(kSha3_512, message, 64), of_openssl(EVP_sha3_512(), message, 64)) << size;
    EXPECT_EQ(ours(kShake128, message, size), of_openssl(EVP_shake128(), message, size)) << size;
    EXPECT_EQ(ours(kShake256, message, 600), of_openssl(EVP_shake256(), message, 600)) << size;
  }
}

RC_GTEST_PROP(Keccak, does_not_depend_on_the_pieces, (std::uint64_t seed)) {
  base::SeededSimulationRandom random(seed, "keccak");
  base::Bytes message(base::uniform_below(random, 700));
  base::Bytes output(base::uniform_below(random, 700));
  random.fill(message);
  Keccak sponge(kShake128);
  for (base::ByteView rest = message; !rest.empty();) {
    const std::size_t taken = std::min(rest.size(), base::uniform_below(random, 200));
    sponge.absorb(rest.first(taken));
    rest = rest.subspan(taken);
  }
  for (std::span<std::byte> rest = output; !rest.empty();) {
    const std::size_t taken = std::min(rest.size(), base::uniform_below(random, 200));
    sponge.squeeze(rest.first(taken));
    rest = rest.subspan(taken);
  }
  RC_ASSERT(output == of_openssl(EVP_shake128(), message, output.size()));
}

TEST(KeccakDeathTest, nothing_is_absorbed_after_squeezing) {
  Keccak sponge(kShake128);
  sponge.squeeze({});
  EXPECT_DEATH(sponge.absorb({}), "squeezing_");
}

}  // namespace
}  // namespace hanse::crypto::internal
