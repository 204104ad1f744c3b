#include "data/fleet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "data/machine.h"
#include "data/split.h"
#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;

PlantSpec plant(std::string name, std::string_view site_class = "modern") {
  PlantSpec made = PlantSpec::of_class(site_class, std::move(name)).value();
  made.bearings = 10;
  made.recordings = 2;
  return made;
}

FleetSpec fleet() { return {.sites = {plant("luebeck"), plant("bremen", "legacy")}}; }

std::vector<SiteData> run(const FleetSpec& spec, std::uint64_t seed = 1) {
  base::InlineExecutor executor;
  return simulate(spec, seed, executor).value();
}

std::map<std::string, std::size_t> bearings_of(const Dataset& records) {
  std::map<std::string, std::size_t> counts;
  for (std::size_t g = 0; g < records.group_names.size(); ++g) {
    const auto row = std::ranges::find(records.group, g) - records.group.begin();
    const auto label = static_cast<std::size_t>(records.target[static_cast<std::size_t>(row)]);
    ++counts[records.schema->label()->values[label]];
  }
  return counts;
}

TEST(Fleet, HasThePlantsThatWereAskedFor) {
  const auto sites = run(fleet());
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].site.text(), "bremen");
  EXPECT_EQ(sites[0].site_class, "legacy");
  EXPECT_EQ(sites[1].site_class, "modern");
  for (const SiteData& site : sites) {
    EXPECT_EQ(site.records.size(), 20U);
    EXPECT_EQ(site.records.group_names.size(), 10U);
    EXPECT_EQ(bearings_of(site.records),
              (std::map<std::string, std::size_t>{
                  {"healthy", 4}, {"inner_race", 2}, {"outer_race", 2}, {"ball", 2}}));
  }
}

TEST(Fleet, GivesEachLabelItsShare) {
  FleetSpec spec = fleet();
  spec.sites[0].balance = {1, 1, 1, 0};
  spec.sites[0].bearings = 11;
  spec.sites[0].name = "a";
  EXPECT_EQ(
      bearings_of(run(spec)[0].records),
      (std::map<std::string, std::size_t>{{"healthy", 4}, {"inner_race", 4}, {"outer_race", 3}}));
}

TEST(Fleet, IsTheSameForAnyNumberOfThreads) {
  const auto expected = run(fleet());
  for (const std::size_t threads : {1, 2, 7}) {
    base::ThreadExecutor executor(threads);
    const auto sites = simulate(fleet(), 1, executor).value();
    for (std::size_t s = 0; s < sites.size(); ++s) {
      EXPECT_EQ(sites[s].records.features, expected[s].records.features);
      EXPECT_EQ(sites[s].records.target, expected[s].records.target);
      EXPECT_EQ(sites[s].records.group_names, expected[s].records.group_names);
    }
  }
}

TEST(Fleet, APlantDoesNotDependOnTheOthers) {
  FleetSpec alone = fleet();
  alone.sites.erase(alone.sites.begin());
  EXPECT_EQ(run(alone)[0].records.features, run(fleet())[0].records.features);
  EXPECT_NE(run(alone, 2)[0].records.features, run(alone, 1)[0].records.features);
}

// Bearings of one plant and one fault are different machines, and so are those of twin plants.
TEST(Fleet, NoTwoBearingsAreAlike) {
  FleetSpec spec = fleet();
  spec.sites = {plant("a"), plant("b")};
  const auto sites = run(spec);
  std::set<double> levels;
  for (const SiteData& site : sites)
    for (std::size_t row = 0; row < site.records.size(); ++row)
      levels.insert(site.records.features.at(row, 0));
  EXPECT_EQ(levels.size(), 40U);
}

TEST(Fleet, SplitsByBearing) {
  const auto sites = run(fleet());
  base::SeededSimulationRandom random(1, "split");
  const auto fold = split(sites, {.test = 0.3}, random).value().front();
  for (std::size_t s = 0; s < sites.size(); ++s) EXPECT_GE(fold.sites[s].test.size(), 4U);
}

// What makes a fleet: a strong fault at a well-equipped plant shows in the line of its own order,
// on average far above the healthy bearings of the same plant.
TEST(Fleet, FaultsShowWhereTheyShould) {
  FleetSpec spec = fleet();
  spec.sites = {plant("a")};
  spec.sites[0].severity = 1;
  spec.sites[0].noise_g = 0.05;
  spec.sites[0].bearings = 40;
  const Dataset records = run(spec)[0].records;
  const auto names = records.schema->feature_names();
  for (std::size_t fault = 1; fault < kFaults.size(); ++fault) {
    const auto wanted = std::ranges::find(names, fmt::format("line_{}_1", kFaults[fault]));
    ASSERT_NE(wanted, names.end());
    const auto column = static_cast<std::size_t>(wanted - names.begin());
    std::map<double, std::vector<double>> values;
    for (std::size_t row = 0; row < records.size(); ++row)
      values[records.target[row]].push_back(records.features.at(row, column));
    const auto median = [](std::vector<double> v) {
      std::ranges::sort(v);
      return v[v.size() / 2];
    };
    const double own = median(values[static_cast<double>(fault)]);
    for (const auto& [label, others] : values)
      if (label != static_cast<double>(fault)) {
        EXPECT_GT(own, median(others) + 0.2) << fault;
      }
  }
}

