#include "learning/queries.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "learning/gradient.h"
#include "learning/options.h"
#include "learning/strategy.h"
#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

query::QueryPlan plan_for(StrategyKind kind, const Model& model) {
  const base::Result<std::unique_ptr<Strategy>> strategy =
      create_strategy(default_spec(kind), *base::JobId::create("test"), 8);
  HANSE_CHECK(strategy.has_value());
  base::Result<query::QueryPlan> plan =
      (*strategy)->plan({.model = model, .moments = {}, .steps = 0}, {.round = 1, .attempt = 0});
  HANSE_CHECK(plan.has_value());
  return *std::move(plan);
}

base::Result<std::vector<std::int64_t>> answer(const query::QueryPlan& plan,
                                               const data::Dataset& records,
                                               base::Executor& executor) {
  query::Catalog catalog;
  fill(catalog);
  HANSE_TRY(const std::unique_ptr<query::Query> query, catalog.create(plan));
  base::SeededSimulationRandom random(9, "site");
  HANSE_TRY(const query::Answer found, query->answer(records, random, executor));
  return std::visit(
      [](const auto& held) {
        return std::vector<std::int64_t>(held.values().begin(), held.values().end());
      },
      found);
}

std::vector<std::int64_t> answer(const query::QueryPlan& plan, const data::Dataset& records) {
  base::InlineExecutor executor;
  const base::Result<std::vector<std::int64_t>> result = answer(plan, records, executor);
  HANSE_CHECK(result.has_value());
  return *result;
}

data::Dataset slice(const data::Dataset& records, std::size_t first, std::size_t count) {
  std::vector<std::size_t> rows = test::rows_up_to(count);
  for (std::size_t& row : rows) row += first;
  return records.select(rows);
}

TEST(Queries, AnswersAreTheSameBytesForAnyNumberOfThreads) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 6, 4);
  const data::Dataset records = test::labelled(9000, 6, 4, 1);
  for (const StrategyKind kind : {StrategyKind::fedsgd, StrategyKind::fedavg}) {
    const query::QueryPlan plan = plan_for(kind, test::random_model(of, 2));
    const std::vector<std::int64_t> expected = answer(plan, records);
    for (const std::size_t threads : {1u, 2u, 7u}) {
      base::ThreadExecutor executor(threads);
      EXPECT_EQ(*answer(plan, records, executor), expected) << threads;
    }
  }
}

data::Dataset of_class(data::Dataset records, const std::string& name) {
  records.site_class.assign(records.size(), 0);
  records.site_class_names = {name};
  return records;
}

query::QueryPlan weighed(query::QueryPlan plan, double weight) {
  Options options = options_from_json(plan.options).value();
  options.class_weights = ClassFactors{{{"modern"}, {"legacy", "old"}}, {1, weight}};
  plan.options = to_json(options);
  HANSE_CHECK(options_from_json(plan.options).value() == options);
  return plan;
}

TEST(Queries, AClassCountsAsMuchAsThePlanSays) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 6, 4);
  const query::QueryPlan plan = plan_for(StrategyKind::fedsgd, test::random_model(of, 2));
  const data::Dataset records = test::labelled(1200, 6, 4, 1);
  const std::vector<std::int64_t> all = answer(plan, records);
  EXPECT_EQ(answer(weighed(plan, .25), of_class(records, "modern")), all);
  for (const char* name : {"legacy", "old"}) {
    const std::vector<std::int64_t> quarter = answer(weighed(plan, .25), of_class(records, name));
    // The gradient of a block and each record's count and loss are rounded once.
    for (std::size_t i = 0; i < all.size(); ++i)
      EXPECT_NEAR(static_cast<double>(quarter[i]), .25 * static_cast<double>(all[i]), 1210);
  }
  base::InlineExecutor executor;
  EXPECT_FALSE(answer(weighed(plan, .25), of_class(records, "ancient"), executor));
  EXPECT_FALSE(answer(weighed(plan, .25), records, executor));
}

