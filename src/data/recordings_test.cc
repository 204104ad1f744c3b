#include "data/recordings.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/random.h"
#include "data/encode.h"
#include "data/split.h"
#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;

std::string npy_of(const std::vector<double>& samples) {
  const std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}\n", samples.size());
  std::string file = std::string("\x93NUMPY\1\0", 8);
  file += static_cast<char>(header.size());
  file += '\0';
  file += header;
  return file.append(reinterpret_cast<const char*>(samples.data()), samples.size() * 8);
}

std::vector<double> noise(std::size_t samples, std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "noise");
  std::vector<double> window(samples);
  for (double& sample : window) sample = base::standard_normal(random);
  return window;
}

RecordingsSpec spec() {
  return {.path = "d",
          .files = "{rpm}_{fault}_{size}.npy",
          .sampling_rate_hz = 12000,
          .window = 4096,
          .hop = 4096,
          .label = "fault",
          .label_values = {"B", "IR"},
          .group = {"fault", "size"},
          .site = "rpm"};
}

// Two recordings that match, of two and of three windows; one file and one folder that do not.
storage::Memory folder() {
  storage::Memory memory;
  const auto write = [&](const std::string& name, const std::string& bytes) {
    HANSE_CHECK(memory.write(name, base::view_of(bytes)).has_value());
  };
  HANSE_CHECK(memory.create_directory("d").has_value());
  write("d/1730_IR_7.npy", npy_of(noise(2 * 4096 + 4095, 1)));
  write("d/1730_B_7.npy", npy_of(noise(3 * 4096, 2)));
  write("d/readme.txt", "what this is");
  HANSE_CHECK(memory.create_directory("d/1_B_2.npy").has_value());
  return memory;
}

base::Result<Table> read(const storage::Directory& directory, const RecordingsSpec& spec) {
  base::InlineExecutor executor;
  return read_recordings(directory, spec, executor);
}

TEST(Recordings, EachWindowIsARecord) {
  const auto table = read(folder(), spec()).value();
  EXPECT_EQ(table.records, 5U);
  EXPECT_EQ(*table.find("label")->texts(), (Texts{"B", "B", "B", "IR", "IR"}));
  EXPECT_EQ(*table.find("group")->texts(), (Texts{"B_7", "B_7", "B_7", "IR_7", "IR_7"}));
  EXPECT_EQ(*table.find("site")->texts(), Texts(5, "1730"));
  EXPECT_EQ(table.find("file")->texts()->back(), "1730_IR_7.npy");
  const auto sites =
      encode(std::make_shared<const Schema>(recordings_schema(spec()).value()), table).value();
  EXPECT_EQ(sites.front().records.features.columns(), 28U);
}

// The third record is the third window of the first file, whoever reads it.
TEST(Recordings, WindowsAreThoseOfTheExtractor) {
  const auto table = read(folder(), spec()).value();
  const auto samples = noise(3 * 4096, 2);
  auto extractor =
      vibration::Extractor::create({12000, 4096, vibration::bearing("skf_6205").value()}).value();
  std::vector<double> features(28);
  extractor.extract(std::span(samples).subspan(2 * 4096), 1730 / 60.0, features);
  for (std::size_t k = 0; k < features.size(); ++k)
    EXPECT_EQ(table.columns[k].numbers()->at(2), features[k]) << table.columns[k].name;
  base::ThreadExecutor threads(3);
  const auto again = read_recordings(folder(), spec(), threads).value();
  for (std::size_t k = 0; k < table.columns.size(); ++k)
    EXPECT_EQ(again.columns[k].cells, table.columns[k].cells);
}

TEST(Recordings, FeaturesAsWanted) {
  RecordingsSpec few = spec();
  few.features = {"line_ball_1", "log_rms"};
  const auto all = read(folder(), spec()).value();
  const auto table = read(folder(), few).value();
  EXPECT_EQ(table.columns.size(), all.columns.size() - 26);
  EXPECT_EQ(table.columns[0].name, "log_rms");  // in the extractor's order
  for (const std::string name : {"log_rms", "line_ball_1"})
    EXPECT_EQ(*table.find(name)->numbers(), *all.find(name)->numbers());
  EXPECT_EQ(recordings_schema(few)->feature_count(), 2U);
}

