// What holds of transforms and of policies for missing values, whatever the table.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "data/encode.h"
#include "data/testing.h"
#include "data/transform.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr double kLow = 1;
constexpr double kHigh = 7;

const std::vector<Column> kColumns = {
    {.name = "x", .kind = ColumnKind::number, .low = kLow, .high = kHigh},
    {.name = "y", .kind = ColumnKind::input, .low = 0.3, .high = 0.9},
    {.name = "machine", .kind = ColumnKind::group},
    {.name = "t", .kind = ColumnKind::order}};

TransformSpec keyed(TransformKind kind, std::size_t length, std::string name) {
  return {.kind = kind,
          .of = {"x"},
          .name = std::move(name),
          .key = {"machine"},
          .order = "t",
          .length = length};
}

// Each kind that makes a feature, and one on top of another.
Pipeline pipeline_of(std::size_t length) {
  using enum TransformKind;
  TransformSpec nested = keyed(rolling_mean, length, "nested");
  nested.of = {"slope"};
  return Pipeline::create(kColumns, {keyed(rolling_mean, length, "mean"),
                                     keyed(rolling_std, length, "std"),
                                     keyed(rolling_slope, length, "slope"),
                                     keyed(baseline, length, "baseline"),
                                     keyed(window, length, "window"),
                                     {.kind = log, .of = {"x"}, .name = "log"},
                                     {.kind = ratio, .of = {"x", "y"}, .name = "ratio"},
                                     nested,
                                     {.kind = remaining_life,
                                      .name = "life",
                                      .as = ColumnKind::label,
                                      .key = {"machine"},
                                      .order = "t",
                                      .clip = 5}})
      .value();
}

struct Reading {
  std::string machine;
  double t = 0;
  double x = 0;
  double y = 0;
};

Table table_of(const std::vector<Reading>& readings) {
  Numbers t;
  Numbers x;
  Numbers y;
  Texts machine;
  for (const Reading& reading : readings) {
    t.push_back(reading.t);
    x.push_back(reading.x);
    y.push_back(reading.y);
    machine.push_back(reading.machine);
  }
  return {.source = "t",
          .records = readings.size(),
          .columns = {{"x", x}, {"machine", machine}, {"t", t}, {"y", y}}};
}

// Machines of some length, times at least one apart, values mostly within their ranges.
std::vector<Reading> readings() {
  base::SeededSimulationRandom random(*rc::gen::arbitrary<std::uint64_t>(), "readings");
  std::vector<Reading> all;
  for (const std::string machine : {"a", "b", "c"}) {
    double t = 1000 * base::standard_normal(random);
    for (int i = *rc::gen::inRange(1, 20); i > 0; --i) {
      t += 1 + 3 * base::uniform_unit(random);
      all.push_back({machine, t, kLow + (kHigh - kLow) * (1.2 * base::uniform_unit(random) - 0.1),
                     base::uniform_unit(random)});
    }
  }
  return all;
}

Table applied(const Pipeline& pipeline, const std::vector<Reading>& all, bool predicting = false) {
  return pipeline.apply(table_of(all), predicting ? Purpose::predicting : Purpose::training)->table;
}

const Numbers& numbers(const Table& table, const std::string& name) {
  return *table.find(name)->numbers();
}

Texts made_by(const Pipeline& pipeline) {
  Texts names;
  for (const Column& column : pipeline.schema()->columns())
    if (is_number(column)) names.push_back(column.name);
  return names;
}

std::size_t length() { return *rc::gen::inRange<std::size_t>(2, 8); }

// All records, in training and in predicting: the same bits, though then the label's transform and
// its columns may be missing.
RC_GTEST_PROP(TransformLaws, PredictingRepeatsTraining, ()) {
  const Pipeline pipeline = pipeline_of(length());
  const auto all = readings();
  const Table trained = applied(pipeline, all);
  const Table predicted = applied(pipeline, all, true);
  for (const std::string& name : made_by(pipeline))
    RC_ASSERT(numbers(trained, name) == numbers(predicted, name));
  const auto encoded = [&](const Table& table, bool label_required) {
    EncodeOptions options;
    options.purpose = label_required ? Purpose::training : Purpose::predicting;
    return encode(pipeline.schema(), table, options)->front().records.features;
  };
  RC_ASSERT(encoded(trained, true) == encoded(predicted, false));
}

