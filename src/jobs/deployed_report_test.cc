#include "jobs/deployed_report.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "jobs/testing.h"

namespace hanse::jobs {
namespace {

// Text that has to be escaped in HTML, JSON and attributes.
constexpr auto kHostile = "<script>alert('x')</script>\"&\n\\";

DeployedReport sample(const std::string& text) {
  DeployedReport report;
  report.job = {text, text, "00ff", text, text, "records", 1, text, 12, text, {text}, "x86-64-v3"};
  report.consortium = {text, 3, "0a1b"};
  report.seed = std::uint64_t{1} << 53;
  report.rounds = {{1, 1, {.loss = 1.4}, 2, 800}, {2, 4, {.noise_to_signal = 1.0 / 3}, 1, 400}};
  report.sites = {{text, text, {2, 800}}, {"b", "", {1, 400}}};
  report.privacy = {
      "site", text,
      ReportedGuarantee{
          1e-5, "rho", 3, 2.7, "add_remove", {{text, 60}}, {}, {{text, 1, 0.7, 0.25}}, 0, {}}};
  report.aggregation = {"masked", 3, 2, 0, 2, 28, false, 2625, 412, 0.5, 1};
  report.timing = {"2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", {.5, 120.25}};
  return report;
}

TEST(DeployedReport, ComesBackEqual) {
  for (const auto& report : {DeployedReport{}, sample("plain"), sample(kHostile)}) {
    const auto back = deployed_report_from_json(to_json(report));
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, report);
  }
}

RC_GTEST_PROP(DeployedReport, NumbersComeBackToTheBit,
              (double loss, std::uint64_t bytes, std::uint32_t attempts)) {
  RC_PRE(std::isfinite(loss));
  DeployedReport report = sample("a");
  report.rounds[1] = {2, attempts, {.loss = loss}, 1, bytes};
  const auto back = deployed_report_from_json(to_json(report));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == report);
}

RC_GTEST_PROP(DeployedReport, NeverCrashesOnDamage, ()) {
  std::string json = to_json(sample("a"));
  const auto at = *rc::gen::inRange<std::size_t>(0, json.size());
  const auto length = *rc::gen::inRange<std::size_t>(0, 30);
  json.replace(at, length, *rc::gen::arbitrary<std::string>());
  const auto report = deployed_report_from_json(json);
  RC_ASSERT(report.has_value() || report.error().code() == base::ErrorCode::corruption);
}

// No metric was released, and there is no place where records are pooled.
TEST(DeployedReport, HasNoMetricAndNothingPooled) {
  const std::string json = to_json(sample("a"));
  const std::string html = to_html(sample("a"));
  for (const char* word : {"metrics", "pooled", "accuracy", "test_records", "\"records\":"}) {
    EXPECT_EQ(json.find(word), std::string::npos) << word;
  }
  for (const char* word : {">pooled", "accuracy", ">local"})
    EXPECT_EQ(html.find(word), std::string::npos) << word;
  const auto simulated = report_from_json(json);
  ASSERT_FALSE(simulated) << "neither passes for the other";
  EXPECT_FALSE(deployed_report_from_json(to_json(Report{})));
}

TEST(DeployedReport, ThePageEscapesEveryWordAndLoadsNothing) {
  const std::string html = to_html(sample(kHostile));
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("alert('x')"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  for (const char* reference : {"http:", "https:", "src=", "href=", "url(", "@import", "<link"})
    EXPECT_EQ(html.find(reference), std::string::npos) << reference;
  for (const char* said : {"Deployed: differential privacy", "What the training cost",
                           "prefers-color-scheme", "epoch 3, roster 0a1b"})
    EXPECT_NE(html.find(said), std::string::npos) << said;
  DeployedReport clear = sample("a");
  clear.privacy = {"in_the_clear", "record", {}};
  clear.rounds[1].facts = {.loss = 1};
  for (const char* said :
       {"in a consortium of tests", "without noise. No metric", "Learning curve"})
    EXPECT_NE(to_html(clear).find(said), std::string::npos) << said;
}

// But for those that the job paid for.
TEST(DeployedReport, SaysWhatWasReleased) {
  DeployedReport report = sample("a");
  EXPECT_EQ(to_html(report).find("Released metrics"), std::string::npos);
  report.rounds[1].facts.released = {{"loss", .3125, .01}, {"accuracy", .875, .005}};
  EXPECT_EQ(deployed_report_from_json(to_json(report)).value(), report);
  const std::string html = to_html(report);
  for (const char* said : {"Released metrics", "0.8652 to 0.8848", "0.3125", "optimistic"})
    EXPECT_NE(html.find(said), std::string::npos) << said;
}

federation::Standing standing(std::uint64_t answers) { return {answers, {}}; }

void add_round(TrainingRecord& record, base::RoundId id, bool with_b) {
  using namespace federation;
  const base::SiteId a = testing::site("a");
  const base::SiteId b = testing::site("b");
  const std::vector<RoundStep> asked = {step::Plan{{record.job(), id}, {}}, step::Admit{{a, b}, 1},
                                        step::Ask{}};
  std::vector<RoundStep> closed = {step::Announce{a}, step::Count{a, {}, standing(id.round)}};
  if (with_b) {
    closed.emplace_back(step::Announce{b});
    closed.emplace_back(step::Count{b, {}, standing(id.round)});
  } else {
    closed.emplace_back(step::Refuse{b});
  }
  for (const RoundStep& step :
       {RoundStep(step::AddUp{}), RoundStep(step::Open{}), RoundStep(step::Close{})})
    closed.push_back(step);
  record.apply(TrainingRecord::opened(asked));
  record.apply(TrainingRecord::closed({closed, {}, {.loss = 1.0 / id.round}, 40, 1500}));
}

TEST(DeployedReport, CountsWhatLeftEachSite) {
  const Job job = testing::ovens({"seed=9"});
  TrainingRecord record(job.name);
  add_round(record, {1, 0}, true);
  add_round(record, {2, 0}, false);
  const std::vector cohort{testing::site("a"), testing::site("b"), testing::site("c")};
  const auto report = deployed_report(job, record, cohort);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->seed, 9u);
  EXPECT_EQ(report->rounds,
            (std::vector<DeployedRound>{{1, 1, {.loss = 1}, 2, 80}, {2, 1, {.loss = .5}, 1, 40}}));
  EXPECT_EQ(report->sites,
            (std::vector<DeployedSite>{{"a", "", {2, 80}}, {"b", "", {1, 40}}, {"c", "", {}}}));
  EXPECT_EQ(report->timing.round_seconds, (std::vector<double>{1.5, 1.5}));
  EXPECT_EQ(report->aggregation.min_sites, 2u);
  EXPECT_EQ(report->job.name, "ovens");
  EXPECT_EQ(report->privacy.unit, "record");
}

}  // namespace
}  // namespace hanse::jobs
