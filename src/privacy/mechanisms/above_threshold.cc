#include "privacy/mechanisms/above_threshold.h"

#include <cmath>
#include <limits>

namespace hanse::privacy {
namespace {

constexpr std::int64_t kMaxScore = std::int64_t{1} << 61;
constexpr std::uint64_t kMaxPositives = std::uint64_t{1} << 20;

// Rounded up: noise is never less than the claim.
double scale(double factor, const Sensitivity& score, base::Epsilon epsilon) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double steps = std::nextafter(factor * score.linf(), kInfinity);
  return std::nextafter(steps / epsilon.value(), kInfinity);
}

}  // namespace

base::Result<AboveThreshold> AboveThreshold::create(base::Epsilon epsilon, const Sensitivity& score,
                                                    std::uint64_t positives) {
  if (score.linf() != std::floor(score.linf()))
    return base::fail(base::ErrorCode::invalid_argument,
                      "the sensitivity of a score is a whole number of lattice steps, found {}",
                      score.linf());
  if (positives < 1 || positives > kMaxPositives)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a run of questions ends after 1 to {} positive answers, found {}",
                      kMaxPositives, positives);
  HANSE_TRY(PrivacyLoss loss, PrivacyLoss::create(loss::Pure{epsilon.value()}, score.neighbours()));
  HANSE_TRY(DiscreteLaplace once, DiscreteLaplace::create(scale(2, score, epsilon)));
  const double factor = 4 * static_cast<double>(positives);
  HANSE_TRY(DiscreteLaplace each, DiscreteLaplace::create(scale(factor, score, epsilon)));
  return AboveThreshold(positives, std::move(once), std::move(each), std::move(loss));
}

base::Result<Questions> AboveThreshold::start(std::int64_t threshold,
                                              base::RandomSource& random) const {
  if (threshold > kMaxScore || threshold < -kMaxScore)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a threshold is within 2^61 lattice steps, found {}", threshold);
  return Questions(threshold + once_.draw(random), positives_, each_);
}

base::Result<bool> Questions::ask(std::int64_t score, base::RandomSource& random) {
  if (left_ == 0)
    return base::fail(
        base::ErrorCode::failed_precondition,
        "all positive answers are given; further questions need a new run and a new charge");
  if (score > kMaxScore || score < -kMaxScore)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a score is within 2^61 lattice steps; clamp it to its public range");
  const bool above = score + noise_.draw(random) >= threshold_;
  if (above) --left_;
  return above;
}

}  // namespace hanse::privacy