// Where a history is cut off, records whose windows are full keep their bits.
RC_GTEST_PROP(TransformLaws, AFullWindowNeedsNoMoreHistory, ()) {
  const std::size_t window = length();
  const Pipeline pipeline = pipeline_of(window);
  const auto all = readings();
  const auto cut = static_cast<std::ptrdiff_t>(*rc::gen::inRange<std::size_t>(0, all.size()));
  const std::vector<Reading> late(all.begin() + cut, all.end());
  const Table whole = applied(pipeline, all, true);
  const Table part = applied(pipeline, late, true);
  std::size_t seen = 0;
  for (std::size_t row = 0; row < late.size(); ++row) {
    seen = row > 0 && late[row].machine == late[row - 1].machine ? seen + 1 : 1;
    const std::size_t before = row + static_cast<std::size_t>(cut);
    if (seen < window) continue;
    for (std::size_t i = 1; i <= window; ++i) {
      const std::string name = fmt::format("window_{}", i);
      RC_ASSERT(numbers(whole, name)[before] == numbers(part, name)[row]);
    }
    for (const std::string name : {"mean", "std", "slope", "log", "ratio"})
      RC_ASSERT(numbers(whole, name)[before] == numbers(part, name)[row]);
  }
}

RC_GTEST_PROP(TransformLaws, TheOrderOfRecordsMeansNothing, ()) {
  const Pipeline pipeline = pipeline_of(length());
  const auto all = readings();
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  base::SeededSimulationRandom random(*rc::gen::arbitrary<std::uint64_t>(), "order");
  base::shuffle(random, order);
  std::vector<Reading> shuffled;
  for (const std::size_t row : order) shuffled.push_back(all[row]);
  const Table before = applied(pipeline, all);
  const Table after = applied(pipeline, shuffled);
  for (const std::string& name : made_by(pipeline))
    for (std::size_t row = 0; row < order.size(); ++row)
      RC_ASSERT(numbers(after, name)[row] == numbers(before, name)[order[row]]);
}

RC_GTEST_PROP(TransformLaws, OtherMachinesMeanNothing, ()) {
  const Pipeline pipeline = pipeline_of(length());
  const auto all = readings();
  std::vector<Reading> alone;
  for (const Reading& reading : all)
    if (reading.machine == "b") alone.push_back(reading);
  const auto begin =
      static_cast<std::size_t>(std::ranges::find(all, "b", &Reading::machine) - all.begin());
  const Table before = applied(pipeline, all);
  const Table after = applied(pipeline, alone);
  for (const std::string& name : made_by(pipeline))
    for (std::size_t row = 0; row < alone.size(); ++row)
      RC_ASSERT(numbers(after, name)[row] == numbers(before, name)[begin + row]);
}

RC_GTEST_PROP(TransformLaws, RangesBoundResults, ()) {
  const Pipeline pipeline = pipeline_of(length());
  const Table table = applied(pipeline, readings());
  for (const Column& column : pipeline.schema()->columns()) {
    if (!has_range(column) || column.name == "x" || column.name == "y") continue;
    // Rounding may take a slope that is as steep as possible over its bound.
    const double slack = column.name == "slope" || column.name == "nested" ? 1e-12 : 0;
    for (const double value : numbers(table, column.name)) {
      RC_ASSERT(value >= column.low - slack);
      RC_ASSERT(value <= column.high + slack);
    }
  }
}

// The steepest and the most spread there can be reach their bounds.
TEST(TransformBounds, AreReached) {
  const Table table = applied(pipeline_of(2), {{"a", 1, kLow, 1}, {"a", 2, kHigh, 0}});
  const auto schema = pipeline_of(2).schema();
  EXPECT_EQ(numbers(table, "slope")[1], schema->find("slope")->high);
  EXPECT_NEAR(numbers(table, "std")[1], schema->find("std")->high, 1e-15);
  EXPECT_EQ(numbers(table, "ratio")[1], schema->find("ratio")->high);
}

// Times that are far from zero, close together, or far apart: still finite.
TEST(TransformBounds, HoldForOddTimes) {
  for (const double apart : {1e-300, 1e-9, 1.0, 1e90}) {
    const double first = apart < 1e-3 ? 0 : 1e15;
    const Table table = applied(
        pipeline_of(3),
        {{"a", first, kLow, 1}, {"a", first + apart, kHigh, 1}, {"a", first + 2 * apart, 3, 1}});
    for (const double slope : numbers(table, "slope")) EXPECT_TRUE(std::isfinite(slope)) << apart;
  }
  const auto with_time = [](double t) {
    return pipeline_of(2).apply(table_of({{"a", t, 1, 1}}), Purpose::training);
  };
  for (const double t : {kNan, 1e101})
    EXPECT_TRUE(refused(with_time(t), ErrorCode::invalid_argument, {"record 1", "'t'"}));
}