TEST(Recordings, HopsOverlap) {
  RecordingsSpec dense = spec();
  dense.hop = 1024;
  EXPECT_EQ(read(folder(), dense)->records, 9U + 8U);  // (12288−4096)/1024+1, (12287−4096)/1024+1
}

// Windows that overlap share samples: on two sides of a split, one would be tested on what the
// other trained.
TEST(Recordings, WithoutAGroupEachFileIsOne) {
  RecordingsSpec plain = spec();
  plain.group.clear();
  plain.hop = 1024;
  const auto schema = std::make_shared<const Schema>(recordings_schema(plain).value());
  const auto sites = encode(schema, read(folder(), plain).value()).value();
  EXPECT_EQ(sites.front().records.group_names, (Texts{"1730_B_7.npy", "1730_IR_7.npy"}));
  base::SeededSimulationRandom random(1, "split");
  SplitSpec by_record{.kind = SplitKind::k_fold, .by = SplitBy::record};
  EXPECT_TRUE(refused(split(sites, by_record, random), ErrorCode::invalid_argument,
                      {"each file is a group", "allow_leakage"}));
  by_record.allow_leakage = true;
  EXPECT_TRUE(split(sites, by_record, random).has_value());
}

TEST(Recordings, HaveAUnitOfPrivacy) {
  const auto units = [](RecordingUnit unit, bool grouped = true) {
    RecordingsSpec changed = spec();
    changed.unit = unit;
    if (!grouped) changed.group.clear();
    const auto schema = std::make_shared<const Schema>(recordings_schema(changed).value());
    return encode(schema, read(folder(), changed).value())->front().records.unit;
  };
  using Units = std::vector<std::uint32_t>;
  EXPECT_EQ(units(RecordingUnit::recording), (Units{0, 0, 0, 1, 1}));
  EXPECT_EQ(units(RecordingUnit::group), (Units{0, 0, 0, 1, 1}));
  EXPECT_EQ(units(RecordingUnit::group, false), (Units{0, 0, 0, 1, 1}));
  EXPECT_EQ(units(RecordingUnit::window), Units{});
  // Two recordings of one machine are one unit where the machine is.
  storage::Memory memory = folder();
  HANSE_CHECK(memory.write("d/1750_B_7.npy", base::view_of(npy_of(noise(4096, 3)))).has_value());
  RecordingsSpec machine = spec();
  machine.unit = RecordingUnit::group;
  EXPECT_EQ(*read(memory, machine)->find("unit")->texts(),
            (Texts{"B_7", "B_7", "B_7", "IR_7", "IR_7", "B_7"}));
  EXPECT_EQ(read(memory, spec())->find("unit")->texts()->back(), "1750_B_7.npy");
}

TEST(Recordings, ConstantSpeedOneSiteAndNoLabel) {
  RecordingsSpec plain = spec();
  plain.shaft_rpm_field.clear();
  plain.shaft_rpm = 1797;
  plain.label.clear();
  plain.label_values.clear();
  plain.group.clear();
  plain.site.clear();
  const auto table = read(folder(), plain).value();
  EXPECT_EQ(table.find("label"), nullptr);
  EXPECT_EQ(table.columns.size(), 30U);  // 28 features, unit and file
  EXPECT_TRUE(recordings_schema(plain).has_value());
}

TEST(Recordings, RefusesASpecThatDoesNotFit) {
  const auto code = ErrorCode::invalid_argument;
  const auto with = [](auto change) {
    RecordingsSpec changed = spec();
    change(changed);
    return recordings_schema(changed);
  };
  EXPECT_TRUE(refused(with([](auto& s) { s.label = "x"; }), code, {"label", "'x'", "{fault}"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.group = {"x"}; }), code, {"group", "'x'"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.site = "x"; }), code, {"site", "'x'"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.features = {"log_rmse"}; }), code,
                      {"features", "'log_rms'", "'log_rmse'"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.features = {"log_rms", "log_rms"}; }), code,
                      {"'log_rms' is named twice"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.shaft_rpm_field = "x"; }), code, {"shaft", "'x'"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.shaft_rpm_field = ""; }), code, {"rpm", "found 0"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.hop = 0; }), code, {"hop", "found 0"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.window = 1000; }), code, {"power of two", "1000"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sampling_rate_hz = 0; }), code, {"sampling rate"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.label_values = {"B"}; }), code, {"two declared"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.files = "*.npy"; }), code, {"'*.npy'", "no field"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.bearing = "x"; }), ErrorCode::not_found, {"skf_6205"}));
}

