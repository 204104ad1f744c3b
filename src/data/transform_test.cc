#include "data/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/encode.h"
#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Column column(std::string name, ColumnKind kind, double low = 0, double high = 0) {
  return {.name = std::move(name), .kind = kind, .low = low, .high = high};
}

// Two machines, records in no order.
const std::vector<Column> kColumns = {
    column("x", ColumnKind::number, 0, 10), column("y", ColumnKind::input, 1, 100),
    column("machine", ColumnKind::group), column("t", ColumnKind::order)};

Table table() {
  return {.source = "t",
          .records = 5,
          .columns = {{"t", Numbers{3, 1, 10, 2, 20}},
                      {"x", Numbers{6, 2, 8, 1, 8}},
                      {"y", Numbers{10, 100, 1, 50, 1}},
                      {"machine", Texts{"a", "a", "b", "a", "b"}}}};
}

base::Result<Pipeline> with(TransformSpec spec) {
  return Pipeline::create(kColumns, {std::move(spec)});
}

TransformSpec keyed(TransformKind kind, std::size_t length) {
  return {.kind = kind,
          .of = {"x"},
          .name = "made",
          .key = {"machine"},
          .order = "t",
          .length = length};
}

Numbers made_by(const TransformSpec& spec, std::string_view name = "made") {
  return *with(spec)->apply(table(), Purpose::training)->table.find(name)->numbers();
}

Texts texts_by(const TransformSpec& spec) {
  return *with(spec)->apply(table(), Purpose::training)->table.find("made")->texts();
}

// In the order of time: machine a reads 2, 1, 6, machine b 8, 8.
TEST(Transform, RollsOverTheRecordsOfAKey) {
  EXPECT_EQ(made_by(keyed(TransformKind::rolling_mean, 2)), (Numbers{3.5, 2, 8, 1.5, 8}));
  EXPECT_EQ(made_by(keyed(TransformKind::rolling_mean, 3)), (Numbers{3, 2, 8, 1.5, 8}));
  const Numbers deviations = made_by(keyed(TransformKind::rolling_std, 3));
  EXPECT_NEAR(deviations[0], std::sqrt(7), 1e-15);
  EXPECT_NEAR(deviations[3], std::sqrt(0.5), 1e-15);
  EXPECT_EQ(deviations[1], 0);
  const Numbers slopes = made_by(keyed(TransformKind::rolling_slope, 3));
  EXPECT_NEAR(slopes[0], 2, 1e-15);  // least squares through (1, 2), (2, 1), (3, 6)
  EXPECT_NEAR(slopes[3], -1, 1e-15);
  EXPECT_EQ(slopes[1], 0);
  EXPECT_EQ(slopes[4], 0);
}

TEST(Transform, ComparesWithTheBeginning) {
  EXPECT_EQ(made_by(keyed(TransformKind::baseline, 2)), (Numbers{4.5, 0, 0, -0.5, 0}));
  const TransformSpec window = keyed(TransformKind::window, 3);
  EXPECT_EQ(made_by(window, "made_1"), (Numbers{2, 2, 8, 2, 8}));
  EXPECT_EQ(made_by(window, "made_2"), (Numbers{1, 2, 8, 2, 8}));
  EXPECT_EQ(made_by(window, "made_3"), (Numbers{6, 2, 8, 1, 8}));
}

TEST(Transform, CountsDownToTheLastRecord) {
  TransformSpec life{.kind = TransformKind::remaining_life,
                     .name = "made",
                     .as = ColumnKind::label,
                     .key = {"machine"},
                     .order = "t",
                     .clip = 7};
  EXPECT_EQ(made_by(life), (Numbers{0, 2, 7, 1, 0}));
  EXPECT_EQ(with(life)->schema()->label()->high, 7);
  life.after_last = "y";  // of the last record, clipped to the range of y, 1 to 100
  EXPECT_EQ(made_by(life), (Numbers{7, 7, 7, 7, 1}));
  life.clip = 1000;
  EXPECT_EQ(made_by(life), (Numbers{10, 12, 11, 11, 1}));
}

