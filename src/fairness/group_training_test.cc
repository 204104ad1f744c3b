#include "fairness/group_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fairness/oracle.h"
#include "fairness/queries.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::fairness {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kCells = 16;

// Columns: X₁, the group's two, X₂.
learning::Architecture architecture() {
  return learning::Architecture::create(
             {.kind = learning::ModelKind::cells,
              .inputs = 4,
              .outputs = 2,
              .axes = {{.column = 1, .values = 2, .cells = 2},
                       {.column = 0, .low = -1, .high = 1, .cells = kCells},
                       {.column = 3, .low = -1, .high = 1, .cells = kCells}}})
      .value();
}

GroupSpec spec(double bound = .15, std::uint32_t positive = 1) {
  return {.by = "line",
          .groups = {"old", "new"},
          .positive = positive,
          .bound = bound,
          .bandwidths = {.1, .1},
          .widths = {1, 2, 4}};
}

learning::StrategySpec training(double multiplier = 0) {
  learning::StrategySpec training;
  if (multiplier > 0)
    training.privacy =
        learning::PrivateSpec{.placement = privacy::Placement::site, .multiplier = multiplier};
  return training;
}

base::Result<std::unique_ptr<learning::Strategy>> created(const GroupSpec& of,
                                                          const learning::StrategySpec& by) {
  return GroupTraining::create(of, architecture(), by, *base::JobId::create("ovens"), 4);
}

// The oracle's population; a label of it is `positive` where the draw's is 1.
data::Dataset dataset(std::size_t size, std::uint64_t seed, std::uint32_t positive = 1) {
  const Oracle oracle = Oracle::create().value();
  base::SeededSimulationRandom random(seed, "groups");
  data::Dataset records{.schema = nullptr, .features = math::Matrix(size, 4)};
  for (std::size_t i = 0; i < size; ++i) {
    const Oracle::Draw draw = oracle.draw(random);
    records.features.at(i, 0) = 2 * draw.x1 - 1;
    records.features.at(i, 1 + draw.group) = 1;
    records.features.at(i, 3) = 2 * draw.x2 - 1;
    records.target.push_back(draw.label == 1 ? positive : 1 - positive);
  }
  return records;
}

// One site's answer, as its noise would have it.
privacy::Released answered(const query::QueryPlan& plan, const data::Dataset& records,
                           std::uint64_t seed = 1) {
  query::Catalog catalog;
  fill(catalog);
  const auto query = catalog.create(plan).value();
  base::SeededSimulationRandom random(seed, "answer");
  base::InlineExecutor executor;
  const auto answer = query->answer(records, random, executor).value();
  const auto& sum = std::get<privacy::ClippedSum>(answer);
  std::vector<std::int64_t> values(sum.values().begin(), sum.values().end());
  std::size_t next = 0;
  for (std::size_t p = 0; p < plan.noise.parts.size(); ++p) {
    const std::size_t size = plan.layout.parts[p].coordinates;
    HANSE_CHECK(privacy::DiscreteGaussian::create(plan.noise.parts[p].sigma)
                    ->add(std::span(values).subspan(next, size), random)
                    .has_value());
    next += size;
  }
  return privacy::Released::recorded(plan.layout, std::move(values), 1).value();
}

learning::Iterate start() {
  base::SeededSimulationRandom random(1, "start");
  return {learning::Model::initial(architecture(), random), {}, 0};
}

learning::Iterate trained(const learning::Strategy& strategy, const data::Dataset& records,
                          std::uint64_t seed = 1) {
  learning::Iterate iterate = start();
  for (std::uint32_t round = 1; round <= 2; ++round) {
    const query::QueryPlan plan = strategy.plan(iterate, {round, 0}).value();
    iterate = strategy.step(iterate, answered(plan, records, seed + round)).value();
  }
  return iterate;
}

// The halves that the questions are about, for the procedure that knows no questions.
FairRecords half_of(const data::Dataset& records, const learning::Strategy& strategy,
                    std::uint32_t round) {
  FairRecords half;
  std::vector<std::size_t> rows;
  learning::Iterate iterate = start();
  iterate.steps = round - 1;
  const query::QueryPlan plan = strategy.plan(iterate, {round, 0}).value();
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::size_t row[] = {i};
    const privacy::Released one = answered(plan, records.select(row));
    const std::vector<double> counts = one.part(round == 1 ? kClassesPart : kTreePart).value();
    if (std::ranges::any_of(counts, [](double count) { return count != 0; })) rows.push_back(i);
  }
  half.features = math::Matrix(rows.size(), 2);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    half.features.at(i, 0) = records.features.at(rows[i], 0);
    half.features.at(i, 1) = records.features.at(rows[i], 3);
    half.group.push_back(records.features.at(rows[i], 2) == 1 ? 1 : 0);
    half.label.push_back(static_cast<std::uint32_t>(records.target[rows[i]]));
  }
  return half;
}

