#include "jobs/group_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fairness/fdp_fair.h"
#include "jobs/federated_run.h"
#include "jobs/group_fold.h"
#include "jobs/job_privacy.h"
#include "jobs/predict.h"
#include "jobs/report_groups.h"
#include "jobs/run.h"
#include "jobs/testing.h"
#include "jobs/training.h"
#include "privacy/accounting/zcdp.h"
#include "storage/memory.h"
#include "storage/power_cut.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;

constexpr std::string_view kJob = R"(
name = "ovens"
[data]
source = "csv"
path = "ovens.csv"
[[data.column]]
name = "degrees"
kind = "number"
low = 0
high = 100
[[data.column]]
name = "fuel"
kind = "category"
values = ["gas", "oil", "wood"]
[[data.column]]
name = "line"
kind = "category"
values = ["old", "new"]
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
kind = "cells"
cells = { degrees = 20 }
[fairness]
method = "fdp_fair"
group = "line"
bound = 0.1
[privacy]
entrance = "in_the_clear"
[aggregation]
backend = "plain"
min_sites = 2
)";

const std::string kPrivate = "privacy={epsilon=3, placement=\"site\"}";

base::Result<Job> parsed(const std::vector<std::string>& overrides = {},
                         std::string text = std::string(kJob)) {
  return parse_job(text, "ovens.toml", testing::no_environment, overrides);
}

// New ovens are hotter: the likelier label is hot for most of them and for few old ones.
storage::Memory folder(std::size_t records_per_site = 1500) {
  base::SeededSimulationRandom random(1, "ovens");
  std::string csv = "degrees,fuel,line,state,plant\n";
  for (const char* plant : {"a", "b"})
    for (std::size_t i = 0; i < records_per_site; ++i) {
      const bool is_new = i % 3 == 0;
      const double degrees = 70 * base::uniform_unit(random) + (is_new ? 30 : 0);
      const bool hot = base::uniform_unit(random) * 100 < degrees;
      const char* const fuel = i % 5 == 0 ? "gas" : i % 2 == 0 ? "oil" : "wood";
      csv += fmt::format("{},{},{},{},{}\n", degrees, fuel, is_new ? "new" : "old",
                         hot ? "hot" : "cold", plant);
    }
  storage::Memory memory;
  HANSE_CHECK(memory.write("ovens.csv", base::view_of(csv)).has_value());
  return memory;
}

base::Result<RunResult> run(const Job& job, const storage::Memory& directory = folder(),
                            storage::Store* store = nullptr,
                            const std::function<bool(std::uint64_t)>& stop = {}) {
  base::InlineExecutor executor;
  base::ManualClock clock;
  std::uint64_t rounds = 0;
  return run_job(
      job, {directory, executor, clock, nullptr, store, "1"},
      [&](const Progress& progress) {
        rounds = progress.taken;
        clock.advance(base::Milliseconds{60'000});
      },
      [&] { return stop && stop(rounds); });
}

double value(const Estimates& arm, std::string_view name) {
  for (const Estimate& one : arm)
    if (one.name == name) return one.value.value();
  throw std::invalid_argument(std::string(name));
}

TEST(GroupJob, ReadsWhatTheColumnsSay) {
  const auto job = parsed({kPrivate});
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->rounds, 2U);
  const data::Schema schema = *schema_of(job->source);
  const learning::Architecture architecture = *architecture_of(job->model, schema);
  // Behind degrees come three columns of fuel, then two of line: the group's axis stands first.
  EXPECT_EQ(architecture.axes(),
            (std::vector<learning::Axis>{{.column = 4, .values = 2, .cells = 2},
                                         {.column = 0, .low = -1, .high = 1, .cells = 20},
                                         {.column = 1, .values = 3, .cells = 3}}));
  EXPECT_EQ(in_words(architecture), "cells 6: 2×20×3");
  const fairness::GroupSpec& spec = *job->groups;
  EXPECT_EQ(spec.groups, (std::array<std::string, 2>{"old", "new"}));
  EXPECT_EQ(spec.positive, 1U) << "the label's last value unless another is named";
  EXPECT_EQ(spec.bandwidths, (std::vector<double>{.1, 0})) << "a cell of a number, scaled";
  const auto other =
      parsed({"fairness.positive=cold", "model.bandwidth={degrees=25}", "model.widths=[2.0]"});
  ASSERT_TRUE(other) << other.error().text();
  EXPECT_EQ(other->groups->positive, 0U);
  EXPECT_EQ(other->groups->bandwidths, (std::vector<double>{.5, 0}));
  EXPECT_EQ(other->groups->widths, std::vector<double>{2});
  // The file that is kept gives the same job.
  const auto again = parse_job(other->text, "job.toml", testing::no_environment);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->groups, other->groups);
  EXPECT_EQ(again->model, other->model);
}

