#include "fairness/fdp_fair.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "fairness/oracle.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::fairness {
namespace {

FairRecords draw(const Oracle& oracle, std::size_t size, base::RandomSource& random) {
  FairRecords records{math::Matrix(size, 2), {}, {}};
  for (std::size_t i = 0; i < size; ++i) {
    const Oracle::Draw one = oracle.draw(random);
    records.features.at(i, 0) = one.x1;
    records.features.at(i, 1) = one.x2;
    records.group.push_back(one.group);
    records.label.push_back(one.label);
  }
  return records;
}

FairRuleSpec spec_of(double bound) {
  return {.features = {{0, 1, 32, .02}, {0, 1, 32, .02}},
          .widths = {1, 1.5, 2, 3, 4, 6, 8, 12},
          .bound = bound};
}

RiskAndDisparity of(const Oracle& oracle, const FairClassifier& classifier) {
  return oracle.of(
      [&](double x1, double x2, std::uint32_t group) {
        return classifier.positive(std::array{x1, x2}, group).value();
      },
      128);
}

// Counted by hand.
TEST(FairCounts, CountEachRecordOnce) {
  const FairCounts counts =
      FairCounts::create({.features = {{0, 1, 2, 0}, {0, 1, 2, 0}}, .levels = 2}).value();
  FairRecords records{math::Matrix(4, 2), {0, 1, 1, 1}, {1, 0, 1, 1}};
  const std::array<double, 8> values = {.1, .9, .9, .1, .6, .6, NAN, 0};
  std::copy(values.begin(), values.end(), records.features.values().begin());
  const FairCounts::Learning learning = counts.learning(records).value();
  EXPECT_EQ(learning.classes, (std::vector<std::int64_t>{0, 1, 1, 1}));
  std::vector<std::int64_t> cells(16);
  cells[1 * 4 + 1] = cells[2 * 4 + 2] = cells[3 * 4 + 3] = 1;
  EXPECT_EQ(learning.cells, cells);

  FairModel model{counts.grid(), {.6, .4}, {}};
  model.probability[0].of_cell = {.5, .9, .5, .5};
  model.probability[1].of_cell = {.5, .5, 0, .7};
  EXPECT_NEAR(*model.score(std::array{.1, .9}, 0), .48, 1e-12);
  // Leaves of −1, −½, 0, ½: .48 is in the third, −.4 in the second, .16 in the third.
  const auto tree = counts.calibration(model, records).value();
  const std::vector<std::int64_t> expected = {1, 0, 1, 0, 0, 1, 0,  //
                                              2, 1, 1, 0, 1, 1, 0};
  EXPECT_EQ(tree, expected);

  const FairClassifier classifier(model, -.2);
  EXPECT_NEAR(classifier.threshold(1), .25, 1e-12);
  EXPECT_NEAR(classifier.threshold(0), .5 + .2 / 1.2, 1e-12);
  EXPECT_TRUE(classifier.positive(std::array{.1, .9}, 0).value());
  EXPECT_TRUE(classifier.positive(std::array{.1, .9}, 1).value());
  EXPECT_FALSE(classifier.positive(std::array{.1, .1}, 0).value());
  EXPECT_FALSE(classifier.positive(std::array{.9, .1}, 1).value());
  EXPECT_FALSE(classifier.positive(std::array<double, 2>{NAN, .1}, 1).has_value());
  EXPECT_FALSE(classifier.positive(std::array{.1}, 1).has_value());
  EXPECT_FALSE(classifier.positive(std::array{.1, .1}, 2).has_value());
}

// Without noise it does not matter which site has a record, nor how the price is searched.
TEST(FdpFair, SitesTogetherAreOnePlaceWithoutNoise) {
  const Oracle oracle = Oracle::create().value();
  base::SeededSimulationRandom random(1, "sites");
  const FairRecords all = draw(oracle, 4000, random);
  std::array<FairRecords, 3> parts;
  for (std::size_t i = 0; i < all.size(); ++i) {
    FairRecords& part = parts[i % 7 == 0 ? 0 : 1 + i % 2];
    part.group.push_back(all.group[i]);
    part.label.push_back(all.label[i]);
  }
  std::array<std::size_t, 3> next = {};
  for (FairRecords& part : parts) part.features = math::Matrix(part.group.size(), 2);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t p = i % 7 == 0 ? 0 : 1 + i % 2;
    std::copy_n(all.features.row(i).begin(), 2, parts[p].features.row(next[p]++).begin());
  }
  std::vector<FairSite> sites;
  for (const FairRecords& part : parts) sites.push_back({&part, &part, {}});
  const FairSite one{&all, &all, {}};
  const FairRuleSpec spec = spec_of(.15);
  const auto together = fdp_fair(spec, sites, random).value();
  const auto alone = fdp_fair(spec, std::span(&one, 1), random).value();
  const auto searched = cdp_fair(spec, one, random).value();
  EXPECT_EQ(together.price, alone.price);
  EXPECT_NEAR(searched.price.tau, alone.price.tau, 1e-9);
  EXPECT_NEAR(searched.price.disparity, alone.price.disparity, 1e-9);
  EXPECT_EQ(together.classifier.model().share, alone.classifier.model().share);
  for (std::size_t group = 0; group < kGroups; ++group)
    EXPECT_EQ(together.classifier.model().probability[group].of_cell,
              alone.classifier.model().probability[group].of_cell);
  EXPECT_FALSE(alone.charges[0].record_rho.has_value());
  EXPECT_FALSE(alone.charges[0].learning.loss.is_bounded());
}

