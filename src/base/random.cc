#include "base/random.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/digest.h"

namespace hanse::base {

void SystemRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    HANSE_CHECK(got > 0);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

// Key stream in blocks of 4 KiB, so that a draw of 8 bytes does not cost a call into the cipher.
struct SeededSimulationRandom::Body {
  EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
  std::array<std::byte, 4096> block{};
  std::size_t used = sizeof(block);

  ~Body() { EVP_CIPHER_CTX_free(cipher); }

  void refill() {
    static constexpr std::array<unsigned char, 4096> kZeros{};
    int length = 0;
    HANSE_CHECK(EVP_EncryptUpdate(cipher, reinterpret_cast<unsigned char*>(block.data()), &length,
                                  kZeros.data(), static_cast<int>(kZeros.size())) == 1);
    used = 0;
  }
};

SeededSimulationRandom::SeededSimulationRandom(std::uint64_t seed, std::string_view label)
    : body_(std::make_unique<Body>()) {
  Hasher hasher;
  const std::array<std::int64_t, 1> word{static_cast<std::int64_t>(seed)};
  hasher.add(to_little_endian(word));
  hasher.add(view_of(label));
  const Digest key = hasher.finish();
  HANSE_CHECK(body_->cipher != nullptr);
  HANSE_CHECK(EVP_EncryptInit_ex(body_->cipher, EVP_aes_256_ctr(), nullptr,
                                 reinterpret_cast<const unsigned char*>(key.bytes().data()),
                                 nullptr) == 1);
  const std::array<unsigned char, 16> counter{};
  HANSE_CHECK(EVP_EncryptInit_ex(body_->cipher, nullptr, nullptr, nullptr, counter.data()) == 1);
}

SeededSimulationRandom::~SeededSimulationRandom() = default;

void SeededSimulationRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    if (body_->used == body_->block.size()) body_->refill();
    const std::size_t length = std::min(out.size(), body_->block.size() - body_->used);
    std::memcpy(out.data(), body_->block.data() + body_->used, length);
    body_->used += length;
    out = out.subspan(length);
  }
}

std::uint64_t uniform_word(RandomSource& random) {
  std::uint64_t word = 0;
  random.fill(std::as_writable_bytes(std::span(&word, 1)));
  return word;
}

std::uint64_t uniform_below(RandomSource& random, std::uint64_t bound) {
  HANSE_CHECK(bound > 0);
  const std::uint64_t rejected = (~bound + 1) % bound;  // 2^64 mod bound
  for (;;) {
    const std::uint64_t word = uniform_word(random);
    if (word >= rejected) return word % bound;
  }
}

double uniform_unit(RandomSource& random) {
  return static_cast<double>(uniform_word(random) >> 11) * 0x1.0p-53;
}

double standard_normal(RandomSource& random) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_unit(random)));
  return radius * std::cos(2.0 * std::numbers::pi * uniform_unit(random));
}

void shuffle(RandomSource& random, std::span<std::size_t> items) {
  for (std::size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[uniform_below(random, i)]);
}

}  // namespace hanse::base
