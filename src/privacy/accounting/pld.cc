#include "privacy/accounting/pld.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>
#include <optional>
#include <vector>

#include "math/fft.h"
#include "privacy/accounting/gaussian.h"
#include "privacy/accounting/loss_distribution.h"

namespace hanse::privacy {
namespace {

using Complex = std::complex<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRounding = std::numeric_limits<double>::epsilon();

// What the grid may add to ε, and so many nats below δ what is cut off is worth.
constexpr double kGridExcess = 1e-4;
constexpr double kCut = 16;

constexpr std::size_t kCoarseSteps = 2000;
constexpr std::size_t kMostCells = std::size_t{1} << 20;
// Losses below it are as good as none.
constexpr double kFinestStep = 1e-13;
constexpr std::size_t kLeastLength = 1 << 10;
constexpr std::size_t kLargestLength = std::size_t{1} << 21;

// A distribution and how often it is drawn.
struct Term {
  LossDistribution distribution;
  double count = 1;
  double step = 1;
  std::vector<double> log_masses;

  Term(LossDistribution drawn, double times, double grid)
      : distribution(std::move(drawn)), count(times), step(grid) {
    for (const double mass : distribution.masses) log_masses.push_back(std::log(mass));
  }

  // Of one draw tilted by e^(λ·loss): the logarithm of its mass, its mean and variance.
  struct Tilted {
    double log_mass = 0;
    double mean = 0;
    double variance = 0;
  };
  double loss(std::size_t i) const {
    return static_cast<double>(distribution.first + static_cast<std::int64_t>(i)) * step;
  }
  Tilted tilted(double tilt) const;
};

// The masses rise and fall over many magnitudes: the largest tilted one is taken out first.
Term::Tilted Term::tilted(double tilt) const {
  double largest = -kInfinity;
  for (std::size_t i = 0; i < log_masses.size(); ++i)
    largest = std::max(largest, tilt * loss(i) + log_masses[i]);
  double sum = 0;
  double first = 0;
  double second = 0;
  for (std::size_t i = 0; i < log_masses.size(); ++i) {
    const double at = loss(i);
    const double exponent = tilt * at + log_masses[i] - largest;
    if (exponent < -80) continue;
    const double weight = std::exp(exponent);
    sum += weight;
    first += weight * at;
    second += weight * at * at;
  }
  const double mean = first / sum;
  return {std::log(sum) + largest, mean, std::max(0.0, second / sum - mean * mean)};
}

// At which a distribution takes no more than so many steps.
double finest_step(const PrivacyLoss& loss, std::size_t steps) {
  return std::max(kFinestStep, 2 * widest_loss(loss) / static_cast<double>(steps));
}

// Cumulants of the whole composition on the coarse grid, as functions of the tilt.
class Cumulants {
 public:
  Cumulants(std::span<const Charge> charges, Direction direction) {
    for (const Charge& charge : charges) {
      const double step = finest_step(charge.loss, kCoarseSteps);
      terms_.emplace_back(discretise(charge.loss, direction, step),
                          static_cast<double>(charge.count), step);
      infinity_ += terms_.back().count * terms_.back().distribution.infinity;
    }
  }
  // Probability of an infinite loss, not counted in the others.
  double infinity() const { return infinity_; }
  Term::Tilted at(double tilt) const {
    Term::Tilted sum;
    for (const Term& term : terms_) {
      const auto one = term.tilted(tilt);
      sum.log_mass += term.count * one.log_mass;
      sum.mean += term.count * one.mean;
      sum.variance += term.count * one.variance;
    }
    return sum;
  }
  // δ(x) = E[(1 − e^(x − loss))₊] ≤ e^(K(λ) − λx)·sup over d of e^(−λd)(1 − e^(−d)), so that
  // δ(x) ≤ e^log_delta at this x (Canonne, Kamath, Steinke 2020, Proposition 12).
  double bound(double tilt, double log_delta) const {
    return (at(tilt).log_mass + log_gap(tilt) - log_delta) / tilt;
  }
  // The tilt with the least such x.
  double best_tilt(double log_delta) const {
    return least([&](double tilt) { return bound(tilt, log_delta); });
  }
  // The least such bound of δ at a loss, in logarithms, and its tilt.
  double tilt_to(double loss) const {
    return least([&](double tilt) { return log_delta(tilt, loss); });
  }
  double log_delta(double tilt, double loss) const {
    return std::min(0.0, at(tilt).log_mass + log_gap(tilt) - tilt * loss);
  }
  // Above this x less than e^log_cut is likely, and also less under the measure tilted by `tilt`,
  // relative to what it weighs at `low`: what lies above comes back at the other end of a
  // transform.
  double highest(double tilt, double low, double log_cut) const {
    const auto at_back = [&](double back) {
      return (at(tilt + back).log_mass - log_cut - tilt * low) / back;
    };
    return at_back(least(at_back));
  }

