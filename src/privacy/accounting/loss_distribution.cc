#include "privacy/accounting/loss_distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "privacy/accounting/rdp.h"

namespace hanse::privacy {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// In standard deviations: a tail of 1e-38.
constexpr double kReach = 13;

// Atoms on the integers are enumerated up to this parameter; above it the pair of a continuous
// Gaussian costs less than a millionth more.
constexpr double kLargestEnumerated = 2000;
constexpr std::uint64_t kMostSteps = 1 << 20;

// Rounding of the masses of one cell, relative to them; they are divided by the cell's width.
constexpr double kCellRounding = 1e-12;

// Per coordinate, of randomised rounding with r = 2: docs/proofs/discrete_gaussian.md, Theorem 3.
constexpr double kRoundingSlack = 3e-34;
constexpr double kRoundingVariance = 4;

// Probabilities under P and Q of the losses in one cell.
struct Mass {
  double p = 0;
  double q = 0;
};

// Cells (first + i, first + i + 1]·step of the direction `remove`, and the tails outside.
struct Cells {
  std::int64_t first = 0;
  std::vector<Mass> masses;
  Mass above;
  Mass below;

  static Cells over(double low, double high, double step) {
    Cells cells;
    cells.first = static_cast<std::int64_t>(std::floor(low / step)) - 1;
    const auto last = static_cast<std::int64_t>(std::ceil(high / step)) + 1;
    cells.masses.resize(static_cast<std::size_t>(last - cells.first));
    return cells;
  }
  void put(double loss, double step, Mass mass) {
    const auto cell = static_cast<std::int64_t>(std::floor(loss / step)) - first;
    Mass& at = masses[static_cast<std::size_t>(
        std::clamp<std::int64_t>(cell, 0, static_cast<std::int64_t>(masses.size()) - 1))];
    at.p += mass.p;
    at.q += mass.q;
  }
};

// A pair whose loss has a density, with the atoms at its ends.
class Gaussian {
 public:
  explicit Gaussian(double sigma) : sigma_(sigma) {}
  double low() const { return (-2 * kReach * sigma_ - 1) / (2 * sigma_ * sigma_); }
  double high() const { return (2 * kReach * sigma_ + 1) / (2 * sigma_ * sigma_); }
  // Probability of losses above, under P = N(1, σ²) and Q = N(0, σ²), and below.
  Mass above(double loss) const { return {tail(point(loss) - 1), tail(point(loss))}; }
  Mass below(double loss) const { return {tail(1 - point(loss)), tail(-point(loss))}; }

 private:
  double point(double loss) const { return loss * sigma_ * sigma_ + 0.5; }
  double tail(double x) const { return std::erfc(x / sigma_ / std::numbers::sqrt2) / 2; }
  double sigma_;
};

class Laplace {
 public:
  explicit Laplace(double scale) : epsilon_(1 / scale) {}
  double low() const { return -epsilon_; }
  double high() const { return epsilon_; }
  Mass above(double loss) const {
    if (loss >= epsilon_) return {};
    if (loss < -epsilon_) return {1, 1};
    return {1 - std::exp((loss - epsilon_) / 2) / 2, std::exp(-(loss + epsilon_) / 2) / 2};
  }
  Mass below(double loss) const {
    if (loss >= epsilon_) return {1, 1};
    if (loss < -epsilon_) return {};
    return {std::exp((loss - epsilon_) / 2) / 2, 1 - std::exp(-(loss + epsilon_) / 2) / 2};
  }

 private:
  double epsilon_;
};

// The pair of the envelope δ(x) = (1 − e^((x−ε)/2))²/(1 − e^(−ε)) of all ε-bounded-range pairs
// (Dong, Durfee, Rogers 2020, Lemma 3.4); its slope in e^x is Q's tail.
class BoundedRange {
 public:
  explicit BoundedRange(double epsilon) : epsilon_(epsilon), whole_(-std::expm1(-epsilon)) {}
  double low() const { return -epsilon_; }
  double high() const { return epsilon_; }
  Mass above(double loss) const {
    if (loss >= epsilon_) return {};
    if (loss <= -epsilon_) return {1, 1};
    const double gap = -std::expm1((loss - epsilon_) / 2);
    return {gap / whole_, gap * std::exp(-(loss + epsilon_) / 2) / whole_};
  }
  Mass below(double loss) const {
    if (loss >= epsilon_) return {1, 1};
    if (loss <= -epsilon_) return {};
    const double gap = -std::expm1(-(loss + epsilon_) / 2);
    return {gap * std::exp((loss - epsilon_) / 2) / whole_, gap / whole_};
  }

