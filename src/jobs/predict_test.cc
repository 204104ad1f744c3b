#include "jobs/predict.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "jobs/evaluation.h"
#include "jobs/run.h"
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
TEST_F(Predict, TakesTheModelOfTheSitesClass) {
  ModelFile file = thermometer();
  file.classes = {
      {{"legacy"}, *learning::Model::create(file.model.architecture(), {-1.0, 1.0, 0.0, 0.0})}};
  ASSERT_TRUE(directory_.write("new.csv", base::view_of("degrees\n90\n")));
  const auto hot = [&](std::optional<std::string> site_class) {
    NewData data{"new.csv"};
    data.site_class = std::move(site_class);
    return predict(file, data, doors_);
  };
  EXPECT_NEAR(hot({})->records[0].probabilities[1], 1 / (1 + std::exp(-16.0)), 1e-12);
  EXPECT_NEAR(hot("legacy")->records[0].probabilities[1], 1 / (1 + std::exp(-1.6)), 1e-12);
  const auto unknown = hot("legasy");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text().find("did you mean"), std::string::npos)
      << unknown.error().text();
  file.classes.clear();
  EXPECT_FALSE(hot("legacy")) << "there is none of that class";
}

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

// A file alone, of a job that read a folder: its name says what the others' names said.
TEST_F(Predict, TakesTheFieldsOfOneFilesName) {
  ModelFile file = thermometer();
  std::get<TableReading>(file.reading).table.files = "{oven}_{day}.csv";
  ASSERT_TRUE(directory_.create_directory("days"));
  ASSERT_TRUE(directory_.write("days/o1_2.csv", base::view_of("degrees\n10\n")));
  ASSERT_TRUE(directory_.write("days/o7_2.csv", base::view_of("degrees\n10\n")));
  ASSERT_TRUE(directory_.write("days/new.csv", base::view_of("degrees\n90\n")));
  const auto named = predict(file, {"days/o1_2.csv"}, doors_);
  ASSERT_TRUE(named) << named.error().text();
  ASSERT_EQ(named->records.size(), 1U);
  EXPECT_EQ(named->records[0].group, "o1");
  const auto other = predict(file, {"days/new.csv"}, doors_);
  ASSERT_TRUE(other) << other.error().text();
  EXPECT_EQ(other->records[0].group, "");
  EXPECT_EQ(other->records[0].value, 1);
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

// A job with everything that predicting has to repeat: policies for missing values, windows over
// time, joined columns.
constexpr std::string_view kMachines = R"(
name = "machines"
[data]
source = "csv"
path = "machines.csv"
[[data.column]]
name = "machine"
kind = "group"
[[data.column]]
name = "hour"
kind = "order"
[[data.column]]
name = "load"
kind = "number"
low = 0
high = 10
missing = { policy = "value", value = 5, indicator = true }
[[data.column]]
name = "heat"
kind = "input"
low = 0
high = 100
missing = { policy = "drop" }
[[data.column]]
name = "part"
kind = "partition"
values = ["train", "test"]
[[data.join]]
path = "makers.csv"
on = ["machine"]
[[data.join.column]]
name = "maker"
kind = "category"
values = ["a", "b"]
[[data.transform]]
kind = "rolling_mean"
of = ["heat"]
name = "{of}_mean"
key = ["machine"]
order = "hour"
length = 3
[[data.transform]]
kind = "remaining_life"
name = "life"
as = "label"
key = ["machine"]
order = "hour"
clip = 8
[data.split]
kind = "declared"
[model]
kind = "mlp"
hidden = [4]
[training]
strategy = "fedavg"
rounds = 2
[privacy]
entrance = "in_the_clear"
)";

// Records of machines hour by hour, in an order that is not theirs; one in eleven lacks a value.
storage::Memory machines() {
  base::SeededSimulationRandom random(1, "machines");
  std::string makers = "machine,maker\n";
  std::string alike = "machine,hour,load,heat,part\n";
  for (int machine = 0; machine < 6; ++machine)
    makers += fmt::format("m{},{}\n", machine, machine % 2 == 0 ? "a" : "b");
  for (int record = 0; record < 120; ++record) {
    const int machine = record % 6;
    const int hour = (record / 6 * 7) % 20;
    const double load = 10 * base::uniform_unit(random);
    const double heat = 100 * base::uniform_unit(random);
    alike += fmt::format(
        "m{},{},{},{},{}\n", machine, hour, record % 11 == 3 ? "" : fmt::format("{}", load),
        record % 11 == 7 ? "" : fmt::format("{}", heat), machine < 4 ? "train" : "test");
  }
  storage::Memory memory;
  HANSE_CHECK(memory.write("machines.csv", base::view_of(alike)).has_value());
  HANSE_CHECK(memory.write("makers.csv", base::view_of(makers)).has_value());
  return memory;
}

