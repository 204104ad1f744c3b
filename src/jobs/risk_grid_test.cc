#include "jobs/risk_grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs/fair_job.h"
#include "jobs/job_privacy.h"
#include "jobs/risk_report.h"
#include "jobs/training.h"
#include "storage/memory.h"

namespace hanse::jobs {
namespace {

using fairness::Cell;
using fairness::kCells;
using ::testing::HasSubstr;

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
name = "line"
kind = "site_class"
[[data.column]]
name = "plant"
kind = "site"
[data.split]
kind = "holdout"
by = "record"
[model]
kind = "logistic"
[training]
strategy = "fedsgd"
[privacy]
epsilon = 1.0
placement = "shared"
[aggregation]
backend = "plain"
min_sites = 6
[[class]]
name = "old"
sites = 3
[[class]]
name = "new"
sites = 3
[fairness]
constraint = "gap"
bound = 0.05
)";

Job job(const std::vector<std::string>& overrides = {}) {
  auto parsed = parse_job(kJob, "ovens.toml", [](auto) { return std::nullopt; }, overrides);
  if (!parsed) throw std::invalid_argument(parsed.error().text());
  return *std::move(parsed);
}

// Old ovens' thermometers say less: one reading in four is of chance.
storage::Memory folder() {
  base::SeededSimulationRandom random(1, "ovens");
  std::string csv = "degrees,state,line,plant\n";
  for (const char* plant : {"old,a", "old,b", "old,c", "new,d", "new,e", "new,f"})
    for (std::size_t i = 0; i < 60; ++i) {
      const double degrees = 2 * base::uniform_unit(random) - 1;
      const bool chance = plant[0] == 'o' && i % 4 == 0;
      const bool hot = chance ? base::uniform_unit(random) < .5 : degrees > 0;
      csv += fmt::format("{},{},{}\n", degrees, hot ? "hot" : "cold", plant);
    }
  storage::Memory memory;
  HANSE_CHECK(memory.write("ovens.csv", base::view_of(csv)).has_value());
  return memory;
}

base::Result<std::vector<std::vector<RiskSeed>>> grid(
    const Job& job, const std::vector<RungSpec>& rungs, std::size_t threads = 2,
    std::uint32_t seeds = 3, const std::function<bool()>& stop = [] { return false; }) {
  const storage::Memory directory = folder();
  base::ThreadExecutor executor(threads);
  return risk_grid(job, seeds, rungs, {{directory, executor}, [](const RiskProgress&) {}, stop});
}

const std::vector<RungSpec> kWhole{{{1, 1}, 1}};

TEST(RiskGrid, CellsAreWhatTheirNamesSay) {
  const Job whole = job();
  const data::Schema schema = *schema_of(whole.source);
  const auto cell = [&](Cell of, double budget = 1) {
    return *in_cell(whole, schema, 6, of, budget);
  };
  EXPECT_FALSE(cell(Cell::neither).fairness);
  EXPECT_FALSE(cell(Cell::noised).fairness);
  EXPECT_TRUE(cell(Cell::fair).fairness);
  EXPECT_TRUE(cell(Cell::noised_and_fair).fairness);
  EXPECT_EQ(cell(Cell::noised_and_fair).privacy.epsilon, whole.privacy.epsilon);
  EXPECT_FALSE(cell(Cell::neither).privacy.epsilon);
  EXPECT_EQ(cell(Cell::neither).rounds + 1, cell(Cell::fair).rounds);
  // A quarter of the budget is twice the noise.
  const double noise = *noise_multiplier_of(whole, schema, 6);
  EXPECT_NEAR(*cell(Cell::noised_and_fair, .25).privacy.noise_multiplier, 2 * noise, 1e-9);
}

TEST(RiskGrid, IsTheSameOnAnyNumberOfThreads) {
  const auto one = grid(job(), kWhole, 1);
  const auto three = grid(job(), kWhole, 3);
  ASSERT_TRUE(one) << one.error().text();
  ASSERT_TRUE(three) << three.error().text();
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_EQ((*one)[0][s].seed, 1 + s);
    EXPECT_EQ((*one)[0][s].values, (*three)[0][s].values);
    EXPECT_EQ((*one)[0][s].least_honest_gap, (*three)[0][s].least_honest_gap);
    ASSERT_EQ((*one)[0][s].losses.sites.size(), 6U);
    for (const fairness::SiteLosses& site : (*one)[0][s].losses.sites)
      EXPECT_EQ(site.losses[0].size(), site.losses[3].size());
  }
}

// The values of a cell are those of its losses: one is not of other records than the other.
TEST(RiskGrid, ValuesFollowFromLosses) {
  const auto found = grid(job(), kWhole);
  ASSERT_TRUE(found) << found.error().text();
  for (const RiskSeed& seed : found->front())
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      ClassLosses losses(2);
      for (const fairness::SiteLosses& site : seed.losses.sites)
        losses.add(site.of_class, site.losses[cell]);
      EXPECT_NEAR(.5 * *losses.mean(0) + .5 * *losses.mean(1), *seed.values[cell][0].value, 1e-12);
    }
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST(RiskGrid, SaysWhatItCosts) {
  const Job whole = job({"fairness.bound=0.001"});
  auto found = grid(whole, usual_ladder(2), 2, 4);
  ASSERT_TRUE(found) << found.error().text();
  const auto report = risk_report(whole, usual_ladder(2), *std::move(found));
  ASSERT_TRUE(report) << report.error().text();
  double sum = 0;
  for (const fairness::Term& term : report->costs.raw) sum += term.cost.value;
  EXPECT_NEAR(sum, report->costs.risk[3].value - report->costs.risk[0].value, 1e-12);
  EXPECT_TRUE(report->ladder);
  EXPECT_EQ(report->levers.size(), 5U);
  // Old ovens' own best model leaves a gap, and no bound below it is honest.
  EXPECT_TRUE(levels_down(*report));
  std::string said;
  for (const std::string& sentence : verdicts(*report)) said += sentence + "\n";
  EXPECT_THAT(said, HasSubstr("levels down"));
  EXPECT_THAT(to_json(*report), HasSubstr("\"levels_down\": true"));
  const std::string page = to_html(*report);
  for (const char* heading : {"<h2>Levers</h2>", "<h2>How the risk adds up</h2>"})
    EXPECT_THAT(page, HasSubstr(heading));
  // Private cells are hollow, in the legend and on both planes.
  for (const char* colour : {"local", "federated"})
    EXPECT_EQ(count(page, std::string("fill:var(--card);stroke:var(--") + colour), 3);
}

TEST(RiskGrid, RefusesWhatHasNothingToTakeApart) {
  const auto refused = [](const Job& job, const std::string& says) {
    const auto found = grid(job, kWhole);
    ASSERT_FALSE(found) << says;
    EXPECT_THAT(found.error().text(), HasSubstr(says));
  };
  Job plain = job();
  plain.fairness.reset();
  refused(plain, "[fairness]");
  Job clear = job();
  clear.privacy = {};
  refused(clear, "is not private");
  int asked = 0;
  const auto stopped = grid(job(), kWhole, 2, 3, [&asked] { return ++asked > 5; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), base::ErrorCode::aborted);
}

}  // namespace
}  // namespace hanse::jobs
