// The primitives of masked sums, one thread, as rows of JSON: a key pair of a site, a secret with
// one peer, masks, shares. Times are medians.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include "crypto/aead.h"
#include "crypto/hybrid.h"
#include "crypto/mask_stream.h"
#include "crypto/shamir.h"

namespace {

using namespace hanse;
using crypto::SecretBytes;

constexpr int kRepeats = 301;

void row(std::string_view name, double value, std::string_view unit) {
  fmt::print("{{\"name\":\"{}\",\"value\":{:.4f},\"unit\":\"{}\"}}\n", name, value, unit);
}

template <class Work>
double median_us(int repeats, const Work& work) {
  std::vector<double> taken;
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    taken.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::ranges::nth_element(taken, taken.begin() + repeats / 2);
  return taken[static_cast<std::size_t>(repeats) / 2];
}

void mlkem(base::RandomSource& random) {
  const SecretBytes seed = SecretBytes::random(crypto::mlkem768::kSeedBytes, random);
  const SecretBytes message = SecretBytes::random(crypto::mlkem768::kMessageBytes, random);
  const auto key = crypto::mlkem768::DecapsulationKey::from_seed(seed.reveal());
  const auto made = key.encapsulation_key().encapsulate(message.reveal());
  row("mlkem768_key",
      median_us(kRepeats, [&] { crypto::mlkem768::DecapsulationKey::from_seed(seed.reveal()); }),
      "us");
  // As a peer does it that sees the key for the first time: checked, expanded, used once.
  row("mlkem768_encapsulate",
      median_us(kRepeats,
                [&] {
                  crypto::mlkem768::EncapsulationKey::create(key.public_key())
                      ->encapsulate(message.reveal());
                }),
      "us");
  row("mlkem768_decapsulate",
      median_us(kRepeats, [&] { HANSE_CHECK(key.decapsulate(made.ciphertext) == made.shared); }),
      "us");
}

void hybrid(base::RandomSource& random) {
  const SecretBytes seed = SecretBytes::random(crypto::kHybridSeedBytes, random);
  const auto a = crypto::HybridKey::from_seed(seed);
  const auto b =
      crypto::HybridKey::from_seed(SecretBytes::random(crypto::kHybridSeedBytes, random));
  const auto sent = a.encapsulate(b.public_bytes(), base::view_of("bench"));
  row("hybrid_key", median_us(kRepeats, [&] { crypto::HybridKey::from_seed(seed); }), "us");
  row("hybrid_encapsulate",
      median_us(kRepeats,
                [&] {
                  HANSE_CHECK(a.encapsulate(b.public_bytes(), base::view_of("bench")).has_value());
                }),
      "us");
  row("hybrid_decapsulate",
      median_us(kRepeats,
                [&] {
                  HANSE_CHECK(b.decapsulate(a.public_bytes(), sent->ciphertext,
                                            base::view_of("bench")) == sent->secret);
                }),
      "us");
}

void streams(base::RandomSource& random) {
  base::Bytes mask(std::size_t{2} << 20U);  // a million values of 16 bits
  crypto::KeyStream stream(SecretBytes::random(crypto::kStreamKeyBytes, random));
  const double taken = median_us(kRepeats, [&] { stream.fill(mask); });
  row("keystream", static_cast<double>(mask.size()) / taken / 1000, "GB/s");
  const SecretBytes key = SecretBytes::random(crypto::kAeadKeyBytes, random);
  const base::ByteView share = base::ByteView(mask).first(2 * crypto::shamir::kShareBytes);
  row("close_two_shares", median_us(kRepeats, [&] { crypto::close_under(key, share, {}); }), "us");
}

// Thresholds as masked sums choose them: two thirds and one.
void shares(std::uint32_t sites, base::RandomSource& random) {
  const std::uint32_t threshold = 2 * sites / 3 + 1;
  std::vector<std::uint32_t> points(sites);
  std::iota(points.begin(), points.end(), 1U);
  const SecretBytes secret = SecretBytes::random(crypto::shamir::kSecretBytes, random);
  const auto made = crypto::shamir::split(secret, threshold, points, random);
  std::vector<base::ByteView> values;
  for (const auto& share : std::span(made).first(threshold)) values.push_back(share.value.reveal());
  const auto chosen = std::span(points).first(threshold);
  const auto recombiner = crypto::shamir::Recombiner::create(chosen);
  const auto name = [sites](std::string_view what) {
    return fmt::format("shamir_{}_{}_sites", what, sites);
  };
  row(name("split"),
      median_us(kRepeats, [&] { crypto::shamir::split(secret, threshold, points, random); }), "us");
  row(name("points"),
      median_us(kRepeats,
                [&] { HANSE_CHECK(crypto::shamir::Recombiner::create(chosen).has_value()); }),
      "us");
  row(name("combine"),
      median_us(kRepeats, [&] { HANSE_CHECK(recombiner->combine(values) == secret); }), "us");
}

}  // namespace

int main() {
  base::SeededSimulationRandom random(1, "bench/crypto");
  mlkem(random);
  hybrid(random);
  streams(random);
  for (const std::uint32_t sites : {10U, 64U, 128U}) shares(sites, random);
}
