#include "jobs/run.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "jobs/evaluation.h"
#include "jobs/training.h"
#include "storage/memory.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;

constexpr std::string_view kJob = R"(
name = "ovens"
[data]
source = "csv"
path = "ovens.csv"
[[data.column]]
name = "degrees"
kind = "number"
low = -1
high = 1
[[data.column]]
name = "state"
kind = "label"
values = ["cold", "hot"]
[[data.column]]
name = "plant"
kind = "site"
[data.split]
kind = "holdout"
by = "record"
[model]
kind = "logistic"
[training]
strategy = "fedavg"
rounds = 3
[privacy]
entrance = "in_the_clear"
[aggregation]
backend = "plain"
)";

// Hot above zero, one record in eight mistaken; as many records at `a` as at `b`.
storage::Memory folder(std::size_t records_per_site) {
  base::SeededSimulationRandom random(1, "ovens");
  std::string csv = "degrees,state,plant\n";
  for (const char* plant : {"a", "b"})
    for (std::size_t i = 0; i < records_per_site; ++i) {
      const double degrees = 2 * base::uniform_unit(random) - 1;
      const bool hot = (degrees > 0) != (i % 8 == 0);
      csv += fmt::format("{},{},{}\n", degrees, hot ? "hot" : "cold", plant);
    }
  storage::Memory memory;
  HANSE_CHECK(memory.write("ovens.csv", base::view_of(csv)).has_value());
  return memory;
}

class RunTest : public testing::Test {
 protected:
  // `rounds`: how many rounds of whatever arm were seen.
  base::Result<RunResult> run(std::vector<std::string> overrides, std::size_t* rounds = nullptr) {
    HANSE_TRY(const Job job,
              parse_job(kJob, "ovens.toml", [](auto) { return std::nullopt; }, overrides));
    const auto count = [&](const Progress& progress) {
      if (rounds != nullptr && progress.round > 0) ++*rounds;
    };
    return run_job(job, {directory_, executor_, clock_}, count, [] { return false; });
  }
  void expect_refused(std::vector<std::string> overrides, ErrorCode code,
                      std::initializer_list<std::string_view> words) {
    std::size_t rounds = 0;
    const auto result = run(std::move(overrides), &rounds);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), code) << result.error().text();
    EXPECT_EQ(rounds, 0u) << "a round took place first";
    for (const std::string_view word : words)
      EXPECT_NE(result.error().text().find(word), std::string::npos) << result.error().text();
  }

  storage::Memory directory_ = folder(64);
  base::InlineExecutor executor_;
  base::ManualClock clock_;
};

TEST_F(RunTest, LearnsInAllThreeWays) {
  const auto result = run({"training.rounds=20"});
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_TRUE(warnings(result->report).empty());
  for (const Estimates* arm :
       {&result->report.metrics.mean.local, &result->report.metrics.mean.federated,
        &result->report.metrics.mean.pooled}) {
    ASSERT_EQ(arm->front().name, "accuracy");
    EXPECT_GT(*arm->front().value, 0.75);
  }
}

// All records in one place are more than one site may have.
TEST_F(RunTest, PooledRecordsAreBoundedByAllSitesTogether) {
  const auto result = run({"aggregation.max_records_per_site=50"});
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_TRUE(result->report.metrics.mean.pooled.front().value.has_value());
}

TEST_F(RunTest, ASiteWithTooManyRecordsIsNamedBeforeTraining) {
  expect_refused({"aggregation.max_records_per_site=20"}, ErrorCode::failed_precondition,
                 {"site 'a'", "aggregation.max_records_per_site is 20"});
}

TEST_F(RunTest, ASumThatCouldOverflowIsRefusedBeforeTraining) {
  // 6.2 million records of at most 10 a coordinate, with 35 fraction bits: 60.9 bits of 62 for one
  // site, 62.5 for three.
  const std::vector<std::string> nearly{"aggregation.max_records_per_site=6200000",
                                        "aggregation.fraction_bits=35"};
  const Job job = *parse_job(kJob, "j", [](auto) { return std::nullopt; }, nearly);
  EXPECT_TRUE(check_plan_of(job, 1));
  ASSERT_FALSE(check_plan_of(job, 3));
  EXPECT_NE(check_plan_of(job, 3).error().text().find("overflow"), std::string::npos);
  expect_refused({"aggregation.max_records_per_site=10000000", "aggregation.fraction_bits=35"},
                 ErrorCode::invalid_argument, {"overflow", "of 62"});
}

