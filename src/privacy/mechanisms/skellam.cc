#include "privacy/mechanisms/skellam.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "privacy/mechanisms/exact.h"

namespace hanse::privacy {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
// Points of a wing within one stair, at most: what a table of a few hundred KiB holds.
constexpr int kTableBits = 11;

}  // namespace

Poisson::Poisson(std::uint64_t scaled_mean) : mean_(scaled_mean), mode_(scaled_mean >> kMeanBits) {
  HANSE_CHECK(scaled_mean >= 1 && scaled_mean <= std::uint64_t{1} << 52);
  const std::uint64_t half = std::max(half_width(true), half_width(false));
  stair_bits_ = static_cast<int>(std::bit_width(half - 1));
  stride_bits_ = std::max(0, stair_bits_ - kTableBits);
  for (const bool up : {false, true}) {
    std::uint64_t product = kAll;
    for (std::uint64_t distance = 0; product > 0; ++distance) {
      if ((distance & ((std::uint64_t{1} << stride_bits_) - 1)) == 0) wings_[up].push_back(product);
      product = next(up, product, distance);
    }
  }
}

// P(mode ± (distance + 1)) / P(mode ± distance): mean/(mode + distance + 1) upwards, and (mode −
// distance)/mean downwards. At most 1, and falling.
Poisson::Fraction Poisson::fraction(bool up, std::uint64_t distance) const {
  if (up) return {mean_, (mode_ + distance + 1) << kMeanBits};
  return {distance < mode_ ? (mode_ - distance) << kMeanBits : 0, mean_};
}

std::uint64_t Poisson::next(bool up, std::uint64_t product, std::uint64_t distance) const {
  const Fraction by = fraction(up, distance);
  return static_cast<std::uint64_t>(Wide{product} * by.numerator / by.denominator);
}

// The least distance at which the probability is surely under half that of the mode.
std::uint64_t Poisson::half_width(bool up) const {
  std::uint64_t product = kAll;
  std::uint64_t distance = 0;
  while (product >= kAll / 2 - distance) product = next(up, product, distance++);
  return distance;
}

// Rounded down, by less than distance + 1 units of 2^−64.
std::uint64_t Poisson::product(bool up, std::uint64_t distance) const {
  const std::uint64_t index = distance >> stride_bits_;
  if (index >= wings_[up].size()) return 0;
  std::uint64_t product = wings_[up][index];
  for (std::uint64_t at = index << stride_bits_; at < distance; ++at)
    product = next(up, product, at);
  return product;
}

bool Poisson::keep(bool up, std::uint64_t distance, std::uint64_t stairs, Entropy& entropy) const {
  const std::uint64_t uniform = entropy.word();
  constexpr std::uint64_t kQuickStairs = 32;
  if (stairs <= kQuickStairs) {
    const std::uint64_t low = product(up, distance);
    const Wide below = Wide{low} << stairs;
    const Wide above = (Wide{low} + distance + 2) << stairs;
    if (uniform < below) return true;
    if (uniform > above) return false;
  }
  LazyUniform lazy(entropy, uniform);
  return lazy.is_below([&](std::size_t bits) {
    const std::size_t working = bits + stairs + 64;  // distance < 2^64 roundings
    const Natural one(1);
    Natural low = one.shifted_left(working);
    Natural high = low;
    for (std::uint64_t at = 0; at < distance; ++at) {
      const Fraction by = fraction(up, at);
      const Natural numerator(by.numerator);
      low = low.times(numerator).divided_by(by.denominator);
      high = high.times(numerator).divided_by(by.denominator).plus(one);
    }
    return Enclosure{low.shifted_left(stairs), high.shifted_left(stairs), working};
  });
}

std::int64_t Poisson::draw(Entropy& entropy) const {
  for (;;) {
    std::uint64_t word = entropy.word();
    const bool up = (word & 1) != 0;
    const std::uint64_t offset = (word >> 1) & ((std::uint64_t{1} << stair_bits_) - 1);
    word >>= 1 + stair_bits_;
    // A geometric number of stairs: the ones before the first zero, in fresh words if need be.
    int left = 63 - stair_bits_;
    auto stairs = static_cast<std::uint64_t>(std::min(std::countr_one(word), left));
    for (bool more = stairs == static_cast<std::uint64_t>(left); more;) {
      word = entropy.word();
      stairs += static_cast<std::uint64_t>(std::countr_one(word));
      more = ~word == 0;
    }
    // The mode itself belongs to the upper wing.
    const std::uint64_t distance = (stairs << stair_bits_) + offset + (up ? 0 : 1);
    if (!up && distance > mode_) continue;
    if (!keep(up, distance, stairs, entropy)) continue;
    const std::uint64_t drawn = up ? mode_ + distance : mode_ - distance;
    return static_cast<std::int64_t>(drawn);
  }
}

base::Result<Skellam> Skellam::create(double variance) {
  const double scaled = std::ldexp(variance, Poisson::kMeanBits - 1);
  // Also false for NaN.
  if (!(variance >= 0x1p-10 && variance <= 0x1p32) || scaled != std::floor(scaled))
    return base::fail(base::ErrorCode::invalid_argument,
                      "Skellam noise has a variance of 2^-10 to 2^32 squared lattice steps, a "
                      "multiple of 2^-20, found {}",
                      variance);
  return Skellam(variance, std::make_shared<const Poisson>(static_cast<std::uint64_t>(scaled)));
}

std::int64_t Skellam::draw(base::RandomSource& random) const {
  std::int64_t drawn = 0;
  fill(std::span(&drawn, 1), random);
  return drawn;
}

void Skellam::fill(std::span<std::int64_t> out, base::RandomSource& random) const {
  Entropy entropy(random, std::min<std::size_t>(out.size(), 64) * 8);
  for (std::int64_t& value : out) {
    const std::int64_t plus = half_->draw(entropy);
    value = plus - half_->draw(entropy);
  }
}

base::Result<void> Skellam::add(std::span<std::int64_t> values, base::RandomSource& random) const {
  constexpr std::int64_t kMax = std::int64_t{1} << 62;
  if (std::ranges::any_of(values, [](std::int64_t value) { return value > kMax || value < -kMax; }))
    return base::fail(base::ErrorCode::invalid_argument,
                      "noise is added to values within 2^62 lattice steps");
  Entropy entropy(random, std::min<std::size_t>(values.size(), 64) * 8);
  for (std::int64_t& value : values) {
    value += half_->draw(entropy);
    value -= half_->draw(entropy);
  }
  return {};
}

std::int64_t Skellam::reach() const {
  constexpr double kExponent = 128;  // 2 exp(−128) < 2^−183
  return static_cast<std::int64_t>(
      std::ceil(kExponent / 3 + std::sqrt(kExponent * kExponent / 9 + 2 * kExponent * variance_)));
}

base::Result<PrivacyLoss> Skellam::loss(const Sensitivity& sensitivity) const {
  return PrivacyLoss::create(loss::Skellam{.variance = variance_,
                                           .l1_sensitivity = sensitivity.l1(),
                                           .l2_sensitivity = sensitivity.l2()},
                             sensitivity.neighbours());
}

}  // namespace hanse::privacy
