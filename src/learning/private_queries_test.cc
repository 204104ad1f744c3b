// Private answers depend on the records through their bounded sums alone.
#include "learning/private_queries.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "learning/gradient.h"
#include "learning/options.h"
#include "learning/queries.h"
#include "learning/recipe.h"
#include "learning/strategy.h"
#include "learning/test_problems.h"
#include "learning/unit_sums.h"

namespace hanse::learning {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

StrategySpec spec_for(StrategyKind kind, const std::string& unit, double rate = 1,
                      double metrics = 0) {
  StrategySpec spec = default_spec(kind);
  spec.max_records_per_site = 1000;
  PrivateSpec privacy{.unit = unit,
                      .placement = privacy::Placement::site,
                      .sampling_rate = rate,
                      .expected_units = 500};
  spend(privacy, 0.1, recipe::moments_share(unit == "record", /*whitens=*/true), metrics);
  spec.privacy = privacy;
  return spec;
}

// Plans of a private training: moments, a gradient, a gradient behind a map, local steps, metrics.
std::vector<query::QueryPlan> plans(const Architecture& of, const std::string& unit,
                                    double rate = 1) {
  std::vector<query::QueryPlan> all;
  const auto ask = [&](StrategyKind kind, const Iterate& iterate, double metrics = 0) {
    const auto strategy =
        create_strategy(spec_for(kind, unit, rate, metrics), *base::JobId::create("test"), 4);
    HANSE_CHECK(strategy.has_value());
    base::Result<query::QueryPlan> plan = (*strategy)->plan(iterate, {1, 0});
    HANSE_CHECK(plan.has_value());
    all.push_back(*std::move(plan));
  };
  const Model model = test::random_model(of, 3);
  std::vector<double> map(map_size(of.inputs()));
  for (std::size_t i = 0; i < of.inputs(); ++i)
    map[i * of.inputs() + i] = 2 + 0.1 * static_cast<double>(i);
  map.back() = 0.25;
  ask(StrategyKind::fedsgd, {.model = model, .moments = {}, .steps = 0});
  for (const bool mapped : {false, true})
    for (const StrategyKind kind : {StrategyKind::fedsgd, StrategyKind::fedavg})
      ask(kind, {.model = model,
                 .moments = {},
                 .steps = 1,
                 .findings = Findings{.units = 500,
                                      .clip = 0.3,
                                      .rate = 0.5,
                                      .map = mapped ? map : std::vector<double>{}}});
  ask(StrategyKind::fedsgd, {.model = model, .moments = {}, .steps = 1 + recipe::kRounds}, 0.1);
  HANSE_CHECK(all.back().kind == kMetricsKind);
  return all;
}

base::Result<query::Answer> answer(const query::QueryPlan& plan, const data::Dataset& records,
                                   std::size_t threads = 1) {
  query::Catalog catalog;
  fill(catalog);
  HANSE_TRY(const std::unique_ptr<query::Query> query, catalog.create(plan));
  base::SeededSimulationRandom random(9, "site");
  base::ThreadExecutor executor(threads);
  return query->answer(records, random, executor);
}

privacy::ClippedSum sum(const query::QueryPlan& plan, const data::Dataset& records,
                        std::size_t threads = 1) {
  auto found = answer(plan, records, threads);
  HANSE_CHECK(found.has_value() && std::holds_alternative<privacy::ClippedSum>(*found));
  return std::get<privacy::ClippedSum>(*std::move(found));
}

// L2 distance of a part, in lattice steps.
double distance(const privacy::ClippedSum& a, const privacy::ClippedSum& b, std::size_t part) {
  std::size_t offset = 0;
  for (std::size_t p = 0; p < part; ++p) offset += a.layout().parts[p].coordinates;
  double squares = 0;
  for (std::size_t i = offset; i < offset + a.layout().parts[part].coordinates; ++i)
    squares += std::pow(static_cast<double>(a.values()[i] - b.values()[i]), 2);
  return std::sqrt(squares);
}

data::Dataset entities(data::Dataset records, std::size_t each) {
  for (std::size_t row = 0; row < records.size(); ++row)
    records.unit.push_back(static_cast<std::uint32_t>(row / each));
  return records;
}

// The table with the records of `rows` alone.
data::Dataset without(const data::Dataset& records, std::size_t first, std::size_t count) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < records.size(); ++row)
    if (row < first || row >= first + count) rows.push_back(row);
  return records.select(rows);
}

