#include "fairness/oracle.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// Of Gauss and Legendre with 8 points on [−1, 1], the positive half (Abramowitz and Stegun 1964,
// table 25.4).
constexpr std::array<double, 4> kNodes = {0.1834346424956498, 0.5255324099163290,
                                          0.7966664774136267, 0.9602898564975363};
constexpr std::array<double, 4> kWeights = {0.3626837833783620, 0.3137066458778873,
                                            0.2223810344533745, 0.1012285362903763};
// The arctangent's poles are 1/steepness beside the line: panels of about that width.
constexpr int kPanelsPerUnit = 32;

double integral(double low, double high, double steepness,
                const std::function<double(double)>& integrand) {
  if (!(high > low)) return 0;
  const int panels =
      static_cast<int>(std::ceil((high - low) * std::max<double>(kPanelsPerUnit, 2 * steepness)));
  const double half = (high - low) / (2 * panels);
  double sum = 0;
  for (int panel = 0; panel < panels; ++panel) {
    const double middle = low + (2 * panel + 1) * half;
    for (std::size_t i = 0; i < kNodes.size(); ++i)
      sum += kWeights[i] *
             (integrand(middle - half * kNodes[i]) + integrand(middle + half * kNodes[i]));
  }
  return sum * half;
}

// P(X ≤ x) of Beta(α, 2).
double beta_probability(double alpha, double x) {
  const double at = std::clamp(x, 0.0, 1.0);
  return std::pow(at, alpha) * (alpha + 1 - alpha * at);
}

// ∫₀ᵛ of that, v in [0, 1].
double beta_integral(double alpha, double v) {
  return std::pow(v, alpha + 1) * (1 - v * alpha / (alpha + 2));
}

double sign_of(std::uint32_t group) { return group == 1 ? 1 : -1; }

}  // namespace

Result<Oracle> Oracle::create(const ArctanPopulation& population) {
  const auto within = [](double value, double low, double high) {
    return value >= low && value <= high;
  };
  if (!(population.share > 0 && population.share < 1))
    return fail(ErrorCode::invalid_argument,
                "the share of group 1 is {}; it must lie between 0 and 1, both excluded",
                population.share);
  for (const double first : population.first)
    if (!within(first, 1, 1000))
      return fail(ErrorCode::invalid_argument,
                  "the first parameter of a Beta law is {}; it must lie in 1 to 1000", first);
  if (!(population.steepness > 0 && population.steepness <= 1000))
    return fail(ErrorCode::invalid_argument,
                "the steepness is {}; it must be above 0 and at most 1000", population.steepness);
  if (!within(population.shift, -1, 1))
    return fail(ErrorCode::invalid_argument, "the shift is {}; it must lie in −1 to 1",
                population.shift);
  return Oracle(population);
}

double Oracle::group_share(std::uint32_t group) const {
  return group == 1 ? population_.share : 1 - population_.share;
}

double Oracle::probability(double x1, double x2, std::uint32_t group) const {
  const double s = x1 + x2 - 1 + population_.shift * sign_of(group);
  return 0.5 + std::atan(population_.steepness * s) / std::numbers::pi;
}

double Oracle::cut_of(std::uint32_t group, double tau) const {
  const double threshold = 0.5 + tau * sign_of(group) / (2 * group_share(group));
  if (threshold <= 0) return -1;
  if (threshold >= 1) return 1;
  const double s = std::tan(std::numbers::pi * (threshold - 0.5)) / population_.steepness;
  return std::clamp(s - population_.shift * sign_of(group), -1.0, 1.0);
}

double Oracle::selected(std::uint32_t group, double cut) const {
  const double alpha = population_.first[group];
  if (cut < 0) return 1 - beta_integral(alpha, 1 + cut);
  return 1 - cut - (beta_integral(alpha, 1) - beta_integral(alpha, cut));
}

double Oracle::group_risk(std::uint32_t group, double cut) const {
  const double alpha = population_.first[group];
  // The density of u = x₁ + x₂ − 1: where x₁ lies between u and u + 1.
  const auto density = [alpha](double u) {
    return beta_probability(alpha, u + 1) - beta_probability(alpha, u);
  };
  const auto eta = [&](double u) { return probability(u + 1, 0, group); };
  const auto missed = [&](double u) { return eta(u) * density(u); };
  const auto wrong = [&](double u) { return (1 - eta(u)) * density(u); };
  const double k = population_.steepness;
  // The density has a kink at 0, and the rule jumps at the cut.
  return integral(-1, std::min(cut, 0.0), k, missed) + integral(0, cut, k, missed) +
         integral(cut, 0, k, wrong) + integral(std::max(cut, 0.0), 1, k, wrong);
}

FairPoint Oracle::at(double tau) const {
  FairPoint point{tau, {}};
  for (const std::uint32_t group : {0U, 1U}) {
    const double cut = cut_of(group, tau);
    point.value.risk += group_share(group) * group_risk(group, cut);
    point.value.disparity += sign_of(group) * selected(group, cut);
  }
  return point;
}

Result<FairPoint> Oracle::fair(double bound) const {
  if (!(bound >= 0 && bound <= 1))
    return fail(ErrorCode::invalid_argument,
                "the bound on the disparity is {}; it must lie in 0 to 1", bound);
  const auto disparity = [this](double tau) {
    return selected(1, cut_of(1, tau)) - selected(0, cut_of(0, tau));
  };
  const double free = disparity(0);
  if (std::abs(free) <= bound) return at(0);
  // At τ = ±1 one group is taken whole and the other not at all.
  const double target = free > 0 ? bound : -bound;
  double low = free > 0 ? 0 : -1;
  double high = free > 0 ? 1 : 0;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (disparity(middle) > target ? low : high) = middle;
  }
  return at(free > 0 ? high : low);
}

RiskAndDisparity Oracle::of(const Classifier& classifier, std::uint32_t side) const {
  HANSE_CHECK(side >= 1 && side <= 4096);
  RiskAndDisparity sum;
  const double step = 1.0 / side;
  for (const std::uint32_t group : {0U, 1U}) {
    double rate = 0;
    double risk = 0;
    for (std::uint32_t row = 0; row < side; ++row) {
      const double mass = beta_probability(population_.first[group], (row + 1) * step) -
                          beta_probability(population_.first[group], row * step);
      for (std::uint32_t column = 0; column < side; ++column) {
        const double x1 = (row + 0.5) * step;
        const double x2 = (column + 0.5) * step;
        const bool positive = classifier(x1, x2, group);
        const double eta = probability(x1, x2, group);
        rate += positive ? mass : 0;
        risk += mass * (positive ? 1 - eta : eta);
      }
    }
    sum.risk += group_share(group) * risk * step;
    sum.disparity += sign_of(group) * rate * step;
  }
  return sum;
}

Oracle::Draw Oracle::draw(base::RandomSource& random) const {
  Draw draw;
  draw.group = base::uniform_unit(random) < population_.share ? 1 : 0;
  // Beta(α, 1)·Beta(α + 1, 1) is Beta(α, 2), and each factor is a root of a uniform number.
  const double alpha = population_.first[draw.group];
  draw.x1 = std::pow(base::uniform_unit(random), 1 / alpha) *
            std::pow(base::uniform_unit(random), 1 / (alpha + 1));
  draw.x2 = base::uniform_unit(random);
  draw.label = base::uniform_unit(random) < probability(draw.x1, draw.x2, draw.group) ? 1 : 0;
  return draw;
}

}  // namespace hanse::fairness