TEST(Transform, CopiesATimeAsAFeature) {
  TransformSpec copy{
      .kind = TransformKind::copy, .of = {"t"}, .name = "made", .low = 0, .high = 400};
  EXPECT_EQ(made_by(copy), made_by(copy, "t"));
  EXPECT_EQ(with(copy)->schema()->find("made")->kind, ColumnKind::number);
  copy.high = 0;
  EXPECT_TRUE(refused(with(copy), ErrorCode::invalid_argument, {"no range of its own", "high"}));
}

TEST(Transform, OfOneRecord) {
  EXPECT_EQ(made_by({.kind = TransformKind::log, .of = {"y"}, .name = "made"})[1], 2);
  EXPECT_EQ(made_by({.kind = TransformKind::ratio, .of = {"x", "y"}, .name = "made"}),
            (Numbers{0.6, 0.02, 8, 0.02, 8}));
  EXPECT_EQ(made_by({.kind = TransformKind::product, .of = {"x", "y"}, .name = "made"})[1],
            100 * made_by({.kind = TransformKind::copy, .of = {"x"}, .name = "made"})[1]);
  EXPECT_EQ(made_by({.kind = TransformKind::difference, .of = {"x", "y"}, .name = "made"})[1],
            made_by({.kind = TransformKind::copy, .of = {"x"}, .name = "made"})[1] - 100);
  const TransformSpec threshold{.kind = TransformKind::threshold,
                                .of = {"x"},
                                .name = "made",
                                .as = ColumnKind::label,
                                .edges = {6},
                                .values = {"low", "high"}};
  EXPECT_EQ(texts_by(threshold), (Texts{"high", "low", "high", "low", "high"}));
  const TransformSpec bands{.kind = TransformKind::bands,
                            .of = {"y"},
                            .name = "made",
                            .as = ColumnKind::site_class,
                            .edges = {2, 50, 60},
                            .values = {"0", "1", "2", "3"}};
  EXPECT_EQ(texts_by(bands), (Texts{"1", "3", "0", "2", "0"}));
  const TransformSpec combine{.kind = TransformKind::combine,
                              .of = {"machine", "machine"},
                              .name = "made",
                              .as = ColumnKind::site};
  EXPECT_EQ(texts_by(combine), (Texts{"a_a", "a_a", "b_b", "a_a", "b_b"}));
}

TEST(Transform, SaysWhichOfSeveralIsSet) {
  const std::vector<Column> flags = {
      column("f", ColumnKind::number, 0, 1), column("p", ColumnKind::input, 0, 1),
      column("q", ColumnKind::input, 0, 1), column("r", ColumnKind::input, 0, 1)};
  const auto apply = [&](Numbers p, Numbers q, Numbers r) {
    Table t{.source = "t",
            .records = 2,
            .columns = {{"f", Numbers{0, 0}}, {"p", p}, {"q", q}, {"r", r}}};
    return Pipeline::create(flags, {{.kind = TransformKind::which,
                                     .of = {"p", "q", "r"},
                                     .name = "made",
                                     .as = ColumnKind::label,
                                     .values = {"P", "Q", "R"}}})
        ->apply(std::move(t), Purpose::training);
  };
  EXPECT_EQ(*apply({1, 0}, {0, 0}, {0, 1})->table.find("made")->texts(), (Texts{"P", "R"}));
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(apply({1, 0}, {0, 0}, {0, 0}), code, {"t: record 2", "'p'", "found 0"}));
  EXPECT_TRUE(refused(apply({1, 1}, {0, 1}, {0, 0}), code, {"record 2", "found 2"}));
  EXPECT_TRUE(refused(apply({1, 0.5}, {0, 0}, {0, 0}), code, {"record 2", "'p'", "found 0.5"}));
}

TEST(Transform, NamesAColumnForEachItReads) {
  TransformSpec spec = keyed(TransformKind::rolling_mean, 2);
  spec.of = {"x", "y"};
  spec.name = "{of}_mean";
  const auto schema = with(spec)->schema();
  EXPECT_EQ(schema->find("x_mean")->high, 10);
  EXPECT_EQ(schema->find("y_mean")->low, 1);
  EXPECT_EQ(schema->find("y_mean")->kind, ColumnKind::number);
  spec.name = "mean";
  EXPECT_TRUE(refused(with(spec), ErrorCode::invalid_argument, {"'mean'", "{of}"}));
}