// Every site pays its own ρ for each half and no more: rounding up costs less than 10⁻⁶ of it.
TEST(FdpFair, ChargesEachSiteItsBudget) {
  const Oracle oracle = Oracle::create().value();
  base::SeededSimulationRandom random(2, "charges");
  const FairRecords half = draw(oracle, 2000, random);
  FairRuleSpec spec = spec_of(.15);
  const std::vector<FairSite> sites = {{&half, &half, .05}, {&half, &half, .5}};
  const auto total = [](const privacy::Charge& charge) {
    return *privacy::rho(charge.loss) * static_cast<double>(charge.count);
  };
  const auto outcome = fdp_fair(spec, sites, random).value();
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const FairCharge& charge = outcome.charges[i];
    for (const double spent :
         {total(charge.learning), total(charge.calibration), *charge.record_rho}) {
      EXPECT_LE(spent, *sites[i].rho);
      EXPECT_GT(spent, *sites[i].rho * (1 - 1e-6));
    }
  }
  const auto searched = cdp_fair(spec, sites[1], random).value();
  EXPECT_EQ(searched.charges[0].calibration.count, spec.levels + 1);
  EXPECT_LE(total(searched.charges[0].calibration), .5);
  EXPECT_GT(total(searched.charges[0].calibration), .5 * (1 - 1e-6));
  const auto unfair = private_unfair(spec, sites, random).value();
  EXPECT_FALSE(unfair.charges[0].calibration.loss.is_bounded());
  EXPECT_NEAR(*unfair.charges[0].record_rho, .05, 1e-6);
  EXPECT_EQ(unfair.classifier.tau(), 0);
  // Replaced, a record may change halves, and pays for both.
  spec.neighbours = privacy::Neighbours::replace_one;
  EXPECT_NEAR(*fdp_fair(spec, sites, random).value().charges[1].record_rho, 1, 1e-5);
}

// What a classifier loses against the best of its own disparity, and by how much it misses the
// bound, on average over eight seeds.
struct Distance {
  double excess = 0;
  double missed = 0;
};

