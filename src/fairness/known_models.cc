#include "fairness/known_models.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hanse::fairness {
namespace {

double square(double value) { return value * value; }

double normal_cdf(double value) { return std::erfc(-value / std::numbers::sqrt2) / 2; }
double normal_density(double value) {
  return std::exp(-value * value / 2) / std::sqrt(2 * std::numbers::pi);
}

// Gamma with scale 1 (Marsaglia and Tsang 2000, ACM TOMS 26), shape at least 1.
double gamma(double shape, base::RandomSource& random) {
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = base::standard_normal(random);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = base::uniform_unit(random);
    if (std::log(u) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
  }
}

double chi_squared(double degrees, base::RandomSource& random) {
  if (degrees >= 2) return 2 * gamma(degrees / 2, random);
  return 2 * gamma(degrees / 2 + 1, random) *
         std::pow(base::uniform_unit(random), 2 / degrees);  // shape below 1
}

// Sum of `count` squares of normals with these means squared and unit variance.
double noncentral(double count, double means_squared, base::RandomSource& random) {
  return square(base::standard_normal(random) + std::sqrt(means_squared)) +
         chi_squared(count - 1, random);
}

// Variance of what privacy adds to a class's mean, of each coordinate.
double noise_of(const Effort& effort, std::size_t of_class) {
  return effort.sites * 2 * square(effort.clip) / (effort.rho * square(effort.records[of_class]));
}

// … and to its mean loss.
double loss_noise(const Effort& effort, std::size_t of_class) {
  return effort.sites * square(effort.loss_bound / effort.calibration[of_class]) /
         (2 * effort.gap_rho);
}

SeedLosses exact(const std::array<std::array<double, 2>, kCells>& risks) {
  SeedLosses seed;
  for (std::uint32_t c = 0; c < 2; ++c) {
    SiteLosses site{c, {}};
    for (std::size_t cell = 0; cell < kCells; ++cell) site.losses[cell] = {risks[cell][c]};
    seed.sites.push_back(std::move(site));
  }
  return seed;
}

// Variance of a class's model by its records, over all dimensions.
double learning_variance(const LineModel& model, const Effort& effort, std::size_t of_class) {
  const double spread = model.dimensions * square(model.deviation[of_class]);
  return spread / (model.kind == LineModel::Kind::location
                       ? effort.records[of_class]
                       : effort.records[of_class] - model.dimensions - 1);
}

// Of one record's loss at t, by the true models.
double loss_variance(const LineModel& model, std::size_t of_class, double t) {
  const double variance = square(model.deviation[of_class]);
  const double away = square(of_class == 0 ? t : 1 - t) * model.distance;
  if (model.kind == LineModel::Kind::regression) return 2 * square(variance + away);
  return 2 * model.dimensions * square(variance) + 4 * variance * away;
}

// Mean loss of so many records for calibration at t: not approximated.
double mean_loss(const LineModel& model, const Effort& effort, std::size_t of_class, double t,
                 base::RandomSource& random) {
  const double variance = square(model.deviation[of_class]);
  const double away = square(of_class == 0 ? t : 1 - t) * model.distance;
  const double m = effort.calibration[of_class];
  if (model.kind == LineModel::Kind::regression)
    return (variance + away) / m * chi_squared(m, random);
  return variance / m * noncentral(m * model.dimensions, m * away / variance, random);
}

// A difference of losses that do not vary with the model: of dimensions with noise.
double offset(const LineModel& model) {
  const double each = square(model.deviation[1]) - square(model.deviation[0]);
  return model.kind == LineModel::Kind::location ? model.dimensions * each : each;
}

double floor_of(const LineModel& model, std::size_t of_class) {
  const double each = square(model.deviation[of_class]);
  return model.kind == LineModel::Kind::location ? model.dimensions * each : each;
}

// Vectors of the errors; the direction of D is the first coordinate.
std::vector<double> learned(const LineModel& model, const Effort& effort, std::size_t of_class,
                            base::RandomSource& random) {
  const auto d = static_cast<std::size_t>(model.dimensions);
  const double s = model.deviation[of_class];
  std::vector<double> error(d);
  double scale = 1 / std::sqrt(effort.records[of_class]);
  if (model.kind == LineModel::Kind::regression) {
    // Least squares on normal inputs: given (XᵀX)⁻¹ the error is normal, and in any direction its
    // variance is s² over a chi-squared of n − d + 1 degrees; all directions together are a normal
    // vector over one such root.
    scale = 1 / std::sqrt(chi_squared(effort.records[of_class] - model.dimensions + 1, random));
  }
  for (double& value : error) value = s * scale * base::standard_normal(random);
  return error;
}

}  // namespace

double LineModel::gap_at(double t) const { return (1 - 2 * t) * distance + offset(*this); }