Column with(Column column, Missing missing) {
  column.missing = std::move(missing);
  return column;
}

const Texts kTokens = {"?"};
const Column kNumber{.name = "n", .kind = ColumnKind::number, .low = 2, .high = 6};
const Column kCategory{.name = "c", .kind = ColumnKind::category, .values = {"a", "b"}};
const Column kLabel{.name = "l", .kind = ColumnKind::label, .values = {"no", "yes"}};

base::Result<AppliedTable> treated(std::vector<Column> columns, bool predicting = false) {
  const Table table{.source = "t",
                    .records = 3,
                    .columns = {{"n", Numbers{3, kNan, 5}},
                                {"c", Texts{"a", "b", ""}},
                                {"l", Texts{"no", "yes", "yes"}}}};
  return Pipeline::create(std::move(columns), {})
      ->apply(table, predicting ? Purpose::predicting : Purpose::training);
}

TEST(MissingValues, AreTreatedAsDeclared) {
  using enum MissingPolicy;
  const Column dropped = with(kNumber, {.policy = drop, .tokens = kTokens});
  const Column zeros = with(kCategory, {.policy = neutral, .tokens = kTokens});
  const auto left = treated({dropped, zeros, kLabel}).value();
  EXPECT_EQ(left.left_out, 1U);
  EXPECT_EQ(*left.table.find("n")->numbers(), (Numbers{3, 5}));
  EXPECT_EQ(*left.table.find("l")->texts(), (Texts{"no", "yes"}));
  EXPECT_EQ(left.table.number_of(1), 3U);
  const auto schema = Pipeline::create({dropped, zeros, kLabel}, {})->schema();
  const auto features = encode(schema, left.table)->front().records.features;
  EXPECT_EQ(Numbers(features.row(1).begin(), features.row(1).end()), (Numbers{0.5, 0, 0}));

  const Column filled =
      with(kNumber, {.policy = value, .tokens = kTokens, .value = "2.5", .indicator = true});
  const Column b = with(kCategory, {.policy = value, .tokens = kTokens, .value = "b"});
  const auto whole = treated({filled, b, kLabel}).value();
  EXPECT_EQ(whole.left_out, 0U);
  EXPECT_EQ(*whole.table.find("n")->numbers(), (Numbers{3, 2.5, 5}));
  EXPECT_EQ(*whole.table.find("n_missing")->numbers(), (Numbers{0, 1, 0}));
  EXPECT_EQ(*whole.table.find("c")->texts(), (Texts{"a", "b", "b"}));
  EXPECT_EQ(Pipeline::create({filled, b, kLabel}, {})->schema()->feature_names(),
            (Texts{"n", "n_missing", "c=a", "c=b"}));
  const Column middle = with(kNumber, {.policy = neutral, .tokens = kTokens});
  EXPECT_EQ(*treated({middle, b, kLabel})->table.find("n")->numbers(), (Numbers{3, 4, 5}));
}

TEST(MissingValues, AreRefusedUnlessDeclared) {
  const Column zeros = with(kCategory, {.policy = MissingPolicy::neutral, .tokens = kTokens});
  const Column middle = with(kNumber, {.policy = MissingPolicy::neutral, .tokens = kTokens});
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(treated({kNumber, zeros, kLabel}), code, {"t: record 2", "'n'", "policy"}));
  EXPECT_TRUE(refused(treated({middle, kCategory, kLabel}), code, {"t: record 3", "'c'"}));
  const Column n = with(kNumber, {.policy = MissingPolicy::drop, .tokens = kTokens});
  const Table hollow{.source = "t", .records = 2, .columns = {{"n", Numbers{kNan, kNan}}}};
  EXPECT_TRUE(refused(Pipeline::create({n}, {})->apply(hollow, Purpose::training), code,
                      {"2 records", "none"}));
  const Table strange{.source = "t", .records = 1, .columns = {{"n", Texts{"3"}}}};
  EXPECT_TRUE(refused(Pipeline::create({n}, {})->apply(strange, Purpose::training), code,
                      {"'n'", "texts"}));
  const Table endless{.source = "t", .records = 1, .columns = {{"n", Numbers{1 / 0.0}}}};
  EXPECT_TRUE(
      refused(Pipeline::create({n}, {})->apply(endless, Purpose::training), code, {"'n'", "inf"}));
  EXPECT_TRUE(refused(Pipeline::create({n, kLabel}, {})->apply(hollow, Purpose::training),
                      ErrorCode::not_found, {"'l'"}));
}