Distance distance(std::size_t records, double epsilon, bool central) {
  constexpr int kSeeds = 8;
  constexpr double kBound = 0.15;
  const Oracle oracle = Oracle::create().value();
  Distance mean;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    base::SeededSimulationRandom random(seed, "convergence");
    const FairRecords learning = draw(oracle, records / 2, random);
    const FairRecords calibration = draw(oracle, records / 2, random);
    const double delta = std::pow(static_cast<double>(records) / 2, -2);
    FairSite site{&learning, &calibration, {}};
    if (epsilon > 0) site.rho = privacy::zcdp_budget(epsilon, delta);
    const auto outcome = central ? cdp_fair(spec_of(kBound), site, random)
                                 : fdp_fair(spec_of(kBound), std::span(&site, 1), random);
    const RiskAndDisparity value = of(oracle, outcome.value().classifier);
    const double achieved = std::abs(value.disparity);
    mean.excess += (value.risk - oracle.fair(achieved).value().value.risk) / kSeeds;
    mean.missed += std::max(0.0, achieved - kBound) / kSeeds;
  }
  return mean;
}

TEST(FdpFair, ApproachesTheOracleAsRecordsAndBudgetGrow) {
  for (const bool central : {false, true}) {
    for (const double epsilon : {1.0, 4.0, 0.0}) {
      const Distance few = distance(2000, epsilon, central);
      const Distance some = distance(8000, epsilon, central);
      const Distance many = distance(32'000, epsilon, central);
      EXPECT_GT(few.excess, some.excess) << epsilon;
      EXPECT_GT(some.excess, many.excess) << epsilon;
      EXPECT_LT(many.missed, .01) << epsilon;
      EXPECT_LT(many.excess, epsilon == 1 ? .01 : .005) << epsilon;
    }
    const std::array<double, 3> by_budget = {distance(8000, 1, central).excess,
                                             distance(8000, 4, central).excess,
                                             distance(8000, 0, central).excess};
    EXPECT_GT(by_budget[0], by_budget[1]);
    EXPECT_GT(by_budget[1], by_budget[2]);
  }
}

TEST(FairCounts, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(FairCounts::create({.features = {}}).has_value());
  const auto refused = [](auto change) {
    FairRuleSpec spec = spec_of(.1);
    change(spec);
    return !FairCounts::create(spec).has_value();
  };
  EXPECT_FALSE(refused([](FairRuleSpec&) {}));
  EXPECT_TRUE(refused([](FairRuleSpec& spec) { spec.levels = 0; }));
  EXPECT_TRUE(refused([](FairRuleSpec& spec) { spec.bound = NAN; }));
  EXPECT_TRUE(refused([](FairRuleSpec& spec) { spec.bound = 2; }));
  EXPECT_TRUE(refused([](FairRuleSpec& spec) { spec.class_budget = 1; }));
  const FairCounts counts = FairCounts::create(spec_of(.1)).value();
  EXPECT_FALSE(counts.learning({math::Matrix(1, 2), {2}, {0}}).has_value());
  EXPECT_FALSE(counts.learning({math::Matrix(1, 2), {0}, {2}}).has_value());
  EXPECT_FALSE(counts.learning({math::Matrix(1, 3), {0}, {0}}).has_value());
  EXPECT_FALSE(counts.learning({math::Matrix(1, 2), {}, {0}}).has_value());
  base::SeededSimulationRandom random(3, "refused");
  EXPECT_FALSE(fdp_fair(spec_of(.1), {}, random).has_value());
  // A group without records has no rate.
  const FairRecords lone{math::Matrix(1, 2), {0}, {0}};
  const FairSite site{&lone, &lone, {}};
  EXPECT_FALSE(fdp_fair(spec_of(.1), std::span(&site, 1), random).has_value());
  const FairSite free{&lone, &lone, 0.0};
  EXPECT_FALSE(fdp_fair(spec_of(.1), std::span(&free, 1), random).has_value());
}

}  // namespace
}  // namespace hanse::fairness