// Two questions and two steps are the procedure of fdp_fair.h, and its model says what that
// classifier says: of each record, and on both sides of the threshold of each group.
TEST(GroupTraining, IsFdpFairWithoutNoise) {
  const data::Dataset records = dataset(3000, 1);
  const auto strategy = created(spec(), training()).value();
  const learning::Iterate iterate = trained(*strategy, records);
  const FairRecords first = half_of(records, *strategy, 1);
  const FairRecords second = half_of(records, *strategy, 2);
  EXPECT_EQ(first.size() + second.size(), records.size());
  const FairSite site{&first, &second, {}};
  const FairRuleSpec rule{
      .features = {{-1, 1, kCells, .1}, {-1, 1, kCells, .1}}, .widths = {1, 2, 4}, .bound = .15};
  base::SeededSimulationRandom random(1, "none");
  const FairOutcome expected = fdp_fair(rule, std::span(&site, 1), random).value();
  const GroupFindings findings = decode_group_findings(iterate.history).value();
  EXPECT_EQ(findings.share, expected.classifier.model().share[1]);
  EXPECT_EQ(findings.price, expected.price);
  EXPECT_NE(findings.price.tau, 0) << "nothing is compared where no bound binds";

  const math::Matrix out = strategy->model(iterate)->predict(records.features);
  const math::Matrix free = unbounded(spec(), iterate)->predict(records.features);
  std::size_t differ = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::array features{records.features.at(i, 0), records.features.at(i, 3)};
    const std::uint32_t group = records.features.at(i, 2) == 1 ? 1 : 0;
    EXPECT_EQ(out.at(i, 1) > out.at(i, 0), expected.classifier.positive(features, group).value());
    EXPECT_EQ(free.at(i, 1) > free.at(i, 0),
              FairClassifier(expected.classifier.model(), 0).positive(features, group).value());
    differ += (out.at(i, 1) > .5) != (free.at(i, 1) > .5) ? 1 : 0;
  }
  EXPECT_GT(differ, 100U);
}

// The other label being the positive one, the same rule with both labels exchanged.
TEST(GroupTraining, KnowsWhichLabelIsPositive) {
  const auto one = created(spec(.15, 1), training()).value();
  const auto zero = created(spec(.15, 0), training()).value();
  const data::Dataset records = dataset(3000, 2);
  const data::Dataset turned = dataset(3000, 2, 0);
  // Halves are coins of what a record holds, its target too: both trainings are asked of all.
  const auto all = [](const learning::Strategy& strategy, const data::Dataset& of) {
    learning::Iterate iterate = start();
    for (std::uint32_t round = 1; round <= 2; ++round) {
      query::QueryPlan plan = strategy.plan(iterate, {round, 0}).value();
      FairOptions options = fair_options_from_json(plan.options).value();
      options.half = Half::all;
      plan.options = to_json(options);
      iterate = strategy.step(iterate, answered(plan, of)).value();
    }
    return strategy.model(iterate)->predict(of.features);
  };
  const math::Matrix by_one = all(*one, records);
  const math::Matrix by_zero = all(*zero, turned);
  for (std::size_t i = 0; i < records.size(); ++i)
    EXPECT_NEAR(by_one.at(i, 1), by_zero.at(i, 0), 1e-15);
}

// With noise the bound is kept about as well, and less noise errs less.
TEST(GroupTraining, KeepsTheBoundInPrivate) {
  const data::Dataset records = dataset(8000, 3);
  const data::Dataset fresh = dataset(20'000, 4);
  const auto measured = [&](double multiplier, std::uint64_t seed) {
    const auto strategy = created(spec(), training(multiplier)).value();
    const learning::Iterate iterate = trained(*strategy, records, seed);
    const math::Matrix out = strategy->model(iterate)->predict(fresh.features);
    double wrong = 0;
    std::array<double, 2> taken = {};
    std::array<double, 2> size = {};
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      const std::size_t group = fresh.features.at(i, 2) == 1 ? 1 : 0;
      const bool positive = out.at(i, 1) > out.at(i, 0);
      wrong += positive == (fresh.target[i] == 1) ? 0 : 1;
      size[group] += 1;
      taken[group] += positive ? 1 : 0;
    }
    return std::pair(wrong / static_cast<double>(fresh.size()),
                     std::abs(taken[1] / size[1] - taken[0] / size[0]));
  };
  double loud = 0;
  double quiet = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto [error, disparity] = measured(1, 10 * seed);
    EXPECT_LT(disparity, .3) << "the free rule's is .56";
    quiet += error;
    loud += measured(20, 10 * seed).first;
  }
  EXPECT_LT(quiet, loud);
  EXPECT_LT(quiet / 4, .21) << "the oracle's at this bound is .184";
}

