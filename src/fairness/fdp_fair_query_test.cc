#include "fairness/fdp_fair_query.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>

#include "fairness/oracle.h"
#include "fairness/queries.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::fairness {
namespace {

FairOptions options(Half half = Half::all) {
  return {.columns = {2, 0},
          .features = {{-1, 1, 16, .05}, {-1, 1, 8, .1}},
          .groups = {"old", "new"},
          .positive = 1,
          .levels = 6,
          .half = half};
}

// Records of the oracle's population, X₁ as feature 2 and X₂ as feature 0, scaled; every ninth
// record is of a third group.
data::Dataset dataset(std::size_t size, std::uint64_t seed) {
  const Oracle oracle = Oracle::create().value();
  base::SeededSimulationRandom random(seed, "query");
  data::Dataset records{.schema = nullptr, .features = math::Matrix(size, 3)};
  records.group_names = {"new", "other", "old"};
  for (std::size_t i = 0; i < size; ++i) {
    const Oracle::Draw draw = oracle.draw(random);
    records.features.at(i, 2) = 2 * draw.x1 - 1;
    records.features.at(i, 0) = 2 * draw.x2 - 1;
    records.target.push_back(draw.label);
    records.group.push_back(i % 9 == 0 ? 1U : (draw.group == 1 ? 0U : 2U));
  }
  return records;
}

query::QueryPlan plan_of(std::string_view kind, const FairOptions& options) {
  const math::Lattice lattice = math::Lattice::create(20).value();
  return {.kind = std::string(kind),
          .job = *base::JobId::create("ovens"),
          .round = {1, 0},
          .unit = "record",
          .max_sites = 3,
          .layout = kind == kFairLearningKind ? learning_layout(options, lattice, 5000)
                                              : calibration_layout(options, lattice, 5000),
          .options = to_json(options),
          .parameters = {}};
}

FairModel some_model() {
  FairModel model{CellGrid::create(options().features).value(), {.7, .3}, {}};
  for (std::size_t group = 0; group < kGroups; ++group)
    for (std::size_t cell = 0; cell < model.grid.cells(); ++cell)
      model.probability[group].of_cell.push_back(static_cast<double>(cell + group) /
                                                 static_cast<double>(model.grid.cells() + 1));
  return model;
}

query::QueryPlan calibration_plan(const FairOptions& options) {
  query::QueryPlan plan = plan_of(kFairCalibrationKind, options);
  plan.parameters = base::Slice(encode(some_model()));
  return plan;
}

privacy::Released answered(const query::QueryPlan& plan, const data::Dataset& records) {
  query::Catalog catalog;
  fill(catalog);
  const auto query = catalog.create(plan);
  HANSE_CHECK(query.has_value());
  base::SeededSimulationRandom random(1, "answer");
  base::InlineExecutor executor;
  const auto answer = (*query)->answer(records, random, executor);
  HANSE_CHECK(answer.has_value());
  const auto& sum = std::get<privacy::ClippedSum>(*answer);
  return privacy::Released::recorded(plan.layout, {sum.values().begin(), sum.values().end()}, 1)
      .value();
}

// The same records, as the pure counts take them.
FairRecords plain(const data::Dataset& records) {
  FairRecords result;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string& name = records.group_names[records.group[i]];
    if (name == "other") continue;
    rows.push_back(i);
    result.group.push_back(name == "new" ? 1 : 0);
    result.label.push_back(records.target[i] == 1 ? 1 : 0);
  }
  result.features = math::Matrix(rows.size(), 2);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    result.features.at(i, 0) = records.features.at(rows[i], 2);
    result.features.at(i, 1) = records.features.at(rows[i], 0);
  }
  return result;
}

std::vector<double> doubles(const std::vector<std::int64_t>& counts) {
  return {counts.begin(), counts.end()};
}

TEST(FairQueries, AnswerTheCountsOfTheRecords) {
  const data::Dataset records = dataset(900, 1);
  const FairCounts counts = FairCounts::create(spec_of(options())).value();
  const FairCounts::Learning learning = counts.learning(plain(records)).value();
  const privacy::Released learned = answered(plan_of(kFairLearningKind, options()), records);
  EXPECT_EQ(learned.part(kClassesPart).value(), doubles(learning.classes));
  EXPECT_EQ(learned.part(kCellsPart).value(), doubles(learning.cells));
  EXPECT_EQ(std::accumulate(learning.classes.begin(), learning.classes.end(), 0), 800);

  const privacy::Released measured = answered(calibration_plan(options()), records);
  EXPECT_EQ(measured.part(kTreePart).value(),
            doubles(counts.calibration(some_model(), plain(records)).value()));
  EXPECT_TRUE(model_in(counts, learned, 0).has_value());
  EXPECT_EQ(price_in(counts, some_model(), measured)->tau,
            counts.price(some_model(), measured.part(kTreePart).value())->tau);
  // A sum of another question.
  EXPECT_FALSE(price_in(counts, some_model(), learned).has_value());
  EXPECT_FALSE(model_in(counts, measured, 0).has_value());
}