void expect_neighbours(const query::QueryPlan& plan, const data::Dataset& more,
                       const data::Dataset& less) {
  if (plan.kind == kLocalTrainingKind) {
    const auto a = answer(plan, more);
    const auto b = answer(plan, less);
    ASSERT_TRUE(a.has_value() && b.has_value());
    const auto& one = std::get<privacy::PrivateIterate>(*a);
    const auto& other = std::get<privacy::PrivateIterate>(*b);
    EXPECT_EQ(one.layout(), other.layout());
    EXPECT_EQ(one.charge(), other.charge());
    EXPECT_EQ(one.values().size(), other.values().size());
    return;
  }
  const privacy::ClippedSum a = sum(plan, more);
  const privacy::ClippedSum b = sum(plan, less);
  ASSERT_EQ(a.layout(), b.layout());
  for (std::size_t p = 0; p < a.layout().parts.size(); ++p) {
    const auto bound =
        a.layout().sensitivity(p, plan.noise.parts[p].batch, plan.noise.neighbours).value();
    EXPECT_LE(distance(a, b, p), bound.l2()) << plan.kind << " " << p;
  }
}

// A unit more, anywhere, moves each part by its clip and no more; sizes, plans and charges are the
// same.
TEST(PrivateQueries, OneRecordMoreIsWithinTheSensitivity) {
  for (const Architecture& of : test::all_architectures(5, 3))
    for (const query::QueryPlan& plan : plans(of, "record"))
      for (const std::size_t at : {0u, 255u, 256u, 512u}) {
        const data::Dataset more = test::records_for(of, 513, 7);
        expect_neighbours(plan, more, without(more, at, 1));
      }
}

TEST(PrivateQueries, OneEntityMoreIsWithinTheSensitivity) {
  for (const Architecture& of : test::all_architectures(5, 3))
    for (const query::QueryPlan& plan : plans(of, "machine"))
      for (const std::size_t each : {3u, 300u}) {
        const data::Dataset more = entities(test::records_for(of, 600, 7), each);
        expect_neighbours(plan, more, without(more, each, each));
      }
}

// Nobody learns from a refusal, or from a sum gone wild, what stands in a record.
TEST(PrivateQueries, ExtremeRecordsAreLikeAnyOther) {
  for (const Architecture& of : test::all_architectures(5, 3))
    for (const std::string unit : {"record", "machine"})
      for (query::QueryPlan plan : plans(of, unit))
        for (const double extreme : {kInfinity, std::nan(""), 1e308, 1e200, -1e155}) {
          data::Dataset more = entities(test::records_for(of, 300, 7), 1);
          for (double& value : more.features.row(17)) value = extreme;
          more.target[18] = extreme;
          expect_neighbours(plan, more, without(more, 17, 1));
          expect_neighbours(plan, more, without(more, 18, 1));
        }
}

// In the clear the same record is refused by name: that is what must not leave a site.
TEST(PrivateQueries, ControlInTheClearARecordIsRefused) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  const auto strategy =
      create_strategy(default_spec(StrategyKind::fedsgd), *base::JobId::create("test"), 4);
  const auto plan =
      (*strategy)->plan({.model = test::random_model(of, 3), .moments = {}, .steps = 0}, {1, 0});
  data::Dataset records = test::records_for(of, 300, 7);
  records.features.at(17, 0) = kInfinity;
  const auto found = answer(*plan, records);
  ASSERT_FALSE(found.has_value());
  EXPECT_NE(found.error().text().find("record 17"), std::string::npos);
}

// A model whose gradients overflow, and rows of a block that nobody fills.
TEST(PrivateQueries, WildModelsAnswerToo) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::regression, 5, 3);
  for (const query::QueryPlan& from : plans(of, "record")) {
    if (from.kind == kMomentsKind) continue;
    query::QueryPlan plan = from;
    std::vector<double> numbers = *base::double_from_little_endian(plan.parameters.view());
    for (std::size_t i = 0; i < of.parameter_count(); ++i) numbers[i] = i % 2 == 0 ? 1e300 : -1e307;
    plan.parameters = base::Slice(base::to_little_endian(numbers));
    const data::Dataset more = test::records_for(of, 257, 7);
    expect_neighbours(plan, more, without(more, 3, 1));
  }
}

