#include "privacy/mechanisms/selection.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "privacy/mechanisms/exact.h"

namespace hanse::privacy {
namespace {

// Shared by both: ε is a usable rate, and one step of a score is a whole number.
base::Result<std::uint64_t> check(base::Epsilon epsilon, const Sensitivity& score) {
  if (!(epsilon.value() >= 0x1p-40 && epsilon.value() <= 0x1p20))
    return base::fail(base::ErrorCode::invalid_argument,
                      "a selection needs an epsilon of 2^-40 to 2^20, found {}", epsilon.value());
  if (score.linf() != std::floor(score.linf()) || score.linf() >= 0x1p62)
    return base::fail(base::ErrorCode::invalid_argument,
                      "the sensitivity of a score is a whole number of lattice steps below 2^62, "
                      "found {}",
                      score.linf());
  return static_cast<std::uint64_t>(score.linf());
}

base::Result<void> check(std::span<const std::int64_t> scores) {
  if (scores.empty() || scores.size() > kMaxCandidates)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a selection is from 1 to {} candidates, found {}", kMaxCandidates,
                      scores.size());
  return {};
}

// ε·(best − score)/(2Δ); the difference of two words fits an unsigned one.
Ratio exponent(double epsilon, std::uint64_t sensitivity, std::int64_t best, std::int64_t score) {
  const Dyadic rate = Dyadic::of(epsilon);
  const std::uint64_t behind = static_cast<std::uint64_t>(best) - static_cast<std::uint64_t>(score);
  return {Wide{behind} * rate.mantissa, rate.exponent - 1, {sensitivity, 1}};
}

// Where a uniform real falls among running sums of enclosed weights.
class Inversion {
 public:
  Inversion(Entropy& entropy) : uniform_(entropy) {}

  template <class Weights>  // bits → one Enclosure for each candidate, of `bits` bits or more
  std::size_t choose(const Weights& weights_to) {
    for (std::size_t bits = 64;; bits *= 2) {
      const std::vector<Enclosure> weights = weights_to(bits);
      if (const auto chosen = try_choose(weights, bits)) return *chosen;
    }
  }

 private:
  // All weights on one grid of 2^−(bits+16), summed.
  std::optional<std::size_t> try_choose(const std::vector<Enclosure>& weights, std::size_t bits) {
    const std::size_t grid = bits + 16;
    const Natural one(1);
    std::vector<Natural> low;
    std::vector<Natural> high;
    for (const Enclosure& weight : weights) {
      const Enclosure on = weight.on_grid(grid);
      low.push_back(low.empty() ? on.low : low.back().plus(on.low));
      high.push_back(high.empty() ? on.high : high.back().plus(on.high));
    }
    const Natural& digits = uniform_.digits(bits);
    const Natural at_most = digits.plus(one).times(high.back());
    const Natural at_least = digits.times(low.back());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (at_most <= low[i].shifted_left(bits)) return i;
      if (at_least < high[i].shifted_left(bits)) return std::nullopt;
    }
    return std::nullopt;
  }

  LazyUniform uniform_;
};

}  // namespace

base::Result<ExponentialMechanism> ExponentialMechanism::create(base::Epsilon epsilon,
                                                                const Sensitivity& score) {
  HANSE_TRY(const std::uint64_t sensitivity, check(epsilon, score));
  HANSE_TRY(PrivacyLoss loss,
            PrivacyLoss::create(loss::BoundedRange{epsilon.value()}, score.neighbours()));
  return ExponentialMechanism(epsilon.value(), sensitivity, std::move(loss));
}

base::Result<std::size_t> ExponentialMechanism::select(std::span<const std::int64_t> scores,
                                                       base::RandomSource& random) const {
  HANSE_TRY_VOID(check(scores));
  const std::int64_t best = std::ranges::max(scores);
  Entropy entropy(random, 2);
  return Inversion(entropy).choose([&](std::size_t bits) {
    std::vector<Enclosure> weights;
    weights.reserve(scores.size());
    for (const std::int64_t score : scores)
      weights.push_back(exp_minus(exponent(epsilon_, sensitivity_, best, score), bits));
    return weights;
  });
}

base::Result<std::vector<std::size_t>> ExponentialMechanism::select_top(
    std::span<const std::int64_t> scores, std::size_t k, base::RandomSource& random) const {
  HANSE_TRY_VOID(check(scores));
  if (k == 0 || k > scores.size())
    return base::fail(base::ErrorCode::invalid_argument,
                      "the best k of {} candidates: k is 1 to that, found {}", scores.size(), k);
  std::vector<std::int64_t> left(scores.begin(), scores.end());
  std::vector<std::size_t> names(scores.size());
  std::iota(names.begin(), names.end(), std::size_t{0});
  std::vector<std::size_t> chosen;
  while (chosen.size() < k) {
    HANSE_TRY(const std::size_t at, select(left, random));
    chosen.push_back(names[at]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
    names.erase(names.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return chosen;
}

base::Result<PermuteAndFlip> PermuteAndFlip::create(base::Epsilon epsilon,
                                                    const Sensitivity& score) {
  HANSE_TRY(const std::uint64_t sensitivity, check(epsilon, score));
  HANSE_TRY(PrivacyLoss loss, PrivacyLoss::create(loss::Pure{epsilon.value()}, score.neighbours()));
  return PermuteAndFlip(epsilon.value(), sensitivity, std::move(loss));
}

base::Result<std::size_t> PermuteAndFlip::select(std::span<const std::int64_t> scores,
                                                 base::RandomSource& random) const {
  HANSE_TRY_VOID(check(scores));
  const std::int64_t best = std::ranges::max(scores);
  Entropy entropy(random, 2 * scores.size());
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[uniform_below(entropy, i)]);
  std::size_t chosen = scores.size();
  for (const std::size_t i : order) {
    const bool kept = bernoulli_exp(exponent(epsilon_, sensitivity_, best, scores[i]), entropy);
    if (kept && chosen == scores.size()) chosen = i;
  }
  HANSE_CHECK(chosen < scores.size());  // the best one's coin is certain
  return chosen;
}

}  // namespace hanse::privacy
