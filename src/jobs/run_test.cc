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
  for (const MetricValues* arm :
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

TEST(Warnings, SitesThatWereMissing) {
  Report report;
  report.sites.resize(3);
  report.rounds = {{1, 1, 1.0, 3, 8}, {1, 2, 1.0, 2, 8}, {1, 3, 1.0, 3, 8}};
  ASSERT_EQ(warnings(report).size(), 1u);
  EXPECT_EQ(warnings(report).front().find("In 1 of 3 rounds a site was missing"), 0u);
}

TEST(Mean, ComparesArmsOnTheFoldsThatAllHave) {
  const auto arms = [](std::optional<double> local, double federated, double pooled) {
    return Arms{{{"roc_auc", local}}, {{"roc_auc", federated}}, {{"roc_auc", pooled}}};
  };
  const Arms means = mean(std::vector<Arms>{arms(0.5, 0.6, 0.7), arms({}, 0.2, 0.1)});
  EXPECT_EQ(means, arms(0.5, 0.6, 0.7));
  const Arms none = mean(std::vector<Arms>{arms({}, 0.2, 0.1)});
  EXPECT_FALSE(none.federated.front().value || none.pooled.front().value);
}

}  // namespace
}  // namespace hanse::jobs
