#include "privacy/mechanisms/mean.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hanse::privacy {
namespace {

constexpr double kMaxHalf = 0x1p40;
__extension__ using Total = __int128;
// A sum is cut off here, which moves no two sums further apart; with noise it still fits a word.
constexpr std::int64_t kMaxSum = std::int64_t{1} << 61;
constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 53;

base::Result<std::uint64_t> half_of(const Range& range) {
  const double half = std::ldexp(range.upper - range.lower, range.lattice.fraction_bits() - 1);
  // Also false for NaN.
  if (!(half > 0 && half <= kMaxHalf))
    return base::fail(base::ErrorCode::invalid_argument,
                      "a mean needs lower < upper and a range of at most 2^41 lattice steps, found "
                      "{} to {} in steps of {}",
                      range.lower, range.upper, range.lattice.step());
  return static_cast<std::uint64_t>(std::ceil(half));
}

}  // namespace

base::Result<Mean> Mean::over_public_count(const Range& range, std::uint64_t count,
                                           DiscreteGaussian noise) {
  HANSE_TRY(const std::uint64_t half, half_of(range));
  if (count < 1 || count > kMaxCount)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a public number of records is 1 to 2^53, found {}", count);
  return Mean(range, half, count, std::move(noise), std::nullopt);
}

base::Result<Mean> Mean::over_noised_count(const Range& range, DiscreteGaussian noise,
                                           DiscreteGaussian count_noise) {
  HANSE_TRY(const std::uint64_t half, half_of(range));
  return Mean(range, half, 0, std::move(noise), std::move(count_noise));
}

double Mean::release(std::span<const double> values, base::RandomSource& random) const {
  const auto most = static_cast<std::int64_t>(half_);
  Total total = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    const double clamped = std::clamp(value, range_.lower, range_.upper);
    total += std::clamp(range_.lattice.quantise(clamped - middle()), -most, most);
  }
  const auto sum =
      static_cast<std::int64_t>(std::clamp<Total>(total, -kMaxSum, kMaxSum)) + noise_.draw(random);
  auto count = static_cast<std::int64_t>(count_);
  if (count_noise_) count = static_cast<std::int64_t>(values.size()) + count_noise_->draw(random);
  const double mean =
      range_.lattice.value_of(sum) / static_cast<double>(std::max<std::int64_t>(count, 1));
  return std::clamp(middle() + mean, range_.lower, range_.upper);
}

base::Result<PrivacyLoss> Mean::loss(Neighbours neighbours) const {
  HANSE_TRY(const Sensitivity sum, Sensitivity::of_sum(neighbours, half_));
  if (!count_noise_) return noise_.loss(sum);
  const std::array<DiscreteGaussian::Release, 2> releases{
      {{noise_.sigma(), sum, 1}, {count_noise_->sigma(), Sensitivity::of_count(neighbours), 1}}};
  return DiscreteGaussian::joint_loss(releases);
}

}  // namespace hanse::privacy