TEST_F(RunTest, APooledJobIsOneSiteWithEverybodysRecords) {
  Job job = *parse_job(kJob, "j", [](auto) { return std::nullopt; });
  EXPECT_EQ(pooled(job, 7).strategy.max_records_per_site, 700'000u);
  job.strategy.max_records_per_site = ~std::uint64_t{0} / 2;
  EXPECT_EQ(pooled(job, 3).strategy.max_records_per_site, ~std::uint64_t{0});
}

// The operator of a simulation owns all sites and wants to know.
TEST_F(RunTest, AnAbortedRoundSaysWhyTheLastSiteDeclined) {
  const auto result = run({"training.learning_rate=1e300", "training.range=1"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::aborted);
  for (const char* word :
       {"too_few_sites", "last: site 'a' declined", "lower training.learning_rate"})
    EXPECT_NE(result.error().text().find(word), std::string::npos) << result.error().text();
}

TEST_F(RunTest, LeakageIsSaidInTheReport) {
  const auto result = run({"data.split.allow_leakage=true"});
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_NE(result->report.job.split.find("LEAKY"), std::string::npos);
  ASSERT_EQ(warnings(result->report).size(), 1u);
  EXPECT_NE(to_html(result->report).find("LEAKY: the job allows"), std::string::npos);
}

TEST_F(RunTest, RepeatsTakeSeedAfterSeedAndEveryMetricAnInterval) {
  const auto result = run({"evaluation.repeats=3", "seed=5", "evaluation.metrics=[\"accuracy\"]"});
  ASSERT_TRUE(result) << result.error().text();
  const Report& report = result->report;
  ASSERT_EQ(report.metrics.folds.size(), 3U);
  std::vector<double> federated;
  for (std::size_t f = 0; f < 3; ++f) {
    EXPECT_EQ(report.metrics.folds[f].seed, 5 + f);
    federated.push_back(*report.metrics.folds[f].metrics.federated.front().value);
  }
  EXPECT_EQ(report.rounds.size(), 9U);
  EXPECT_EQ(report.rounds.back().seed, 7U);
  const Estimate& mean = report.metrics.mean.federated.front();
  EXPECT_NEAR(*mean.value, (federated[0] + federated[1] + federated[2]) / 3, 1e-15);
  ASSERT_TRUE(mean.low && mean.high);
  EXPECT_LE(*mean.low, *mean.value);
  EXPECT_GE(*mean.high, *mean.value);
  ASSERT_TRUE(report.metrics.mean.federated_minus_local.front().value);
  // A repeat is the run with that seed.
  const auto alone = run({"seed=6", "evaluation.metrics=[\"accuracy\"]"});
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->report.metrics.folds.front().metrics, report.metrics.folds[1].metrics);
  EXPECT_FALSE(alone->report.metrics.mean.federated.front().low);
}

// The third plant has hot ovens only: it cannot train, and is judged all the same.
TEST_F(RunTest, ASiteThatCannotTrainSitsOutAndIsNamed) {
  std::string csv(base::text_of(*storage::read_all(directory_, "ovens.csv", 1 << 20)));
  for (int i = 0; i < 10; ++i) csv += fmt::format("0.{},hot,c\n", i + 1);
  ASSERT_TRUE(directory_.write("ovens.csv", base::view_of(csv)));
  const auto result = run({"evaluation.metrics=[\"accuracy\"]"});
  ASSERT_TRUE(result) << result.error().text();
  const Report& report = result->report;
  EXPECT_EQ(report.metrics.folds.front().sat_out, std::vector<std::string>{"c"});
  ASSERT_EQ(report.sites.size(), 3U);
  const SiteRow& c = report.sites[2];
  EXPECT_EQ(c.left.vectors, 0U);
  EXPECT_FALSE(c.metrics.local.front().value);
  EXPECT_FALSE(c.metrics.federated_minus_local.front().value);
  EXPECT_TRUE(c.metrics.federated.front().value && c.metrics.pooled.front().value);
  EXPECT_TRUE(report.metrics.mean.local.front().value);
  ASSERT_EQ(warnings(report).size(), 1u);
  EXPECT_NE(warnings(report).front().find("could not train"), std::string::npos);
  expect_refused({"aggregation.min_sites=3"}, ErrorCode::failed_precondition,
                 {"only 2 of 3 sites can train", "site 'c' has only the label 'hot'"});
}

TEST_F(RunTest, RecordsAndSitesLeftOutAreCountedAndNamed) {
  std::string csv(base::text_of(*storage::read_all(directory_, "ovens.csv", 1 << 20)));
  csv += "0.5,hot,small\n-0.5,cold,small\n,hot,a\n";
  ASSERT_TRUE(directory_.write("ovens.csv", base::view_of(csv)));
  const auto result = run({"data.column.0.missing={policy=\"drop\"}", "data.sites.min_records=10"});
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->report.left_out, (LeftOut{1, {{"small", 2}}}));
  EXPECT_EQ(result->report.sites.size(), 2U);
  EXPECT_EQ(warnings(result->report).size(), 2U);
  expect_refused({"data.column.0.missing={policy=\"drop\"}", "data.sites.min_records=1000"},
                 ErrorCode::failed_precondition, {"none of 3 sites"});
}

