// Secrets cut into shares: any `threshold` of them give the secret, fewer say nothing about it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "crypto/secret_bytes.h"

// Shamir 1979 over the field of 2^61 − 1 elements. A secret is five words of 56 bits (seven bytes,
// little-endian; the last has four), each the value at zero of a polynomial of its own.
namespace hanse::crypto::shamir {

inline constexpr std::size_t kSecretBytes = 32;
// Five words of eight bytes, little-endian.
inline constexpr std::size_t kShareBytes = 40;
// A site has one point.
inline constexpr std::uint32_t kMaxPoint = base::kMaxSites;

struct Share {
  std::uint32_t point = 0;  // 1 … kMaxPoint
  SecretBytes value;        // kShareBytes
};

// The values at `points` of fresh polynomials of degree threshold − 1, drawn uniformly from
// `random`: the same stream gives the same shares. A secret of another size, a threshold outside
// 1 … points, a point outside 1 … kMaxPoint or twice: aborts. The time depends on neither the
// secret nor what is drawn.
std::vector<Share> split(const SecretBytes& secret, std::uint32_t threshold,
                         std::span<const std::uint32_t> points, base::RandomSource& random);

// Puts secrets together again that were split at the same points.
class Recombiner {
 public:
  // As many points as the threshold says; one outside 1 … kMaxPoint, twice, or none at all:
  // invalid_argument.
  static base::Result<Recombiner> create(std::span<const std::uint32_t> points);

  // The secret of which `values` are the shares at these points, in their order. Another number of
  // them: invalid_argument. A share of another size, a word outside the field, or words that no
  // split() makes: corruption. Shares of different secrets, or fewer than the threshold was, give
  // such words in all but one of 2^49 cases; only a commitment to the secret tells for sure.
  base::Result<SecretBytes> combine(std::span<const base::ByteView> values) const;

 private:
  explicit Recombiner(std::vector<std::uint64_t> factors) : factors_(std::move(factors)) {}
  std::vector<std::uint64_t> factors_;
};

}  // namespace hanse::crypto::shamir
