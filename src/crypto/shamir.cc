#include "crypto/shamir.h"

#include <algorithm>
#include <array>

#include "crypto/internal/mersenne.h"
#include "crypto/internal/wiped.h"

namespace hanse::crypto::shamir {
namespace {

using base::ErrorCode;
using Field = internal::Mersenne<61>;

constexpr std::size_t kWords = 5;
constexpr std::size_t kWordBytes = 7;
using Words = std::array<std::uint64_t, kWords>;
static_assert(kShareBytes == kWords * 8 && kWords * kWordBytes >= kSecretBytes);

std::uint64_t word_at(base::ByteView bytes, std::size_t offset, std::size_t width) {
  std::uint64_t word = 0;
  const std::size_t end = std::min(bytes.size(), offset + width);
  for (std::size_t i = offset; i < end; ++i)
    word |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * (i - offset));
  return word;
}

void put_word(std::uint64_t word, std::span<std::byte> bytes, std::size_t offset,
              std::size_t width) {
  const std::size_t end = std::min(bytes.size(), offset + width);
  for (std::size_t i = offset; i < end; ++i)
    bytes[i] = static_cast<std::byte>(word >> (8 * (i - offset)) & 255U);
}

// Uniform below the prime: 61 bits, drawn again in the one case of 2^61 that is the prime itself.
// That a draw was refused says nothing about the next.
void draw(base::RandomSource& random, std::span<std::uint64_t> elements) {
  random.fill(std::as_writable_bytes(elements));
  for (std::uint64_t& element : elements)
    for (;;) {
      element &= Field::kPrime;
      const bool refused = element == Field::kPrime;
      internal::declassify(refused);
      if (!refused) break;
      random.fill(std::as_writable_bytes(std::span(&element, 1)));
    }
}

// What is wrong with a set of points, if anything is.
base::Result<void> check_points(std::span<const std::uint32_t> points) {
  if (points.empty() || points.size() > kMaxPoint)
    return base::fail(ErrorCode::invalid_argument, "a secret is shared at 1 to {} points, found {}",
                      kMaxPoint, points.size());
  std::vector<std::uint32_t> sorted(points.begin(), points.end());
  std::ranges::sort(sorted);
  if (sorted.front() == 0 || sorted.back() > kMaxPoint)
    return base::fail(ErrorCode::invalid_argument, "points of shares are 1 to {}, found {}",
                      kMaxPoint, sorted.front() == 0 ? 0 : sorted.back());
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end())
    return base::fail(ErrorCode::invalid_argument,
                      "each share has its own point, found two at point {}", *twice);
  return {};
}

}  // namespace

std::vector<Share> split(const SecretBytes& secret, std::uint32_t threshold,
                         std::span<const std::uint32_t> points, base::RandomSource& random) {
  HANSE_CHECK(secret.size() == kSecretBytes);
  HANSE_CHECK(threshold >= 1 && threshold <= points.size());
  HANSE_CHECK(check_points(points).has_value());
  std::vector<std::uint64_t> rows(threshold * kWords);
  const auto constants = std::span(rows).last(kWords);
  draw(random, std::span(rows).first(rows.size() - kWords));
  for (std::size_t j = 0; j < kWords; ++j)
    constants[j] = word_at(secret.reveal(), j * kWordBytes, kWordBytes);

  std::vector<Share> shares;
  shares.reserve(points.size());
  internal::Wiped<Words> values;
  for (const std::uint32_t point : points) {
    Field::evaluate(rows, point, *values);
    shares.push_back({point, SecretBytes::filled(kShareBytes, [&](std::span<std::byte> out) {
                        for (std::size_t j = 0; j < kWords; ++j)
                          put_word((*values)[j], out, 8 * j, 8);
                      })});
  }
  wipe(std::as_writable_bytes(std::span(rows)));
  return shares;
}

base::Result<Recombiner> Recombiner::create(std::span<const std::uint32_t> points) {
  HANSE_TRY_VOID(check_points(points));
  std::vector<std::uint64_t> factors(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) factors[i] = Field::factor_at_zero(points, i);
  return Recombiner(std::move(factors));
}

base::Result<SecretBytes> Recombiner::combine(std::span<const base::ByteView> values) const {
  if (values.size() != factors_.size())
    return base::fail(ErrorCode::invalid_argument,
                      "expected {} shares, one for each point, found {}", factors_.size(),
                      values.size());
  internal::Wiped<Words> words;
  std::uint64_t outside = 0;  // not zero if a word is outside its range
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].size() != kShareBytes)
      return base::fail(ErrorCode::corruption, "a share has {} bytes, found {}", kShareBytes,
                        values[i].size());
    for (std::size_t j = 0; j < kWords; ++j) {
      const std::uint64_t word = word_at(values[i], 8 * j, 8);
      outside |= word >> 61U;
      outside |= (word + 1) >> 61U;  // the prime itself
      (*words)[j] = Field::add((*words)[j], Field::multiply(word & Field::kPrime, factors_[i]));
    }
  }
  for (std::size_t j = 0; j < kWords; ++j)
    outside |= (*words)[j] >> (8 * std::min(kWordBytes, kSecretBytes - j * kWordBytes));
  const bool refused = outside != 0;
  internal::declassify(refused);
  if (refused)
    return base::fail(ErrorCode::corruption,
                      "{} shares give no secret: one was changed, belongs to another secret, or "
                      "the secret was split for more of them",
                      values.size());
  return SecretBytes::filled(kSecretBytes, [&](std::span<std::byte> out) {
    for (std::size_t j = 0; j < kWords; ++j) put_word((*words)[j], out, j * kWordBytes, kWordBytes);
  });
}

}  // namespace hanse::crypto::shamir