 private:
  // At d = log(1 + 1/λ).
  static double log_gap(double tilt) { return -tilt * std::log1p(1 / tilt) - std::log1p(tilt); }

  // Golden section over powers of e; any tilt gives a valid bound.
  template <class Function>
  static double least(const Function& function) {
    constexpr double kGolden = 0.61803398874989485;
    double low = -7;
    double high = 10;
    double left = high - kGolden * (high - low);
    double right = low + kGolden * (high - low);
    double at_left = function(std::exp(left));
    double at_right = function(std::exp(right));
    for (int i = 0; i < 16; ++i) {
      if (at_left <= at_right) {
        high = right;
        right = left;
        at_right = at_left;
        left = high - kGolden * (high - low);
        at_left = function(std::exp(left));
      } else {
        low = left;
        left = right;
        at_left = at_right;
        right = low + kGolden * (high - low);
        at_right = function(std::exp(right));
      }
    }
    return std::exp((low + high) / 2);
  }

  std::vector<Term> terms_;
  double infinity_ = 0;
};

// The losses that a transform holds and how finely.
struct Window {
  double tilt = 1;
  std::int64_t first = 0;  // index of the lowest loss
  std::size_t length = 0;
  double step = 0;
  double log_cut = 0;  // the probability of losses above, at most
};

std::size_t length_for(double cells) {
  if (!(cells < static_cast<double>(kLargestLength))) return kLargestLength;
  return std::max(kLeastLength, std::bit_ceil(static_cast<std::size_t>(cells)));
}

// Losses from `needed` on matter, at about e^log_delta. None where the losses are too large for a
// grid of whole numbers.
std::optional<Window> window_of(const Cumulants& cumulants, std::span<const Charge> charges,
                                double tilt, double log_delta, std::optional<double> needed) {
  Window window;
  window.tilt = tilt;
  window.log_cut = log_delta - kCut;
  const auto centre = cumulants.at(tilt);
  // Chernoff downwards under the tilted measure.
  double low = -kInfinity;
  for (double back = tilt / 64; back < tilt * 64; back *= 2)
    low = std::max(low, (centre.log_mass - cumulants.at(tilt - back).log_mass - kCut) / back);
  // The answer is not below what is likely without the tilt, nor below 0.
  const auto plain = cumulants.at(0);
  low = std::min(low, std::max(0.0, plain.mean - 6 * std::sqrt(plain.variance)));
  if (needed) low = std::min(low, *needed);
  const double high = std::max(cumulants.highest(tilt, std::max(0.0, low), window.log_cut), low);
  double count = 0;
  for (const Charge& charge : charges) count += static_cast<double>(charge.count);
  // Dots that are connected add up to (λ² + λ)·step²/8 to the cumulant of each draw.
  const double epsilon = std::max(0.0, cumulants.bound(tilt, log_delta));
  const double excess = kGridExcess * (1 + epsilon);
  const double step = std::sqrt(8 * excess / (count * (tilt + 1)));
  double finest = 0;
  for (const Charge& charge : charges)
    finest = std::max(finest, finest_step(charge.loss, kMostCells));
  window.length = length_for((high - low) / std::max(step, finest) + 4);
  // What a power of two leaves goes into a finer grid; where it is too short, into a coarser one.
  window.step = std::max((high - low) / static_cast<double>(window.length - 4), finest);
  const double first = std::floor(low / window.step) - 1;
  if (!std::isfinite(high) || !std::isfinite(window.step) || !(std::abs(first) < 0x1p52)) return {};
  window.first = static_cast<std::int64_t>(first);
  return window;
}

// Spectra multiplied, and how far each bin may be off.
struct Product {
  std::vector<Complex> spectrum;
  std::vector<double> log_bound;  // of the exact product's magnitude with each factor's error added
  double log_mass = 0;            // K(λ) on the fine grid
  double infinity = 0;
};

Complex power(Complex base, double count) {
  Complex result = 1;
  auto left = static_cast<std::uint64_t>(count);
  // By hand: the library's product looks for infinities.
  const auto times = [](Complex a, Complex b) {
    return Complex(a.real() * b.real() - a.imag() * b.imag(),
                   a.real() * b.imag() + a.imag() * b.real());
  };
  for (; left > 0; left >>= 1U) {
    if ((left & 1U) != 0) result = times(result, base);
    base = times(base, base);
  }
  return result;
}

// Each bin is a sum of `length` terms in log2(length) levels of two or three roundings.
double transform_error(std::size_t length) {
  return 8 * kRounding * static_cast<double>(std::bit_width(length));
}

void multiply(Product& product, const Term& term, const Window& window, math::Fft& fft) {
  const auto tilted = term.tilted(window.tilt);
  std::vector<double> signal(window.length);
  const auto length = static_cast<std::int64_t>(window.length);
  for (std::size_t i = 0; i < term.distribution.masses.size(); ++i) {
    const double mass = term.distribution.masses[i];
    if (mass <= 0) continue;
    const std::int64_t index = (term.distribution.first + static_cast<std::int64_t>(i)) % length;
    signal[static_cast<std::size_t>(index < 0 ? index + length : index)] +=
        mass * std::exp(window.tilt * term.loss(i) - tilted.log_mass);
  }
  std::vector<Complex> spectrum(fft.bins());
  fft.forward(signal, spectrum);
  const double error = transform_error(window.length);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    // Below e^−80 a bin is left out, and counted as error.
    if (product.log_bound[k] < -80) continue;
    const double magnitude = std::abs(spectrum[k]) + error;
    product.log_bound[k] += term.count * std::log(magnitude);
    product.spectrum[k] =
        product.log_bound[k] < -80 ? 0 : product.spectrum[k] * power(spectrum[k], term.count);
  }
  product.log_mass += term.count * tilted.log_mass;
  product.infinity += term.count * term.distribution.infinity;
}

// Composed masses, tilted: losses (first + i)·step of the window, each with the error added.
struct Composed {
  Window window;
  std::vector<double> masses;
  double log_mass = 0;
  double infinity = 0;  // with what was cut off
};

Composed compose(std::span<const Charge> charges, Direction direction, const Window& window) {
  math::Fft fft = math::Fft::create(window.length).value();
  Product product{std::vector<Complex>(fft.bins(), Complex(1)),
                  std::vector<double>(fft.bins(), 0.0), 0, 0};
  for (const Charge& charge : charges)
    multiply(product,
             Term(discretise(charge.loss, direction, window.step),
                  static_cast<double>(charge.count), window.step),
             window, fft);
  // Σ over bins of what each may be off, rounding of the powers and the inverse included.
  double error = 0;
  for (std::size_t k = 0; k < product.spectrum.size(); ++k) {
    const double magnitude = std::abs(product.spectrum[k]);
    error += std::max(0.0, std::exp(product.log_bound[k]) * (1 + 200 * kRounding) - magnitude) +
             magnitude * (transform_error(window.length) + 200 * kRounding);
  }
  error *= 2 / static_cast<double>(window.length);
  std::vector<double> signal(window.length);
  fft.inverse_real(product.spectrum, signal);
  Composed composed{window, std::vector<double>(window.length), product.log_mass,
                    product.infinity + std::exp(window.log_cut)};
  const auto length = static_cast<std::int64_t>(window.length);
  for (std::size_t i = 0; i < composed.masses.size(); ++i) {
    std::int64_t index = (window.first + static_cast<std::int64_t>(i)) % length;
    if (index < 0) index += length;
    composed.masses[i] = std::max(0.0, signal[static_cast<std::size_t>(index)]) + error;
  }
  return composed;
}

// Sums over all losses from one on, downwards: with d = loss − this one, Σ m·e^(−λd),
// Σ m·e^(−(λ+1)d) and Σ m·e^(−λd)(1 − e^(−d)), all of positive terms. The last, times
// e^(K − λ·loss), is δ there.
struct Tail {
  const Composed& composed;
  std::size_t at;
  double p = 0;
  double q = 0;
  double gap = 0;
  double decay = std::exp(-composed.window.tilt * composed.window.step);
  double decay_q = std::exp(-(composed.window.tilt + 1) * composed.window.step);
  double span = -std::expm1(-composed.window.step);