TEST(GroupJob, SaysWhatIsWrongAndWhere) {
  const auto refused = [](const std::string& says, const std::vector<std::string>& overrides,
                          const std::string& text = std::string(kJob)) {
    const auto job = parsed(overrides, text);
    ASSERT_FALSE(job) << says;
    EXPECT_THAT(job.error().text(), HasSubstr(says));
  };
  const auto without = [](std::string_view line) {
    std::string text(kJob);
    const std::size_t at = text.find(line);
    HANSE_CHECK(at != std::string::npos);
    return text.erase(at, line.size());
  };
  refused("missing: group", {}, without("group = \"line\"\n"));
  refused(
      "'group' names \"lines\", expected a column of kind \"category\" with two values; did "
      "you mean 'line'?",
      {"fairness.group=lines"});
  refused("'group' names \"fuel\", a category of 3 values", {"fairness.group=fuel"});
  refused("'group' names \"degrees\", a number", {"fairness.group=degrees"});
  refused("fairness.bound: expected 0 to 1", {"fairness.bound=1.5"});
  refused("fairness.bound: expected 0 to 1", {"fairness.bound=-0.1"});
  refused("\"cold\" or \"hot\"; found \"warm\"", {"fairness.positive=warm"});
  refused("did you mean", {"fairness.bounds=0.1"});
  refused("expected one of \"fdp_fair\"", {"fairness.method=calibration"});
  refused("missing: fairness", {},
          without("[fairness]\nmethod = \"fdp_fair\"\ngroup = \"line\"\nbound = 0.1\n"));
  // Features.
  refused("'cells' says nothing of \"degrees\"", {}, without("cells = { degrees = 20 }\n"));
  refused("'cells' names \"fuel\", which is a category", {"model.cells.fuel=3"});
  refused("'cells' names \"state\", expected a column of kind \"number\"", {"model.cells.state=3"});
  refused("'cells' names \"degree\", expected a column of kind \"number\"; did you mean 'degrees'?",
          {"model.cells={degree=3}"});
  refused("'bandwidth' names \"line\", which is a category", {"model.bandwidth={line=3}"});
  refused("from 1 to 4096", {"model.cells.degrees=5000"});
  refused("expected a whole number", {"model.cells.degrees=many"});
  refused("has no place for \"degrees_missing\"",
          {"data.column.0.missing={policy=\"neutral\", indicator=true}"});
  refused("another policy than \"neutral\"", {"data.column.2.missing={policy=\"neutral\"}"});
  refused("tells two labels apart", {"data.column.3.values=[\"cold\", \"warm\", \"hot\"]"});
  refused("widths", {"model.widths=[]"});
  refused("brier judges probabilities", {"evaluation.metrics=[\"accuracy\", \"brier\"]"});
  // What only a training by gradients has.
  refused("training: has a meaning only for a model that is trained by gradients",
          {"training.strategy=fedsgd"});
  refused("privacy.moments: has a meaning", {kPrivate, "privacy.moments=0.1"});
  refused("aggregation.rotation: has a meaning", {kPrivate, "aggregation.rotation=true"});
  refused("in one job are not offered", {"active.initial=30", "active.quota=20"});
  refused("unit = \"record\"", {kPrivate, "data.column.1.kind=unit", "data.column.1.values=[]"});
  // And the other way round.
  refused("model.cells: has a meaning only for kind = \"cells\"", {"model.kind=logistic"});
  refused("say model.kind = \"cells\"",
          {"model={kind=\"logistic\"}", "training={strategy=\"fedsgd\", rounds=2}"});
  // A list where a table never stood is one mistake.
  const auto once = parsed({"model={kind=\"logistic\", widths=[1.0]}"});
  ASSERT_FALSE(once);
  const std::string_view text = once.error().text();
  EXPECT_THAT(text, HasSubstr("model.widths: has a meaning only for kind = \"cells\""));
  EXPECT_EQ(text.find("model.widths"), text.rfind("model.widths")) << text;
}

