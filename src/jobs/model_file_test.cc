#include "jobs/model_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/random.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using data::ColumnKind;

// A label that is "hot" above 50 degrees: a logistic model written down by hand.
ModelFile thermometer() {
  TableReading reading;
  reading.columns = {
      {.name = "degrees", .kind = ColumnKind::number, .unit = "degC", .low = 0, .high = 100},
      {.name = "state", .kind = ColumnKind::label, .values = {"cold", "hot"}},
      {.name = "oven", .kind = ColumnKind::group},
      {.name = "plant", .kind = ColumnKind::site}};
  auto schema = schema_of(reading);
  learning::ArchitectureSpec architecture;
  architecture.inputs = 1;
  architecture.outputs = 2;
  auto model = learning::Model::create(*learning::Architecture::create(architecture),
                                       {-10.0, 10.0, 0.0, 0.0});
  return {"ovens", *std::move(schema), reading, *std::move(model), {"o1", "o2"}};
}

// With everything that a table may ask for.
ModelFile furnished() {
  ModelFile file = thermometer();
  TableReading reading = std::get<TableReading>(file.reading);
  data::TableSpec& table = reading.table;
  table.format = data::TableFormat::whitespace;
  table.files = "{part}_{day}.txt";
  table.separator = ';';
  table.decimal = ',';
  table.header = {"degrees", "time", "oven"};
  table.row_number = "row";
  table.constants = {{"plant", "north"}};
  table.only = {{"part", {"a", "b"}}};
  reading.columns[0].missing = {data::MissingPolicy::value, {"", "-"}, "20", false};
  reading.columns.push_back({.name = "time", .kind = ColumnKind::order});
  reading.transforms = {{.kind = data::TransformKind::rolling_mean,
                         .of = {"degrees"},
                         .name = "{of}_mean",
                         .unit = "degC",
                         .key = {"oven"},
                         .order = "time",
                         .length = 3,
                         .part = 0.5}};
  auto schema = schema_of(reading);
  EXPECT_TRUE(schema) << schema.error().text();
  learning::ArchitectureSpec architecture;
  architecture.inputs = schema->feature_count();
  architecture.outputs = 2;
  base::SeededSimulationRandom random(1, "model");
  auto model = learning::Model::initial(*learning::Architecture::create(architecture), random);
  return {"ovens", *std::move(schema), std::move(reading), std::move(model), {}};
}

ModelFile recordings_model() {
  data::FleetSpec fleet;
  fleet.sites = {*data::PlantSpec::of_class("modern", "a")};
  const ReadingSpec reading = reading_of(Source(fleet));
  auto schema = schema_of(reading);
  learning::ArchitectureSpec architecture;
  architecture.kind = learning::ModelKind::mlp;
  architecture.inputs = schema->feature_count();
  architecture.hidden = {5};
  architecture.outputs = data::kFaults.size();
  base::SeededSimulationRandom random(1, "model");
  auto model = learning::Model::initial(*learning::Architecture::create(architecture), random);
  return {"bearings", *std::move(schema), reading, std::move(model), {}};
}

void expect_equal(const ModelFile& a, const ModelFile& b) {
  EXPECT_EQ(a.job, b.job);
  EXPECT_EQ(a.schema, b.schema);
  EXPECT_EQ(a.reading, b.reading);
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.training_groups, b.training_groups);
}

TEST(ModelFile, ComesBackEqual) {
  for (const ModelFile& file : {thermometer(), furnished(), recordings_model()}) {
    const auto back = model_from_json(to_json(file));
    ASSERT_TRUE(back) << back.error().text();
    expect_equal(*back, file);
  }
}

TEST(ModelFile, ASimulatedFleetsModelReadsRecordingsWithTheSameColumns) {
  data::FleetSpec fleet;
  fleet.sites = {*data::PlantSpec::of_class("modern", "a")};
  EXPECT_EQ(schema_of(reading_of(Source(fleet)))->digest(), data::fleet_schema(fleet)->digest());
}

RC_GTEST_PROP(ModelFile, ParametersComeBackToTheBit, (double value)) {
  RC_PRE(std::isfinite(value));
  ModelFile file = thermometer();
  file.model = *learning::Model::create(file.model.architecture(), {value, -value, 0.1, 1e-320});
  const auto back = model_from_json(to_json(file));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->model == file.model);
}

void expect_refused(const std::string& from, const std::string& to, const std::string& part) {
  std::string json = to_json(thermometer());
  const std::size_t at = json.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  json.replace(at, from.size(), to);
  const auto file = model_from_json(json);
  ASSERT_FALSE(file) << from;
  EXPECT_EQ(file.error().code(), ErrorCode::corruption);
  EXPECT_NE(file.error().text().find(part), std::string::npos) << file.error().text();
}

TEST(ModelFile, RefusesWhatContradictsItself) {
  expect_refused("\"high\": 100.0", "\"high\": 90.0", "columns: ");
  expect_refused("\"columns_digest\": \"", "\"columns_digest\": \"0", "columns_digest: expected");
  expect_refused("\"inputs\": 1", "\"inputs\": 2", "2 features to 2");
  expect_refused("-10.0,", "", "4");
  expect_refused("\"kind\": \"logistic\"", "\"kind\": \"oracle\"", "oracle");
  expect_refused("\"kind\": \"table\"", "\"kind\": \"stream\"", "recordings");
  expect_refused("\"format\": \"csv\"", "\"format\": \"tsv\"", "whitespace");
  expect_refused("\"separator\": \",\"", "\"separator\": \"\"", "one character");
  expect_refused("\"decimal\": \".\"", "\"decimal\": \";\"", "decimal mark");
  expect_refused("\"o1\",", "\"o3\",", "found 'o3' before 'o2'");
  expect_refused("\"o1\",", "\"o2\",", "each once");
  expect_refused("hanse.model/3", "hanse.model/9", "hanse.model/3");
  expect_refused("\"job\": \"ovens\",", "", "'job'");
}

RC_GTEST_PROP(ModelFile, NeverCrashesOnDamage, ()) {
  std::string json = to_json(thermometer());
  const auto at = *rc::gen::inRange<std::size_t>(0, json.size());
  const auto length = *rc::gen::inRange<std::size_t>(0, 30);
  json.replace(at, length, *rc::gen::arbitrary<std::string>());
  const auto file = model_from_json(json);
  RC_ASSERT(file.has_value() || file.error().code() == ErrorCode::corruption);
}

TEST(ModelFile, KeepsTheModelsOfClasses) {
  ModelFile file = thermometer();
  file.classes = {{{"legacy", "old"},
                   *learning::Model::create(file.model.architecture(), {-1.0, 1.0, 0.5, -0.5})}};
  const std::string json = to_json(file);
  const auto back = model_from_json(json);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(model_for(*back, "old"), file.classes[0].model);
  EXPECT_EQ(model_for(*back, "modern"), file.model);
  EXPECT_EQ(model_for(*back, ""), file.model);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string other = json;
    const std::size_t at = other.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    other.replace(at, from.size(), to);
    EXPECT_FALSE(model_from_json(other)) << to;
  };
  refused("\"legacy\"", "\"old\"");
  file.classes[0].names.clear();
  EXPECT_FALSE(model_from_json(to_json(file)));
}

}  // namespace
}  // namespace hanse::jobs
