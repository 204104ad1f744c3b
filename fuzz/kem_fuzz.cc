// Keys and ciphertexts of others: a key is refused, or agrees on a secret; any bytes of the right
// size decapsulate to some secret, always the same; of the two sides of a hybrid pair likewise.

#include <algorithm>

#include "crypto/hybrid.h"

using namespace hanse;
using crypto::SecretBytes;
namespace mlkem = crypto::mlkem768;

namespace {

const crypto::HybridKey& ours() {
  static const crypto::HybridKey key =
      crypto::HybridKey::from_seed(SecretBytes::copy_of(base::Bytes(crypto::kHybridSeedBytes)));
  return key;
}

void take_key(base::ByteView bytes) {
  const auto key = mlkem::EncapsulationKey::create(bytes);
  HANSE_CHECK(!key || std::ranges::equal(key->bytes(), bytes));
  if (key) HANSE_CHECK(key->encapsulate(base::Bytes(32)).shared.size() == mlkem::kSharedBytes);
  const auto sent = ours().encapsulate(bytes, {});
  HANSE_CHECK(sent.has_value() == crypto::check_hybrid_key(bytes).has_value());
}

void take_ciphertext(base::ByteView bytes) {
  static const auto key = mlkem::DecapsulationKey::from_seed(base::Bytes(mlkem::kSeedBytes));
  const auto secret = ours().decapsulate(ours().public_bytes(), bytes, {});
  HANSE_CHECK(secret.has_value() == (bytes.size() == mlkem::kCiphertextBytes));
  if (!secret) return;
  const auto ciphertext = bytes.first<mlkem::kCiphertextBytes>();
  HANSE_CHECK(key.decapsulate(ciphertext) == key.decapsulate(ciphertext));
  HANSE_CHECK(*ours().decapsulate(ours().public_bytes(), bytes, {}) == *secret);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  take_key(bytes);
  take_ciphertext(bytes);
  return 0;
}
