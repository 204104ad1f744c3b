#include "privacy/mechanisms/tree_count.h"

#include <bit>
#include <utility>

namespace hanse::privacy {
namespace {

constexpr std::uint64_t kMaxSteps = std::uint64_t{1} << 20;
constexpr std::int64_t kMaxValue = std::int64_t{1} << 40;  // times kMaxSteps: 2^60

}  // namespace

base::Result<TreeCount> TreeCount::create(std::uint64_t steps, DiscreteGaussian noise) {
  if (steps < 1 || steps > kMaxSteps)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a running count has 1 to {} steps, found {}", kMaxSteps, steps);
  return TreeCount(steps, static_cast<std::size_t>(std::bit_width(steps)), std::move(noise));
}

base::Result<std::int64_t> TreeCount::add(std::int64_t value, base::RandomSource& random) {
  if (taken_ == steps_)
    return base::fail(base::ErrorCode::failed_precondition,
                      "the running count was planned for {} steps; plan more and charge them",
                      steps_);
  if (value > kMaxValue || value < -kMaxValue)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a step adds a value within 2^40; clamp it to its public range");
  ++taken_;
  // The node that this step completes takes up all complete ones below it.
  const auto level = static_cast<std::size_t>(std::countr_zero(taken_));
  std::int64_t sum = value;
  for (std::size_t below = 0; below < level; ++below) sum += std::exchange(sums_[below], 0);
  sums_[level] = sum;
  noised_[level] = sum + noise_.draw(random);
  std::int64_t prefix = 0;
  for (std::size_t i = 0; i < noised_.size(); ++i)
    if ((taken_ >> i & 1) != 0) prefix += noised_[i];
  return prefix;
}

base::Result<PrivacyLoss> TreeCount::loss(const Sensitivity& step) const {
  const std::uint64_t times = step.neighbours() == Neighbours::replace_one ? 2 : 1;
  HANSE_TRY(const Sensitivity all, step.repeated(times * levels()));
  return noise_.loss(all, steps_);
}

}  // namespace hanse::privacy