TEST(Transform, RangesFollow) {
  const auto range = [](TransformSpec spec) {
    const auto pipeline = with(std::move(spec)).value();
    const Column& made = pipeline.schema()->columns().back();
    return std::pair(made.low, made.high);
  };
  TransformSpec spec = keyed(TransformKind::rolling_slope, 3);
  EXPECT_EQ(range(spec), std::pair(-10.0, 10.0));
  spec.part = 0.5;
  EXPECT_EQ(range(spec), std::pair(-5.0, 5.0));
  spec.kind = TransformKind::rolling_mean;
  EXPECT_EQ(range(spec), std::pair(2.5, 7.5));
  spec.kind = TransformKind::rolling_std;
  EXPECT_EQ(range(spec), std::pair(0.0, 10 * std::sqrt(2) / 2 / 2));
  spec.part = 1;
  spec.low = 1;
  spec.high = 3;
  EXPECT_EQ(range(spec), std::pair(1.0, 3.0));
  EXPECT_EQ(range({.kind = TransformKind::log, .of = {"y"}, .name = "l"}), std::pair(0.0, 2.0));
  EXPECT_EQ(range({.kind = TransformKind::ratio, .of = {"x", "y"}, .name = "r"}),
            std::pair(0.0, 10.0));
}

TEST(Transform, RangesOfTwoColumnsFollowFromBoth) {
  const auto range = [](TransformKind kind) {
    const auto pipeline = with({.kind = kind, .of = {"x", "y"}, .name = "r"});
    const Column& made = *pipeline->schema()->find("r");
    return std::pair(made.low, made.high);
  };
  EXPECT_EQ(range(TransformKind::product), std::pair(0.0, 1000.0));
  EXPECT_EQ(range(TransformKind::difference), std::pair(-100.0, 9.0));
}

TEST(Transform, SumsWeighTheirColumns) {
  const TransformSpec sum{
      .kind = TransformKind::sum, .of = {"x", "y"}, .name = "made", .weights = {2, -1}};
  const Numbers x = made_by({.kind = TransformKind::copy, .of = {"x"}, .name = "made"});
  const Numbers y = made_by({.kind = TransformKind::copy, .of = {"y"}, .name = "made"});
  const Numbers made = made_by(sum);
  for (std::size_t row = 0; row < made.size(); ++row) EXPECT_EQ(made[row], 2 * x[row] - y[row]);
  EXPECT_EQ(with(sum)->schema()->find("made")->low, -100);
  EXPECT_EQ(with(sum)->schema()->find("made")->high, 19);
  TransformSpec bad = sum;
  bad.weights = {1};
  EXPECT_TRUE(refused(with(bad), ErrorCode::invalid_argument, {"a weight for each of 2", "1"}));
}

TEST(Transform, AnInteractionIsTheNumberWhereTheCategoryIsSo) {
  std::vector<Column> columns = kColumns;
  columns.push_back({.name = "kind", .kind = ColumnKind::category, .values = {"a", "b"}});
  const TransformSpec spec{
      .kind = TransformKind::interaction, .of = {"x", "kind"}, .name = "x by kind"};
  const auto pipeline = Pipeline::create(columns, {spec}).value();
  Table with_kind = table();
  std::vector<std::string> kinds;
  for (std::size_t row = 0; row < with_kind.records; ++row) kinds.push_back(row % 2 ? "a" : "b");
  with_kind.columns.push_back({"kind", kinds});
  const auto applied = pipeline.apply(with_kind, Purpose::training).value();
  const Numbers x = *applied.table.find("x")->numbers();
  const Numbers a = *applied.table.find("x by kind_a")->numbers();
  const Numbers b = *applied.table.find("x by kind_b")->numbers();
  for (std::size_t row = 0; row < x.size(); ++row) {
    EXPECT_EQ(a[row], row % 2 ? x[row] : 0);
    EXPECT_EQ(b[row], row % 2 ? 0 : x[row]);
  }
  EXPECT_EQ(pipeline.schema()->find("x by kind_b")->high, 10);
  EXPECT_TRUE(refused(with({.kind = TransformKind::interaction, .of = {"x", "y"}, .name = "z"}),
                      ErrorCode::invalid_argument, {"category", "'y'"}));
}

