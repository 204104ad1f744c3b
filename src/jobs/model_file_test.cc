#include "jobs/model_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "jobs/predict.h"
#include "storage/memory.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using data::ColumnKind;

// A label that is "hot" above 50 degrees: a logistic model written down by hand.
ModelFile thermometer() {
  data::CsvSpec spec;
  spec.columns = {{"degrees", ColumnKind::number, "C", 0, 100, {}},
                  {"state", ColumnKind::label, "", 0, 0, {"cold", "hot"}},
                  {"oven", ColumnKind::group, "", 0, 0, {}},
                  {"plant", ColumnKind::site, "", 0, 0, {}}};
  auto schema = data::Schema::create(spec.columns);
  learning::ArchitectureSpec architecture;
  architecture.inputs = 1;
  architecture.outputs = 2;
  auto model = learning::Model::create(*learning::Architecture::create(architecture),
                                       {-10.0, 10.0, 0.0, 0.0});
  return {"ovens", *std::move(schema), spec, *std::move(model), {"o1", "o2"}};
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
  for (const ModelFile& file : {thermometer(), recordings_model()}) {
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
  expect_refused("\"high\": 100.0", "\"high\": 90.0", "columns_digest");
  expect_refused("\"inputs\": 1", "\"inputs\": 2", "2 features to 2");
  expect_refused("-10.0,", "", "4");
  expect_refused("\"kind\": \"logistic\"", "\"kind\": \"oracle\"", "oracle");
  expect_refused("\"kind\": \"csv\"", "\"kind\": \"tsv\"", "recordings");
  expect_refused("\"separator\": \",\"", "\"separator\": \"\"", "one character");
  expect_refused("\"o1\",", "\"o3\",", "found 'o3' before 'o2'");
  expect_refused("\"o1\",", "\"o2\",", "each once");
  expect_refused("hanse.model/1", "hanse.model/2", "hanse.model/1");
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

class Predict : public testing::Test {
 protected:
  base::Result<Predictions> on(std::string_view csv) {
    EXPECT_TRUE(directory_.write("new.csv", base::view_of(csv)));
    return predict(thermometer(), {"new.csv", {}, {}}, directory_, executor_);
  }
  storage::Memory directory_;
  base::InlineExecutor executor_;
};

TEST_F(Predict, SaysTheMostProbableLabel) {
  const auto said = on("degrees\n90\n10\n");
  ASSERT_TRUE(said) << said.error().text();
  ASSERT_EQ(said->records.size(), 2U);
  EXPECT_EQ(said->records[0].value, 1);
  EXPECT_EQ(said->records[1].value, 0);
  // Scaled to [-1, 1], 90 is 0.8: scores -8 and 8.
  EXPECT_NEAR(said->records[0].probabilities[1], 1 / (1 + std::exp(-16.0)), 1e-12);
  EXPECT_TRUE(said->metrics.empty());
  EXPECT_TRUE(said->known_groups.empty());
  EXPECT_FALSE(said->records[0].truth);
}

TEST_F(Predict, MeasuresWhereLabelsAreAndKeepsTheOrder) {
  const auto said = on("plant,degrees,state,oven\nz,90,hot,o9\na,10,hot,o1\nm,20,cold,o9\n");
  ASSERT_TRUE(said) << said.error().text();
  ASSERT_EQ(said->metrics.front().name, "accuracy");
  EXPECT_NEAR(*said->metrics.front().value, 2.0 / 3, 1e-12);
  EXPECT_EQ(said->records[0].group, "o9");
  EXPECT_EQ(said->records[1].group, "o1");
  EXPECT_EQ(said->records[1].truth, 1);
  EXPECT_EQ(said->known_groups, std::vector<std::string>{"o1"});
}

TEST_F(Predict, CountsValuesBeyondTheirRange) {
  const auto said = on("degrees\n150\n");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->clipped_values, 1U);
}

TEST_F(Predict, RefusesDataOfAnotherShape) {
  const auto missing = on("pressure\n1\n");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("degrees"), std::string::npos) << missing.error().text();
  const auto nan = on("degrees\nnan\n");
  ASSERT_FALSE(nan);
  EXPECT_EQ(predict(thermometer(), {"absent.csv", {}, {}}, directory_, executor_).error().code(),
            ErrorCode::not_found);
  EXPECT_EQ(predict(thermometer(), {"new.csv", "{a}", {}}, directory_, executor_).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_FALSE(predict(recordings_model(), {"absent", {}, {}}, directory_, executor_));
}

// Parameters may be finite and their products not.
TEST_F(Predict, RefusesAnswersThatAreNotFinite) {
  ModelFile file = thermometer();
  file.model = *learning::Model::create(file.model.architecture(), {1e308, -1e308, 1e308, -1e308});
  const auto back = model_from_json(to_json(file));
  ASSERT_TRUE(back) << back.error().text();
  ASSERT_TRUE(directory_.write("new.csv", base::view_of("degrees\n0\n100\n")));
  const auto said = predict(*back, {"new.csv", {}, {}}, directory_, executor_);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(said.error().text().find("record 2: expected a finite prediction"), 0u)
      << said.error().text();
}

TEST_F(Predict, APatternWithoutSpeedNeedsTheSpeed) {
  const auto said = predict(recordings_model(), {"f", "{id}.npy", {}}, directory_, executor_);
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().text().find("--rpm"), std::string::npos) << said.error().text();
}

TEST_F(Predict, WritesCsvAndJson) {
  const auto said = on("degrees,state,oven\n90,hot,\"a,\"\"b\"\"\"\n");
  ASSERT_TRUE(said) << said.error().text();
  EXPECT_TRUE(
      to_csv(*said).starts_with("record,group,label,p_cold,p_hot,truth\r\n1,\"a,\"\"b\"\"\","
                                "hot,0.000000,1.000000,hot\r\n"))
      << to_csv(*said);
  const std::string json = to_json(*said);
  for (const char* part : {"hanse.predictions/1", "\"truth\": \"hot\"", "\"probabilities\": {",
                           "\"groups_in_training\": []"})
    EXPECT_NE(json.find(part), std::string::npos) << part;
}

TEST_F(Predict, WritesNoFormulaIntoASpreadsheet) {
  for (const auto& [group, cell] :
       std::vector<std::pair<std::string, std::string>>{{"=HYPERLINK(0)", "'=HYPERLINK(0)"},
                                                        {"+1", "'+1"},
                                                        {"-1", "'-1"},
                                                        {"@SUM(A1)", "'@SUM(A1)"},
                                                        {"\t=1", "'\t=1"},
                                                        {"=A1,2", "\"'=A1,2\""},
                                                        {"a=1", "a=1"}}) {
    const auto said = on(fmt::format("degrees,state,oven\n90,hot,\"{}\"\n", group));
    ASSERT_TRUE(said) << said.error().text();
    EXPECT_NE(to_csv(*said).find("\r\n1," + cell + ",hot,"), std::string::npos) << to_csv(*said);
    EXPECT_EQ(to_json(*said).find('\''), std::string::npos);
  }
}

}  // namespace
}  // namespace hanse::jobs
