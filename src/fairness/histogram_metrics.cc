#include "fairness/histogram_metrics.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr double kMostCount = 1e18;

double sum_of(std::span<const double> counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

bool stands_above_noise(double total, double noise, std::size_t cells) {
  return total > 0 && total > kSignal * noise * std::sqrt(static_cast<double>(cells));
}

Result<void> check_counts(std::span<const double> counts, double noise, std::size_t first) {
  if (counts.empty() || counts.size() > kMaxScoreBins)
    return fail(ErrorCode::invalid_argument, "expected 1 to {} bins, found {}", kMaxScoreBins,
                counts.size());
  if (first > counts.size())
    return fail(ErrorCode::invalid_argument, "a threshold is a bin of {} or their end, found {}",
                counts.size(), first);
  for (const double count : counts)
    if (!(std::abs(count) <= kMostCount))
      return fail(ErrorCode::invalid_argument, "a count is a number up to {:g}, found {}",
                  kMostCount, count);
  if (!(noise >= 0 && noise <= kMostCount))
    return fail(ErrorCode::invalid_argument, "noise is a deviation from 0 to {:g}, found {}",
                kMostCount, noise);
  return {};
}

Result<void> check(const ScoreCounts& counts, std::size_t threshold) {
  HANSE_TRY_VOID(check_counts(counts.negatives, counts.noise, threshold));
  HANSE_TRY_VOID(check_counts(counts.positives, counts.noise, threshold));
  if (counts.negatives.size() != counts.positives.size())
    return fail(ErrorCode::invalid_argument, "expected as many bins of each label, found {} and {}",
                counts.negatives.size(), counts.positives.size());
  if (!(std::isfinite(counts.low) && std::isfinite(counts.high) && counts.low < counts.high))
    return fail(ErrorCode::invalid_argument, "scores run from low to high, found {} to {}",
                counts.low, counts.high);
  if (counts.scale == ScoreScale::probability && (counts.low < 0 || counts.high > 1))
    return fail(ErrorCode::invalid_argument, "probabilities lie in [0, 1], found {} to {}",
                counts.low, counts.high);
  return {};
}

// A number with its gradient by the counts: first of label 0, then of label 1.
struct Number {
  double value = 0;
  std::vector<double> gradient;
};

// ln(1 + eˣ), for any x.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

class Scores {
 public:
  explicit Scores(const ScoreCounts& counts)
      : bins_(counts.negatives.size()),
        cells_(counts.negatives.begin(), counts.negatives.end()),
        noise_(counts.noise),
        negatives_(sum_of(counts.negatives)),
        positives_(sum_of(counts.positives)) {
    cells_.insert(cells_.end(), counts.positives.begin(), counts.positives.end());
    for (std::size_t bin = 0; bin < bins_; ++bin) {
      const double part = (static_cast<double>(bin) + .5) / static_cast<double>(bins_);
      const double middle = counts.low * (1 - part) + counts.high * part;
      const bool odds = counts.scale == ScoreScale::log_odds;
      log_odds_.push_back(odds ? middle : std::log(middle / (1 - middle)));
      probability_.push_back(odds ? 1 / (1 + std::exp(-middle)) : middle);
    }
  }

  double negatives(std::size_t bin) const { return cells_[bin]; }
  double positives(std::size_t bin) const { return cells_[bins_ + bin]; }

  bool has(std::size_t label) const {
    return stands_above_noise(label == 1 ? positives_ : negatives_, noise_, bins_);
  }
  bool has_any() const { return stands_above_noise(negatives_ + positives_, noise_, 2 * bins_); }

  Noised measured(const Number& number) const {
    double squares = 0;
    double sampling = 0;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const double square = number.gradient[i] * number.gradient[i];
      squares += square;
      sampling += cells_[i] * square;
    }
    return {.value = number.value,
            .noise = noise_ * std::sqrt(squares),
            .sampling = std::sqrt(std::max(sampling, 0.0))};
  }

  // Mean over all records of a loss by label and bin.
  template <class Loss>
  std::optional<Noised> mean(const Loss& loss) const {
    std::vector<double> losses;
    for (const int label : {0, 1})
      for (std::size_t bin = 0; bin < bins_; ++bin) losses.push_back(loss(label, bin));
    return mean_over_counts(cells_, noise_, losses);
  }

  // Share of a label's records in bins from the threshold on.
  std::optional<Noised> rate(std::size_t label, std::size_t threshold) const {
    std::vector<double> selected(bins_);
    std::fill(selected.begin() + static_cast<std::ptrdiff_t>(threshold), selected.end(), 1.0);
    return mean_over_counts(std::span(cells_).subspan(label * bins_, bins_), noise_, selected);
  }

  std::optional<Noised> roc_auc() const;
  std::optional<Noised> average_precision() const;
  std::optional<Noised> calibration_error() const;
  double chance_calibration_error() const;

  double probability(std::size_t bin) const { return probability_[bin]; }
  double log_odds(std::size_t bin) const { return log_odds_[bin]; }

 private:
  double excess(std::size_t bin) const {  // positives above what scores promise
    return positives(bin) * (1 - probability_[bin]) - negatives(bin) * probability_[bin];
  }

  std::size_t bins_;
  std::vector<double> cells_;
  double noise_;
  double negatives_;
  double positives_;
  std::vector<double> probability_;
  std::vector<double> log_odds_;
};