Fair LineModel::fair(double bound) const {
  Fair fair;
  fair.at = std::max(legacy_weight, (distance + offset(*this) - bound) / (2 * distance));
  fair.shadow_price = fair.at - legacy_weight;
  fair.tax = distance * square(fair.shadow_price);
  fair.levels_down = fair.at > 1;
  return fair;
}

double LineModel::least_risk() const {
  const double w = legacy_weight;
  return (1 - w) * floor_of(*this, 0) + w * floor_of(*this, 1) + distance * w * (1 - w);
}

Costs LineModel::costs(const Effort& effort, double bound) const {
  const auto at = [](double t, const std::array<double, 2>& variance) {
    return square(1 - t) * variance[0] + t * t * variance[1];
  };
  std::array<double, 2> v{};
  std::array<double, 2> p{};
  double estimated = 0;
  double noised = 0;
  const Fair target = fair(bound);
  for (std::size_t c = 0; c < 2; ++c) {
    v[c] = learning_variance(*this, effort, c);
    p[c] = dimensions * noise_of(effort, c);
    estimated += loss_variance(*this, c, target.at) / effort.calibration[c];
    noised += loss_noise(effort, c);
  }
  const bool binds = target.shadow_price > 0;
  const double slope = 4 * distance * distance;
  const double of_data = binds ? estimated / slope : 0;
  const double of_both = binds ? (estimated + noised) / slope : 0;
  const double w = legacy_weight;
  Costs costs;
  costs.learning = at(w, v);
  costs.privacy = at(w, p);
  costs.tax = target.tax;
  costs.correction = at(target.at, v) - at(w, v) + of_data * (distance + v[0] + v[1]);
  costs.private_fairness = at(target.at, p) - at(w, p) +
                           of_both * (distance + v[0] + v[1] + p[0] + p[1]) -
                           of_data * (distance + v[0] + v[1]);
  return costs;
}

SeedLosses LineModel::simulate(const Effort& effort, double bound,
                               base::RandomSource& random) const {
  const Fair target = fair(bound);
  std::array<std::vector<double>, 2> plain;
  std::array<std::vector<double>, 2> noisy;
  double gap = 0;
  double noised_gap = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    plain[c] = learned(*this, effort, c, random);
    noisy[c] = plain[c];
    const double noise = std::sqrt(noise_of(effort, c));
    for (double& value : noisy[c]) value += noise * base::standard_normal(random);
    const double sign = c == 0 ? -1 : 1;
    const double loss = mean_loss(*this, effort, c, target.at, random);
    gap += sign * loss;
    noised_gap += sign * (loss + std::sqrt(loss_noise(effort, c)) * base::standard_normal(random));
  }
  const auto corrected = [&](double found) {
    if (target.shadow_price == 0) return legacy_weight;
    return target.at + (found - gap_at(target.at)) / (2 * distance);
  };
  // θ_t − μ_g, with μ₁ at 0 and μ₂ at √D² on the first axis.
  const auto risks = [&](double t, const std::array<std::vector<double>, 2>& errors) {
    std::array<double, 2> risk{};
    for (std::size_t c = 0; c < 2; ++c) {
      risk[c] = floor_of(*this, c);
      for (std::size_t i = 0; i < errors[0].size(); ++i) {
        const double centre = i == 0 ? (t - (c == 0 ? 0.0 : 1.0)) * std::sqrt(distance) : 0;
        risk[c] += square(centre + (1 - t) * errors[0][i] + t * errors[1][i]);
      }
    }
    return risk;
  };
  return exact({risks(legacy_weight, plain), risks(corrected(gap), plain),
                risks(legacy_weight, noisy), risks(corrected(noised_gap), noisy)});
}

double ThresholdModel::risk_of(std::size_t of_class, double threshold, double variance) const {
  // A normal error of the threshold is one of the records: Φ stays Φ.
  const double s = std::sqrt(square(deviation[of_class]) + variance);
  const double high = threshold - middle[of_class] - distance[of_class];
  const double low = middle[of_class] - distance[of_class] - threshold;
  return (normal_cdf(high / s) + normal_cdf(low / s)) / 2;
}

double ThresholdModel::risk(double threshold, double variance) const {
  return (1 - legacy_weight) * risk_of(0, threshold, variance) +
         legacy_weight * risk_of(1, threshold, variance);
}

namespace {

// dR_g/db.
double slope_of(const ThresholdModel& model, std::size_t of_class, double threshold) {
  const double s = model.deviation[of_class];
  const double high = threshold - model.middle[of_class] - model.distance[of_class];
  const double low = model.middle[of_class] - model.distance[of_class] - threshold;
  return (normal_density(high / s) - normal_density(low / s)) / (2 * s);
}

// The root of a function that rises from below 0 at `low` to above 0 at `high`.
template <class Function>
double root(double low, double high, const Function& function) {
  constexpr int kHalvings = 200;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = low + (high - low) / 2;
    (function(middle) > 0 ? high : low) = middle;
  }
  return low;
}

}  // namespace