// A record pays once for either round what the pure procedure says that it pays, and not both.
TEST(GroupTraining, ChargesARecordOfOneHalf) {
  const double rho = .05;
  const auto strategy = created(spec(), training(std::sqrt(1 / (2 * rho)))).value();
  const auto charges = strategy->charges(architecture(), nullptr).value();
  ASSERT_EQ(charges.size(), 1U);
  EXPECT_EQ(charges[0].count, 1U);
  const double paid = *privacy::rho(charges[0].loss);

  const data::Dataset records = dataset(500, 5);
  const FairRecords first = half_of(records, *created(spec(), training()).value(), 1);
  const FairSite site{&first, &first, rho};
  base::SeededSimulationRandom random(1, "charges");
  const FairRuleSpec rule{.features = {{-1, 1, kCells, .1}, {-1, 1, kCells, .1}}};
  const FairOutcome pure = fdp_fair(rule, std::span(&site, 1), random).value();
  EXPECT_NEAR(paid, *pure.charges[0].record_rho, rho * 1e-3);

  // No less than what either round's own plan costs by itself.
  query::Catalog catalog;
  fill(catalog);
  learning::Iterate iterate = start();
  for (const std::uint32_t round : {1U, 2U}) {
    iterate.steps = round - 1;
    const query::QueryPlan plan = strategy->plan(iterate, {round, 0}).value();
    const auto asked = catalog.create(plan).value()->charges(plan).value();
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_GE(paid, *privacy::rho(asked[0].loss)) << round;
    EXPECT_NEAR(paid, *privacy::rho(asked[0].loss), rho * 1e-6) << round;
  }
  EXPECT_TRUE(created(spec(), training()).value()->charges(architecture(), nullptr)->empty());
}

// Why it pays once: whatever record comes or goes, one of the two sums stays as it is. Asked of all
// records, both move.
TEST(GroupTraining, AsksARecordInOneRoundAlone) {
  const auto strategy = created(spec(), training()).value();
  const data::Dataset records = dataset(60, 6);
  const auto moved = [&](std::size_t row, bool of_all) {
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < records.size(); ++i)
      if (i != row) rest.push_back(i);
    std::array<bool, 2> sums = {};
    learning::Iterate iterate = start();
    for (const std::uint32_t round : {1U, 2U}) {
      iterate.steps = round - 1;
      query::QueryPlan plan = strategy->plan(iterate, {round, 0}).value();
      FairOptions options = fair_options_from_json(plan.options).value();
      if (of_all) options.half = Half::all;
      plan.options = to_json(options);
      const std::string part(round == 1 ? kCellsPart : kTreePart);
      sums[round - 1] = answered(plan, records).part(part).value() !=
                        answered(plan, records.select(rest)).part(part).value();
    }
    return sums;
  };
  std::size_t in_first = 0;
  for (std::size_t row = 0; row < records.size(); ++row) {
    const auto [first, second] = moved(row, false);
    EXPECT_NE(first, second) << row;
    in_first += first ? 1 : 0;
    EXPECT_EQ(moved(row, true), (std::array<bool, 2>{true, true}));
  }
  EXPECT_GT(in_first, 10U);
  EXPECT_LT(in_first, 50U);
}

TEST(GroupTraining, AsksTwice) {
  const auto strategy = created(spec(), training(3)).value();
  EXPECT_EQ(strategy->rounds(), 2U);
  learning::Iterate iterate = start();
  EXPECT_EQ(strategy->plan(iterate, {1, 0})->kind, kFairLearningKind);
  iterate.steps = 1;
  EXPECT_EQ(strategy->plan(iterate, {2, 0})->kind, kFairCalibrationKind);
  iterate.steps = 2;
  EXPECT_FALSE(strategy->plan(iterate, {3, 0}));
  // A sum of another question is no step.
  iterate.steps = 0;
  const privacy::Released first =
      answered(strategy->plan(iterate, {1, 0}).value(), dataset(300, 1));
  EXPECT_GT(strategy->facts(iterate, first)->noise_to_signal, 0);
  iterate.steps = 1;
  EXPECT_FALSE(strategy->step(iterate, first));
}