std::optional<Noised> Scores::roc_auc() const {
  if (!has(0) || !has(1)) return {};
  std::vector<double> below(bins_);  // share of label 0 below a bin, ties half
  double passed = 0;
  Number area{0, std::vector<double>(2 * bins_)};
  for (std::size_t bin = 0; bin < bins_; ++bin) {
    below[bin] = (passed + negatives(bin) / 2) / negatives_;
    passed += negatives(bin);
    area.value += positives(bin) * below[bin] / positives_;
  }
  passed = 0;
  for (std::size_t bin = bins_; bin-- > 0;) {
    const double above = (passed + positives(bin) / 2) / positives_;
    passed += positives(bin);
    area.gradient[bin] = (above - area.value) / negatives_;
    area.gradient[bins_ + bin] = (below[bin] - area.value) / positives_;
  }
  return measured(area);
}

std::optional<Noised> Scores::average_precision() const {
  if (!has(1) || !has_any()) return {};
  struct Step {
    std::size_t first = 0;  // bin
    double recalled = 0;    // positives of this step
    double right = 0;       // positives from here on
    double selected = 0;
  };
  std::vector<Step> steps;  // the highest scores first
  Step step;
  std::size_t cells = 0;
  for (std::size_t bin = bins_; bin-- > 0;) {
    cells += 2;
    step.recalled += positives(bin);
    step.right += positives(bin);
    step.selected += positives(bin) + negatives(bin);
    step.first = bin;
    if (bin > 0 && !stands_above_noise(step.selected, noise_, cells)) continue;
    steps.push_back(step);
    step.recalled = 0;
  }
  Number area{0, std::vector<double>(2 * bins_)};
  for (const Step& one : steps) area.value += one.recalled * one.right / one.selected / positives_;
  // From the bottom up: a record counts in the precision of its own step and of all below.
  double by_right = 0;
  double by_wrong = 0;
  for (std::size_t i = steps.size(); i-- > 0;) {
    const Step& one = steps[i];
    const double precision = one.right / one.selected;
    const double weight = one.recalled / one.selected / positives_;
    by_right += weight * (1 - precision);
    by_wrong -= weight * precision;
    const std::size_t end = i == 0 ? bins_ : steps[i - 1].first;
    for (std::size_t bin = one.first; bin < end; ++bin) {
      area.gradient[bin] = by_wrong;
      area.gradient[bins_ + bin] = by_right + (precision - area.value) / positives_;
    }
  }
  return measured(area);
}

std::optional<Noised> Scores::calibration_error() const {
  if (!has_any()) return {};
  const double total = negatives_ + positives_;
  Number error{0, std::vector<double>(2 * bins_)};
  for (std::size_t bin = 0; bin < bins_; ++bin) error.value += std::abs(excess(bin)) / total;
  for (std::size_t bin = 0; bin < bins_; ++bin) {
    const double sign = excess(bin) < 0 ? -1 : 1;
    error.gradient[bin] = (-sign * probability_[bin] - error.value) / total;
    error.gradient[bins_ + bin] = (sign * (1 - probability_[bin]) - error.value) / total;
  }
  return measured(error);
}