// Between two knots a line; they add up to 1 everywhere, also beyond the outer ones.
TEST(Transform, HatsInterpolateBetweenKnots) {
  const TransformSpec hats{
      .kind = TransformKind::hats, .of = {"x"}, .name = "h", .edges = {2, 4, 8}};
  const auto pipeline = with(hats).value();
  const auto applied = pipeline.apply(table(), Purpose::training).value();
  const Numbers x = *applied.table.find("x")->numbers();
  const auto column = [&](int i) { return *applied.table.find(fmt::format("h_{}", i))->numbers(); };
  for (std::size_t row = 0; row < x.size(); ++row) {
    const double at = std::clamp(x[row], 2.0, 8.0);
    const double total = column(1)[row] + column(2)[row] + column(3)[row];
    EXPECT_DOUBLE_EQ(total, 1);
    EXPECT_DOUBLE_EQ(2 * column(1)[row] + 4 * column(2)[row] + 8 * column(3)[row], at) << row;
    for (int i = 1; i <= 3; ++i) EXPECT_GE(column(i)[row], 0);
    EXPECT_TRUE(at <= 4 ? column(3)[row] == 0 : column(1)[row] == 0);
  }
  EXPECT_EQ(pipeline.schema()->find("h_3")->low, -1);
}

// A later transform reads what an earlier one made, clipped to its declared range.
TEST(Transform, BuildsOnWhatWasMade) {
  TransformSpec mean = keyed(TransformKind::rolling_mean, 2);
  mean.as = ColumnKind::input;
  mean.low = 2;
  mean.high = 4;
  const TransformSpec log{.kind = TransformKind::log, .of = {"made"}, .name = "log"};
  const auto pipeline = Pipeline::create(kColumns, {mean, log}).value();
  const auto applied = pipeline.apply(table(), Purpose::training).value();
  EXPECT_EQ(applied.table.find("made")->numbers()->at(2), 8);
  EXPECT_EQ(applied.table.find("log")->numbers()->at(2), std::log10(4));
  EXPECT_TRUE(pipeline.mixes_records());
  EXPECT_FALSE(Pipeline::create(kColumns, {{.kind = TransformKind::log, .of = {"y"}, .name = "l"}})
                   ->mixes_records());
  EXPECT_TRUE(refused(Pipeline::create(kColumns, {log, mean}), ErrorCode::invalid_argument,
                      {"'log'", "'made'", "before"}));
}

TEST(Transform, RefusesWhatDoesNotFit) {
  const auto bad = [](TransformKind kind, auto change) {
    TransformSpec spec = keyed(kind, 2);
    change(spec);
    return with(spec);
  };
  using enum TransformKind;
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.of = {"xx"}; }), code,
                      {"'made' (rolling_mean)", "'xx'", "did you mean 'x'?"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.of = {"machine"}; }), code, {"numbers"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.name = "y"; }), code, {"'y' already"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.key = {}; }), code, {"no key"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.key = {"x"}; }), code, {"'x'", "texts"}));
  EXPECT_TRUE(
      refused(bad(rolling_mean, [](auto& s) { s.order = "machine"; }), code, {"'machine'"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.length = 0; }), code, {"found 0"}));
  EXPECT_TRUE(refused(bad(rolling_std, [](auto& s) { s.length = 1; }), code, {"2 to 10000"}));
  EXPECT_TRUE(refused(bad(window, [](auto& s) { s.length = 1u << 30; }), code, {"1073741824"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.part = 0; }), code, {"'part'", "0"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.part = kNan; }), code, {"'part'", "nan"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.low = 3; }), code, {"low 3 and high 0"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.clip = 3; }), code, {"clip"}));
  EXPECT_TRUE(refused(bad(rolling_mean, [](auto& s) { s.edges = {3}; }), code, {"edges"}));
  EXPECT_TRUE(
      refused(bad(rolling_mean, [](auto& s) { s.as = ColumnKind::group; }), code, {"'as'"}));
  EXPECT_TRUE(refused(bad(log, [](auto&) {}), code, {"'made' (log)", "neither key nor order"}));
  EXPECT_TRUE(refused(with({.kind = log, .of = {"x"}, .name = "l"}), code, {"above 0", "found 0"}));
  EXPECT_TRUE(refused(with({.kind = ratio, .of = {"x"}, .name = "r"}), code, {"2 columns", "1"}));
  EXPECT_TRUE(
      refused(with({.kind = ratio, .of = {"y", "x"}, .name = "r"}), code, {"'x'", "above"}));
  EXPECT_TRUE(refused(with({.kind = hats, .of = {"x"}, .name = "h", .edges = {1}}), code,
                      {"2 to 10000 knots", "found 1"}));
  EXPECT_TRUE(refused(with({.kind = hats, .of = {"x"}, .name = "h", .edges = {1, 1}}), code,
                      {"knots ascend", "'x'"}));
  EXPECT_TRUE(refused(with({.kind = hats, .of = {"x"}, .name = "h", .edges = {1, 11}}), code,
                      {"0 to 10", "found 11"}));
  EXPECT_TRUE(refused(with({.kind = hats, .of = {"x"}, .name = "h", .part = 0.5, .edges = {1, 2}}),
                      code, {"-1 to 1"}));
  EXPECT_TRUE(refused(with({.kind = threshold,
                            .of = {"x"},
                            .name = "b",
                            .as = ColumnKind::label,
                            .edges = {11},
                            .values = {"a", "b"}}),
                      code, {"'x'", "0 to 10", "found 11"}));
  EXPECT_TRUE(refused(with({.kind = bands,
                            .of = {"x"},
                            .name = "b",
                            .as = ColumnKind::label,
                            .edges = {1, 2},
                            .values = {"a", "b"}}),
                      code, {"3 values", "found 2"}));
  EXPECT_TRUE(
      refused(with({.kind = combine, .of = {"machine"}, .name = "c", .as = ColumnKind::category}),
              code, {"'values'"}));
}

