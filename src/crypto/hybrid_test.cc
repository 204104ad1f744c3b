#include "crypto/hybrid.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using base::view_of;
using testing::CountingRandom;
using testing::from_hex;

HybridKey key_of(unsigned first) {
  CountingRandom random(first);
  return HybridKey::from_seed(SecretBytes::random(kHybridSeedBytes, random));
}

// tests/golden/crypto/README.md says who made it.
TEST(Hybrid, comes_out_as_others_make_it) {
  std::ifstream file(HANSE_SOURCE_DIR "/tests/golden/crypto/hybrid.txt");
  std::map<std::string, base::Bytes> golden;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    std::string value;
    fields >> name >> value;
    golden[name] = from_hex(value);
  }
  ASSERT_EQ(golden.size(), 8U);
  const auto of = [&](const char* seed) {
    return HybridKey::from_seed(SecretBytes::copy_of(golden.at(seed)));
  };
  const HybridKey sender = of("encapsulator_seed");
  const HybridKey receiver = of("decapsulator_seed");
  EXPECT_TRUE(std::ranges::equal(sender.public_bytes(), golden["encapsulator_public"]));
  EXPECT_TRUE(std::ranges::equal(receiver.public_bytes(), golden["decapsulator_public"]));
  const auto sent = sender.encapsulate(receiver.public_bytes(), golden["context"]);
  ASSERT_TRUE(sent);
  EXPECT_TRUE(std::ranges::equal(sent->ciphertext, golden["ciphertext"]));
  EXPECT_EQ(sent->secret, SecretBytes::copy_of(golden["secret"]));
  auto changed = sent->ciphertext;
  changed[0] ^= std::byte{1};
  EXPECT_EQ(receiver.decapsulate(sender.public_bytes(), changed, golden["context"]).value(),
            SecretBytes::copy_of(golden["secret_of_changed_ciphertext"]));
}

RC_GTEST_PROP(Hybrid, both_sides_agree_on_what_nobody_else_finds,
              (std::uint64_t seed, std::string context)) {
  base::SeededSimulationRandom random(seed, "hybrid");
  const auto fresh = [&] {
    return HybridKey::from_seed(SecretBytes::random(kHybridSeedBytes, random));
  };
  const HybridKey a = fresh();
  const HybridKey b = fresh();
  const HybridKey other = fresh();
  const auto sent = a.encapsulate(b.public_bytes(), view_of(context));
  RC_ASSERT(sent.has_value());
  RC_ASSERT(sent->secret.size() == kHybridSecretBytes);
  const auto found = [&](const HybridKey& who, const HybridKey& from, base::ByteView ciphertext,
                         const std::string& purpose) {
    return *who.decapsulate(from.public_bytes(), ciphertext, view_of(purpose)) == sent->secret;
  };
  RC_ASSERT(found(b, a, sent->ciphertext, context));
  RC_ASSERT(!found(other, a, sent->ciphertext, context));
  RC_ASSERT(!found(b, other, sent->ciphertext, context));
  RC_ASSERT(!found(b, a, sent->ciphertext, context + "."));
  auto changed = sent->ciphertext;
  changed[base::uniform_below(random, changed.size())] ^= std::byte{4};
  RC_ASSERT(!found(b, a, changed, context));
  // The other direction is another secret.
  RC_ASSERT(!(b.encapsulate(a.public_bytes(), view_of(context))->secret == sent->secret));
}

TEST(Hybrid, a_seed_rebuilds_everything) {
  const HybridKey peer = key_of(9);
  const auto one = key_of(1).encapsulate(peer.public_bytes(), view_of("round 1"));
  const auto two = key_of(1).encapsulate(peer.public_bytes(), view_of("round 1"));
  const auto next = key_of(1).encapsulate(peer.public_bytes(), view_of("round 2"));
  const auto elsewhere = key_of(1).encapsulate(key_of(8).public_bytes(), view_of("round 1"));
  EXPECT_EQ(one->ciphertext, two->ciphertext);
  EXPECT_EQ(one->secret, two->secret);
  EXPECT_NE(one->ciphertext, next->ciphertext);
  EXPECT_FALSE(one->secret == next->secret);
  EXPECT_NE(one->ciphertext, elsewhere->ciphertext);
}

TEST(Hybrid, bad_keys_and_sizes_are_refused) {
  const HybridKey key = key_of(1);
  const HybridKey peer = key_of(2);
  const auto sent = key.encapsulate(peer.public_bytes(), {});
  ASSERT_TRUE(sent);
  base::Bytes small_order(peer.public_bytes().begin(), peer.public_bytes().end());
  std::fill_n(small_order.begin(), 32, std::byte{0});
  base::Bytes no_mlkem(peer.public_bytes().begin(), peer.public_bytes().end());
  std::fill_n(no_mlkem.begin() + 32, 3, std::byte{0xff});
  const base::Bytes shorter(peer.public_bytes().begin(), peer.public_bytes().end() - 1);
  for (const base::Bytes& bad : {small_order, no_mlkem, shorter, base::Bytes{}}) {
    const auto refused = key.encapsulate(bad, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), base::ErrorCode::invalid_argument);
    EXPECT_FALSE(check_hybrid_key(bad));
  }
  EXPECT_TRUE(check_hybrid_key(peer.public_bytes()));
  EXPECT_FALSE(peer.decapsulate(small_order, sent->ciphertext, {}));
  EXPECT_FALSE(peer.decapsulate(shorter, sent->ciphertext, {}));
  EXPECT_FALSE(peer.decapsulate(key.public_bytes(), base::Bytes(1087), {}));
  EXPECT_TRUE(peer.decapsulate(key.public_bytes(), sent->ciphertext, {}));
}

}  // namespace
}  // namespace hanse::crypto
