#include "privacy/accounting/gate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "privacy/accounting/calibration.h"
#include "privacy/accounting/loss_distribution.h"
#include "privacy/accounting/pld.h"
#include "privacy/accounting/rdp.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

// A promise beyond it promises nothing, and its units would not fit a word.
constexpr double kLargestEpsilon = 1e6;

// The order found is about 2·log(1/δ)/ε; promises finer than this allows keep the last.
constexpr std::uint64_t kLargestOrder = 1 << 20;

std::uint64_t rounded_up(double value, double unit) {
  const double units = std::ceil(value / unit);
  // What costs anything costs a unit, also where it is too small for a double.
  return units < 0x1p63 ? std::max<std::uint64_t>(1, static_cast<std::uint64_t>(units)) : kLargest;
}

std::uint64_t rounded_down(double value, double unit) {
  return value > 0 ? static_cast<std::uint64_t>(std::min(std::floor(value / unit), 0x1p62)) : 0;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) { return a > kLargest - b ? kLargest : a + b; }

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  return a != 0 && b > kLargest / a ? kLargest : a * b;
}

// The integer at which an unsampled Gaussian, D_α = α/(2σ²), gets the most uses.
std::uint64_t best_order(double epsilon, double delta) {
  std::uint64_t best = 2;
  double most = -std::numeric_limits<double>::infinity();
  for (std::uint64_t order = 2; order <= kLargestOrder; ++order) {
    const auto value = static_cast<double>(order);
    const double uses = rdp_budget(value, epsilon, delta) / value;
    if (uses > most) {
      most = uses;
      best = order;
    } else if (most > 0) {
      break;  // it has one maximum where it is positive
    }
  }
  return best;
}

// (ε, δ) of one use where the loss has one.
struct Pair {
  double epsilon;
  double delta;
};

// Those that take arithmetic carry its rounding; a number that is stated costs itself.
constexpr double kRounding = 1 + 1e-14;

struct PairOf {
  std::optional<Pair> operator()(const loss::Pure& kind) const { return Pair{kind.epsilon, 0}; }
  std::optional<Pair> operator()(const loss::BoundedRange& kind) const {
    return Pair{kind.epsilon, 0};
  }
  std::optional<Pair> operator()(const loss::Approximate& kind) const {
    return Pair{kind.epsilon, kind.delta};
  }
  // Sampled: log(1 + q·(e^ε − 1)) (Balle, Barthe, Gaboardi 2018, Theorem 8).
  std::optional<Pair> operator()(const loss::Laplace& kind) const {
    const double epsilon = 1 / kind.scale;
    const double sampled =
        epsilon < 700 ? std::log1p(kind.sampling_rate * std::expm1(epsilon)) : epsilon;
    return Pair{sampled * kRounding, 0};
  }
  std::optional<Pair> operator()(const loss::DiscreteLaplace& kind) const {
    return Pair{static_cast<double>(kind.sensitivity) / kind.scale * kRounding, 0};
  }
  template <class Other>
  std::optional<Pair> operator()(const Other&) const {
    return {};
  }
};

std::optional<Price> price_of(const Gate& gate, const PrivacyLoss& loss) {
  switch (gate.currency()) {
    case Currency::rho:
      if (const auto cost = rho(loss)) return Price{rounded_up(*cost, kUnit), 0};
      return {};
    case Currency::rdp:
      if (const double cost = rdp(loss, static_cast<double>(gate.order())); std::isfinite(cost))
        return Price{rounded_up(cost, kUnit), 0};
      return {};
    case Currency::epsilon_delta:
      if (const auto cost = std::visit(PairOf{}, loss.kind()))
        return Price{rounded_up(cost->epsilon, kUnit),
                     cost->delta > 0 ? rounded_up(cost->delta, kDeltaUnit) : 0};
      return {};
  }
  HANSE_CHECK(false);
}

base::Result<void> check_charges(std::span<const Charge> charges) {
  for (const Charge& charge : charges) {
    if (charge.count == 0)
      return base::fail(ErrorCode::invalid_argument,
                        "a charge stands for at least one use, found a count of 0 of '{}'",
                        charge.loss.text());
    if (charge.loss.neighbours() != charges.front().loss.neighbours())
      return base::fail(ErrorCode::invalid_argument,
                        "all charges of a price are under one relation of neighbours, found {} "
                        "and {}; price them on separate assets",
                        text(charges.front().loss.neighbours()), text(charge.loss.neighbours()));
  }
  return {};
}

}  // namespace

std::string_view text(Currency currency) {
  switch (currency) {
    case Currency::rho:
      return "rho";
    case Currency::rdp:
      return "rdp";
    case Currency::epsilon_delta:
      return "epsilon_delta";
  }
  HANSE_CHECK(false);
}

base::Result<Currency> parse_currency(std::string_view text) {
  for (const auto currency : {Currency::rho, Currency::rdp, Currency::epsilon_delta})
    if (privacy::text(currency) == text) return currency;
  return base::fail(ErrorCode::invalid_argument,
                    "a currency is rho, rdp or epsilon_delta, found '{}'", text);
}

Price Price::plus(const Price& other) const {
  return {sum(units, other.units), sum(delta_units, other.delta_units)};
}

Price Price::minus(const Price& other) const {
  return {units - std::min(units, other.units),
          delta_units - std::min(delta_units, other.delta_units)};
}