TEST(Queries, RefuseWeightsThatAreNone) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 6, 4);
  const query::QueryPlan plan = plan_for(StrategyKind::fedsgd, test::random_model(of, 2));
  for (const double weight : {0.0, -.5, 1.5}) {
    Options options = options_from_json(plan.options).value();
    options.class_weights = ClassFactors{{{"modern"}, {"legacy"}}, {1, weight}};
    EXPECT_FALSE(options_from_json(to_json(options))) << weight;
  }
  Options twice = options_from_json(plan.options).value();
  twice.class_weights = ClassFactors{{{"modern"}, {"modern"}}, {1, .5}};
  EXPECT_FALSE(options_from_json(to_json(twice)));
  Options local =
      options_from_json(plan_for(StrategyKind::fedavg, test::random_model(of, 2)).options).value();
  local.class_weights = ClassFactors{{{"modern"}}, {1}};
  EXPECT_FALSE(options_from_json(to_json(local)));
}

// Per unit, a sum over a fleet is the sum over the pooled records, in integers.
RC_GTEST_PROP(Queries, PerUnitAFleetsSumIsThePooledSumExactly, ()) {
  const std::size_t sites = *rc::gen::inRange<std::size_t>(1, 6);
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  for (const Architecture& of : test::all_architectures(3, 3)) {
    const query::QueryPlan plan = plan_for(StrategyKind::fedsgd, test::random_model(of, seed));
    privacy::ClippedSumAccumulator pooled(plan.layout, "record");
    std::vector<std::int64_t> sum(plan.layout.coordinates());
    for (std::size_t site = 0; site < sites; ++site) {
      const data::Dataset records =
          test::records_for(of, *rc::gen::inRange<std::size_t>(0, 20), seed + site);
      privacy::ClippedSumAccumulator own(plan.layout, "record");
      BlockGradient block(of);
      for (std::size_t row = 0; row < records.size(); ++row) {
        std::vector<double> unit(plan.layout.coordinates());
        const Model model = test::random_model(of, seed);
        block.compute(model.parameters(), records, row, 1);
        block.sum(std::span(unit).first(of.parameter_count()));
        unit[of.parameter_count()] = 1;
        unit[of.parameter_count() + 1] = block.losses()[0];
        RC_ASSERT(pooled.add(unit).has_value());
        RC_ASSERT(own.add(unit).has_value());
      }
      const privacy::ClippedSum contribution = std::move(own).finish();
      math::add_words(sum, contribution.values());
    }
    const privacy::ClippedSum whole = std::move(pooled).finish();
    RC_ASSERT(std::ranges::equal(sum, whole.values()));
  }
}

// The batched answer meets the same sum where the split respects blocks.
RC_GTEST_PROP(Queries, AFleetOfWholeBlocksAnswersAsThePooledRecordsDo, ()) {
  const std::vector<std::size_t> blocks = *rc::gen::nonEmpty(rc::gen::resize(
      4, rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 4))));
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  const std::size_t total = std::accumulate(blocks.begin(), blocks.end(), std::size_t{0});
  const std::size_t rest = *rc::gen::inRange<std::size_t>(0, kBlock);
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 4, 3);
  const query::QueryPlan plan = plan_for(StrategyKind::fedsgd, test::random_model(of, seed));
  const data::Dataset pooled = test::labelled(total * kBlock + rest, 4, 3, seed);
  std::vector<std::int64_t> sum(plan.layout.coordinates());
  std::size_t first = 0;
  for (const std::size_t count : blocks) {
    math::add_words(sum, answer(plan, slice(pooled, first, count * kBlock)));
    first += count * kBlock;
  }
  math::add_words(sum, answer(plan, slice(pooled, first, rest)));
  RC_ASSERT(sum == answer(plan, pooled));
}

// More blocks than there are tasks to deal them to.
TEST(Queries, EveryBlockOfALargeSiteCountsOnce) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 3, 2);
  const query::QueryPlan plan = plan_for(StrategyKind::fedsgd, test::random_model(of, 1));
  const data::Dataset records = test::labelled(37 * kBlock + 5, 3, 2, 1);
  std::vector<std::int64_t> sum(plan.layout.coordinates());
  for (std::size_t row = 0; row < records.size(); row += kBlock)
    math::add_words(sum, answer(plan, slice(records, row, std::min(kBlock, records.size() - row))));
  EXPECT_EQ(answer(plan, records), sum);
  EXPECT_EQ(sum[of.parameter_count()],
            plan.layout.lattice.quantise(static_cast<double>(records.size())));
}