 private:
  double epsilon_;
  double whole_;
};

// The loss of P₁ against Q at which (1 − q)·Q + q·P₁ has the loss `sampled`.
double unsampled(double sampled, double rate) {
  if (rate == 1) return sampled;
  if (sampled > 30) return sampled - std::log(rate) + std::log1p((rate - 1) * std::exp(-sampled));
  const double gain = std::expm1(sampled) / rate;
  return gain <= -1 ? -kInfinity : std::log1p(gain);
}

double sampled(double loss, double rate) {
  if (rate == 1) return loss;
  return loss > 30 ? loss + std::log(rate) + std::log1p((1 - rate) / rate * std::exp(-loss))
                   : std::log1p(rate * std::expm1(loss));
}

Mass mixed(Mass mass, double rate) { return {(1 - rate) * mass.q + rate * mass.p, mass.q}; }

template <class Pair>
Cells cells_of(const Pair& pair, double rate, double step) {
  Cells cells = Cells::over(sampled(pair.low(), rate), sampled(pair.high(), rate), step);
  const auto edge = [&](std::size_t i) {
    return unsampled(static_cast<double>(cells.first + static_cast<std::int64_t>(i)) * step, rate);
  };
  Mass above = pair.above(edge(0));
  Mass below = pair.below(edge(0));
  cells.below = mixed(below, rate);
  for (std::size_t i = 0; i < cells.masses.size(); ++i) {
    const double end = edge(i + 1);
    const Mass next_above = pair.above(end);
    const Mass next_below = pair.below(end);
    // On each side of the median the smaller tail has the digits.
    const auto between = [](double low, double next_low, double high, double next_high) {
      return std::max(0.0, next_low < 0.5 ? next_low - low : high - next_high);
    };
    cells.masses[i] = mixed({between(below.p, next_below.p, above.p, next_above.p),
                             between(below.q, next_below.q, above.q, next_above.q)},
                            rate);
    above = next_above;
    below = next_below;
  }
  cells.above = mixed(above, rate);
  return cells;
}

// Randomised response: every ε-DP pair is a post-processing of it (Kairouz, Oh, Viswanath 2015).
Cells response_cells(double epsilon, double step) {
  Cells cells = Cells::over(-epsilon, epsilon, step);
  const double yes = 1 / (1 + std::exp(-epsilon));
  cells.put(epsilon, step, {yes, yes * std::exp(-epsilon)});
  cells.put(-epsilon, step, {yes * std::exp(-epsilon), yes});
  return cells;
}

Cells discrete_laplace_cells(const loss::DiscreteLaplace& kind, double step) {
  const auto steps = static_cast<double>(kind.sensitivity);
  const double rate = 1 / kind.scale;
  const double epsilon = rate * steps;
  if (kind.sensitivity > kMostSteps) return response_cells(epsilon, step);
  Cells cells = Cells::over(-epsilon, epsilon, step);
  const double side = 1 / (1 + std::exp(-rate));
  const double centre = std::tanh(rate / 2);
  cells.put(epsilon, step, {side, side * std::exp(-epsilon)});
  cells.put(-epsilon, step, {side * std::exp(-epsilon), side});
  for (double x = 1; x < steps; ++x)
    cells.put(rate * (2 * x - steps), step,
              {centre * std::exp(rate * (x - steps)), centre * std::exp(-rate * x)});
  return cells;
}

// One coordinate, one share: the values themselves. An integer moves by at most ⌊sensitivity⌋, and
// the likelihood ratio grows with x, so the largest move dominates the others.
Cells discrete_gaussian_cells(const loss::DiscreteGaussian& kind, double step) {
  const double move = std::floor(kind.sensitivity);
  const double curvature = 1 / (2 * kind.sigma * kind.sigma);
  const double reach = std::ceil(kReach * kind.sigma) + 1;
  const auto density = [&](double x) { return std::exp(-x * x * curvature); };
  double whole = 0;
  for (double x = -reach; x <= reach; ++x) whole += density(x);
  const auto loss_at = [&](double x) {
    return sampled(move * (2 * x - move) * curvature, kind.sampling_rate);
  };
  Cells cells = Cells::over(loss_at(-reach), loss_at(move + reach), step);
  for (double x = -reach; x <= move + reach; ++x)
    cells.put(loss_at(x), step,
              mixed({density(x - move) / whole, density(x) / whole}, kind.sampling_rate));
  // Beyond, less than e^(−reach²/2σ²) of each.
  const double tail = std::exp(-kReach * kReach / 2);
  cells.above = cells.below = {tail, tail};
  return cells;
}

// Replace-one on a sample of fixed size: for losses above 0 the hockey-stick divergence is that of
// the sampled pair, below 0 that of its mirror, and what is left has loss 0 (Balle, Barthe,
// Gaboardi 2018, advanced joint convexity).
Cells fixed_size_cells(const loss::FixedSizeGaussian& kind, double step) {
  const Cells half = cells_of(Gaussian(kind.noise_multiplier), kind.sampling_rate, step);
  const double top =
      static_cast<double>(half.first + static_cast<std::int64_t>(half.masses.size())) * step;
  Cells cells = Cells::over(-top, top, step);
  double left = 1 - half.above.p - half.above.q;
  const auto zero = static_cast<std::size_t>(-cells.first);
  for (std::size_t i = static_cast<std::size_t>(-half.first); i < half.masses.size(); ++i) {
    const std::size_t up = i - static_cast<std::size_t>(-half.first);
    cells.masses[zero + up] = half.masses[i];
    cells.masses[zero - 1 - up] = {half.masses[i].q, half.masses[i].p};
    left -= half.masses[i].p + half.masses[i].q;
  }
  cells.masses[zero].p += std::max(0.0, left);
  cells.masses[zero].q += std::max(0.0, left);
  cells.above = half.above;
  cells.below = {half.above.q, half.above.p};
  return cells;
}

// The other table on top.
Cells mirrored(const Cells& cells) {
  Cells mirror;
  mirror.first = -(cells.first + static_cast<std::int64_t>(cells.masses.size()));
  mirror.masses.resize(cells.masses.size());
  for (std::size_t i = 0; i < cells.masses.size(); ++i) {
    const Mass& from = cells.masses[cells.masses.size() - 1 - i];
    mirror.masses[i] = {from.q, from.p};
  }
  mirror.above = {cells.below.q, cells.below.p};
  mirror.below = {cells.above.q, cells.above.p};
  return mirror;
}

LossDistribution connected(const Cells& cells, double step) {
  LossDistribution found;
  found.first = cells.first;
  found.masses.resize(cells.masses.size() + 1);
  const double span = -std::expm1(-step);
  const double up = kCellRounding / std::min(step, 1.0);
  for (std::size_t i = 0; i < cells.masses.size(); ++i) {
    const Mass& mass = cells.masses[i];
    const double low = static_cast<double>(cells.first + static_cast<std::int64_t>(i)) * step;
    // The part of P at the upper end, where Q keeps p·e^(−low − step) of it.
    const double above = (mass.p - std::exp(low) * mass.q) / span + up * mass.p;
    const double high = std::isfinite(above) ? std::clamp(above, 0.0, mass.p) : mass.p;
    found.masses[i] += mass.p - high;
    found.masses[i + 1] += high;
  }
  found.masses[0] += cells.below.p;
  found.infinity = cells.above.p;
  return found;
}

bool is_enumerated(const loss::DiscreteGaussian& kind) {
  return kind.coordinates == 1 && kind.shares == 1 &&
         kind.sigma <= kLargestEnumerated * std::max(1.0, kind.sensitivity) &&
         kind.sigma + kind.sensitivity <= static_cast<double>(kMostSteps);
}

// Noise multiplier of the continuous Gaussian of which the lattice's noise is a rounding.
double continuous_multiplier(const loss::DiscreteGaussian& kind) {
  const double sigma = lattice_noise(kind).sigma;
  const double variance = sigma * sigma - kRoundingVariance;
  if (!std::isfinite(lattice_noise(kind).slack)) return 0;
  return variance > 0 ? std::sqrt(variance) / kind.sensitivity : 0;
}

struct MakeCells {
  double step;