// The halves are disjoint and make up all; a record's half stays where other records come and go.
TEST(FairQueries, HalvesAreARecordsOwn) {
  const data::Dataset records = dataset(900, 2);
  const auto classes = [&](Half half, const data::Dataset& of) {
    return answered(plan_of(kFairLearningKind, options(half)), of).part(kCellsPart).value();
  };
  const auto first = classes(Half::first, records);
  const auto second = classes(Half::second, records);
  const auto all = classes(Half::all, records);
  double size = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(first[i] + second[i], all[i]);
    size += first[i];
  }
  EXPECT_NEAR(size, 400, 4 * std::sqrt(200.0));
  std::vector<std::size_t> rows(records.size() - 1);
  std::iota(rows.begin(), rows.end(), std::size_t{1});  // without a record of the third group
  rows.erase(rows.begin());                             // and without one of ours
  const data::Dataset less = records.select(rows);
  double moved = 0;
  for (const Half half : {Half::first, Half::second}) {
    const auto before = classes(half, records);
    const auto after = classes(half, less);
    for (std::size_t i = 0; i < before.size(); ++i) moved += std::abs(before[i] - after[i]);
  }
  EXPECT_EQ(moved, 1);
}

// Of equal records each has a coin of its own, and one more moves one count of one half.
TEST(FairQueries, HalvesShareEqualRecords) {
  const data::Dataset few = dataset(60, 2);
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < 6'000; ++i) rows.push_back(i % few.size());
  const auto counts = [&](Half half, std::size_t records) {
    const data::Dataset of = few.select(std::span(rows).first(records));
    return answered(plan_of(kFairLearningKind, options(half)), of).part(kCellsPart).value();
  };
  const auto first = counts(Half::first, 6'000);
  const auto second = counts(Half::second, 6'000);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double all = first[i] + second[i];
    EXPECT_NEAR(first[i], all / 2, 4 * std::sqrt(all) / 2) << "place " << i;
  }
  for (std::size_t records = 5'900; records < 6'000; ++records) {
    double moved = 0;
    for (const Half half : {Half::first, Half::second}) {
      const auto before = counts(half, records);
      const auto after = counts(half, records + 1);
      for (std::size_t i = 0; i < before.size(); ++i) moved += std::abs(before[i] - after[i]);
    }
    EXPECT_LE(moved, 1);  // 0: of the third group
  }
}

// Old and new machines are classes of sites as a rule.
TEST(FairQueries, GroupBySiteClassToo) {
  data::Dataset records = dataset(900, 1);
  const auto expected = answered(plan_of(kFairLearningKind, options()), records);
  std::swap(records.group, records.site_class);
  std::swap(records.group_names, records.site_class_names);
  FairOptions by_class = options();
  by_class.by = GroupedBy::site_class;
  EXPECT_EQ(fair_options_from_json(to_json(by_class)).value(), by_class);
  const auto found = answered(plan_of(kFairLearningKind, by_class), records);
  EXPECT_EQ(found.part(kCellsPart).value(), expected.part(kCellsPart).value());
}

// Groups as two columns of a category, and another category among the features: the same counts as
// of their places as numbers.
TEST(FairQueries, CountByCategoriesToo) {
  const data::Dataset plain = dataset(900, 1);
  data::Dataset records{.schema = nullptr, .features = math::Matrix(900, 6)};
  records.target = plain.target;
  data::Dataset numbered = plain;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::size_t value = i % 3;  // of columns 3 … 5
    records.features.at(i, 0) = plain.features.at(i, 0);
    records.features.at(i, 3 + value) = 1;
    numbered.features.at(i, 2) = static_cast<double>(value);
    const std::string& group = plain.group_names[plain.group[i]];
    if (group != "other") records.features.at(i, group == "old" ? 1 : 2) = 1;
  }
  FairOptions by_place = options();
  by_place.features[0] = {-.5, 2.5, 3, 0};
  FairOptions by_feature = by_place;
  by_feature.by = GroupedBy::feature;
  by_feature.columns[0] = 3;
  by_feature.values = {3, 0};
  by_feature.group_column = 1;
  EXPECT_EQ(fair_options_from_json(to_json(by_feature)).value(), by_feature);
  const auto found = answered(plan_of(kFairLearningKind, by_feature), records);
  const auto expected = answered(plan_of(kFairLearningKind, by_place), numbered);
  EXPECT_EQ(found.part(kCellsPart).value(), expected.part(kCellsPart).value());
  const auto classes = found.part(kClassesPart).value();
  EXPECT_EQ(std::accumulate(classes.begin(), classes.end(), 0.0), 800);

  const auto refused = [&](auto change) {
    FairOptions changed = by_feature;
    change(changed);
    return !fair_options_from_json(to_json(changed)).has_value();
  };
  EXPECT_TRUE(refused([](FairOptions& o) { o.values[0] = 4; }));
  EXPECT_TRUE(refused([](FairOptions& o) { o.features[0].low = 0; }));
  std::string text = to_json(by_feature);
  text.replace(text.find("feature\""), 8, "group\"");  // as "by"
  EXPECT_FALSE(fair_options_from_json(text));
  // Columns that records do not have.
  for (const bool of_group : {false, true}) {
    FairOptions changed = by_feature;
    (of_group ? changed.group_column : changed.columns[0]) = of_group ? 5 : 4;
    query::Catalog catalog;
    fill(catalog);
    const auto query = catalog.create(plan_of(kFairLearningKind, changed)).value();
    base::SeededSimulationRandom random(1, "answer");
    base::InlineExecutor executor;
    EXPECT_FALSE(query->answer(records, random, executor));
  }
}

