#include "fairness/decomposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hanse::fairness {
namespace {

// Two sites of class 0 and one of class 1; each cell's losses around these, by seed and record.
std::vector<SeedLosses> grid(const std::array<std::array<double, 2>, kCells>& risk, int seeds,
                             double between = .002, double within = .01) {
  base::SeededSimulationRandom random(1, "grid");
  std::vector<SeedLosses> all;
  for (int s = 0; s < seeds; ++s) {
    const double shift = between * base::standard_normal(random);  // paired: the same in all cells
    SeedLosses& seed = all.emplace_back();
    for (const std::uint32_t c : {0U, 0U, 1U}) {
      SiteLosses& site = seed.sites.emplace_back(SiteLosses{c, {}});
      for (int i = 0; i < 40; ++i) {
        const double record = within * base::standard_normal(random);
        for (std::size_t cell = 0; cell < kCells; ++cell)
          site.losses[cell].push_back(risk[cell][c] + shift + record +
                                      .1 * between * base::standard_normal(random));
      }
    }
  }
  return all;
}

constexpr std::array<std::array<double, 2>, kCells> kRisks{
    {{.20, .50}, {.24, .40}, {.22, .56}, {.27, .45}}};

DecompositionSpec spec() {
  DecompositionSpec spec;
  spec.weights = {.8, .2};
  return spec;
}

const Term& term(const std::vector<Term>& terms, std::string_view name) {
  for (const Term& one : terms)
    if (one.name == name) return one;
  throw std::invalid_argument(std::string(name));
}

TEST(Decomposition, AddsUpToTheRiskAndDropsNothing) {
  base::SeededSimulationRandom random(2, "draws");
  DecompositionSpec whole = spec();
  whole.least_risk = .25;
  whole.least_fair_risk = .26;
  const Decomposition found = decompose(grid(kRisks, 20), whole, random).value();
  double sum = 0;
  for (const Term& one : found.raw) sum += one.cost.value;
  EXPECT_NEAR(sum, found.risk[3].value - .25, 1e-12);
  EXPECT_NEAR(term(found.raw, "privacy").cost.value, .8 * .02 + .2 * .06, 1e-3);
  EXPECT_NEAR(term(found.raw, "tax").cost.value, .01, 1e-12);
  EXPECT_NEAR(term(found.raw, "correction").cost.value, .8 * .04 - .2 * .1 - .01, 1e-3);
  EXPECT_NEAR(term(found.raw, "private_fairness").cost.value, .8 * .01 - .2 * .01, 1e-3);
  EXPECT_NEAR(found.gap[0].value, .3, 1e-3);
  EXPECT_NEAR(found.privacy_share.value + found.fairness_share.value,
              found.risk[3].value - found.risk[0].value, 1e-12);
  // Without R* nothing is made up.
  const Decomposition some = decompose(grid(kRisks, 20), spec(), random).value();
  ASSERT_EQ(some.raw.size(), 3U);
  EXPECT_EQ(some.raw[1].name, "fairness");
}

// A cell that missed the bound looks cheap until its gap is priced.
TEST(Decomposition, PricesAGapThatWasMissed) {
  base::SeededSimulationRandom random(2, "draws");
  auto risks = kRisks;
  risks[3] = {.22, .56};  // as if nothing had been done: d is −c
  const Decomposition found = decompose(grid(risks, 20), spec(), random).value();
  EXPECT_LT(term(found.raw, "private_fairness").cost.value, 0) << "and it is not cut off";
  EXPECT_NEAR(found.multiplier, (.8 * .04 - .2 * .1) / (.3 - .16), 1e-2);
  EXPECT_GT(term(found.priced, "private_fairness").cost.value, 0);
  EXPECT_EQ(term(found.priced, "privacy").cost, term(found.raw, "privacy").cost);
}

TEST(Decomposition, CallsATermDominantWhereItIsSure) {
  base::SeededSimulationRandom random(2, "draws");
  const Decomposition sure = decompose(grid(kRisks, 20), spec(), random).value();
  EXPECT_EQ(sure.dominant, "privacy");
  auto even = kRisks;
  even[2] = {.2, .5 + .012 / .2};  // privacy costs .012, as fairness does
  even[3] = {.24, .4 + .012 / .2};
  EXPECT_FALSE(decompose(grid(even, 20, .05), spec(), random)->dominant);
}

// Records within sites are a level of their own: few of them widen the intervals.
TEST(Decomposition, DrawsRecordsToo) {
  base::SeededSimulationRandom random(2, "draws");
  const auto width = [&](double within) {
    const Decomposition found = decompose(grid(kRisks, 20, .001, within), spec(), random).value();
    return found.risk[0].high - found.risk[0].low;
  };
  EXPECT_GT(width(.2), 2 * width(.01));
}

TEST(Decomposition, RefusesWhatCannotBeCompared) {
  base::SeededSimulationRandom random(2, "draws");
  EXPECT_FALSE(decompose(grid(kRisks, 1), spec(), random));
  auto seeds = grid(kRisks, 3);
  seeds[1].sites[0].losses[2].pop_back();
  EXPECT_FALSE(decompose(seeds, spec(), random));
  seeds = grid(kRisks, 3);
  seeds[1].sites[0].losses[2][0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(decompose(seeds, spec(), random));
  seeds = grid(kRisks, 3);
  seeds[2].sites.pop_back();  // the only one of its class
  EXPECT_FALSE(decompose(seeds, spec(), random));
  seeds = grid(kRisks, 3);
  seeds[0].sites[0].of_class = 2;
  EXPECT_FALSE(decompose(seeds, spec(), random));
  DecompositionSpec few = spec();
  few.draws = 3;
  EXPECT_FALSE(decompose(grid(kRisks, 3), few, random));
}

}  // namespace
}  // namespace hanse::fairness
