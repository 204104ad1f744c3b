// Runs our own cryptography with every secret marked as undefined, under valgrind's memcheck, and
// counts its complaints: each is a branch or an address that depends on a secret. What it cannot
// see is an instruction whose own time depends on its operands, such as a division.

#include <fmt/core.h>
#include <valgrind/memcheck.h>

#include <array>
#include <functional>
#include <numeric>
#include <vector>

#include "crypto/derive.h"
#include "crypto/hybrid.h"
#include "crypto/shamir.h"

namespace {

using namespace hanse;
using base::ByteView;
using crypto::SecretBytes;

void poison(ByteView bytes) { VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
void publish(ByteView bytes) { VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

// A random source whose every byte is a secret.
class SecretRandom final : public base::RandomSource {
 public:
  void fill(std::span<std::byte> out) override {
    random_.fill(out);
    poison(out);
  }

 private:
  base::SeededSimulationRandom random_{1, "constant time"};
};

SecretBytes secret(std::size_t size) {
  static SecretRandom random;
  return SecretBytes::random(size, random);
}

void check_equal(const SecretBytes& one, const SecretBytes& two, bool expected) {
  publish(one.reveal());
  publish(two.reveal());
  HANSE_CHECK((one == two) == expected);
}

void run_mlkem() {
  const auto key =
      crypto::mlkem768::DecapsulationKey::from_seed(secret(crypto::mlkem768::kSeedBytes).reveal());
  const auto peer = crypto::mlkem768::EncapsulationKey::create(key.public_key()).value();
  auto made = peer.encapsulate(secret(crypto::mlkem768::kMessageBytes).reveal());
  check_equal(key.decapsulate(made.ciphertext), made.shared, true);
  made.ciphertext[7] ^= std::byte{1};
  check_equal(key.decapsulate(made.ciphertext), made.shared, false);
  HANSE_CHECK(key.expanded().size() == crypto::mlkem768::kSecretKeyBytes);
}

void run_shamir() {
  std::vector<std::uint32_t> points(10);
  std::iota(points.begin(), points.end(), 1U);
  SecretRandom random;
  const SecretBytes whole = secret(crypto::shamir::kSecretBytes);
  const auto shares = crypto::shamir::split(whole, 7, points, random);
  std::vector<ByteView> values;
  for (const auto& share : std::span(shares).last(7)) values.push_back(share.value.reveal());
  const auto recombiner = crypto::shamir::Recombiner::create(std::span(points).last(7));
  check_equal(recombiner->combine(values).value(), whole, true);
}

void run_derive() {
  const SecretBytes key = secret(32);
  check_equal(crypto::derive(key.reveal(), base::view_of("salt"), base::view_of("one"), 100),
              crypto::derive(key.reveal(), base::view_of("salt"), base::view_of("two"), 100),
              false);
}

void run_hybrid() {
  const auto a = crypto::HybridKey::from_seed(secret(crypto::kHybridSeedBytes));
  const auto b = crypto::HybridKey::from_seed(secret(crypto::kHybridSeedBytes));
  const auto sent = a.encapsulate(b.public_bytes(), base::view_of("round"));
  const auto found = b.decapsulate(a.public_bytes(), sent->ciphertext, base::view_of("round"));
  check_equal(*found, sent->secret, true);
}

volatile unsigned sink = 0;

void leak_by_branch() {
  const SecretBytes one = secret(32);
  const SecretBytes two = secret(32);
  for (std::size_t i = 0; i < 32; ++i)
    if (one.reveal()[i] != two.reveal()[i]) {
      sink = 1;
      break;
    }
}

void leak_by_index() {
  static std::array<unsigned, 256> table{};
  sink = table[std::to_integer<std::size_t>(secret(1).reveal()[0])];
}

struct Piece {
  std::string_view name;
  std::function<void()> run;
  bool leaks;  // on purpose, to see that it is noticed
};

}  // namespace

int main() {
  if (RUNNING_ON_VALGRIND == 0) {
    fmt::print(stderr, "usage: valgrind --quiet constant_time_crypto\n");
    return 2;
  }
  const std::vector<Piece> pieces{
      {"control: a branch on a secret", leak_by_branch, true},
      {"control: a secret as an index", leak_by_index, true},
      {"ML-KEM-768", run_mlkem, false},
      {"Shamir's shares", run_shamir, false},
      {"derived keys", run_derive, false},
      {"hybrid keys", run_hybrid, false},
  };
  bool good = true;
  for (const Piece& piece : pieces) {
    const auto before = VALGRIND_COUNT_ERRORS;
    piece.run();
    const auto found = VALGRIND_COUNT_ERRORS - before;
    const bool as_expected = (found != 0) == piece.leaks;
    good = good && as_expected;
    fmt::print("{}: {} complaints, {}\n", piece.name, found,
               as_expected ? "as expected" : "NOT as expected");
  }
  return good ? 0 : 1;
}
