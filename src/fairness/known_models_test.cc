#include "fairness/known_models.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace hanse::fairness {
namespace {

LineModel location() {
  return {.kind = LineModel::Kind::location,
          .dimensions = 10,
          .legacy_weight = .2,
          .distance = 1,
          .deviation = {.5, 1.5}};
}

Effort effort() {
  return {.records = {16000, 4000},
          .calibration = {4000, 1000},
          .clip = 8,
          .rho = .05,
          .loss_bound = 60,
          .gap_rho = .02};
}

LineModel regression(double difference) {
  return {.kind = LineModel::Kind::regression,
          .dimensions = 5,
          .legacy_weight = .2,
          .distance = 1,
          .deviation = {.5, std::sqrt(.25 + difference)}};
}

Effort modest() {
  return {.records = {800, 200},
          .calibration = {400, 100},
          .clip = 4,
          .rho = .5,
          .loss_bound = 6,
          .gap_rho = .5};
}

ThresholdModel threshold() {
  return {.legacy_weight = .2, .middle = {0, .6}, .distance = {1, 1}, .deviation = {.5, 1}};
}

// The vector of the design page: five costs of one fleet.
TEST(KnownModels, LocationHasItsVector) {
  const Fair fair = location().fair(20);
  EXPECT_NEAR(fair.at, .5, 1e-12);
  EXPECT_NEAR(fair.shadow_price, .3, 1e-12);
  const Costs costs = location().costs(effort(), 20);
  EXPECT_NEAR(costs.learning, .000325, 5e-7);
  EXPECT_NEAR(costs.privacy, .000128, 5e-7);
  EXPECT_NEAR(costs.tax, .09, 5e-7);
  EXPECT_NEAR(costs.correction, .027239, 5e-7);
  EXPECT_NEAR(costs.private_fairness, .024426, 5e-7);
  EXPECT_NEAR(costs.sum(), .142118, 5e-7);
}

TEST(KnownModels, RegressionHasItsVectors) {
  const auto check = [](double difference, double bound, double at, double tax) {
    const Fair fair = regression(difference).fair(bound);
    EXPECT_NEAR(fair.at, at, 1e-12);
    EXPECT_NEAR(fair.tax, tax, 1e-12);
  };
  check(0, .3, .35, .0225);
  check(0, 0, .5, .09);
  check(.5, .6, .45, .0625);
  check(.5, .3, .6, .16);
}

TEST(KnownModels, ThresholdHasItsVectors) {
  const ThresholdModel model = threshold();
  EXPECT_NEAR(model.best_threshold(), .067607, 5e-7);
  EXPECT_NEAR(model.least_risk(), .057266, 5e-7);
  EXPECT_NEAR(model.gap_at(model.best_threshold()), .167634, 5e-7);
  const auto check = [&](double bound, double at, double tax, double price) {
    const Fair fair = model.fair(bound);
    EXPECT_NEAR(fair.at, at, 5e-7);
    EXPECT_NEAR(fair.tax, tax, 5e-7);
    EXPECT_NEAR(fair.shadow_price, price, 5e-4);
    EXPECT_FALSE(fair.levels_down);
  };
  check(.15, .177486, .002357, .248);
  check(.10, .419641, .025304, .620);
}

// w₁ − λ < 0 where the bound is below the gap of legacy's own best model, and nowhere else.
TEST(KnownModels, LevelsDownBelowTheLeastHonestBoundAlone) {
  EXPECT_TRUE(threshold().fair(.05).levels_down);
  EXPECT_FALSE(threshold().fair(.10).levels_down);
  EXPECT_GT(threshold().fair(.05).shadow_price, .8);
  for (const double difference : {0., .5, 2.}) {
    const LineModel model = regression(difference);
    EXPECT_NEAR(model.least_honest_bound(), difference - 1, 1e-12);
    EXPECT_TRUE(model.fair(difference - 1 - 1e-9).levels_down);
    EXPECT_FALSE(model.fair(difference - 1 + 1e-9).levels_down);
    EXPECT_GT(model.fair(difference - 1 - 1e-9).shadow_price, .8);
  }
  const LineModel model = location();
  EXPECT_NEAR(model.least_honest_bound(), 19, 1e-12);
  EXPECT_TRUE(model.fair(18.9).levels_down);
  EXPECT_FALSE(model.fair(19.1).levels_down);
  const ThresholdModel other = threshold();
  for (double bound = .01; bound < .167; bound += .002) {
    const Fair fair = other.fair(bound);
    EXPECT_EQ(fair.levels_down, fair.shadow_price > .8) << bound;
    EXPECT_NEAR(other.gap_at(fair.at), bound, 1e-9);
  }
}

TEST(KnownModels, ASlackBoundCostsNothing) {
  const Costs costs = location().costs(effort(), 21);
  EXPECT_EQ(costs.tax, 0);
  EXPECT_EQ(costs.correction, 0);
  EXPECT_EQ(costs.private_fairness, 0);
  const Costs of_threshold = threshold().costs(modest(), .2);
  EXPECT_EQ(of_threshold.correction, 0);
  EXPECT_EQ(of_threshold.private_fairness, 0);
}

// What the closed forms say is what models that are learned lose on average.
template <class Model>
Costs simulated(const Model& model, const Effort& effort, double bound, int seeds) {
  base::SeededSimulationRandom random(1, "grid");
  std::array<double, kCells> risk{};
  for (int i = 0; i < seeds; ++i) {
    const SeedLosses seed = model.simulate(effort, bound, random);
    for (std::size_t cell = 0; cell < kCells; ++cell)
      for (const SiteLosses& site : seed.sites)
        risk[cell] += (site.of_class == 0 ? 1 - model.legacy_weight : model.legacy_weight) *
                      site.losses[cell].front() / seeds;
  }
  const double tax = model.fair(bound).tax;
  return {.learning = risk[0] - model.least_risk(),
          .privacy = risk[2] - risk[0],
          .tax = tax,
          .correction = risk[1] - risk[0] - tax,
          .private_fairness = risk[3] - risk[2] - risk[1] + risk[0]};
}

// Log-log, of a cost as an effort grows fourfold.
double slope(double before, double after) { return std::log(after / before) / std::log(4); }

TEST(KnownModels, CostsFallAsTheySay) {
  const LineModel model = location();
  const auto costs = [&](double rho, const std::function<void(Effort&)>& change) {
    Effort changed = effort();
    changed.rho = rho;
    change(changed);
    return simulated(model, changed, 20, 20000);
  };
  const auto as_it_is = [](Effort&) {};
  // So little budget that the model's noise is seen; then so much that the gap's is all of d.
  const Costs base = costs(.005, as_it_is);
  const Costs records = costs(.005, [](Effort& at) {
    for (double& n : at.records) n *= 4;
  });
  EXPECT_NEAR(slope(base.learning, records.learning), -1, .15);
  EXPECT_NEAR(slope(base.privacy, records.privacy), -2, .15);
  const Costs budget = costs(.02, as_it_is);
  EXPECT_NEAR(slope(base.privacy, budget.privacy), -1, .15);
  const Costs sites = costs(.005, [](Effort& at) { at.sites *= 4; });
  EXPECT_NEAR(slope(base.privacy, sites.privacy), 1, .15);
  const Costs noised = costs(.5, as_it_is);
  const Costs calibration = costs(.5, [](Effort& at) {
    for (double& m : at.calibration) m *= 4;
  });
  EXPECT_NEAR(slope(noised.correction, calibration.correction), -1, .15);
  EXPECT_NEAR(slope(noised.private_fairness, calibration.private_fairness), -2, .15);
  const Costs gap = costs(.5, [](Effort& at) { at.gap_rho *= 4; });
  EXPECT_NEAR(slope(noised.private_fairness, gap.private_fairness), -1, .15);
  EXPECT_EQ(base.tax, records.tax);
}

template <class Model>
void expect_covered(const Model& model, const Effort& effort, double bound, std::string_view name) {
  // Fixed beforehand: 100 repetitions of grids of 300 seeds; HANSE_FULL=1: 1,000.
  const bool full = std::getenv("HANSE_FULL") != nullptr;
  const int repetitions = full ? 1000 : 100;
  const int wanted = full ? 930 : 87;
  const Costs truth = model.costs(effort, bound);
  DecompositionSpec spec{.weights = {1 - model.legacy_weight, model.legacy_weight},
                         .least_risk = model.least_risk(),
                         .least_fair_risk = model.least_risk() + truth.tax,
                         .draws = 400};
  const std::array<double, 5> costs{truth.learning, truth.privacy, truth.tax, truth.correction,
                                    truth.private_fairness};
  std::array<int, 5> covered{};
  for (int r = 0; r < repetitions; ++r) {
    base::SeededSimulationRandom random(static_cast<std::uint64_t>(r), name);
    std::vector<SeedLosses> seeds;
    for (int i = 0; i < 300; ++i) seeds.push_back(model.simulate(effort, bound, random));
    const Decomposition found = decompose(seeds, spec, random).value();
    ASSERT_EQ(found.raw.size(), costs.size());
    for (std::size_t i = 0; i < costs.size(); ++i) {
      const bool is_tax = found.raw[i].name == "tax";  // known exactly
      covered[i] += is_tax ? std::abs(found.raw[i].cost.value - costs[i]) < 1e-9
                           : found.raw[i].cost.holds(costs[i]);
    }
  }
  for (std::size_t i = 0; i < costs.size(); ++i)
    EXPECT_GE(covered[i], wanted) << name << ", term " << i << " of " << repetitions;
}

TEST(KnownModels, IntervalsHoldTheCostsOfLocation) {
  expect_covered(location(), effort(), 20, "location");
}
TEST(KnownModels, IntervalsHoldTheCostsOfRegression) {
  expect_covered(regression(.5), modest(), .6, "regression");
}
TEST(KnownModels, IntervalsHoldTheCostsOfAThreshold) {
  Effort effort = modest();
  effort.loss_bound = 1;
  expect_covered(threshold(), effort, .1, "threshold");
}

}  // namespace
}  // namespace hanse::fairness