  Cells operator()(const loss::Gaussian& kind) const {
    return cells_of(Gaussian(kind.noise_multiplier), kind.sampling_rate, step);
  }
  Cells operator()(const loss::FixedSizeGaussian& kind) const {
    return fixed_size_cells(kind, step);
  }
  Cells operator()(const loss::DiscreteGaussian& kind) const {
    if (is_enumerated(kind)) return discrete_gaussian_cells(kind, step);
    return cells_of(Gaussian(continuous_multiplier(kind)), kind.sampling_rate, step);
  }
  Cells operator()(const loss::Laplace& kind) const {
    return cells_of(Laplace(kind.scale), kind.sampling_rate, step);
  }
  Cells operator()(const loss::DiscreteLaplace& kind) const {
    return discrete_laplace_cells(kind, step);
  }
  Cells operator()(const loss::Pure& kind) const { return response_cells(kind.epsilon, step); }
  Cells operator()(const loss::BoundedRange& kind) const {
    return cells_of(BoundedRange(kind.epsilon), 1, step);
  }
  // With probability δ everything is told (Kairouz, Oh, Viswanath 2015, Theorem 3.1).
  Cells operator()(const loss::Approximate& kind) const {
    Cells cells = response_cells(kind.epsilon, step);
    for (Mass& mass : cells.masses) mass = {mass.p * (1 - kind.delta), mass.q * (1 - kind.delta)};
    cells.above = {kind.delta, 0};
    cells.below = {0, kind.delta};
    return cells;
  }
  template <class Other>
  Cells operator()(const Other&) const {
    HANSE_CHECK(false);
  }
};

}  // namespace