// Scores so far apart that a delta is exp(−apart), whose square is no double any more: huge inputs
// or a tiny scale, both the coordinator's to say, must not let it through unclipped.
TEST(PrivateQueries, SquaresThatUnderflowAreClippedToo) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 1, 2);
  data::Dataset more = test::records_for(of, 40, 7);
  for (std::size_t row = 0; row < more.size(); ++row) {
    more.features.at(row, 0) = row == 3 ? 1 : 0;
    more.target[row] = 0;
  }
  const query::QueryPlan from = plans(of, "record")[1];
  for (const double apart : {360.0, 380.0, 400.0, 600.0})
    for (const double stretch : {1.0, 1e120, 1e153})
      for (const double scale : {1e-308, 1e-250, 1e-170, 1e-100, 1e-30, 0.01, 1.0}) {
        query::QueryPlan plan = from;
        // Label 0 for sure by the bias; of the one record label 1 is `apart` less likely.
        const std::vector<double> numbers{0, 800 / stretch - apart / stretch, 0, -800, stretch, 0};
        plan.parameters = base::Slice(base::to_little_endian(numbers));
        plan.options = to_json({.architecture = of,
                                .learner = {},
                                .privacy = PrivateOptions{.scale = scale, .mapped = true}});
        expect_neighbours(plan, more, without(more, 3, 1));
      }
}

TEST(PrivateQueries, UnitsBeyondThePlansAreLeftOutWithoutAWord) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  for (query::QueryPlan plan : plans(of, "record")) {
    if (plan.kind == kLocalTrainingKind) continue;
    plan.layout.max_units = 300;
    const data::Dataset records = test::records_for(of, 350, 7);
    const privacy::ClippedSum all = sum(plan, records);
    const privacy::ClippedSum first = sum(plan, without(records, 300, 50));
    EXPECT_TRUE(std::ranges::equal(all.values(), first.values())) << plan.kind;
  }
}

// Whichever other units the coins choose, what one of them adds is the same, and the sum is over
// about rate · n units.
TEST(PrivateQueries, PoissonSamplesUnits) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  const query::QueryPlan plan = plans(of, "record", 0.25)[1];
  const data::Dataset records = test::records_for(of, 1000, 7);
  std::vector<double> counts;
  base::InlineExecutor executor;
  query::Catalog catalog;
  fill(catalog);
  query::QueryPlan tiny = plan;  // clips everything, so that part 1 counts the sampled
  tiny.options = to_json({.architecture = of,
                          .learner = {},
                          .privacy = PrivateOptions{.scale = 1e-9, .mapped = false}});
  base::SeededSimulationRandom random(5, "coins");
  for (int i = 0; i < 200; ++i) {
    const auto found = (*catalog.create(tiny))->answer(records, random, executor);
    const auto& held = std::get<privacy::ClippedSum>(*found);
    counts.push_back(plan.layout.lattice.value_of(held.values().back()));
  }
  double mean = 0;
  for (const double count : counts) mean += count / 200;
  double variance = 0;
  for (const double count : counts) variance += (count - 250) * (count - 250) / 200;
  EXPECT_NEAR(mean, 250, 5 * std::sqrt(1000 * 0.25 * 0.75 / 200));
  EXPECT_NEAR(variance, 187.5, 5 * 187.5 * std::sqrt(2.0 / 200));
}

TEST(PrivateQueries, AnswersAreTheSameForAnyNumberOfThreads) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 5, 3);
  for (const std::string unit : {"record", "machine"})
    for (const query::QueryPlan& plan : plans(of, unit)) {
      if (plan.kind == kLocalTrainingKind) continue;
      const data::Dataset records = entities(test::records_for(of, 900, 7), 5);
      const privacy::ClippedSum expected = sum(plan, records);
      for (const std::size_t threads : {2u, 5u})
        EXPECT_TRUE(std::ranges::equal(sum(plan, records, threads).values(), expected.values()));
    }
}

// An entity's contribution is the clipped mean of its records'.
TEST(PrivateQueries, EntitiesGiveTheMeanOfTheirRecords) {
  const Architecture of = test::architecture(ModelKind::linear, Task::regression, 3, 1);
  const query::QueryPlan plan = plans(of, "machine")[1];
  const double scale = options_from_json(plan.options)->privacy->scale;
  const data::Dataset records = entities(test::records_for(of, 40, 7), 40);
  const std::vector<double> numbers = *base::double_from_little_endian(plan.parameters.view());
  BlockGradient block(of);
  block.compute(numbers, records, test::rows_up_to(40));
  std::vector<double> mean(of.parameter_count());
  block.sum(mean);
  double squares = 0;
  for (double& value : mean) {
    value /= 40 * scale;
    squares += value * value;
  }
  const double factor = std::min(1.0, 1 / std::sqrt(squares));
  const privacy::ClippedSum found = sum(plan, records);
  for (std::size_t i = 0; i < mean.size(); ++i)
    EXPECT_NEAR(plan.layout.lattice.value_of(found.values()[i]), mean[i] * factor, 1e-7);
}