// Predicting needs what features are made of, and nothing else: a missing label costs no record.
TEST(MissingValues, OfLabelsMatterOnlyInTraining) {
  const Column label = with(kLabel, {.policy = MissingPolicy::drop, .tokens = kTokens});
  const TransformSpec group{
      .kind = TransformKind::combine, .of = {"l"}, .name = "g", .as = ColumnKind::group};
  const auto pipeline = Pipeline::create({kNumber, label}, {group}).value();
  const Table table{
      .source = "t", .records = 2, .columns = {{"n", Numbers{3, 4}}, {"l", Texts{"", "yes"}}}};
  EXPECT_EQ(pipeline.apply(table, Purpose::training)->left_out, 1U);
  const auto predicted = pipeline.apply(table, Purpose::predicting).value();
  EXPECT_EQ(predicted.left_out, 0U);
  EXPECT_EQ(predicted.table.find("g"), nullptr);
  EncodeOptions options;
  options.purpose = Purpose::predicting;
  const auto records = encode(pipeline.schema(), predicted.table, options)->front().records;
  EXPECT_TRUE(std::isnan(records.target[0]));
  EXPECT_EQ(records.target[1], 1);
  const Table bare{.source = "t", .records = 1, .columns = {{"n", Numbers{3}}}};
  EXPECT_TRUE(pipeline.apply(bare, Purpose::predicting).has_value());
}

// To be labelled a record may lack a label and what it is made of, and nothing else; and its lack
// says nothing of the others' labels.
TEST(MissingValues, OfOneLabelLeaveTheOthers) {
  const Column level = {.name = "level",
                        .kind = ColumnKind::input,
                        .low = 0,
                        .high = 10,
                        .missing = {.policy = MissingPolicy::drop, .tokens = {""}}};
  const Column side = {.name = "side", .kind = ColumnKind::partition, .values = {"train", "test"}};
  const TransformSpec label{.kind = TransformKind::threshold,
                            .of = {"level"},
                            .name = "state",
                            .as = ColumnKind::label,
                            .edges = {5},
                            .values = {"low", "high"}};
  const auto created = Pipeline::create({kNumber, level, side}, {label});
  ASSERT_TRUE(created) << created.error().text();
  const Pipeline& pipeline = *created;
  Table table{.source = "t",
              .records = 3,
              .columns = {{"n", Numbers{3, 4, 5}},
                          {"level", Numbers{2, kNan, 8}},
                          {"side", Texts{"train", "test", "train"}}}};
  const auto read = [&](Purpose purpose) {
    const auto applied = pipeline.apply(table, purpose);
    if (!applied) throw std::invalid_argument(applied.error().text());
    EncodeOptions options;
    options.purpose = purpose;
    const auto sites = encode(pipeline.schema(), applied->table, options);
    if (!sites) throw std::invalid_argument(sites.error().text());
    return sites->front().records;
  };
  const Dataset labelling = read(Purpose::labelling);
  ASSERT_EQ(labelling.size(), 3U);
  EXPECT_EQ(labelling.target[0], 0);
  EXPECT_TRUE(std::isnan(labelling.target[1]));
  EXPECT_EQ(labelling.target[2], 1);
  // What training needs beside the label is there: a test record is known as one.
  EXPECT_EQ(labelling.partition, (std::vector<std::uint8_t>{0, 1, 0}));
  EXPECT_EQ(read(Purpose::training).size(), 2U) << "the policy drops it";
  table.columns[1].cells = Numbers{kNan, kNan, kNan};
  for (const double target : read(Purpose::labelling).target) EXPECT_TRUE(std::isnan(target));
  table.columns[2].cells = Texts{"train", "", "train"};
  EXPECT_FALSE(pipeline.apply(table, Purpose::labelling)) << "that is not the label's";
}

