// Prints what our ML-KEM-768 and hybrid keys make of seeds, as lines of JSON for peer.mjs:
// crypto_cases NUMBER

#include <fmt/core.h>

#include <cstdlib>
#include <string>

#include "crypto/hybrid.h"

namespace {

using namespace hanse;

base::Bytes drawn(std::size_t size, base::RandomSource& random) {
  base::Bytes bytes(size);
  random.fill(bytes);
  return bytes;
}

std::string field(std::string_view name, base::ByteView bytes) {
  std::string text = fmt::format(R"(,"{}":")", name);
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text + '"';
}

// One bit changed, or other bytes altogether.
crypto::mlkem768::Ciphertext changed(const crypto::mlkem768::Ciphertext& ciphertext,
                                     base::RandomSource& random) {
  crypto::mlkem768::Ciphertext made = ciphertext;
  if (base::uniform_below(random, 4) == 0)
    random.fill(made);
  else
    made[base::uniform_below(random, made.size())] ^=
        static_cast<std::byte>(1U << base::uniform_below(random, 8));
  return made;
}

void print_mlkem(base::RandomSource& random) {
  const auto seed = drawn(crypto::mlkem768::kSeedBytes, random);
  const auto message = drawn(crypto::mlkem768::kMessageBytes, random);
  const auto key = crypto::mlkem768::DecapsulationKey::from_seed(seed);
  const auto made = key.encapsulation_key().encapsulate(message);
  const auto other = changed(made.ciphertext, random);
  fmt::print("{{\"kind\":\"mlkem\"{}{}{}{}{}{}{}{}}}\n", field("seed", seed),
             field("message", message), field("public", key.public_key()),
             field("expanded", key.expanded().reveal()), field("ciphertext", made.ciphertext),
             field("shared", made.shared.reveal()), field("changed", other),
             field("rejected", key.decapsulate(other).reveal()));
}

void print_hybrid(base::RandomSource& random) {
  const auto one = crypto::SecretBytes::random(crypto::kHybridSeedBytes, random);
  const auto two = crypto::SecretBytes::random(crypto::kHybridSeedBytes, random);
  const auto context = drawn(base::uniform_below(random, 100), random);
  const auto sender = crypto::HybridKey::from_seed(one);
  const auto receiver = crypto::HybridKey::from_seed(two);
  const auto sent = sender.encapsulate(receiver.public_bytes(), context).value();
  const auto other = changed(sent.ciphertext, random);
  const auto secret = receiver.decapsulate(sender.public_bytes(), other, context).value();
  fmt::print("{{\"kind\":\"hybrid\"{}{}{}{}{}{}{}{}{}}}\n",
             field("encapsulator_seed", one.reveal()), field("decapsulator_seed", two.reveal()),
             field("context", context), field("encapsulator_public", sender.public_bytes()),
             field("decapsulator_public", receiver.public_bytes()),
             field("ciphertext", sent.ciphertext), field("secret", sent.secret.reveal()),
             field("changed", other), field("secret_of_changed_ciphertext", secret.reveal()));
}

}  // namespace

int main(int argc, char** argv) {
  const int number = argc == 2 ? std::atoi(argv[1]) : 0;
  if (number <= 0) {
    fmt::print(stderr, "usage: crypto_cases NUMBER, of each kind, above zero\n");
    return 2;
  }
  base::SeededSimulationRandom random(1, "crypto cases");
  for (int i = 0; i < number; ++i) {
    print_mlkem(random);
    print_hybrid(random);
  }
}