TEST(PrivateQueries, LocalStepsAreChargedEach) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  for (const double rate : {1.0, 0.25}) {
    StrategySpec spec = spec_for(StrategyKind::fedavg, "record", rate);
    spec.local_epochs = 3;
    const auto strategy = create_strategy(spec, *base::JobId::create("test"), 4);
    const Iterate second{.model = test::random_model(of, 3),
                         .moments = {},
                         .steps = 1,
                         .findings = Findings{.units = 500, .clip = 0.3, .rate = 0.5}};
    const query::QueryPlan plan = (*strategy)->plan(second, {2, 0}).value();
    const auto found = answer(plan, test::records_for(of, 200, 7));
    const privacy::Charge& charge = std::get<privacy::PrivateIterate>(*found).charge();
    EXPECT_EQ(charge.count, rate < 1 ? 12u : 3u);
    query::Catalog catalog;
    fill(catalog);
    EXPECT_EQ((*catalog.create(plan))->charges(plan).value(), std::vector{charge});
    const auto& kind = std::get<privacy::loss::DiscreteGaussian>(charge.loss.kind());
    EXPECT_EQ(kind.sampling_rate, rate);
    EXPECT_NEAR(kind.sigma / kind.sensitivity, spec.privacy->multiplier, 1e-6);
    EXPECT_EQ((*strategy)->charges(of, nullptr)->back().count, charge.count * spec.privacy->rounds);
  }
}

TEST(PrivateQueries, SharedNoiseOnLocalStepsIsRefused) {
  for (const StrategyKind kind : {StrategyKind::fedavg, StrategyKind::fedprox}) {
    StrategySpec spec = spec_for(kind, "record");
    spec.privacy->placement = privacy::Placement::shared;
    spec.local_epochs = 2;
    const auto refused = create_strategy(spec, *base::JobId::create("test"), 4);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().text().find("what the next starts from"), std::string::npos);
    spec.local_epochs = 1;
    EXPECT_TRUE(create_strategy(spec, *base::JobId::create("test"), 4).has_value());
  }
}

// Plans that treat classes of sites apart: a gradient of `clip` for one of them, and the lengths of
// gradients.
std::vector<query::QueryPlan> class_plans(const Architecture& of, double clip) {
  std::vector<query::QueryPlan> all;
  for (const query::QueryPlan& plan : plans(of, "record")) {
    if (plan.kind != kGradientKind) continue;
    Options options = options_from_json(plan.options).value();
    options.class_clips = ClassFactors{{{"modern"}, {"legacy"}}, {1, clip}};
    all.push_back(plan);
    all.back().options = to_json(options);
    HANSE_CHECK(options_from_json(all.back().options).value() == options);
    options.class_clips.reset();
    options.norm_classes = {{"modern"}, {"legacy"}};
    all.push_back(plan);
    all.back().kind = kClassNormsKind;
    all.back().options = to_json(options);
    all.back().layout = norms_layout(2, plan.layout.lattice, plan.layout.max_units);
    all.back().noise =
        noise_for(all.back().layout, {.multiplier = 3, .units_are_records = false}, 0).value();
  }
  return all;
}

data::Dataset of_class(data::Dataset records, const std::string& name) {
  records.site_class.assign(records.size(), 0);
  records.site_class_names = {name};
  return records;
}

TEST(ClassPlans, OneRecordMoreIsWithinTheSensitivity) {
  for (const Architecture& of : test::all_architectures(5, 3))
    for (const double clip : {1e-3, .25, 1.0})
      for (const query::QueryPlan& plan : class_plans(of, clip))
        for (const char* name : {"modern", "legacy"}) {
          data::Dataset more = of_class(test::records_for(of, 300, 7), name);
          for (double& value : more.features.row(18)) value = 1e155;
          for (const std::size_t at : {0u, 18u, 256u})
            expect_neighbours(plan, more, without(more, at, 1));
        }
}

// A class's gradients are as long as its own clip lets them be: shorter than the plan's, and by
// direction as those that were let through.
TEST(ClassPlans, AClassIsClippedAtItsOwnShare) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  const data::Dataset one = test::records_for(of, 1, 7);
  const auto length = [&](double clip, const char* name) {
    query::QueryPlan plan = class_plans(of, clip).front();
    Options options = options_from_json(plan.options).value();
    options.privacy->scale = 1e-3;  // so that everything is clipped
    plan.options = to_json(options);
    const privacy::ClippedSum found = sum(plan, of_class(one, name));
    double squares = 0;
    for (std::size_t i = 0; i < of.parameter_count(); ++i)
      squares += std::pow(static_cast<double>(found.values()[i]), 2);
    EXPECT_EQ(found.values()[of.parameter_count()],
              static_cast<std::int64_t>(1 / plan.layout.lattice.step()))
        << "counted as longer than the plan's clip";
    return std::sqrt(squares) * plan.layout.lattice.step();
  };
  EXPECT_NEAR(length(.25, "modern"), 1, 1e-6);
  EXPECT_NEAR(length(.25, "legacy"), .25, 1e-6);
  // What is not clipped is not made shorter either.
  query::QueryPlan loose = class_plans(of, .25).front();
  Options options = options_from_json(loose.options).value();
  options.privacy->scale = 1e3;
  loose.options = to_json(options);
  EXPECT_TRUE(std::ranges::equal(sum(loose, of_class(one, "modern")).values(),
                                 sum(loose, of_class(one, "legacy")).values()));
}

