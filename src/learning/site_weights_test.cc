#include "learning/site_weights.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numeric>

#include "privacy/accounting/gate.h"
#include "query/query.h"

namespace hanse::learning {
namespace {

TEST(SiteWeights, EffectiveUnitsAreTheSmallerOfTwoLaws) {
  // κ = 50: n where nρ ≫ κ, n²ρ/κ where nρ ≪ κ.
  EXPECT_NEAR(effective_units(1e6, 1, 100).value(), 1e6, 60);
  EXPECT_NEAR(effective_units(100, 1e-4, 100).value(), 100 * 100 * 1e-4 / 50, 1e-5);
  EXPECT_EQ(effective_units(50, 1, 100).value(), 25);
  EXPECT_EQ(effective_units(50, 0, 100).value(), 0);
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL})
    EXPECT_EQ(effective_units(bad, 1, 100).error().code(), base::ErrorCode::invalid_argument);
  EXPECT_FALSE(effective_units(50, -1e-9, 100).has_value());
}

// Error of the mean of weighted sums: sampling and noise of each site.
double error_of(std::span<const SiteBudget> sites, std::span<const double> weights,
                double coordinates) {
  double error = 0;
  double total = 0;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const double noise =
        sites[i].rho > 0 ? coordinates / (2 * sites[i].rho) : (weights[i] > 0 ? HUGE_VAL : 0);
    error += weights[i] > 0 ? weights[i] * weights[i] * (sites[i].units + noise) : 0;
    total += weights[i] * sites[i].units;
  }
  return error / (total * total);
}