// Counts tasks and leaves them be.
class CountingExecutor final : public base::Executor {
 public:
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>&) override {
    tasks = count;
  }
  std::size_t tasks = 0;
};

// A model of the greatest size may not be held sixteen times over.
TEST(Queries, LargeModelsHaveFewTasks) {
  const auto tasks = [](std::vector<std::size_t> hidden) {
    const Architecture of = *Architecture::create(
        {.kind = ModelKind::mlp, .inputs = 3, .hidden = std::move(hidden), .outputs = 2});
    const query::QueryPlan plan = plan_for(StrategyKind::fedsgd, test::random_model(of, 1));
    CountingExecutor executor;
    EXPECT_TRUE(answer(plan, test::labelled(20 * kBlock, 3, 2, 1), executor).has_value());
    return executor.tasks;
  };
  EXPECT_EQ(tasks({16}), 16u);
  EXPECT_EQ(tasks({2890, 2890}), 3u);  // 8.4 million parameters
  EXPECT_EQ(tasks({60'000}), 4u);      // a wide layer: what a block of records takes
}

// Each block rounds once, so two ways to cut the records differ by half a step per block.
RC_GTEST_PROP(Queries, AnyFleetIsWithinTheQuantisersBoundOfThePooledRecords, ()) {
  const std::size_t total = *rc::gen::inRange<std::size_t>(1, 1200);
  const std::size_t cut = *rc::gen::inRange<std::size_t>(0, total + 1);
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 4, 3);
  const query::QueryPlan plan = plan_for(StrategyKind::fedsgd, test::random_model(of, seed));
  const data::Dataset pooled = test::labelled(total, 4, 3, seed);
  std::vector<std::int64_t> sum = answer(plan, slice(pooled, 0, cut));
  math::add_words(sum, answer(plan, slice(pooled, cut, total - cut)));
  const std::vector<std::int64_t> whole = answer(plan, pooled);
  const auto blocks = [](std::size_t records) {
    return static_cast<std::int64_t>((records + kBlock - 1) / kBlock);
  };
  // And one step for the rounding of the floating-point sums themselves.
  const std::int64_t bound = (blocks(cut) + blocks(total - cut) + blocks(total)) / 2 + 1;
  for (std::size_t i = 0; i < of.parameter_count(); ++i)
    RC_ASSERT(std::abs(sum[i] - whole[i]) <= bound);
  // Counts and losses are rounded per record.
  for (std::size_t i = of.parameter_count(); i < sum.size(); ++i) RC_ASSERT(sum[i] == whole[i]);
}

TEST(Queries, AnEmptySiteAddsNothing) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 3, 2);
  for (const StrategyKind kind : {StrategyKind::fedsgd, StrategyKind::fedavg}) {
    const query::QueryPlan plan = plan_for(kind, test::random_model(of, 1));
    EXPECT_EQ(answer(plan, test::labelled(0, 3, 2, 1)),
              std::vector<std::int64_t>(plan.layout.coordinates()));
  }
}

TEST(Queries, LocalTrainingSendsTheWeightedUpdate) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 3, 2);
  const Model model = test::random_model(of, 1);
  const query::QueryPlan plan = plan_for(StrategyKind::fedprox, model);
  const data::Dataset records = test::labelled(70, 3, 2, 1);
  const std::vector<std::int64_t> found = answer(plan, records);
  base::SeededSimulationRandom random(9, "site");
  const Model trained =
      *train(model, records, learner_of(default_spec(StrategyKind::fedprox)), random);
  const math::Lattice lattice = plan.layout.lattice;
  for (std::size_t i = 0; i < of.parameter_count(); ++i)
    EXPECT_EQ(found[i], lattice.quantise(70 * (trained.parameters()[i] - model.parameters()[i])));
  EXPECT_EQ(found[of.parameter_count()], lattice.quantise(70));
  EXPECT_EQ(found[of.parameter_count() + 1],
            lattice.quantise(total_loss(model, records, plan.layout.parts[2].clip)));
}