base::Result<Gate> Gate::create(Currency currency, base::Epsilon epsilon, base::Delta delta) {
  if (epsilon.value() > kLargestEpsilon)
    return base::fail(ErrorCode::invalid_argument,
                      "an epsilon of {} promises nothing; take one of at most {}", epsilon.value(),
                      kLargestEpsilon);
  if (currency != Currency::epsilon_delta && !(delta.value() > 0))
    return base::fail(ErrorCode::invalid_argument,
                      "a gate in {} needs a delta above 0, found 0; take epsilon_delta for pure "
                      "epsilon",
                      text(currency));
  Gate gate(currency, epsilon, delta);
  switch (currency) {
    case Currency::rho:
      gate.capacity_.units = rounded_down(zcdp_budget(epsilon.value(), delta.value()), kUnit);
      break;
    case Currency::rdp: {
      gate.order_ = best_order(epsilon.value(), delta.value());
      const auto order = static_cast<double>(gate.order_);
      gate.capacity_.units = rounded_down(rdp_budget(order, epsilon.value(), delta.value()), kUnit);
      break;
    }
    case Currency::epsilon_delta:
      gate.capacity_ = {rounded_down(epsilon.value(), kUnit),
                        rounded_down(delta.value(), kDeltaUnit)};
  }
  if (gate.capacity_.units == 0)
    return base::fail(ErrorCode::invalid_argument,
                      "epsilon={} delta={} leaves less than one unit of 2^-40 to spend in {}; take "
                      "a larger epsilon or delta",
                      epsilon.value(), delta.value(), text(currency));
  return gate;
}

base::Result<Price> Gate::price(std::span<const Charge> charges) const {
  HANSE_TRY_VOID(check_charges(charges));
  Price total;
  for (const Charge& charge : charges) {
    const auto one = price_of(*this, charge.loss);
    if (!one)
      return base::fail(ErrorCode::unsupported, "'{}' has no price in {}; {}", charge.loss.text(),
                        text(currency_),
                        !charge.loss.is_bounded() ? "without noise nothing is promised"
                        : currency_ == Currency::epsilon_delta
                            ? "charge it as part of a job with all parameters fixed beforehand"
                            : "charge it to a gate in epsilon_delta");
    total =
        total.plus({product(one->units, charge.count), product(one->delta_units, charge.count)});
  }
  return total;
}

base::Result<Price> Gate::job_price(std::span<const Charge> charges, base::Delta delta) const {
  if (currency_ != Currency::epsilon_delta)
    return base::fail(ErrorCode::unsupported,
                      "a whole job is priced as one (epsilon, delta) by a gate in epsilon_delta "
                      "only, found {}",
                      text(currency_));
  HANSE_TRY_VOID(check_charges(charges));
  for (const Charge& charge : charges)
    if (!is_dominated(charge.loss))
      return base::fail(ErrorCode::unsupported, "'{}' has no known privacy loss distribution",
                        charge.loss.text());
  if (charges.empty()) return Price{};
  // At a δ of whole units, so that a job at the gate's own δ fits it.
  const std::uint64_t delta_units = rounded_down(delta.value(), kDeltaUnit);
  const double epsilon = pld_epsilon(charges, static_cast<double>(delta_units) * kDeltaUnit);
  if (!std::isfinite(epsilon))
    return base::fail(ErrorCode::unsupported,
                      "no epsilon holds for these charges at delta={}; take a larger delta",
                      delta.value());
  return Price{rounded_up(epsilon, kUnit), delta_units};
}

double Gate::epsilon_of(const Price& spent) const {
  if (spent == Price{}) return 0;
  const double value = static_cast<double>(spent.units) * kUnit;
  switch (currency_) {
    case Currency::rho:
      return zcdp_epsilon(value, delta_.value());
    case Currency::rdp:
      return rdp_epsilon(value, static_cast<double>(order_), delta_.value());
    case Currency::epsilon_delta:
      return value;
  }
  HANSE_CHECK(false);
}

base::Result<double> calibrate(const Gate& gate, double share, double sampling_rate,
                               std::uint64_t steps) {
  if (!(share > 0 && share <= 1))
    return base::fail(ErrorCode::invalid_argument, "a share of a budget is in (0, 1], found {}",
                      share);
  const double limit = std::floor(static_cast<double>(gate.capacity().units) * share);
  if (limit < 1)
    return base::fail(ErrorCode::invalid_argument,
                      "a share of {} of this budget is less than one unit", share);
  const double delta_units = std::floor(static_cast<double>(gate.capacity().delta_units) * share);
  HANSE_TRY(const base::Delta delta, base::Delta::create(delta_units * kDeltaUnit));
  const auto cost = [&](double noise) -> base::Result<double> {
    HANSE_TRY(const PrivacyLoss loss, PrivacyLoss::create(loss::Gaussian{noise, sampling_rate}));
    const Charge charge{loss, steps};
    const auto price = gate.currency() == Currency::epsilon_delta
                           ? gate.job_price(std::span(&charge, 1), delta)
                           : gate.price(std::span(&charge, 1));
    HANSE_TRY(const Price priced, price);
    return static_cast<double>(priced.units);
  };
  return least_noise(cost, limit);
}

}  // namespace hanse::privacy