double ThresholdModel::best_threshold() const {
  const auto [low, high] = std::minmax(middle[0], middle[1]);
  return root(low, high, [this](double b) {
    return (1 - legacy_weight) * slope_of(*this, 0, b) + legacy_weight * slope_of(*this, 1, b);
  });
}

double ThresholdModel::least_honest_bound() const { return gap_at(middle[1]); }

Fair ThresholdModel::fair(double bound) const {
  Fair fair;
  fair.at = best_threshold();
  if (gap_at(fair.at) <= bound) return fair;
  const double direction = middle[1] > middle[0] ? 1 : -1;
  // Beyond legacy's own best the gap goes on to close, by modern's getting worse.
  const double far = middle[1] + direction * 4 * (distance[0] + deviation[0]);
  const double least = fair.at;
  fair.at = root(0, 1, [&](double part) { return bound - gap_at(least + part * (far - least)); });
  fair.at = least + fair.at * (far - least);
  const double gap_slope = slope_of(*this, 1, fair.at) - slope_of(*this, 0, fair.at);
  const double risk_slope = (1 - legacy_weight) * slope_of(*this, 0, fair.at) +
                            legacy_weight * slope_of(*this, 1, fair.at);
  fair.tax = risk(fair.at) - risk(least);
  fair.shadow_price = -risk_slope / gap_slope;
  fair.levels_down = bound < least_honest_bound();
  return fair;
}

namespace {

// Variances of the threshold: by records, by noise; by the estimated gap, by that and its noise.
struct Variances {
  double records = 0;
  double noise = 0;
  double gap = 0;
  double noised_gap = 0;
};

double gap_slope(const ThresholdModel& model, double at) {
  return slope_of(model, 1, at) - slope_of(model, 0, at);
}

Variances variances_of(const ThresholdModel& model, const Effort& effort, double at) {
  Variances found;
  for (std::size_t c = 0; c < 2; ++c) {
    const double weight = square(c == 0 ? 1 - model.legacy_weight : model.legacy_weight);
    found.records += weight * square(model.deviation[c]) / effort.records[c];
    found.noise += weight * noise_of(effort, c);
    const double risk = model.risk_of(c, at);
    found.gap += risk * (1 - risk) / effort.calibration[c];
    found.noised_gap += loss_noise(effort, c);
  }
  const double slope = square(gap_slope(model, at));
  found.noised_gap = (found.gap + found.noised_gap) / slope;
  found.gap /= slope;
  return found;
}

}  // namespace

Costs ThresholdModel::costs(const Effort& effort, double bound) const {
  const double best = best_threshold();
  const Fair target = fair(bound);
  Variances at = variances_of(*this, effort, target.at);
  if (target.shadow_price == 0) at.gap = at.noised_gap = 0;
  const double neither = risk(best, at.records);
  const double fairly = risk(target.at, at.records + at.gap);
  const double noised = risk(best, at.records + at.noise);
  const double both = risk(target.at, at.records + at.noise + at.noised_gap);
  Costs costs;
  costs.learning = neither - risk(best);
  costs.privacy = noised - neither;
  costs.tax = target.tax;
  costs.correction = fairly - neither - target.tax;
  costs.private_fairness = both - noised - fairly + neither;
  return costs;
}

SeedLosses ThresholdModel::simulate(const Effort& effort, double bound,
                                    base::RandomSource& random) const {
  const double best = best_threshold();
  const Fair target = fair(bound);
  double error = 0;
  double noisy = 0;
  double gap = 0;
  double noised_gap = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    const double weight = c == 0 ? 1 - legacy_weight : legacy_weight;
    const double learned =
        deviation[c] / std::sqrt(effort.records[c]) * base::standard_normal(random);
    error += weight * learned;
    noisy += weight * (learned + std::sqrt(noise_of(effort, c)) * base::standard_normal(random));
    double wrong = 0;  // of the records for calibration, each by its coin
    const double risk = risk_of(c, target.at);
    for (double i = 0; i < effort.calibration[c]; ++i)
      wrong += base::uniform_unit(random) < risk ? 1 : 0;
    const double loss = wrong / effort.calibration[c];
    const double sign = c == 0 ? -1 : 1;
    gap += sign * loss;
    noised_gap += sign * (loss + std::sqrt(loss_noise(effort, c)) * base::standard_normal(random));
  }
  const auto corrected = [&](double found) {
    if (target.shadow_price == 0) return best;
    return target.at - (found - gap_at(target.at)) / gap_slope(*this, target.at);
  };
  const auto risks = [&](double threshold) {
    return std::array<double, 2>{risk_of(0, threshold), risk_of(1, threshold)};
  };
  return exact({risks(best + error), risks(corrected(gap) + error), risks(best + noisy),
                risks(corrected(noised_gap) + noisy)});
}

}  // namespace hanse::fairness