// No more records than the plan allows, the first of the table.
TEST(FairQueries, AskNoMoreThanThePlanAllows) {
  const data::Dataset records = dataset(900, 3);
  query::QueryPlan plan = plan_of(kFairLearningKind, options());
  plan.layout.max_units = 90;
  const auto classes = answered(plan, records).part(kClassesPart).value();
  EXPECT_EQ(std::accumulate(classes.begin(), classes.end(), 0.0), 80);
}

// A record with what is no number counts nowhere, and is no error.
TEST(FairQueries, LeaveOutWhatIsNoNumber) {
  data::Dataset records = dataset(900, 4);
  records.features.at(1, 2) = NAN;
  records.features.at(2, 0) = NAN;
  const auto classes =
      answered(plan_of(kFairLearningKind, options()), records).part(kClassesPart).value();
  EXPECT_EQ(std::accumulate(classes.begin(), classes.end(), 0.0), 798);
  const FairCounts counts = FairCounts::create(spec_of(options())).value();
  const auto tree = answered(calibration_plan(options()), records).part(kTreePart).value();
  EXPECT_EQ(tree[0] + tree[counts.tree().nodes()], 798);
}

// What the plan's noise costs is what the pure mechanism charges for the same σ, but for the room
// that the lattice leaves to rounding.
TEST(FairQueries, CostWhatTheMechanismCosts) {
  query::QueryPlan plan = calibration_plan(options());
  const double sigma = 30;
  plan.noise = {.placement = privacy::Placement::site, .parts = {{.sigma = std::ldexp(sigma, 20)}}};
  query::Catalog catalog;
  fill(catalog);
  const auto charges = catalog.create(plan).value()->charges(plan).value();
  ASSERT_EQ(charges.size(), 1U);
  const double levels = options().levels + 1;
  const double exact = levels / (2 * sigma * sigma);
  EXPECT_GE(*privacy::rho(charges[0].loss), exact);
  EXPECT_LE(*privacy::rho(charges[0].loss), exact * 1.001);
}

