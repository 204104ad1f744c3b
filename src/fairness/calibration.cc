#include "fairness/calibration.h"

#include <algorithm>
#include <cmath>

#include "learning/personal.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::Result;

// Of two numbers: a vector and a symmetric matrix.
struct Pair {
  double first = 0;
  double second = 0;
};
struct Symmetric {
  double a = 0;
  double b = 0;
  double c = 0;  // [a b; b c]

  // vᵀ M⁻¹ v of a positive definite matrix.
  double weigh(const Pair& v) const {
    const double determinant = a * c - b * b;
    return (c * v.first * v.first - 2 * b * v.first * v.second + a * v.second * v.second) /
           determinant;
  }
};

double softplus(double value) {
  return value > 0 ? value + std::log1p(std::exp(-value)) : std::log1p(std::exp(value));
}
double sigmoid(double value) { return 1 / (1 + std::exp(-value)); }

// ‖(stretch, shift) − (1, 0)‖², in units of the prior.
double away(const Calibration& at, const Calibration& prior) {
  const double stretch = (at.stretch - 1) / prior.stretch;
  const double shift = at.shift / prior.shift;
  return stretch * stretch + shift * shift;
}

// −2 log of what the posterior is proportional to: the score equations in units of their deviation
// at the model as it is, and the prior. With the deviation at each fit a wild one would seem
// likely, since noise there is larger too.
class Misfit {
 public:
  Misfit(const ClassCounts& counts, const ClassHistogramOptions& options, std::size_t of_class)
      : counts_(counts),
        options_(options),
        class_(of_class),
        prior_(options.is_regression() ? kPriorOfValues : kPriorOfOdds) {
    Pair gradient;
    add_scores({}, gradient, variance_);
  }

  double at(const Calibration& calibration) const {
    Pair gradient;
    Symmetric variance;
    add_scores(calibration, gradient, variance);
    return variance_.weigh(gradient) + away(calibration, prior_);
  }

 private:
  void add_scores(const Calibration& at, Pair& gradient, Symmetric& variance) const {
    options_.is_regression() ? of_moments(at, gradient, variance) : of_bins(at, gradient, variance);
  }

  // Σ r z and Σ r over records, r = P(1) − y. A bin's record has variance r² in them, the noise of
  // its count as much as σ² records. Of more than two labels the own one stands against all others
  // together, and the first sum alone counts.
  void of_bins(const Calibration& at, Pair& gradient, Symmetric& variance) const {
    const double noise = counts_.count_noise * counts_.count_noise;
    const bool binary = options_.labels() == 2;
    for (std::size_t label = 0; label < options_.labels(); ++label)
      for (std::uint32_t bin = 0; bin < options_.bins; ++bin) {
        const double own = middle_of(bin, options_);
        const double y = binary && label == 0 ? 0 : 1;
        const double odds = y == 1 ? own : -own;
        const double r = sigmoid(at.stretch * odds + (binary ? at.shift : 0)) - y;
        const double records = counts_.counts[class_][label][bin];
        const double weight = (std::max(records, 0.0) + noise) * r * r;
        gradient.first += records * r * odds;
        variance.a += weight * odds * odds;
        if (!binary) continue;
        gradient.second += records * r;
        variance.b += weight * odds;
        variance.c += weight;
      }
  }

  // Σ (stretch p + shift − y) p and Σ (stretch p + shift − y).
  void of_moments(const Calibration& at, Pair& gradient, Symmetric& variance) const {
    const auto& [p, pp, y, py] = counts_.moments[class_];
    const double records = std::max(counts_.total(class_), 1.0);
    gradient = {at.stretch * pp + at.shift * p - py, at.stretch * p + at.shift * records - y};
    const double noise = counts_.moment_noise * counts_.moment_noise;
    const double total_noise = counts_.count_noise * counts_.count_noise * options_.bins;
    // A residual's own variance, as far as the histogram of errors says.
    double squares = 0;
    for (std::uint32_t bin = 0; bin < options_.bins; ++bin) {
      const double error = middle_of(bin, options_);
      squares += std::max(counts_.counts[class_][0][bin], 0.0) * error * error;
    }
    const double residual = squares / records;
    variance.a +=
        residual * std::max(pp, 0.0) + noise * (1 + at.stretch * at.stretch + at.shift * at.shift);
    variance.c += residual * records + noise * (1 + at.stretch * at.stretch) +
                  at.shift * at.shift * total_noise;
  }

  const ClassCounts& counts_;
  const ClassHistogramOptions& options_;
  const std::size_t class_;
  const Calibration prior_;
  Symmetric variance_{1e-12, 0, 1e-12};  // without noise or records nothing divides by zero
};

// The least of a smooth function of two numbers, by grids that close in: nothing is assumed of its
// shape, and noised counts may make any.
Calibration least(const Misfit& misfit) {
  constexpr int kSteps = 12;  // to each side
  constexpr int kRefinements = 10;
  Calibration best;
  double value = misfit.at(best);
  double reach = 3;
  for (int refinement = 0; refinement < kRefinements; ++refinement, reach /= 4) {
    const Calibration centre = best;
    for (int i = -kSteps; i <= kSteps; ++i)
      for (int j = -kSteps; j <= kSteps; ++j) {
        const Calibration at{std::max(centre.stretch + reach * i / kSteps, 0.0),
                             centre.shift + reach * j / kSteps};
        if (const double here = misfit.at(at); here < value) {
          value = here;
          best = at;
        }
      }
  }
  return best;
}

}  // namespace

std::vector<Calibration> fit_calibrations(const ClassCounts& counts,
                                          const ClassHistogramOptions& options) {
  std::vector<Calibration> fitted;
  for (std::size_t c = 0; c < options.classes.size(); ++c)
    fitted.push_back(least(Misfit(counts, options, c)));
  return fitted;
}

Result<learning::Model> calibrated(const learning::Model& model, const Calibration& calibration) {
  std::vector<double> shifts(model.architecture().outputs(), 0.0);
  shifts.back() = calibration.shift;
  return learning::stretched(model, calibration.stretch, shifts);
}

std::optional<Noised> mean_loss(const ClassCounts& counts, const ClassHistogramOptions& options,
                                std::size_t of_class, const Calibration& calibration) {
  const double total = counts.total(of_class);
  const double numbers = static_cast<double>(options.labels()) * options.bins;
  if (!(total > kSignal * counts.count_noise * std::sqrt(numbers)) || !(total > 0))
    return std::nullopt;
  double sum = 0;
  double variance = 0;
  double squares = 0;
  std::vector<double> losses;
  for (std::size_t label = 0; label < options.labels(); ++label)
    for (std::uint32_t bin = 0; bin < options.bins; ++bin) {
      const double middle = middle_of(bin, options);
      double loss = middle * middle;
      if (!options.is_regression()) {
        const double sign = label == 1 ? 1 : -1;
        const double shift = options.labels() == 2 ? sign * calibration.shift : 0;
        loss = softplus(-(calibration.stretch * middle + shift));
      }
      sum += counts.counts[of_class][label][bin] * loss;
      variance += counts.counts[of_class][label][bin] * loss * loss;
      losses.push_back(loss);
    }
  const double mean = sum / total;
  for (const double loss : losses) squares += (loss - mean) * (loss - mean);
  return Noised{.value = mean,
                .noise = counts.count_noise * std::sqrt(squares) / total,
                .sampling = std::sqrt(std::max(variance / total - mean * mean, 0.0) / total)};
}

}  // namespace hanse::fairness