TEST(Recordings, RefusesFilesThatDoNotFit) {
  const auto code = ErrorCode::invalid_argument;
  const auto with = [](const std::string& name, const std::string& bytes) {
    storage::Memory memory = folder();
    HANSE_CHECK(memory.write("d/" + name, base::view_of(bytes)).has_value());
    return read(memory, spec());
  };
  const std::string fine = npy_of(noise(4096, 1));
  EXPECT_TRUE(refused(with("1730_OR_7.npy", fine), code, {"d/1730_OR_7.npy", "B, IR", "'OR'"}));
  EXPECT_TRUE(refused(with("fast_B_9.npy", fine), code, {"d/fast_B_9.npy", "'rpm'", "'fast'"}));
  EXPECT_TRUE(refused(with("1730x_B_9.npy", fine), code, {"'1730x'"}));
  EXPECT_TRUE(refused(with("1_B_9.npy", fine), code, {"d/1_B_9.npy", "rpm", "found 1"}));
  EXPECT_TRUE(refused(with("1730_B_9.npy", "x"), ErrorCode::corruption, {"d/1730_B_9.npy"}));
  auto broken = noise(4096, 1);
  broken[100] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(refused(with("1730_B_9.npy", npy_of(broken)), code, {"sample 100", "nan"}));
  broken[100] = 1e7;
  EXPECT_TRUE(refused(with("1730_B_9.npy", npy_of(broken)), code, {"sample 100", "10000000"}));
}

TEST(Recordings, SaysWhatWasFoundInstead) {
  RecordingsSpec other = spec();
  other.files = "{rpm}-{fault}-{size}.npy";
  EXPECT_TRUE(refused(read(folder(), other), ErrorCode::not_found,
                      {"'d'", "{rpm}-{fault}-{size}.npy", "found 'readme.txt'"}));
  other.path = "nowhere";
  EXPECT_TRUE(refused(read(folder(), other), ErrorCode::not_found, {"nowhere"}));
  RecordingsSpec longer = spec();
  longer.window = 16384;
  EXPECT_TRUE(
      refused(read(folder(), longer), ErrorCode::invalid_argument, {"16384", "no recording"}));
}

// The real recordings: three faults in three sizes at four speeds, nine bearings.
TEST(Recordings, CaseWesternReserve) {
  const char* data = std::getenv("HANSE_DATA");
  if (data == nullptr) GTEST_SKIP() << "HANSE_DATA is not set";
  RecordingsSpec cwru = spec();
  cwru.path = std::string(data) + "/cwru";
  cwru.files = "{rpm}_{fault}_{size}_DE12.npy";
  cwru.label_values = {"B", "IR", "ORat6"};
  const auto table = read(storage::Disk(), cwru).value();
  EXPECT_EQ(table.records, 1045U);
  const auto sites =
      encode(std::make_shared<const Schema>(recordings_schema(cwru).value()), table).value();
  ASSERT_EQ(sites.size(), 4U);
  for (const SiteData& site : sites) {
    EXPECT_EQ(site.records.clipped_values, 0U) << site.site.text();
    EXPECT_EQ(site.records.group_names.size(), 9U);
  }
  base::SeededSimulationRandom random(1, "split");
  const auto folds = split(sites, {.kind = SplitKind::k_fold, .folds = 3}, random).value();
  for (const Fold& fold : folds) EXPECT_NEAR(static_cast<double>(fold.sites[0].test.size()), 87, 3);
}

}  // namespace
}  // namespace hanse::data
