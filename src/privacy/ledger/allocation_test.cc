#include "privacy/ledger/allocation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "privacy/ledger/testing.h"

namespace hanse::privacy {
namespace {

using base::Epsilon;
using base::ErrorCode;
using testing::code;
using testing::gate;

Epsilon epsilon(double value) { return Epsilon::create(value).value(); }

Purse full(const Gate& with) { return {with, with.capacity()}; }

Forecast forecast_of(BudgetAllocator& allocator, const Gate& with) {
  const Applicant applicant;
  return forecast(allocator, full(with), {&applicant, 1}, 100'000).value();
}

// The reference's own simulation, in double precision: a budget of 1 spent as ε, or one of ρ =
// 0.024356 spent as ε²/2, with ε = base · √(left/total), useless below `floor`.
std::uint64_t simulated(double base, double total, bool is_rho, double floor) {
  double left = total;
  for (std::uint64_t queries = 0;; ++queries) {
    const double share = base * std::sqrt(left / total);
    const double cost = is_rho ? share * share / 2 : share;
    if (share < floor || cost > left) return queries;
    left -= cost;
  }
}

// Rows allocation_sim of dp_constants.csv (tests/golden/privacy): (1, 0) by basic composition,
// (1, 1e-6) by ρ = 0.024356; the floor is 1e-6.
TEST(Allocation, ForecastsTheReferenceRows) {
  const Gate basic = gate(Currency::epsilon_delta, 1, 0);
  const Gate rho = gate(Currency::rho, 1, 1e-6);
  const auto flat = [&](double each, const Gate& with) {
    return forecast_of(*make_flat(epsilon(each)).value(), with).queries;
  };
  const auto founding = [&](double base, const Gate& with, double floor = 1e-6) {
    return forecast_of(*make_founding_rule(epsilon(base), epsilon(floor)).value(), with).queries;
  };
  EXPECT_EQ(flat(0.05, basic), 20u);
  EXPECT_EQ(flat(0.1, basic), 10u);
  EXPECT_EQ(flat(0.01, rho), 487u);
  EXPECT_EQ(flat(0.05, rho), 19u);
  EXPECT_EQ(founding(0.01, basic), 196u);
  EXPECT_EQ(founding(0.1, basic), 17u);
  // The reference's last few dozen queries on ρ cost about a unit of the ledger each, which charges
  // them up to the next whole one. Wherever a query costs many units, both agree.
  EXPECT_EQ(simulated(0.05, 0.024356, true, 1e-6), 411u);
  EXPECT_EQ(simulated(0.1, 0.024356, true, 1e-6), 101u);
  EXPECT_LE(founding(0.05, rho), 411u);
  EXPECT_GE(founding(0.05, rho), 400u);
  EXPECT_LE(founding(0.1, rho), 101u);
  EXPECT_GE(founding(0.1, rho), 98u);
  for (const double floor : {1e-4, 1e-3, 1e-2})
    for (const double base : {0.02, 0.05, 0.1})
      EXPECT_EQ(founding(base, rho, floor), simulated(base, 0.024356, true, floor))
          << base << ' ' << floor;
}

TEST(Allocation, TheFoundingRule) {
  const Gate with = gate(Currency::epsilon_delta, 1, 0);
  const auto rule = make_founding_rule(epsilon(0.1), epsilon(0.001)).value();
  const auto share = [&](Applicant applicant, double left = 1) {
    Purse purse = full(with);
    purse.left.units = static_cast<std::uint64_t>(left * static_cast<double>(purse.left.units));
    return rule->allocate(applicant, purse);
  };
  const auto value = [](double worth) {
    Applicant applicant;
    applicant.value = Disclosed::of_public(worth);
    return applicant;
  };
  EXPECT_NEAR(share({}).value().value(), 0.1, kUnit);
  EXPECT_NEAR(share({}, 0.25).value().value(), 0.05, kUnit);
  EXPECT_NEAR(share(value(9)).value().value(), 0.1 * std::log(10) / std::log(101), 2 * kUnit);
  EXPECT_EQ(share(value(1e9)).value(), share(value(100)).value()) << "clamped";
  Applicant applicant;
  applicant.uncertainty = Disclosed::paid(0.25, testing::release("histogram"));
  EXPECT_NEAR(share(applicant).value().value(), 0.05, kUnit);
  applicant.sensitivity_factor = 0.5;
  EXPECT_NEAR(share(applicant).value().value(), 0.025, kUnit);
  EXPECT_EQ(code(share(value(0.01))), ErrorCode::budget_exhausted) << "below the floor";
  EXPECT_EQ(code(share(value(0))), ErrorCode::budget_exhausted);
  for (const double bad :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    EXPECT_EQ(code(share(value(bad))), ErrorCode::invalid_argument) << bad;
  EXPECT_EQ(code(make_founding_rule(epsilon(0.1), epsilon(0.2))), ErrorCode::invalid_argument);
  EXPECT_EQ(code(make_founding_rule(epsilon(0.1), epsilon(0))), ErrorCode::invalid_argument);
  EXPECT_EQ(code(make_flat(epsilon(0))), ErrorCode::invalid_argument);
}

// No plan with the same weights and a share moved from one query to another has less error.
TEST(Allocation, LeastErrorIsLeast) {
  const std::vector<double> weights{1, 8, 27, 1, 0.125};
  std::vector<Applicant> applicants(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) applicants[i].error_weight = weights[i];
  for (const Gate& with : {gate(Currency::epsilon_delta, 1, 0), gate(Currency::rho, 1, 1e-6),
                           gate(Currency::rdp, 1, 1e-6)}) {
    const bool pure = with.currency() == Currency::epsilon_delta;
    const auto allocator = make_least_error(weights, epsilon(1e-6)).value();
    Purse purse = full(with);
    std::vector<double> costs;
    double error = 0;
    for (const Applicant& applicant : applicants) {
      const Epsilon share = allocator->allocate(applicant, purse).value();
      const Charge charge = charge_of(with, share).value();
      const Price price = with.price(std::vector{charge}).value();
      ASSERT_TRUE(price.fits(purse.left)) << text(with.currency());
      purse.left = purse.left.minus(price);
      costs.push_back(pure ? share.value() : share.value() * share.value());
      error += applicant.error_weight / (share.value() * share.value());
    }
    EXPECT_LT(purse.left.units, 100u) << "everything is used";
    EXPECT_EQ(code(allocator->allocate({}, purse)), ErrorCode::budget_exhausted);
    const double power = pure ? 1.0 / 3 : 0.5;
    EXPECT_NEAR(costs[2] / costs[0], std::pow(27, power), 1e-6);
    const auto error_of = [&](const std::vector<double>& by) {
      double sum = 0;
      for (std::size_t i = 0; i < by.size(); ++i)
        sum += weights[i] / (pure ? by[i] * by[i] : by[i]);
      return sum;
    };
    EXPECT_NEAR(error_of(costs), error, 1e-6 * error);
    for (std::size_t from = 0; from < costs.size(); ++from)
      for (std::size_t to = 0; to < costs.size(); ++to) {
        if (from == to) continue;
        std::vector<double> moved = costs;
        moved[from] -= 0.01 * costs[from];
        moved[to] += 0.01 * costs[from];
        EXPECT_GT(error_of(moved), error);
      }
    // And the forecast, which pays as it goes, says the same.
    const auto again = make_least_error(weights, epsilon(1e-6)).value();
    const Forecast all = forecast(*again, full(with), applicants, 100).value();
    EXPECT_EQ(all.queries, weights.size());
    EXPECT_EQ(all.end, ForecastEnd::floor);
    EXPECT_NEAR(all.predicted_error, error, 1e-9 * error);
  }
}

TEST(Allocation, ForecastsAreBounded) {
  const Gate with = gate(Currency::epsilon_delta, 1, 0);
  const auto flat = make_flat(epsilon(1e-6)).value();
  const Applicant applicant;
  EXPECT_EQ(forecast(*flat, full(with), {&applicant, 1}, 1000).value().queries, 1000u);
  EXPECT_EQ(forecast(*flat, full(with), {&applicant, 1}, 1000).value().end, ForecastEnd::planned);
  EXPECT_EQ(code(forecast(*flat, full(with), {&applicant, 1}, kMaxForecast + 1)),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code(forecast(*flat, full(with), {}, 10)), ErrorCode::invalid_argument);
  EXPECT_EQ(code(make_least_error({}, epsilon(1e-6))), ErrorCode::invalid_argument);
  EXPECT_EQ(code(make_least_error({1, 0}, epsilon(1e-6))), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::privacy
