#include "privacy/accounting/gate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "privacy/accounting/rdp.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;

constexpr Currency kAll[] = {Currency::rho, Currency::rdp, Currency::epsilon_delta};

Gate gate_of(Currency currency, double epsilon = 1, double delta = 1e-5) {
  return Gate::create(currency, base::Epsilon::create(epsilon).value(),
                      base::Delta::create(delta).value())
      .value();
}

PrivacyLoss loss_of(const loss::Kind& kind) { return PrivacyLoss::create(kind).value(); }

base::Result<Price> price(const Gate& gate, const Charge& charge) {
  return gate.price(std::span(&charge, 1));
}

TEST(Gate, HoldsWhatItsPromiseHoldsAndNotAUnitMore) {
  for (const auto currency : kAll)
    for (const double epsilon : {0.1, 1.0, 3.0, 8.0}) {
      const Gate gate = gate_of(currency, epsilon);
      EXPECT_LE(gate.epsilon_of(gate.capacity()), epsilon);
      EXPECT_GE(gate.epsilon_of(gate.capacity().plus({2, 0})), epsilon * (1 - 1e-12));
      EXPECT_EQ(gate.epsilon_of({}), 0);
    }
  EXPECT_EQ(gate_of(Currency::epsilon_delta, 1, 0).capacity(), (Price{std::uint64_t{1} << 40, 0}));
}

TEST(Gate, TakesTheOrderOfTheMostUses) {
  EXPECT_NEAR(static_cast<double>(gate_of(Currency::rdp, 1).order()), 17, 1);
  EXPECT_EQ(gate_of(Currency::rdp, 3).order(), 8U);
  const Gate gate = gate_of(Currency::rdp, 2);
  const auto uses = [&](std::uint64_t order) {
    const auto value = static_cast<double>(order);
    return rdp_budget(value, 2, 1e-5) / value;
  };
  for (std::uint64_t order = 2; order < 200; ++order)
    EXPECT_LE(uses(order), uses(gate.order())) << order;
  EXPECT_EQ(gate_of(Currency::rho).order(), 0U);
}

TEST(Gate, PricesUpwardsAndOneByOne) {
  const Gate rho_gate = gate_of(Currency::rho);
  const Charge charge{loss_of(loss::Gaussian{3}), 7};
  const Price seven = price(rho_gate, charge).value();
  EXPECT_EQ(seven.units, 7 * price(rho_gate, {charge.loss, 1})->units);
  EXPECT_GE(static_cast<double>(seven.units) * kUnit, 7.0 / 18);
  EXPECT_LE(static_cast<double>(seven.units) * kUnit, 7.0 / 18 + 8 * kUnit);
  // No amplification in ρ.
  EXPECT_EQ(price(rho_gate, {loss_of(loss::Gaussian{3, 0.01}), 7}).value(), seven);

  const Gate rdp_gate = gate_of(Currency::rdp);
  const auto order = static_cast<double>(rdp_gate.order());
  const auto sampled = loss_of(loss::Gaussian{3, 0.01});
  EXPECT_GE(static_cast<double>(price(rdp_gate, {sampled, 1})->units) * kUnit, rdp(sampled, order));
  EXPECT_LT(price(rdp_gate, {sampled, 1})->units, price(rdp_gate, {charge.loss, 1})->units / 100);

  const Gate pair_gate = gate_of(Currency::epsilon_delta);
  const Price pair = price(pair_gate, {loss_of(loss::Approximate{0.25, 0x1p-40}), 2}).value();
  EXPECT_NEAR(static_cast<double>(pair.units), 0x1p39, 4);
  EXPECT_EQ(pair.delta_units, std::uint64_t{1} << 24);
  // The smallest cost there is costs a unit.
  EXPECT_EQ(price(rho_gate, {loss_of(loss::Gaussian{1e200}), 1})->units, 1U);
  EXPECT_EQ(price(rdp_gate, {loss_of(loss::Gaussian{1e200, 0.5}), 1})->units, 1U);
}

