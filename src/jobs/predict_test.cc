#include "jobs/predict.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "storage/memory.h"

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

class Predict : public testing::Test {
 protected:
  base::Result<Predictions> on(std::string_view csv) {
    EXPECT_TRUE(directory_.write("new.csv", base::view_of(csv)));
    return predict(thermometer(), {"new.csv"}, doors_);
  }
  storage::Memory directory_;
  base::InlineExecutor executor_;
  RecordDoors doors_{directory_, executor_, nullptr};
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
  EXPECT_EQ(predict(thermometer(), {"absent.csv"}, doors_).error().code(), ErrorCode::not_found);
  EXPECT_EQ(predict(thermometer(), {"new.csv", "{a}"}, doors_).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_FALSE(predict(recordings_model(), {"absent"}, doors_));
}

// Parameters may be finite and their products not.
TEST_F(Predict, RefusesAnswersThatAreNotFinite) {
  ModelFile file = thermometer();
  file.model = *learning::Model::create(file.model.architecture(), {1e308, -1e308, 1e308, -1e308});
  const auto back = model_from_json(to_json(file));
  ASSERT_TRUE(back) << back.error().text();
  ASSERT_TRUE(directory_.write("new.csv", base::view_of("degrees\n0\n100\n")));
  const auto said = predict(*back, {"new.csv"}, doors_);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(said.error().text().find("record 2: expected a finite prediction"), 0u)
      << said.error().text();
}

TEST_F(Predict, APatternWithoutSpeedNeedsTheSpeed) {
  const auto said = predict(recordings_model(), {"f", "{id}.npy"}, doors_);
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
  for (const char* part : {"hanse.predictions/2", "\"truth\": \"hot\"", "\"probabilities\": {",
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

// The data is of the other kind: each error says which one is wanted.
TEST_F(Predict, RefusesDataOfTheOtherKind) {
  const auto says = [&](const ModelFile& file, const NewData& data, std::string_view part) {
    const auto said = predict(file, data, doors_);
    ASSERT_FALSE(said) << part;
    EXPECT_EQ(said.error().code(), ErrorCode::invalid_argument) << said.error().text();
    EXPECT_NE(said.error().text().find(part), std::string::npos) << said.error().text();
  };
  ASSERT_TRUE(directory_.create_directory("folder"));
  ASSERT_TRUE(directory_.write("new.csv", base::view_of("degrees\n1\n")));
  says(thermometer(), {"folder"}, "expected a file, found the folder 'folder'");
  says(thermometer(), {"new.csv", "{a}.csv"}, "expected a folder, found the file 'new.csv'");
  says(thermometer(), {"new.csv", {}, 1000.0}, "--rpm is for recordings");
  says(thermometer(), {"new.csv", {}, {}, {}, "SELECT 1"}, "--query is for a database");
  says(thermometer(), {"postgresql://plant/mes"}, "--query");
  says(recordings_model(), {"new.csv"},
       "expected a folder of .npy files, found the file 'new.csv'");
  says(recordings_model(), {"folder", {}, {}, "map.toml"}, "--map and --query are for tables");
}

TEST_F(Predict, TakesAPlantsOwnNamesAndUnits) {
  ASSERT_TRUE(directory_.write("new.csv", base::view_of("Temperatur\n363.15\n283.15\n")));
  ASSERT_TRUE(directory_.write(
      "map.toml", base::view_of("[column.degrees]\nfrom = \"Temperatur\"\nunit = \"K\"\n")));
  const auto mapped = predict(thermometer(), {"new.csv", {}, {}, "map.toml"}, doors_);
  ASSERT_TRUE(mapped) << mapped.error().text();
  const auto plain = on("degrees\n90\n10\n");
  ASSERT_TRUE(plain);
  ASSERT_EQ(mapped->records.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_NEAR(mapped->records[i].probabilities[1], plain->records[i].probabilities[1], 1e-9);
}

TEST_F(Predict, ReadsAFolderOfTables) {
  ASSERT_TRUE(directory_.create_directory("days"));
  ASSERT_TRUE(directory_.write("days/o9_1.csv", base::view_of("degrees\n90\n")));
  ASSERT_TRUE(directory_.write("days/o1_2.csv", base::view_of("degrees\n10\n")));
  const auto said = predict(thermometer(), {"days", "{oven}_{day}.csv"}, doors_);
  ASSERT_TRUE(said) << said.error().text();
  ASSERT_EQ(said->records.size(), 2U);
  EXPECT_EQ(said->records[0].group, "o1");
  EXPECT_EQ(said->records[0].value, 0);
  EXPECT_EQ(said->known_groups, std::vector<std::string>{"o1"});
}

}  // namespace
}  // namespace hanse::jobs