class Replay : public testing::Test {
 protected:
  void SetUp() override {
    auto parsed = parse_job(kMachines, "machines.toml", [](auto) { return std::nullopt; });
    ASSERT_TRUE(parsed) << parsed.error().text();
    job_.emplace(*std::move(parsed));
    auto ran = run_job(
        *job_, {directory_, executor_, clock_}, [](const Progress&) {}, [] { return false; });
    ASSERT_TRUE(ran) << ran.error().text();
    const auto back = model_from_json(to_json(ran->model));
    ASSERT_TRUE(back) << back.error().text();
    model_.emplace(*back);
  }
  // The job's table with the makers in it, as a plant would bring new data; without labels' clues.
  std::string joined_csv() {
    std::string text(base::text_of(*storage::read_all(directory_, "machines.csv", 1 << 20)));
    std::string out;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = text.find('\n', from);
      const std::string line = text.substr(from, end - from);
      from = end + 1;
      if (line.starts_with("machine")) {
        out += "maker,machine,hour,load,heat\n";
      } else if (line.ends_with(",test")) {
        const bool even = (line[1] - '0') % 2 == 0;
        out += fmt::format("{},{}\n", even ? "a" : "b", line.substr(0, line.size() - 5));
      }
    }
    return out;
  }

  storage::Memory directory_ = machines();
  base::InlineExecutor executor_;
  base::ManualClock clock_;
  RecordDoors doors_{directory_, executor_, nullptr};
  std::optional<Job> job_;
  std::optional<ModelFile> model_;
};

TEST_F(Replay, PredictsTestRecordsAsTheRunDidToTheBit) {
  const auto records = Records::read(*job_, doors_);
  ASSERT_TRUE(records) << records.error().text();
  EXPECT_GT(records->left_out(), 0U);
  const auto dealt = records->deal(job_->seed);
  ASSERT_TRUE(dealt);
  const auto folds = folds_of(*job_, *dealt->sites, job_->seed);
  ASSERT_TRUE(folds) << folds.error().text();
  const std::vector<SiteFold> parts = records_of(*dealt->sites, folds->front());
  ASSERT_EQ(parts.size(), 1U);
  const math::Matrix expected = model_->model.predict(parts.front().test.features);

  ASSERT_TRUE(directory_.write("new.csv", base::view_of(joined_csv())));
  const auto said = predict(*model_, {"new.csv"}, doors_);
  ASSERT_TRUE(said) << said.error().text();
  ASSERT_EQ(said->records.size(), expected.rows());
  ASSERT_GT(expected.rows(), 20U);
  const data::Column& label = *model_->schema.label();
  for (std::size_t i = 0; i < expected.rows(); ++i)
    EXPECT_EQ(said->records[i].value, physical(label, expected.row(i)[0])) << i;
  EXPECT_GT(said->left_out, 0U);
  EXPECT_TRUE(said->known_groups.empty());
}

TEST_F(Replay, RecordsKeepTheNumberThatTheFileGivesThem) {
  ASSERT_TRUE(directory_.write(
      "new.csv", base::view_of("maker,machine,hour,load,heat\na,m9,1,3,\nb,m9,2,,40\n")));
  const auto said = predict(*model_, {"new.csv"}, doors_);
  ASSERT_TRUE(said) << said.error().text();
  ASSERT_EQ(said->records.size(), 1U);
  EXPECT_EQ(said->records[0].record, 2U);
  EXPECT_NE(to_csv(*said).find("\r\n2,m9,"), std::string::npos) << to_csv(*said);
}

TEST_F(Replay, ATransformWithoutItsKeyOrOrderSaysSo) {
  ASSERT_TRUE(directory_.write("new.csv", base::view_of("maker,machine,load,heat\na,m9,3,40\n")));
  const auto said = predict(*model_, {"new.csv"}, doors_);
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().text().find("hour"), std::string::npos) << said.error().text();
}

}  // namespace
}  // namespace hanse::jobs