// No other weights do better, and the least error is that of all effective units together.
RC_GTEST_PROP(SiteWeights, AreTheBest, ()) {
  const std::size_t count = *rc::gen::inRange<std::size_t>(1, 6);
  std::vector<SiteBudget> sites;
  for (std::size_t i = 0; i < count; ++i)
    sites.push_back(
        {static_cast<double>(*rc::gen::inRange(1, 100'000)), std::exp(-*rc::gen::inRange(0, 10))});
  const std::vector<double> weights = site_weights(sites, 40).value();
  const double least = error_of(sites, weights, 40);
  double effective = 0;
  for (const SiteBudget& site : sites)
    effective += effective_units(site.units, site.rho, 40).value();
  RC_ASSERT(std::abs(least * effective - 1) < 1e-9);
  std::vector<double> others = weights;
  for (double& weight : others) weight *= 0.01 * *rc::gen::inRange(1, 300);
  RC_ASSERT(error_of(sites, others, 40) >= least * (1 - 1e-9));
}

TEST(SiteWeights, NobodyWithABudgetIsRefused) {
  const std::vector<SiteBudget> sites{{100, 0}, {5, 0}};
  EXPECT_EQ(site_weights(sites, 3).error().code(), base::ErrorCode::invalid_argument);
  const std::vector<SiteBudget> one{{100, 0}, {5, 1}};
  EXPECT_EQ(site_weights(one, 3).value()[0], 0);
}

TEST(SiteWeights, ASharesCostFallsWithTheSquareOfItsDose) {
  for (const double dose : {1.0, 1.7, 20.0})
    for (const double units : {0.0, 3.0, 1e9}) {
      const auto at = [&](privacy::Placement placement) {
        return share_at({placement, 40, 0.01, units}, dose).value();
      };
      const privacy::SiteShare own = at(privacy::Placement::site);
      EXPECT_NEAR(own.noise / own.weight, dose, 1e-12 * dose);
      EXPECT_LE(own.weight, 1);
      EXPECT_GE(own.weight, 1 / (dose * dose) * (1 - 1e-12));
      for (const auto placement : {privacy::Placement::shared, privacy::Placement::coordinator})
        EXPECT_EQ(at(placement), (privacy::SiteShare{1 / dose, 1}));
    }
  // The two ends of the law: noise outweighs all, and nothing.
  EXPECT_NEAR(share_at({privacy::Placement::site, 40, 0.01, 1e-3}, 4)->weight, 1.0 / 16, 1e-4);
  EXPECT_NEAR(share_at({privacy::Placement::site, 40, 0.01, 1e9}, 4)->weight, 1, 1e-4);
  for (const double bad : {0.5, 0.0, -1.0, std::nan(""), HUGE_VAL})
    EXPECT_EQ(share_at({privacy::Placement::site, 40, 0.01, 0}, bad).error().code(),
              base::ErrorCode::invalid_argument);
}

// Two sites of as many units; the owner of the second grants a quarter of the first's ε. What is
// estimated is the mean of what both draw their units from.
class TwoBudgets : public testing::Test {
 protected:
  static constexpr std::size_t kCoordinates = 8;
  static constexpr std::size_t kUnits = 60;
  const base::SiteId first_ = base::SiteId::create("aachen").value();
  const base::SiteId second_ = base::SiteId::create("essen").value();

  static privacy::Gate gate(double epsilon) {
    return privacy::Gate::create(privacy::Currency::rho, base::Epsilon::create(epsilon).value(),
                                 base::Delta::create(1e-5).value())
        .value();
  }
  const privacy::Gate gates_[2] = {gate(2), gate(0.5)};
  const double multiplier_ = privacy::calibrate(gates_[0], 1, 1, 1).value();
  const double dose_ = privacy::calibrate(gates_[1], 1, 1, 1).value() / multiplier_;

  query::QueryPlan plan(std::optional<privacy::SiteShare> share) const {
    query::QueryPlan asked{
        .kind = "mean",
        .job = base::JobId::create("two").value(),
        .round = {1, 0},
        .unit = "record",
        .max_sites = 2,
        .layout = {{{"sum", kCoordinates, 1}}, math::Lattice::create(34).value(), kUnits},
        .noise = {.placement = privacy::Placement::site, .parts = {}},
        .options = "",
        .parameters = {}};
    const auto sensitivity =
        asked.layout.sensitivity(0, 0, privacy::Neighbours::add_remove).value();
    asked.noise.parts = {{multiplier_ * sensitivity.l2(), 0}};
    if (share) asked.sites[second_] = *share;
    EXPECT_TRUE(query::check_plan(asked).has_value());
    return asked;
  }

  privacy::SiteShare best_share() const {
    return share_at({privacy::Placement::site, kCoordinates, 1 / (2 * multiplier_ * multiplier_),
                     kUnits},
                    dose_)
        .value();
  }

  // What one answer costs the site, of what its owner grants.
  double share_of_budget(const query::QueryPlan& asked, std::size_t site) const {
    const query::QueryPlan own = query::for_site(asked, site == 0 ? first_ : second_);
    const privacy::Charge charge{privacy::planned_loss(own.layout, own.noise).value()};
    return static_cast<double>(gates_[site].price({&charge, 1}).value().units) /
           static_cast<double>(gates_[site].capacity().units);
  }

  // Mean squared error of the estimate over many trials.
  double error_of(const query::QueryPlan& asked) const {
    constexpr int kTrials = 2000;
    base::SeededSimulationRandom random(7, "two budgets");
    double error = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::vector<double> sum(kCoordinates);
      double weights = 0;
      for (const base::SiteId& site : {first_, second_}) {
        const query::QueryPlan own = query::for_site(asked, site);
        weights += own.layout.weight * kUnits;
        const std::vector<double> answer = answered(own, random);
        for (std::size_t i = 0; i < kCoordinates; ++i) sum[i] += answer[i];
      }
      for (const double value : sum) error += std::pow(value / weights, 2) / kTrials;  // mean: 0
    }
    return error;
  }

  // Units whose coordinates are each ±1/√d: norm and clip 1, mean 0.
  static std::vector<double> answered(const query::QueryPlan& own, base::RandomSource& random) {
    privacy::ClippedSumAccumulator accumulator(own.layout, own.unit);
    std::vector<double> unit(kCoordinates);
    for (std::size_t u = 0; u < kUnits; ++u) {
      const std::uint64_t coins = base::uniform_word(random);
      for (std::size_t i = 0; i < kCoordinates; ++i)
        unit[i] = ((coins >> i) & 1 ? 1 : -1) / std::sqrt(static_cast<double>(kCoordinates));
      EXPECT_TRUE(accumulator.add(unit).has_value());
    }
    auto noised = privacy::Noised::add(std::move(accumulator).finish(), own.noise, random);
    return privacy::Released::at_home(own.layout, *std::move(noised))->part("sum").value();
  }

  double predicted(privacy::SiteShare share) const {
    const double noise = kCoordinates * multiplier_ * multiplier_;
    const double weights = 1 + share.weight;
    return (kUnits + noise + share.weight * share.weight * kUnits +
            share.noise * share.noise * noise) /
           (weights * weights * kUnits * kUnits);
  }
};

TEST_F(TwoBudgets, EffectiveUnitsBeatEqualWeightsAtEqualBudgets) {
  const privacy::SiteShare best = best_share();
  const privacy::SiteShare equal{.weight = 1, .noise = dose_};
  EXPECT_GT(dose_, 3);
  EXPECT_LT(best.weight, 0.5);
  for (const privacy::SiteShare share : {best, equal})
    for (const std::size_t site : {0U, 1U})
      EXPECT_NEAR(share_of_budget(plan(share), site), 1, 1e-5);
  const double weighted = error_of(plan(best));
  const double unweighted = error_of(plan(equal));
  EXPECT_NEAR(weighted / predicted(best), 1, 0.1);
  EXPECT_NEAR(unweighted / predicted(equal), 1, 0.1);
  EXPECT_LT(weighted, 0.6 * unweighted);
}

// Equal weights under the first's σ would err less, by spending what the second did not grant.
TEST_F(TwoBudgets, TheSameNoiseForAllWouldOverspend) {
  EXPECT_LE(share_of_budget(plan({}), 0), 1);
  EXPECT_GT(share_of_budget(plan({}), 1), 9);
  EXPECT_LT(error_of(plan({})), error_of(plan(best_share())));
}

}  // namespace
}  // namespace hanse::learning