  explicit Tail(const Composed& whole) : composed(whole), at(whole.masses.size()) {}
  void down() {
    --at;
    gap = decay * (gap + span * q);
    p = decay * p + composed.masses[at];
    q = decay_q * q + composed.masses[at];
  }
  double loss() const {
    return static_cast<double>(composed.window.first + static_cast<std::int64_t>(at)) *
           composed.window.step;
  }
  // Far below the bulk the sums are no numbers any more: nothing can be read off there.
  bool is_lost() const { return at < composed.masses.size() && p < 1e-280; }
  double log_scale() const { return composed.log_mass - composed.window.tilt * loss(); }
};

double epsilon_of(const Composed& composed, double delta) {
  const double left = delta - composed.infinity;
  if (left <= 0) return kInfinity;
  const double log_left = std::log(left);
  Tail tail(composed);
  Tail above = tail;
  while (tail.at > 0) {
    above.at = tail.at;
    above.p = tail.p;
    above.q = tail.q;
    tail.down();
    if (tail.is_lost()) return above.loss();
    if (std::log(tail.gap) + tail.log_scale() > log_left) {
      // Between the two, δ = p − e^ε·q with the sums at the upper one.
      if (above.q == 0) return above.loss();
      const double rest = above.p - std::exp(log_left - above.log_scale());
      if (rest <= 0) return tail.loss();
      return std::clamp(above.loss() + std::log(rest / above.q), tail.loss(), above.loss());
    }
  }
  return tail.loss();
}

double delta_of(const Composed& composed, double epsilon) {
  Tail tail(composed);
  while (tail.at > 0) {
    const double next = tail.loss() - composed.window.step;
    if (next <= epsilon) break;
    tail.down();
    if (tail.is_lost()) return 1;
  }
  if (tail.p == 0) return composed.infinity;
  const double p = std::log(tail.p) + tail.log_scale();
  const double q = std::log(tail.q) + tail.log_scale() - tail.loss() + epsilon;
  // More than a probability: what is allowed for rounding outweighs what there is.
  if (!(p < 0.01)) return 1;
  return std::min(1.0, std::exp(p) * -std::expm1(std::min(0.0, q - p)) + composed.infinity);
}

// Unsampled Gaussians are one: 1/σ² adds up. `slack` is that of all losses.
struct Sorted {
  std::vector<Charge> charges;
  double gaussian = 0;  // σ where there is nothing else
  double slack = 0;
  double widest = 0;
  bool directed = false;
};

Sorted sorted(std::span<const Charge> charges) {
  Sorted found;
  double precision = 0;
  for (const Charge& charge : charges) {
    const auto count = static_cast<double>(charge.count);
    found.slack += count * slack(charge.loss);
    found.widest = std::max(found.widest, widest_loss(charge.loss));
    found.directed = found.directed || is_directed(charge.loss);
    if (const double sigma = as_gaussian(charge.loss); sigma > 0)
      precision += count / (sigma * sigma);
    else
      found.charges.push_back(charge);
  }
  if (charges.size() == found.charges.size()) return found;
  if (!std::isfinite(precision)) found.widest = kInfinity;
  // Squares may leave a double's range at both ends.
  constexpr double kLeast = std::numeric_limits<double>::min();
  const double sigma = (1 - 1e-14) / std::sqrt(std::max(precision, kLeast));
  if (found.charges.empty()) {
    found.gaussian = sigma;
    return found;
  }
  found.charges.push_back({PrivacyLoss::create(loss::Gaussian{sigma}).value(), 1});
  return found;
}

template <class Act>
double worst_direction(const Sorted& sorted, const Act& act) {
  const double worst = act(Direction::remove);
  return sorted.directed ? std::max(worst, act(Direction::add)) : worst;
}

}  // namespace