// A record is in one half: the whole ε goes into either, as the pure procedure spends it.
TEST(GroupJob, ChargesARecordOnce) {
  const auto job = parsed({kPrivate});
  ASSERT_TRUE(job) << job.error().text();
  const data::Schema schema = *schema_of(job->source);
  const auto charges = charges_of(*job, schema, 2).value();
  ASSERT_EQ(charges.size(), 1U);
  const double rho = privacy::zcdp_budget(3, 1e-5);
  EXPECT_NEAR(*privacy::rho(charges[0].loss), rho, rho * 1e-4);
  EXPECT_LE(*privacy::rho(charges[0].loss), rho * (1 + 1e-12));
  // What fdp_fair charges a record whose site spends that ρ on each half.
  fairness::FairRecords half{math::Matrix(800, 1)};
  for (std::uint32_t i = 0; i < 800; ++i) {
    half.group.push_back(i % 2);
    half.label.push_back(i / 2 % 2);
  }
  const fairness::FairSite site{&half, &half, rho};
  base::SeededSimulationRandom random(4, "charges");
  const auto pure =
      fairness::fdp_fair({.features = {{0, 1, 1, 0}}}, std::span(&site, 1), random).value();
  EXPECT_NEAR(*privacy::rho(charges[0].loss), *pure.charges[0].record_rho, rho * 1e-3);
  const auto guarantee = reported_privacy(*job, schema, 2)->guarantee;
  EXPECT_LE(guarantee->gate_epsilon, 3);
  EXPECT_GT(guarantee->gate_epsilon, 2.99);
  ASSERT_EQ(guarantee->mechanisms.size(), 1U);
  EXPECT_EQ(guarantee->mechanisms[0].count, 1U);
  // Asked again in one of the rounds, it pays again; in both, those of either half pay twice.
  const std::vector<std::uint32_t> attempts{1, 3};
  EXPECT_EQ(reported_privacy(*job, schema, 2, attempts)->guarantee->mechanisms[0].count, 3U);
  const auto noise = parsed({"privacy={noise_multiplier=5}"});
  ASSERT_TRUE(noise) << noise.error().text();
  EXPECT_NEAR(*privacy::rho(charges_of(*noise, schema, 2)->front().loss), 1.0 / 50, 1e-5);
}

TEST(GroupRun, KeepsTheBoundInTheClear) {
  const auto job = parsed({"evaluation.repeats=4"});
  ASSERT_TRUE(job) << job.error().text();
  const auto found = run(*job, folder(8000));
  ASSERT_TRUE(found) << found.error().text();
  const ReportedFairness& fairness = *found->report.fairness;
  EXPECT_GT(value(fairness.metrics.local, "disparity"), .3);
  EXPECT_NEAR(value(fairness.metrics.federated, "disparity"), .1, .05);
  EXPECT_GT(value(fairness.metrics.federated, "error"), value(fairness.metrics.local, "error"));
  EXPECT_NEAR(value(fairness.metrics.federated_minus_local, "error"),
              value(fairness.metrics.federated, "error") - value(fairness.metrics.local, "error"),
              1e-12);
  // The sum of the sites' counts is the pooled count: without noise both are one.
  for (const Estimate& one : fairness.metrics.federated)
    EXPECT_EQ(one.value, value(fairness.metrics.pooled, one.name)) << one.name;
  // The table of metrics says the same of the same rule.
  EXPECT_NEAR(value(found->report.metrics.mean.federated, "accuracy"),
              1 - value(fairness.metrics.federated, "error"), 1e-12);
  EXPECT_EQ(found->report.job.strategy, "fdp_fair, 2 rounds");
  EXPECT_EQ(found->report.rounds.size(), 8U);
  const auto back = report_from_json(to_json(found->report));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, found->report);
  EXPECT_THAT(to_html(found->report), HasSubstr("fair − no bound"));
}