// A feature must be known when predicting.
TEST(Transform, RefusesFeaturesMadeInHindsight) {
  const TransformSpec life{.kind = TransformKind::remaining_life,
                           .name = "life",
                           .as = ColumnKind::input,
                           .key = {"machine"},
                           .order = "t",
                           .clip = 7};
  const auto code = ErrorCode::invalid_argument;
  TransformSpec direct = life;
  direct.as = ColumnKind::number;
  EXPECT_TRUE(refused(with(direct), code, {"'life'", "no feature"}));
  TransformSpec through = keyed(TransformKind::rolling_mean, 2);
  through.of = {"life"};
  EXPECT_TRUE(refused(Pipeline::create(kColumns, {life, through}), code, {"'life'", "predicting"}));
  TransformSpec alarm{.kind = TransformKind::threshold,
                      .of = {"life"},
                      .name = "alarm",
                      .as = ColumnKind::label,
                      .edges = {3},
                      .values = {"soon", "later"}};
  EXPECT_TRUE(Pipeline::create(kColumns, {life, alarm}).has_value());
  alarm.as = ColumnKind::category;
  EXPECT_TRUE(refused(Pipeline::create(kColumns, {life, alarm}), code, {"'alarm'", "'life'"}));
}

TEST(Transform, RefusesTwoRecordsAtOneTime) {
  Table t = table();
  std::get<0>(t.columns[0].cells)[3] = 3;
  const auto pipeline = with(keyed(TransformKind::rolling_mean, 2)).value();
  EXPECT_TRUE(refused(pipeline.apply(t, Purpose::training), ErrorCode::invalid_argument,
                      {"t: records 1 and 4", "'a'", "'t'", "both have 3"}));
}

// What features are made of is part of the schema's digest; what else is made is not.
TEST(Transform, DigestTellsHowFeaturesAreMade) {
  const auto digest = [](std::vector<TransformSpec> specs) {
    return Pipeline::create(kColumns, std::move(specs))->schema()->digest();
  };
  const auto plain = digest({});
  EXPECT_EQ(plain, Schema::create({kColumns[0]})->digest());
  EXPECT_EQ(plain, digest({{.kind = TransformKind::combine,
                            .of = {"machine"},
                            .name = "s",
                            .as = ColumnKind::site}}));
  const TransformSpec two = keyed(TransformKind::rolling_mean, 2);
  TransformSpec three = two;
  three.length = 3;
  EXPECT_EQ(digest({two}), digest({two}));
  EXPECT_NE(digest({two}), digest({three}));
}

}  // namespace
}  // namespace hanse::data