TEST(Fleet, RefusesWithThePlantsName) {
  const auto with = [](auto change) {
    FleetSpec spec = fleet();
    change(spec);
    return fleet_schema(spec);
  };
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(with([](auto& s) { s.sites.clear(); }), code, {"plants", "found 0"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].name = s.sites[0].name; }), code, {"two"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].name = "a b"; }), code, {"'a b'"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].bearings = 0; }), code, {"'bremen'", "0"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].recordings = 0; }), code, {"recording"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].severity = 2; }), code, {"found 2"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].balance = {}; }), code, {"balance"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].balance[2] = -1; }), code, {"-1"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].noise_g = -1; }), code, {"noise_g", "-1"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].quantisation_bits = 3; }), code, {"3"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].rpm_low = 2000; }), code, {"2000"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].rpm_low = 100; }), code, {"found 100 rpm"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].recordings = SIZE_MAX; }), code, {"more"}));
  EXPECT_TRUE(refused(with([](auto& s) { s.sites[1].bearings = 100'000'000; }), code, {"cells"}));
  EXPECT_TRUE(refused(PlantSpec::of_class("old", "a"), ErrorCode::not_found, {"'old'", "legacy"}));
}

Machine machine(Fault fault) {
  return {.fault = fault,
          .severity = 0.7,
          .shaft_hz = 30,
          .resonance_hz = 3000,
          .damping = 0.04,
          .slip = 0.01,
          .noise_g = 0,
          .quantisation_bits = 16,
          .shaft_g = {}};
}

std::vector<double> recorded(const Machine& machine, std::uint64_t seed = 1) {
  base::SeededSimulationRandom random(seed, "record");
  std::vector<double> window(4096);
  record(machine, fault_orders(vibration::bearing("skf_6205").value()), 12000, random, window);
  return window;
}

TEST(Machine, AHealthyOneWithoutNoiseStandsStill) {
  EXPECT_EQ(recorded(machine(Fault::healthy)), std::vector<double>(4096, 0.0));
}

TEST(Machine, ReadingsAreMultiplesOfTheConvertersStepWithinItsRange) {
  Machine coarse = machine(Fault::outer_race);
  coarse.quantisation_bits = 6;
  coarse.severity = 1;
  coarse.noise_g = 10;
  const double step = 2 * kFullScaleG / 64;
  for (const double sample : recorded(coarse)) {
    EXPECT_EQ(sample, step * std::round(sample / step));
    EXPECT_GE(sample, -kFullScaleG);
    EXPECT_LT(sample, kFullScaleG);
  }
}

// In 4096 samples at 12 kHz the shaft turns 10.24 times: about 37 pulses of an outer race, all of
// one height, and 55 of an inner race, of which the half outside the load zone cannot be seen.
TEST(Machine, PulsesComeAtTheFaultsRateAndUnderLoad) {
  const auto pulses = [](const std::vector<double>& window) {
    const double top = std::abs(std::ranges::max(window));
    std::size_t count = 0;
    std::size_t quiet = 100;
    for (const double sample : window) {
      const bool high = std::abs(sample) > 0.3 * top;
      if (high && quiet > 30) ++count;
      quiet = high ? 0 : quiet + 1;
    }
    return static_cast<double>(count);
  };
  EXPECT_NEAR(pulses(recorded(machine(Fault::outer_race))), 10.24 * 3.585, 2);
  // cos^1.5 is above 0.3 on ±63.4° of 360°.
  EXPECT_NEAR(pulses(recorded(machine(Fault::inner_race))), 10.24 * 5.415 * 126.8 / 360, 4);
}

TEST(Machine, DrawnOnesStayWithinWhatIsDeclared) {
  base::SeededSimulationRandom random(1, "machines");
  for (int i = 0; i < 1000; ++i) {
    const Machine drawn = draw_machine(Fault::ball, 0.9, 30, 0.1, 16, random);
    EXPECT_GE(drawn.severity, 0);
    EXPECT_LE(drawn.severity, 1);
    EXPECT_GE(drawn.slip, 0.01);
    EXPECT_LE(drawn.slip, 0.02);
    EXPECT_GE(drawn.resonance_hz, 2000);
    EXPECT_LE(drawn.resonance_hz, 4500);
    EXPECT_EQ(drawn.shaft_g.size(), 3U);
  }
}

}  // namespace
}  // namespace hanse::data