TEST(GroupRun, LearnsInPrivate) {
  for (const char* placement : {"site", "coordinator", "shared"}) {
    const auto job = parsed({fmt::format("privacy={{epsilon=3, placement=\"{}\"}}", placement),
                             "evaluation.repeats=3"});
    ASSERT_TRUE(job) << job.error().text();
    const auto found = run(*job);
    ASSERT_TRUE(found) << placement << ": " << found.error().text();
    const ReportedFairness& fairness = *found->report.fairness;
    EXPECT_LT(value(fairness.metrics.federated, "disparity"), .25) << placement;
    EXPECT_GT(value(fairness.metrics.local, "disparity"), .25) << placement;
    EXPECT_LT(value(fairness.metrics.federated, "error"), .45) << placement;
    for (const RoundRow& row : found->report.rounds) EXPECT_GT(row.facts.noise_to_signal, 0);
  }
}

// Counts of the two groups by hand.
TEST(GroupTally, CountsRatesAndErrors) {
  fairness::GroupSpec spec{.groups = {"old", "new"}, .positive = 0};
  GroupTally tally(spec);
  Judged judged{math::Matrix(5, 2), {0, 1, 1, 0, 0}};
  for (const std::size_t row : {0U, 1U, 3U}) judged.predictions.at(row, 0) = 1;
  for (const std::size_t row : {2U, 4U}) judged.predictions.at(row, 1) = 1;
  tally.add(judged, std::vector<std::optional<std::size_t>>{0, 0, 1, 1, std::nullopt});
  const MetricValues expected{{"error", .25},    {"disparity", .5}, {"rate_old", 1.0},
                              {"error_old", .5}, {"rate_new", .5},  {"error_new", 0.0}};
  EXPECT_EQ(tally.values(), expected);
  const MetricValues nobody = GroupTally(spec).values();
  for (const MetricValue& one : nobody) EXPECT_FALSE(one.value) << one.name;
}

// Written, read, and used on records of a file: the labels that the training's own rule gives.
TEST(GroupModel, ComesBackAndPredicts) {
  const storage::Memory directory = folder();
  const auto found = run(*parsed({kPrivate}), directory);
  ASSERT_TRUE(found) << found.error().text();
  const std::string json = to_json(found->model);
  const auto file = model_from_json(json);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(file->model, found->model.model);
  EXPECT_EQ(to_json(*file), json);
  base::InlineExecutor executor;
  const auto said = predict(*file, {"ovens.csv"}, {directory, executor});
  ASSERT_TRUE(said) << said.error().text();
  ASSERT_EQ(said->records.size(), 3000U);
  std::array<double, 2> hot = {};
  for (std::size_t i = 0; i < 3000; ++i) {
    const Prediction& one = said->records[i];
    ASSERT_EQ(one.value == 1, one.probabilities[1] > .5);
    if (one.value == 1) hot[i % 3 == 0 ? 1 : 0] += 1;
  }
  EXPECT_NEAR(hot[1] / 1000 - hot[0] / 2000, .1, .15);
  // Without its group nothing is said of a record.
  storage::Memory without;
  EXPECT_TRUE(without.write("new.csv", base::view_of("degrees,fuel\n50,gas\n")));
  const auto lacking = predict(*file, {"new.csv"}, {without, executor});
  ASSERT_FALSE(lacking);
  EXPECT_THAT(lacking.error().text(), HasSubstr("'line'"));
}

TEST(GroupModel, IsRefusedWhereItContradictsItself) {
  const auto found = run(*parsed());
  ASSERT_TRUE(found) << found.error().text();
  const std::string json = to_json(found->model);
  const auto refused = [&](const std::string& what, const std::string& by) {
    std::string other = json;
    const std::size_t at = other.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    other.replace(at, what.size(), by);
    const auto file = model_from_json(other);
    ASSERT_FALSE(file) << what;
    EXPECT_EQ(file.error().code(), ErrorCode::corruption);
  };
  refused("\"kind\": \"cells\"", "\"kind\": \"logistic\"");
  refused("\"cells\": 20", "\"cells\": 21");
  refused("\"cells\": 20", "\"cells\": 4000000000");
  refused("\"column\": 4", "\"column\": 5");
  refused("\"values\": 3,", "\"values\": 4294967295,");
  refused("\"axes\":", "\"axis\":");
  refused("\"inputs\": 6", "\"inputs\": 7");
  std::string beyond = json;
  const std::size_t first = beyond.find_first_of("0123456789", beyond.find("\"parameters\""));
  beyond.replace(first, beyond.find_first_of(",\n", first) - first, "1.5");
  const auto file = model_from_json(beyond);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().text(), HasSubstr("0 to 1, found 1.5"));
}