TEST(FairOptions, AreReadAsTheyAreWritten) {
  for (const Half half : {Half::first, Half::second, Half::all}) {
    const std::string text = to_json(options(half));
    EXPECT_EQ(fair_options_from_json(text).value(), options(half));
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      EXPECT_FALSE(fair_options_from_json(text.substr(0, cut)).has_value());
    EXPECT_FALSE(fair_options_from_json(text + " ").has_value());
  }
  EXPECT_EQ(to_json(options(Half::first)),
            R"({"features":[{"column":2,"low":-1.0,"high":1.0,"cells":16,"bandwidth":0.05},)"
            R"({"column":0,"low":-1.0,"high":1.0,"cells":8,"bandwidth":0.1}],)"
            R"("by":"group","groups":["old","new"],"positive":1,"levels":6,"half":"first"})");
  const auto refused = [](auto change) {
    FairOptions changed = options();
    change(changed);
    return !fair_options_from_json(to_json(changed)).has_value();
  };
  EXPECT_TRUE(refused([](FairOptions& o) { o.groups = {"old", "old"}; }));
  EXPECT_TRUE(refused([](FairOptions& o) { o.groups.push_back("third"); }));
  EXPECT_TRUE(refused([](FairOptions& o) { o.levels = 40; }));
  EXPECT_TRUE(refused([](FairOptions& o) { o.features[0].bandwidth = -1; }));
  EXPECT_TRUE(refused([](FairOptions& o) { o.features[0].cells = 1U << 15; }));
  EXPECT_FALSE(fair_options_from_json(std::string(100'000, '[')).has_value());
  EXPECT_FALSE(fair_options_from_json(std::string(1000, '[')).has_value());
}

TEST(FairModel, IsReadAsItIsWritten) {
  const FairModel model = some_model();
  const base::Bytes bytes = encode(model);
  const FairModel read = decode_model(model.grid, bytes).value();
  EXPECT_EQ(read.share, model.share);
  for (std::size_t group = 0; group < kGroups; ++group)
    EXPECT_EQ(read.probability[group].of_cell, model.probability[group].of_cell);
  EXPECT_FALSE(decode_model(model.grid, base::ByteView(bytes).first(8)).has_value());
  for (const double bad : {double{NAN}, -0.1, 1.1}) {
    FairModel other = model;
    other.probability[1].of_cell[7] = bad;
    EXPECT_FALSE(decode_model(model.grid, encode(other)).has_value()) << bad;
  }
  FairModel lone = model;
  lone.share = {0, 1};
  EXPECT_FALSE(decode_model(model.grid, encode(lone)).has_value());
}

TEST(FairQueries, RefuseOtherPlans) {
  const auto refused = [](auto change) {
    query::QueryPlan plan = calibration_plan(options());
    change(plan);
    return !create_fair_calibration(plan).has_value();
  };
  EXPECT_FALSE(refused([](query::QueryPlan&) {}));
  EXPECT_TRUE(refused([](query::QueryPlan& plan) { plan.unit = "engine"; }));
  EXPECT_TRUE(refused([](query::QueryPlan& plan) { plan.parameters = {}; }));
  EXPECT_TRUE(refused([](query::QueryPlan& plan) { plan.layout.parts[0].clip = 1; }));
  EXPECT_TRUE(refused([](query::QueryPlan& plan) { plan.layout.parts[0].coordinates = 3; }));
  EXPECT_TRUE(refused([](query::QueryPlan& plan) { plan.layout.rotation = 7; }));
  EXPECT_TRUE(refused([](query::QueryPlan& plan) { plan.options = "{}"; }));
  EXPECT_TRUE(
      refused([](query::QueryPlan& plan) { plan.noise.placement = privacy::Placement::site; }));
  query::QueryPlan learning = plan_of(kFairLearningKind, options());
  EXPECT_TRUE(create_fair_learning(learning).has_value());
  learning.parameters = base::Slice(encode(some_model()));
  EXPECT_FALSE(create_fair_learning(learning).has_value());

  // Records without labels, groups or that feature.
  const query::QueryPlan plan = plan_of(kFairLearningKind, options());
  const auto query = create_fair_learning(plan).value();
  base::SeededSimulationRandom random(1, "refuse");
  base::InlineExecutor executor;
  data::Dataset records = dataset(9, 5);
  records.features = math::Matrix(9, 2);
  EXPECT_FALSE(query->answer(records, random, executor).has_value());
  records = dataset(9, 5);
  records.group.clear();
  EXPECT_FALSE(query->answer(records, random, executor).has_value());
  records = dataset(9, 5);
  records.target.clear();
  EXPECT_FALSE(query->answer(records, random, executor).has_value());
  // A label that is a number has no declared value.
  const auto schema_of = [](data::Column label) {
    return std::make_shared<const data::Schema>(
        data::Schema::create({{.name = "x", .kind = data::ColumnKind::number, .high = 1}, label})
            .value());
  };
  const auto label = data::ColumnKind::label;
  records = dataset(9, 5);
  records.schema = schema_of({.name = "y", .kind = label, .low = 0, .high = 1});
  EXPECT_FALSE(query->answer(records, random, executor).has_value());
  records.schema = schema_of({.name = "y", .kind = label, .values = {"no", "yes"}});
  EXPECT_TRUE(query->answer(records, random, executor).has_value());
  EXPECT_TRUE(query->answer(dataset(0, 5), random, executor).has_value());
}

}  // namespace
}  // namespace hanse::fairness