// Each record once, in the octave of its gradient's length, at its own class's place.
TEST(ClassPlans, NormsAreCountedByClassAndOctave) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 5, 3);
  const data::Dataset records = test::records_for(of, 300, 7);
  const query::QueryPlan plan = class_plans(of, 1)[1];
  const Model model =
      Model::create(of, *base::double_from_little_endian(plan.parameters.view())).value();
  const double scale = options_from_json(plan.options)->privacy->scale;
  std::vector<double> expected(2 * kNormBins);
  BlockGradient block(of);
  for (std::size_t row = 0; row < records.size(); ++row) {
    block.compute(model.parameters(), records, std::vector{row});
    block.find_norms();
    const double octave = std::ceil(std::log2(block.norms()[0] / scale));
    expected[kNormBins + static_cast<std::size_t>(std::clamp(octave + 4, 0.0, 9.0))] += 1;
  }
  const privacy::ClippedSum found = sum(plan, of_class(records, "legacy"));
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(static_cast<double>(found.values()[i]) * plan.layout.lattice.step(), expected[i])
        << i;
}

TEST(ClassPlans, ForgedOnesAreRefused) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  const data::Dataset records = of_class(test::records_for(of, 30, 7), "modern");
  for (const query::QueryPlan& good : class_plans(of, .5)) {
    ASSERT_TRUE(answer(good, records).has_value());
    EXPECT_FALSE(answer(good, test::records_for(of, 30, 7))) << "records that know no class";
    EXPECT_FALSE(answer(good, of_class(records, "ancient")));
    const auto refused = [&](auto spoil) {
      query::QueryPlan plan = good;
      Options options = options_from_json(plan.options).value();
      spoil(plan, options);
      plan.options = to_json(options);
      EXPECT_FALSE(answer(plan, records)) << good.kind;
    };
    refused([](auto& plan, auto&) { plan.unit = "machine"; });
    refused([](auto& plan, auto&) { plan.noise.parts.clear(); });
    refused([](auto& plan, auto&) { plan.layout.parts[0].coordinates += 1; });
    refused([](auto&, auto& options) { options.privacy.reset(); });
    for (const double clip : {0.0, -.5, 1.5, kInfinity})
      refused([&](auto&, auto& options) {
        options.class_clips = ClassFactors{{{"modern"}, {"legacy"}}, {1, clip}};
      });
    refused([](auto& plan, auto& options) {
      options.norm_classes =
          plan.kind == kGradientKind ? data::SiteClasses{{"modern"}} : data::SiteClasses{};
    });
  }
}

TEST(PrivateQueries, ForgedPlansAreRefused) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 5, 3);
  const data::Dataset records = test::records_for(of, 30, 7);
  for (const query::QueryPlan& good : plans(of, "record")) {
    ASSERT_TRUE(answer(good, records).has_value());
    const auto refused = [&](auto spoil) {
      query::QueryPlan plan = good;
      spoil(plan);
      EXPECT_FALSE(answer(plan, records).has_value()) << good.kind;
    };
    refused([](auto& plan) { plan.noise = {}; });
    refused([](auto& plan) { plan.layout.parts[0].coordinates += 1; });
    refused([](auto& plan) { plan.layout.parts.push_back({"count", 1, 1}); });
    refused([](auto& plan) { plan.unit = "machine"; });
    refused([](auto& plan) { plan.options = "{}"; });
    if (good.kind == kLocalTrainingKind) {
      // A model's change is no sum of units.
      refused([](auto& plan) { plan.layout.rotation = 1; });
      refused([](auto& plan) { plan.noise.placement = privacy::Placement::shared; });
    } else {
      refused([](auto& plan) { plan.noise.parts.clear(); });
      refused([](auto& plan) { plan.layout.parts[0].clip = 2; });
    }
  }
}

}  // namespace
}  // namespace hanse::learning