TEST(Gate, SaturatesInsteadOfWrapping) {
  const Gate gate = gate_of(Currency::rho);
  const Price huge = price(gate, {loss_of(loss::Gaussian{1e-3}), ~std::uint64_t{0}}).value();
  EXPECT_EQ(huge.units, std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(huge.fits(gate.capacity()));
  EXPECT_EQ(huge.plus({5, 0}), huge);
  EXPECT_EQ((Price{3, 4}).minus({5, 1}), (Price{0, 3}));
  EXPECT_FALSE((Price{1, 2}).fits({5, 1}));
}

TEST(Gate, RefusesWhatHasNoPrice) {
  for (const auto currency : kAll)
    EXPECT_EQ(price(gate_of(currency), {PrivacyLoss::unbounded(), 1}).error().code(),
              ErrorCode::unsupported);
  EXPECT_EQ(price(gate_of(Currency::epsilon_delta), {loss_of(loss::Gaussian{3}), 1}).error().code(),
            ErrorCode::unsupported);
  for (const auto currency : {Currency::rho, Currency::rdp}) {
    EXPECT_EQ(price(gate_of(currency), {loss_of(loss::Approximate{1, 1e-9}), 1}).error().code(),
              ErrorCode::unsupported);
    EXPECT_EQ(
        Gate::create(currency, *base::Epsilon::create(1), *base::Delta::create(0)).error().code(),
        ErrorCode::invalid_argument);
  }
  EXPECT_EQ(price(gate_of(Currency::rho), {loss_of(loss::Gaussian{3}), 0}).error().code(),
            ErrorCode::invalid_argument);
  const Charge mixed[] = {
      {loss_of(loss::Gaussian{3}), 1},
      {PrivacyLoss::create(loss::Gaussian{3}, Neighbours::replace_one).value(), 1}};
  EXPECT_EQ(gate_of(Currency::rho).price(mixed).error().code(), ErrorCode::invalid_argument);
  for (const auto currency : kAll)
    for (const double epsilon : {0.0, 1e-13, 2e6})
      EXPECT_EQ(Gate::create(currency, *base::Epsilon::create(epsilon), *base::Delta::create(1e-9))
                    .error()
                    .code(),
                ErrorCode::invalid_argument);
}

TEST(Gate, PricesAWholeJobAsOne) {
  const Gate gate = gate_of(Currency::epsilon_delta, 3);
  const Charge job{loss_of(loss::Gaussian{1.1, 0.01}), 1000};
  const Price cost = gate.job_price(std::span(&job, 1), base::Delta::create(1e-5).value()).value();
  EXPECT_NEAR(static_cast<double>(cost.units) * kUnit, 1.5153, 1e-3);
  // δ rounds down in both, and ε is that of the rounded one: a job may take all of the gate's δ.
  EXPECT_LE(static_cast<double>(cost.delta_units) * kDeltaUnit, 1e-5);
  EXPECT_EQ(cost.delta_units, gate.capacity().delta_units);
  EXPECT_TRUE(cost.fits(gate.capacity()));
  EXPECT_FALSE(gate.job_price(std::span(&job, 1), base::Delta::create(1.0001e-5).value())
                   ->fits(gate.capacity()));
  EXPECT_EQ(gate_of(Currency::rdp)
                .job_price(std::span(&job, 1), base::Delta::create(1e-5).value())
                .error()
                .code(),
            ErrorCode::unsupported);
  EXPECT_EQ(gate.job_price(std::span(&job, 1), base::Delta::create(0).value()).error().code(),
            ErrorCode::unsupported);
}

TEST(Gate, CalibratesInItsOwnCurrency) {
  for (const auto currency : kAll)
    for (const double share : {0.25, 1.0}) {
      const Gate gate = gate_of(currency, 2);
      const double noise = calibrate(gate, share, 0.05, 300).value();
      const auto fits = [&](double sigma) {
        const Charge charge{loss_of(loss::Gaussian{sigma, 0.05}), 300};
        const auto cost =
            currency == Currency::epsilon_delta
                ? gate.job_price(std::span(&charge, 1), base::Delta::create(1e-5 * share).value())
                : price(gate, charge);
        return static_cast<double>(cost->units) <=
               share * static_cast<double>(gate.capacity().units);
      };
      EXPECT_TRUE(fits(noise * (1 + 1e-9))) << text(currency);
      EXPECT_FALSE(fits(noise * (1 - 1e-3))) << text(currency);
    }
  const Gate gate = gate_of(Currency::rho);
  EXPECT_NEAR(calibrate(gate, 1, 1, 100).value(), std::sqrt(100 / (2 * zcdp_budget(1, 1e-5))),
              1e-3);
  for (const double share : {0.0, -1.0, 1.1, std::nan("")})
    EXPECT_EQ(calibrate(gate, share, 1, 1).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(calibrate(gate, 1, 0, 1).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(calibrate(gate, 1, 1, 0).error().code(), ErrorCode::invalid_argument);
}

TEST(Gate, CurrenciesAreNamed) {
  for (const auto currency : kAll) EXPECT_EQ(parse_currency(text(currency)).value(), currency);
  EXPECT_EQ(parse_currency("euro").error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::privacy
