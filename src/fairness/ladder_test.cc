#include "fairness/ladder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fairness/allocation.h"

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
  return {.records = {1600, 400},
          .calibration = {1600, 400},
          .clip = 8,
          .rho = 1,
          .loss_bound = 60,
          .gap_rho = 1};
}

std::vector<Rung> ladder(const std::vector<std::vector<double>>& parts, std::size_t seeds) {
  std::vector<Rung> rungs;
  for (const std::vector<double>& part : parts) {
    Rung rung{.records = {part[0], part[1]}, .budget = part[2], .seeds = {}};
    Effort less = effort();
    for (std::size_t c = 0; c < 2; ++c) {
      less.records[c] *= part[c];
      less.calibration[c] *= part[c];
    }
    less.rho *= part[2];
    less.gap_rho *= part[2];
    base::SeededSimulationRandom random(rungs.size(), "rung");
    for (std::size_t s = 0; s < seeds; ++s)
      rung.seeds.push_back(location().simulate(less, 20, random));
    rungs.push_back(std::move(rung));
  }
  return rungs;
}

const std::vector<std::vector<double>> kParts{{1, 1, 1},  {.5, 1, 1},  {1, .5, 1},
                                              {1, 1, .5}, {.5, .5, 1}, {1, .5, .5}};

TEST(Ladder, FindsTheLawThatTheFleetFollows) {
  base::SeededSimulationRandom random(1, "fit");
  const LadderFit fit = fit_ladder(ladder(kParts, 4000), {.8, .2}, 400, random).value();
  const Costs truth = location().costs(effort(), 20);
  const auto near = [](const Interval& found, double wanted) {
    EXPECT_NEAR(found.value, wanted, .15 * std::abs(wanted) + 1.5e-3);
    EXPECT_LE(found.low, found.value);
    EXPECT_GE(found.high, found.value);
  };
  near(fit.learning, truth.learning);
  near(fit.privacy, truth.privacy);
  near(fit.tax, truth.tax);
  near(fit.correction, truth.correction);
  near(fit.private_fairness, truth.private_fairness);
  EXPECT_TRUE(fit.is_identified);
  EXPECT_NEAR(fit.least_risk.value, location().least_risk(), 2e-3);
  // What doubling legacy's records would do, told from rungs of fewer alone.
  const Levers levers = levers_of(fit, {"modern", "legacy"}, .5);
  Effort more = effort();
  more.records[1] *= 2;
  more.calibration[1] *= 2;
  const double truly = location().costs(more, 20).sum() - truth.sum();
  const auto lever = std::ranges::find(levers.all, "records of legacy × 2", &Lever::name);
  ASSERT_NE(lever, levers.all.end());
  EXPECT_NEAR(lever->change, truly, .25 * std::abs(truly));
  for (std::size_t i = 1; i < levers.all.size(); ++i)
    EXPECT_LE(levers.all[i - 1].change, levers.all[i].change);
}

TEST(Ladder, SaysWhatItCannotIdentify) {
  base::SeededSimulationRandom random(1, "fit");
  const LadderFit few = fit_ladder(ladder(kParts, 3), {.8, .2}, 400, random).value();
  EXPECT_FALSE(few.is_identified);
  EXPECT_FALSE(fit_ladder(ladder({{1, 1, 1}, {.5, 1, 1}}, 3), {.8, .2}, 400, random));
  auto uneven = ladder(kParts, 3);
  uneven.back().seeds.pop_back();
  EXPECT_FALSE(fit_ladder(uneven, {.8, .2}, 400, random));
  uneven = ladder(kParts, 3);
  uneven.back().budget = 0;
  EXPECT_FALSE(fit_ladder(uneven, {.8, .2}, 400, random));
}

TEST(BestShare, IsTheLeastOfBothCosts) {
  const double b = .01;
  const double d = .004;  // D, of the question's own noise
  const double share = .2;
  const double measured = b * share / (1 - share) + d / share;
  const BestShare best = best_share(b, measured, share);
  EXPECT_NEAR(best.share, std::sqrt(d) / (std::sqrt(b) + std::sqrt(d)), 1e-12);
  EXPECT_NEAR(best.now, b / (1 - share) + d / share, 1e-12);
  for (double other = .05; other < .95; other += .05)
    EXPECT_LE(best.cost, b / (1 - other) + d / other + 1e-12);
  EXPECT_EQ(best_share(0, 0, .3).share, .3);
}

// What the closed forms promise, simulated fleets keep: against half and half.
TEST(Allocation, BeatsTheEvenSplitByWhatItSays) {
  const Means means{.records = {3200, 800}, .rho = .1, .clip = 40, .loss_bound = 10, .sites = 1};
  const Allocation best = best_allocation(location(), means, 20).value();
  const Allocation even = allocated(location(), means, 20, .5, .5);
  const double promised = even.costs.sum() - best.costs.sum();
  ASSERT_GT(promised, .02);
  const auto simulated = [&](const Effort& effort) {
    base::SeededSimulationRandom random(7, "allocation");
    constexpr int kSeeds = 20'000;
    double risk = 0;
    for (int s = 0; s < kSeeds; ++s) {
      const SeedLosses seed = location().simulate(effort, 20, random);
      risk += (.8 * seed.sites[0].losses[3][0] + .2 * seed.sites[1].losses[3][0]) / kSeeds;
    }
    return risk;
  };
  EXPECT_NEAR(simulated(even.effort) - simulated(best.effort), promised, .2 * promised);
  EXPECT_FALSE(best_allocation(location(), {.records = {0, 5}}, 20));
}

}  // namespace
}  // namespace hanse::fairness