TEST_F(RunTest, DealsRecordsAnewForEveryRepeat) {
  const auto result = run({"data.column.2.kind=text", "data.sites.deal=4", "evaluation.repeats=2"});
  ASSERT_TRUE(result) << result.error().text();
  ASSERT_EQ(result->report.sites.size(), 4U);
  EXPECT_EQ(result->report.sites[0].name, "site-1");
  for (const SiteRow& site : result->report.sites) EXPECT_EQ(site.records, 32U);
  EXPECT_NE(result->report.metrics.folds[0].metrics, result->report.metrics.folds[1].metrics);
}

// Two plants with tables of their own, one of them in other words and units.
TEST_F(RunTest, PlantsMayBringTheirOwnTables) {
  std::string north = "degrees,state\n";
  std::string south = "Temp [%],Zustand\n";
  base::SeededSimulationRandom random(2, "ovens");
  for (int i = 0; i < 60; ++i) {
    const double degrees = 2 * base::uniform_unit(random) - 1;
    north += fmt::format("{},{}\n", degrees, degrees > 0 ? "hot" : "cold");
    south += fmt::format("{},{}\n", 100 * degrees, degrees > 0 ? "heiss" : "kalt");
  }
  ASSERT_TRUE(directory_.write("north.csv", base::view_of(north)));
  ASSERT_TRUE(directory_.write("south.csv", base::view_of(south)));
  ASSERT_TRUE(directory_.write("south.toml", base::view_of(R"(
[column.degrees]
from = "Temp"
[column.state]
from = "Zustand"
values = { kalt = "cold", heiss = "hot" }
)")));
  std::string job(kJob);
  job.erase(job.find("path = \"ovens.csv\"\n"), 19);
  job.erase(job.find("[[data.column]]\nname = \"plant\""),
            std::string_view("[[data.column]]\nname = \"plant\"\nkind = \"site\"\n").size());
  job.insert(job.find("[model]"), R"([[data.site]]
name = "north"
path = "north.csv"
[[data.site]]
name = "south"
class = "modern"
path = "south.csv"
map = "south.toml"
)");
  job.insert(job.find("low = -1"), "unit = \"1\"\n");
  const auto parsed = parse_job(job, "ovens.toml", [](auto) { return std::nullopt; });
  ASSERT_TRUE(parsed) << parsed.error().text();
  const auto go = [&] {
    return run_job(
        *parsed, {directory_, executor_, clock_}, [](const Progress&) {}, [] { return false; });
  };
  const auto result = go();
  ASSERT_TRUE(result) << result.error().text();
  ASSERT_EQ(result->report.sites.size(), 2U);
  EXPECT_EQ(result->report.sites[1].group, "modern");
  EXPECT_EQ(result->report.sites[0].labels, result->report.sites[1].labels);
  ASSERT_TRUE(directory_.write("south.csv", base::view_of("pressure\n1\n")));
  const auto differs = go();
  ASSERT_FALSE(differs);
  EXPECT_NE(differs.error().text().find("site 'south'"), std::string::npos)
      << differs.error().text();
}

TEST(Warnings, SitesThatWereMissing) {
  Report report;
  report.sites.resize(3);
  report.metrics.folds.resize(1);
  report.metrics.folds[0].seed = 1;
  report.metrics.folds[0].fold = 1;
  report.rounds = {{1, 1, 1, {.loss = 1}, 3, 8}, {1, 1, 2, {}, 2, 8}, {1, 1, 3, {}, 3, 8}};
  ASSERT_EQ(warnings(report).size(), 1u);
  EXPECT_EQ(warnings(report).front().find("In 1 of 3 rounds a site was missing"), 0u);
  // Who cannot train is not missing.
  report.metrics.folds[0].sat_out = {"c"};
  ASSERT_EQ(warnings(report).size(), 1u);
  EXPECT_NE(warnings(report).front().find("could not train"), std::string::npos);
}

}  // namespace
}  // namespace hanse::jobs