TEST(Queries, LossesAreCutOffAtTheirClip) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 1, 2);
  const Model certain = *Model::create(of, {0, 0, 50, -50});
  data::Dataset records = test::labelled(100, 1, 2, 1);
  std::ranges::fill(records.target, 1.0);
  for (const StrategyKind kind : {StrategyKind::fedsgd, StrategyKind::fedavg}) {
    const query::QueryPlan plan = plan_for(kind, certain);
    EXPECT_EQ(answer(plan, records).back(), plan.layout.lattice.quantise(100 * 10.0));
  }
}

TEST(Queries, MoreRecordsThanThePlanAllowsAreRefused) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 3, 2);
  base::InlineExecutor executor;
  for (const StrategyKind kind : {StrategyKind::fedsgd, StrategyKind::fedavg}) {
    query::QueryPlan plan = plan_for(kind, test::random_model(of, 1));
    plan.layout.max_units = 300;
    const auto result = answer(plan, test::labelled(301, 3, 2, 1), executor);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), base::ErrorCode::failed_precondition);
    EXPECT_NE(result.error().text().find("max_records_per_site"), std::string::npos);
  }
}

// However few records a site has: the range is that of the update, not of the weighted sum.
TEST(Queries, AnUpdateBeyondItsRangeIsRefused) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 3, 2);
  query::QueryPlan plan = plan_for(StrategyKind::fedavg, test::random_model(of, 1));
  base::InlineExecutor executor;
  ASSERT_TRUE(answer(plan, test::labelled(20, 3, 2, 1), executor).has_value());
  plan.layout.parts[0].clip = 1e-4;
  const auto result = answer(plan, test::labelled(20, 3, 2, 1), executor);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
  EXPECT_NE(result.error().text().find("training.range"), std::string::npos);
}

class BadPlans : public testing::TestWithParam<StrategyKind> {};
INSTANTIATE_TEST_SUITE_P(Queries, BadPlans,
                         testing::Values(StrategyKind::fedsgd, StrategyKind::fedavg));

TEST_P(BadPlans, AreRefusedBeforeAnyWork) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 3, 2);
  const query::QueryPlan good = plan_for(GetParam(), test::random_model(of, 1));
  const auto refused = [&](auto spoil, std::string_view text) {
    query::QueryPlan plan = good;
    spoil(plan);
    base::InlineExecutor executor;
    const auto result = answer(plan, test::labelled(5, 3, 2, 1), executor);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_NE(result.error().text().find(text), std::string::npos) << result.error().text();
  };
  refused([](auto& plan) { plan.options = "{}"; }, "no architecture");
  refused([](auto& plan) { plan.unit = "machine"; }, "found unit 'machine'");
  refused([](auto& plan) { plan.kind = "survey"; }, "query 'survey' is unknown");
  refused(
      [](auto& plan) {
        plan.layout.rotation = 1;
        plan.layout.lattice = math::Lattice::create(8).value();
      },
      "has a rotation");
  refused([](auto& plan) { plan.layout.parts[0].coordinates += 1; }, "[9]");
  refused([](auto& plan) { plan.layout.parts[1].clip = 2; }, "with clip 1");
  refused([](auto& plan) { plan.layout.parts[2].name = "lost"; }, "lost[1]");
  refused([](auto& plan) { plan.layout.parts.pop_back(); }, "has the parts");
  refused([](auto& plan) { std::swap(plan.layout.parts[1], plan.layout.parts[2]); },
          "has the parts");
  refused([](auto& plan) { plan.parameters = plan.parameters.part(0, 56); },
          "needs 64 bytes of parameters, found 56");
  refused(
      [](auto& plan) {
        std::vector<double> parameters(8, std::numeric_limits<double>::infinity());
        plan.parameters = base::Slice(base::to_little_endian(parameters));
      },
      "not finite");
  // The other kind's plan under this kind's name.
  refused(
      [&](auto& plan) {
        plan.kind = plan.kind == kGradientKind ? kLocalTrainingKind : kGradientKind;
      },
      "learner");
  // Records of another schema.
  base::InlineExecutor executor;
  EXPECT_FALSE(answer(good, test::labelled(5, 4, 2, 1), executor).has_value());
}

}  // namespace
}  // namespace hanse::learning