// Stopped after every round, by as many processes as it takes: the same bytes.
TEST(GroupRun, GoesOnWhereItStopped) {
  const Job job = *parsed({kPrivate, "evaluation.repeats=2"});
  const storage::Memory directory = folder(300);
  const auto bytes = [](RunResult result) {
    result.report.timing = {};
    return to_json(result.report) + to_json(result.model);
  };
  const auto whole = run(job, directory);
  ASSERT_TRUE(whole) << whole.error().text();
  storage::MemoryStore store;
  std::size_t processes = 0;
  for (bool done = false; !done; ++processes) {
    ASSERT_LT(processes, 60U);
    const auto found = run(job, directory, &store, [](std::uint64_t seen) { return seen >= 1; });
    done = found.has_value();
    if (done)
      EXPECT_EQ(bytes(*found), bytes(*whole));
    else
      ASSERT_EQ(found.error().code(), ErrorCode::aborted) << found.error().text();
  }
  EXPECT_GE(processes, 8U);
}

// Two sites without a group: noise says so, the training says what to do.
TEST(GroupRun, NeedsRecordsOfBothGroups) {
  storage::Memory directory;
  std::string csv = "degrees,fuel,line,state,plant\n";
  for (int i = 0; i < 200; ++i)
    csv += fmt::format("{},gas,old,{},{}\n", i % 100, i % 2 == 0 ? "hot" : "cold",
                       i % 3 == 0 ? "a" : "b");
  ASSERT_TRUE(directory.write("ovens.csv", base::view_of(csv)));
  const auto found = run(*parsed({"evaluation.compare=[]"}), directory);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::failed_precondition);
  EXPECT_THAT(found.error().text(), HasSubstr("group 1 counts 0 records"));
}

// A site of one group cannot learn alone, and the fleet does: its own control is left out.
TEST(GroupRun, GoesOnWhereASiteHasOneGroup) {
  base::SeededSimulationRandom random(1, "one group");
  storage::Memory directory;
  std::string csv = "degrees,fuel,line,state,plant\n";
  for (int i = 0; i < 3'000; ++i) {
    const double degrees = 100 * base::uniform_unit(random);
    const bool alone = i % 2 == 0;
    csv += fmt::format("{},gas,{},{},{}\n", degrees, alone || i % 3 == 0 ? "old" : "new",
                       degrees > 50 ? "hot" : "cold", alone ? "a" : "b");
  }
  ASSERT_TRUE(directory.write("ovens.csv", base::view_of(csv)));
  const auto found = run(*parsed({}), directory);
  ASSERT_TRUE(found) << found.error().text();
  for (const SiteRow& site : found->report.sites)
    for (const Estimate& one : site.metrics.local)
      EXPECT_EQ(one.value.has_value(), site.name == "b") << site.name << ' ' << one.name;
}

TEST(GroupJob, IsForSimulations) {
  const Job job = *parsed({kPrivate});
  const auto deployed = check_deployable(job, 2);
  ASSERT_FALSE(deployed);
  EXPECT_EQ(deployed.error().code(), ErrorCode::unsupported);
  EXPECT_THAT(deployed.error().text(), HasSubstr("the ledger of a site would charge it for both"));
  // A site answers none of it, whoever asks.
  const data::Schema schema = *schema_of(job.source);
  const auto strategy = strategy_of(job, schema, 2).value();
  const query::QueryPlan plan = strategy->plan(*first_iterate(job, schema), {1, 0}).value();
  base::InlineExecutor executor;
  const federation::ParametersBlob parameters(plan, executor);
  const Aggregation aggregation = *aggregation_of(job.aggregation, 2);
  const federation::Offer offer{
      plan,     parameters.manifest(), {testing::site("a"), testing::site("b")},
      job.text, aggregation.min_sites, aggregation.protection};
  const auto asked = check_asked(job, offer);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), ErrorCode::permission_denied);
}

}  // namespace
}  // namespace hanse::jobs