// The mean of |X| of a normal X is √(2/π) of its deviation.
double Scores::chance_calibration_error() const {
  if (!has_any()) return 0;
  double sum = 0;
  for (std::size_t bin = 0; bin < bins_; ++bin) {
    const double p = probability_[bin];
    const double records = std::max(negatives(bin) + positives(bin), 0.0);
    sum += std::sqrt(noise_ * noise_ * (p * p + (1 - p) * (1 - p)) + records * p * (1 - p));
  }
  return std::sqrt(2 * std::numbers::inv_pi) * sum / (negatives_ + positives_);
}

}  // namespace

std::optional<Noised> mean_over_counts(std::span<const double> counts, double noise,
                                       std::span<const double> losses) {
  HANSE_CHECK(counts.size() == losses.size());
  const double total = sum_of(counts);
  if (!stands_above_noise(total, noise, counts.size())) return {};
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) sum += counts[i] * losses[i];
  const double mean = sum / total;
  double squares = 0;
  double variance = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double square = (losses[i] - mean) * (losses[i] - mean);
    squares += square;
    variance += counts[i] * square;
  }
  return Noised{.value = mean,
                .noise = noise * std::sqrt(squares) / total,
                .sampling = std::sqrt(std::max(variance, 0.0)) / total};
}

Result<ScoreMetrics> score_metrics(const ScoreCounts& counts, std::size_t threshold) {
  HANSE_TRY_VOID(check(counts, threshold));
  const Scores scores(counts);
  const auto selected = [&](std::size_t bin) { return bin >= threshold ? 1 : 0; };
  ScoreMetrics found;
  found.selection_rate = scores.mean([&](int, std::size_t bin) { return selected(bin); });
  found.error =
      scores.mean([&](int label, std::size_t bin) { return selected(bin) == label ? 0 : 1; });
  found.true_positive_rate = scores.rate(1, threshold);
  found.false_positive_rate = scores.rate(0, threshold);
  found.roc_auc = scores.roc_auc();
  found.average_precision = scores.average_precision();
  found.brier = scores.mean([&](int label, std::size_t bin) {
    const double apart = scores.probability(bin) - label;
    return apart * apart;
  });
  found.log_loss = scores.mean([&](int label, std::size_t bin) {
    return softplus(label == 1 ? -scores.log_odds(bin) : scores.log_odds(bin));
  });
  found.overconfidence =
      scores.mean([&](int label, std::size_t bin) { return scores.probability(bin) - label; });
  found.calibration_error = scores.calibration_error();
  found.chance_calibration_error = scores.chance_calibration_error();
  return found;
}

Result<Confusion> confusion_at(const ScoreCounts& counts, std::size_t threshold) {
  HANSE_TRY_VOID(check(counts, threshold));
  return Confusion{.true_positives = sum_of(counts.positives.subspan(threshold)),
                   .false_positives = sum_of(counts.negatives.subspan(threshold)),
                   .true_negatives = sum_of(counts.negatives.first(threshold)),
                   .false_negatives = sum_of(counts.positives.first(threshold))};
}

Result<ResidualMetrics> residual_metrics(const ResidualCounts& counts, std::size_t tolerance) {
  HANSE_TRY_VOID(check_counts(counts.counts, counts.noise, tolerance));
  if (!(counts.high > 0 && std::isfinite(counts.high)))
    return fail(ErrorCode::invalid_argument, "residuals run from 0 to a number above, found {}",
                counts.high);
  const std::size_t bins = counts.counts.size();
  std::vector<double> absolute;
  std::vector<double> square;
  std::vector<double> beyond;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double middle = (static_cast<double>(bin) + .5) / static_cast<double>(bins) * counts.high;
    absolute.push_back(middle);
    square.push_back(middle * middle);
    beyond.push_back(bin >= tolerance ? 1 : 0);
  }
  return ResidualMetrics{.mean_absolute = mean_over_counts(counts.counts, counts.noise, absolute),
                         .mean_square = mean_over_counts(counts.counts, counts.noise, square),
                         .beyond = mean_over_counts(counts.counts, counts.noise, beyond)};
}

}  // namespace hanse::fairness