// A record without a label is left out of training, and not out of what its machine went through:
// the records behind it have the same features in training as when they are predicted.
TEST(MissingValues, OfLabelsLeaveTheHistoryWhole) {
  const Column label = with(kLabel, {.policy = MissingPolicy::drop, .tokens = kTokens});
  const auto pipeline = Pipeline::create({kColumns[0], kColumns[2], kColumns[3], label},
                                         {keyed(TransformKind::rolling_mean, 2, "mean"),
                                          keyed(TransformKind::window, 2, "before")})
                            .value();
  Table table = table_of({{"a", 1, 2, 0.5}, {"a", 2, 4, 0.5}, {"a", 3, 6, 0.5}});
  table.columns.push_back({"l", Texts{"no", "", "yes"}});
  const auto trained = pipeline.apply(table, Purpose::training).value();
  const auto predicted = pipeline.apply(table, Purpose::predicting).value();
  EXPECT_EQ(trained.left_out, 1U);
  EXPECT_EQ(trained.table.number_of(1), 3U);
  EXPECT_EQ(numbers(trained.table, "mean"), (Numbers{2, 5}));
  EXPECT_EQ(numbers(trained.table, "before_1"), (Numbers{2, 4}));
  EXPECT_EQ(numbers(predicted.table, "mean"), (Numbers{2, 3, 5}));
  EXPECT_EQ(*trained.table.find("l")->texts(), (Texts{"no", "yes"}));
}

// What belongs to one group or site is not carried into another's features.
TEST(TransformKeys, StayWithinGroupsAndSites) {
  for (const ColumnKind kind : {ColumnKind::group, ColumnKind::site}) {
    std::vector<Column> columns{kColumns[0],
                                {.name = "machine", .kind = ColumnKind::text},
                                kColumns[3],
                                {.name = "of", .kind = kind}};
    const auto made = [&](std::vector<std::string> key) {
      TransformSpec mean = keyed(TransformKind::rolling_mean, 2, "mean");
      mean.key = std::move(key);
      return Pipeline::create(columns, {mean}).value();
    };
    Table table = table_of({{"a", 1, 2, 0.5}, {"b", 1, 4, 0.5}, {"a", 2, 6, 0.5}});
    table.columns.push_back({"of", Texts{"g", "g", "h"}});
    EXPECT_TRUE(refused(made({"machine"}).apply(table, Purpose::training),
                        ErrorCode::invalid_argument,
                        {"records 1 and 3", "'mean'", "'of'", "'g'", "'h'"}));
    EXPECT_TRUE(made({"machine"}).apply(table, Purpose::predicting).has_value());
    EXPECT_TRUE(made({"machine", "of"}).apply(table, Purpose::training).has_value());
  }
}

// Flags of faults that nobody has diagnosed yet say no label, and do not stop a prediction.
TEST(MissingValues, OfFlagsLeaveTheLabelUnknown) {
  const auto pipeline = Pipeline::create({kNumber,
                                          {.name = "p", .kind = ColumnKind::input, .high = 1},
                                          {.name = "q", .kind = ColumnKind::input, .high = 1}},
                                         {{.kind = TransformKind::which,
                                           .of = {"p", "q"},
                                           .name = "fault",
                                           .as = ColumnKind::label,
                                           .values = {"P", "Q"}}})
                            .value();
  const Table table{.source = "t",
                    .records = 1,
                    .columns = {{"n", Numbers{3}}, {"p", Numbers{0}}, {"q", Numbers{0}}}};
  EXPECT_TRUE(
      refused(pipeline.apply(table, Purpose::training), ErrorCode::invalid_argument, {"found 0"}));
  EXPECT_EQ(pipeline.apply(table, Purpose::predicting)->table.find("fault"), nullptr);
}

// The key and the order of a feature's window have to be there.
TEST(MissingValues, OfKeysMatterToTheirFeatures) {
  Table lacking = table_of({{"a", 1, 2, 0.5}});
  std::erase_if(lacking.columns, [](const TableColumn& c) { return c.name == "machine"; });
  EXPECT_TRUE(refused(pipeline_of(2).apply(lacking, Purpose::predicting), ErrorCode::not_found,
                      {"t:", "'machine'"}));
  EXPECT_TRUE(refused(pipeline_of(2).apply(table_of({{"", 1, 2, 0.5}}), Purpose::predicting),
                      ErrorCode::invalid_argument, {"record 1", "'machine'"}));
}

}  // namespace
}  // namespace hanse::data