double pld_epsilon(std::span<const Charge> charges, double delta) {
  if (charges.empty()) return 0;
  const Sorted all = sorted(charges);
  if (!std::isfinite(all.widest)) return kInfinity;
  // P(x) and Q(x) are each within e^±slack of their pair's.
  const double inner = delta * std::exp(-all.slack);
  const double extra = 2 * all.slack;
  if (all.gaussian > 0) return gaussian_epsilon(all.gaussian, inner) + extra;
  if (inner <= 0) {
    // Only losses that are never beyond a bound keep δ = 0.
    double most = 0;
    for (const Charge& charge : all.charges)
      most += static_cast<double>(charge.count) * largest_loss(charge.loss);
    return most * (1 + 1e-12) + extra;
  }
  const double worst = worst_direction(all, [&](Direction direction) {
    const Cumulants cumulants(all.charges, direction);
    const double left = inner - cumulants.infinity();
    if (!(left > 0)) return kInfinity;
    const double tilt = cumulants.best_tilt(std::log(left));
    const double bound = cumulants.bound(tilt, std::log(left));
    const auto window = window_of(cumulants, all.charges, tilt, std::log(left), {});
    if (!window) return std::isnan(bound) ? kInfinity : bound;
    return std::min(bound, epsilon_of(compose(all.charges, direction, *window), inner));
  });
  return std::max(0.0, worst * (1 + 1e-12)) + extra;
}

double pld_delta(std::span<const Charge> charges, double epsilon) {
  if (charges.empty()) return 0;
  const Sorted all = sorted(charges);
  if (!std::isfinite(all.widest)) return 1;
  const double inner = epsilon - 2 * all.slack;
  if (inner < 0) return 1;
  const double factor = std::exp(all.slack);
  if (all.gaussian > 0) return std::min(1.0, gaussian_delta(all.gaussian, inner) * factor);
  const double worst = worst_direction(all, [&](Direction direction) {
    const Cumulants cumulants(all.charges, direction);
    const double tilt = cumulants.tilt_to(inner);
    const double log_delta = cumulants.log_delta(tilt, inner);
    const double bound = std::exp(log_delta) + cumulants.infinity();
    const auto window = window_of(cumulants, all.charges, tilt, log_delta, inner);
    if (!window) return std::isnan(bound) ? 1.0 : bound;
    return std::min(bound, delta_of(compose(all.charges, direction, *window), inner));
  });
  return std::min(1.0, worst * factor * (1 + 1e-12));
}

}  // namespace hanse::privacy