bool is_dominated(const PrivacyLoss& loss) {
  if (const auto* kind = std::get_if<loss::DiscreteGaussian>(&loss.kind()))
    return is_enumerated(*kind) || continuous_multiplier(*kind) > 0;
  return loss.is_bounded() && !std::holds_alternative<loss::Concentrated>(loss.kind()) &&
         !std::holds_alternative<loss::Skellam>(loss.kind());
}

bool is_directed(const PrivacyLoss& loss) {
  return !std::holds_alternative<loss::FixedSizeGaussian>(loss.kind()) &&
         std::visit(
             [](const auto& kind) {
               if constexpr (requires { kind.sampling_rate; }) return kind.sampling_rate < 1;
               return false;
             },
             loss.kind());
}

LossDistribution discretise(const PrivacyLoss& loss, Direction direction, double step) {
  HANSE_CHECK(is_dominated(loss) && step > 0);
  const Cells cells = std::visit(MakeCells{step}, loss.kind());
  return connected(direction == Direction::remove ? cells : mirrored(cells), step);
}

double widest_loss(const PrivacyLoss& loss) {
  const auto width = []<class Kind>(const Kind& kind) -> double {
    const auto gaussian = [](double sigma, double rate) {
      return std::max(sampled(Gaussian(sigma).high(), rate), -sampled(Gaussian(sigma).low(), rate));
    };
    if constexpr (requires { kind.noise_multiplier; })
      return gaussian(kind.noise_multiplier, kind.sampling_rate);
    else if constexpr (std::is_same_v<Kind, loss::DiscreteGaussian>)
      return gaussian(is_enumerated(kind) ? kind.sigma / std::max(1.0, std::floor(kind.sensitivity))
                                          : continuous_multiplier(kind),
                      kind.sampling_rate);
    else if constexpr (std::is_same_v<Kind, loss::Laplace>)
      return std::max(sampled(1 / kind.scale, kind.sampling_rate),
                      -sampled(-1 / kind.scale, kind.sampling_rate));
    else if constexpr (std::is_same_v<Kind, loss::DiscreteLaplace>)
      return static_cast<double>(kind.sensitivity) / kind.scale;
    else if constexpr (requires { kind.epsilon; })
      return kind.epsilon;
    return kInfinity;
  };
  return std::visit(width, loss.kind());
}

double largest_loss(const PrivacyLoss& loss) {
  if (const auto* kind = std::get_if<loss::Approximate>(&loss.kind()); kind && kind->delta > 0)
    return kInfinity;
  const auto ends = []<class Kind>(const Kind&) {
    return std::is_same_v<Kind, loss::Laplace> || std::is_same_v<Kind, loss::DiscreteLaplace> ||
           requires(Kind kind) { kind.epsilon; };
  };
  return std::visit(ends, loss.kind()) ? widest_loss(loss) : kInfinity;
}

double slack(const PrivacyLoss& loss) {
  const auto* kind = std::get_if<loss::DiscreteGaussian>(&loss.kind());
  if (kind == nullptr || is_enumerated(*kind)) return 0;
  return lattice_noise(*kind).slack + kRoundingSlack * static_cast<double>(kind->coordinates);
}

double as_gaussian(const PrivacyLoss& loss) {
  if (const auto* kind = std::get_if<loss::Gaussian>(&loss.kind()))
    return kind->sampling_rate == 1 ? kind->noise_multiplier : 0;
  if (const auto* kind = std::get_if<loss::FixedSizeGaussian>(&loss.kind()))
    return kind->sampling_rate == 1 ? kind->noise_multiplier : 0;
  if (const auto* kind = std::get_if<loss::DiscreteGaussian>(&loss.kind()))
    return kind->sampling_rate == 1 && !is_enumerated(*kind) ? continuous_multiplier(*kind) : 0;
  return 0;
}

}  // namespace hanse::privacy