TEST(GroupTraining, RefusesWhatItCannotDo) {
  const auto refused = [](const std::string& says, const auto& change) {
    GroupSpec of = spec();
    learning::StrategySpec by = training(3);
    change(of, by);
    const auto strategy = created(of, by);
    ASSERT_FALSE(strategy) << says;
    EXPECT_THAT(strategy.error().text(), HasSubstr(says));
  };
  using learning::StrategySpec;
  refused("bound", [](GroupSpec& of, StrategySpec&) { of.bound = 1.01; });
  refused("bound", [](GroupSpec& of, StrategySpec&) { of.bound = -.01; });
  refused("bound", [](GroupSpec& of, StrategySpec&) { of.bound = std::nan(""); });
  refused("positive", [](GroupSpec& of, StrategySpec&) { of.positive = 2; });
  refused("two different values", [](GroupSpec& of, StrategySpec&) { of.groups[1] = "old"; });
  refused("bandwidth", [](GroupSpec& of, StrategySpec&) { of.bandwidths = {.1}; });
  refused("bandwidth", [](GroupSpec& of, StrategySpec&) { of.bandwidths[0] = -1; });
  refused("widths", [](GroupSpec& of, StrategySpec&) { of.widths.clear(); });
  refused("widths", [](GroupSpec& of, StrategySpec&) { of.widths = {std::nan("")}; });
  refused("levels", [](GroupSpec& of, StrategySpec&) { of.levels = 17; });
  refused("unit = \"record\"", [](GroupSpec&, StrategySpec& by) { by.privacy->unit = "oven"; });
  refused("sampling_rate", [](GroupSpec&, StrategySpec& by) { by.privacy->sampling_rate = .5; });
  refused("rotation", [](GroupSpec&, StrategySpec& by) { by.rotation = true; });
  refused("site_epsilon", [](GroupSpec&, StrategySpec& by) {
    by.privacy->sites[*base::SiteId::create("a")] = {.5, 1};
  });
  refused("above 0", [](GroupSpec&, StrategySpec& by) { by.privacy->multiplier = 0; });
  const auto logistic = learning::Architecture::create({.inputs = 2, .outputs = 2}).value();
  EXPECT_FALSE(
      GroupTraining::create(spec(), logistic, training(), *base::JobId::create("ovens"), 4));
}

TEST(GroupFindings, AreReadAsTheyAreWritten) {
  const GroupFindings findings{.25, {-.5, .75, .125}};
  const base::Bytes bytes = encode(findings);
  EXPECT_EQ(bytes.size(), 32U);
  EXPECT_EQ(decode_group_findings(bytes).value(), findings);
  EXPECT_EQ(decode_group_findings({}).value(), GroupFindings{});
  const auto refused = [](const GroupFindings& of) {
    const auto read = decode_group_findings(encode(of));
    return !read && read.error().code() == base::ErrorCode::corruption;
  };
  EXPECT_TRUE(refused({0, {}}));
  EXPECT_TRUE(refused({1, {}}));
  EXPECT_TRUE(refused({std::nan(""), {}}));
  EXPECT_TRUE(refused({.5, {1.5, 0, 0}}));
  EXPECT_TRUE(refused({.5, {0, std::nan(""), 0}}));
  for (std::size_t size = 1; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_group_findings(base::ByteView(bytes).first(size)));
}

// No rounding turns a rule: thresholds at, just above and just below a cell's own probability.
TEST(RuleOf, StaysOnItsSideOfOneHalf) {
  const std::size_t cells = kCells * kCells;
  std::vector<double> probabilities(2 * cells);
  base::SeededSimulationRandom random(1, "rule");
  for (double& one : probabilities) one = base::uniform_unit(random);
  probabilities[0] = 0;
  probabilities[1] = 1;
  probabilities[2] = .5;
  const auto model = learning::Model::create(architecture(), probabilities).value();
  for (std::size_t at = 0; at < 2 * cells; at += 7) {
    const double share = at < cells ? .75 : .25;
    const double score = 2 * share * (probabilities[at] - .5);
    for (const double tau : {score, std::nextafter(score, 2.0), std::nextafter(score, -2.0)}) {
      const double price = at < cells ? -tau : tau;
      const auto rule = rule_of(spec(), model, .25, price).value();
      for (std::size_t cell = 0; cell < 2 * cells; ++cell) {
        const bool second = cell >= cells;
        const bool taken =
            2 * (second ? .25 : .75) * (probabilities[cell] - .5) >= (second ? price : -price);
        ASSERT_EQ(rule.parameters()[cell] > .5, taken) << at << ' ' << cell;
        ASSERT_NE(rule.parameters()[cell], .5);
      }
    }
  }
}

}  // namespace
}  // namespace hanse::fairness
