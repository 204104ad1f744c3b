#include "jobs/report.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "jobs/privacy_words.h"
#include "jobs/report_charts.h"

namespace hanse::jobs {
namespace {

// Text that has to be escaped in HTML, JSON and attributes.
constexpr auto kHostile = "<script>alert('x')</script>\"&\n\\";

MetricValues values(double a, std::optional<double> b) { return {{"roc_auc", a}, {"rmse", b}}; }

Arms arms(double shift) {
  return {values(.5 + shift, {}), values(.6 + shift, 1.0 / 3), values(.7 + shift, 1e-300),
          values(.1, {})};
}

Estimates estimates(double a, std::optional<double> b) {
  return {{"roc_auc", a, a - .1, a + .1}, {"rmse", b, {}, {}}};
}

ComparedArms compared(double shift) {
  return {estimates(.5 + shift, {}), estimates(.6 + shift, 1.0 / 3), estimates(.7 + shift, 1e-300),
          estimates(.1, {})};
}

// Of a cycle; it has no pooled arm.
ComparedArms active_arms() {
  ComparedArms arms = compared(.02);
  arms.pooled.clear();
  return arms;
}

ComparedArms fairness_arms(const std::string& name) {
  const auto arm = [&](double fleet, double worst) {
    return Estimates{{"fleet", fleet, fleet - .01, fleet + .01},
                     {"worst", worst, worst - .01, worst + .01},
                     {"gap", .04, .02, .06},
                     {"excess_gap", {}, {}, {}},
                     {"loss_" + name, worst, worst - .01, worst + .01},
                     {"excess_" + name, .01, -.01, .03},
                     {"loss_b", .3, {}, {}},
                     {"excess_b", {}, {}, {}}};
  };
  return {arm(.4, .6), arm(.41, .5), arm(.5, .55), arm(.01, -.1)};
}

Report sample(const std::string& text) {
  Report report;
  report.job = {text, text, "00ff",          text,       text, "records", 2, text,
                12,   text, {text, "other"}, "x86-64-v3"};
  report.seed = std::uint64_t{1} << 53;
  report.rounds = {
      {7, 1, 1, {.loss = 1.4}, 2, 800},
      {7, 1, 2, {.loss = .7, .clipped_fraction = .5}, 2, 800},
      {8, 2, 1, {.noise_to_signal = 1.3, .released = {{"accuracy", .87, .01}}}, 1, 400}};
  report.sites = {{text, text, 9, 4, 1, {{text, 3}, {"other", 6}}, {3, 1200}, compared(.01)},
                  {"b", "", 9, 4, 0, {}, {2, 800}, compared(.02)}};
  report.groups = {{text, {text}, 9, 4, compared(.03)}};
  report.metrics = {
      compared(.0),
      {{7, 1, 5, 4, {}, 1, {}, arms(.04)}, {8, 2, 5, 4, {text}, 3, {{"roc_auc", 2}}, arms(.05)}}};
  report.hurt = {{text, "roc_auc", std::string(kHurts)}, {"b", text, std::string(kMayHurt)}};
  report.left_out = {3, {{text, 2}}};
  report.privacy = {"shared", "record",
                    ReportedGuarantee{1e-5,
                                      "rho",
                                      3,
                                      {},
                                      "add_remove",
                                      {{text, 60}, {"b", 1}},
                                      {{text, 227, 1840}, {"b", 2, {}}},
                                      {{text, 1, 0.7, 0.25}, {"b", 2, {}, 1}},
                                      2,
                                      1.5}};
  report.aggregation = {"masked", 5, 3, 1, 5, 28, true, 2625, 40'000, 0.75, 3};
  report.active = ReportedActive{
      "threshold",   "margin", "none", "even", .15, .1, .5, 12.5, 2, {{1, .9, 1.1}, {2, .5, {}}},
      compared(.01), {}};
  report.active->cycles = {{60, active_arms(), {{text, active_arms()}}},
                           {120.5, active_arms(), {}}};
  report.active->curve = active_arms();
  report.fairness =
      ReportedFairness{"calibration", "gap", .05, .2, {{text, .8}, {"b", .2}}, fairness_arms(text)};
  report.timing = {"2026-01-01T00:00:00Z", 1.5, .5, .75, .25, {.1, .2, .3}};
  return report;
}

TEST(ReportJson, ComesBackEqual) {
  for (const auto& report : {Report{}, sample("plain"), sample(kHostile)}) {
    const auto back = report_from_json(to_json(report));
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, report);
  }
}

RC_GTEST_PROP(ReportJson, NumbersComeBackToTheBit, (double value, std::uint64_t bytes)) {
  RC_PRE(std::isfinite(value));
  Report report = sample("a");
  report.rounds[0].facts.noise_to_signal = value;
  report.sites[0].left.bytes = bytes;
  report.metrics.mean.local[0].value = value;
  const auto back = report_from_json(to_json(report));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == report);
}

// Of several trainings their mean, whose noise is less.
TEST(ReleasedMetrics, AreToldWithTheirNoise) {
  EXPECT_EQ(released_in_words({}), "");
  std::vector<RoundRow> rounds{{7, 1, 1, {.noise_to_signal = 1}, 2, 8},
                               {7, 1, 2, {.released = {{"accuracy", .8, .03}}}, 2, 8}};
  const std::string told = released_in_words(rounds);
  EXPECT_NE(told.find("that the model learned from: accuracy 0.8 ± 0.059."), std::string::npos)
      << told;
  rounds.push_back({7, 2, 2, {.released = {{"accuracy", .9, .04}}}, 2, 8});
  EXPECT_NE(released_in_words(rounds).find("accuracy 0.85 ± 0.049."), std::string::npos)
      << released_in_words(rounds);
  EXPECT_EQ(in_words(rounds[1].facts), "accuracy 0.8 ± 0.059");
  EXPECT_NE(released_section(rounds).find("0.801 to 0.899"), std::string::npos)
      << released_section(rounds);
}

// A training that asks several times is told by the last answer; what follows from it is not told.
TEST(ReleasedMetrics, AreThoseOfTheLastModel) {
  const std::vector<RoundRow> rounds{
      {7, 1, 1, {.released = {{"gap", .9, .1}, {"share_a", .5, 0}}}, 2, 8},
      {7, 1, 2, {.released = {{"gap", .3, .1}, {"share_a", .7, 0}}}, 2, 8},
      {7, 1, 3, {.released = {{"accuracy", .8, .05}}}, 2, 8}};
  const std::string told = released_in_words(rounds);
  EXPECT_NE(told.find(": gap 0.3 ± 0.2, accuracy 0.8 ± 0.098."), std::string::npos) << told;
  EXPECT_EQ(told.find("share"), std::string::npos);
}

TEST(ReportJson, KnowsTheSharesOfClasses) {
  Report report = sample("a");
  report.rounds[0].facts.released = {{"share_old", .75, 0}};
  const auto back = report_from_json(to_json(report));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, report);
  report.rounds[0].facts.released = {{"share_old", 1.5, 0}};
  EXPECT_FALSE(report_from_json(to_json(report)));
}

TEST(ReportedFairness, SaysWhetherTheBoundIsKept) {
  ReportedFairness fairness = *sample("a").fairness;
  const auto said = [&] {
    std::string all;
    for (const std::string& sentence : verdicts(fairness)) all += sentence + "\n";
    return all;
  };
  EXPECT_NE(said().find("Nothing says that the bound is kept, nor that it is not: the gap between "
                        "classes is 0.040 (0.020 to 0.060), at most 0.05 wanted."),
            std::string::npos)
      << said();
  EXPECT_NE(said().find("the worst class loses -0.100 (-0.110 to -0.090), the fleet +0.010"),
            std::string::npos)
      << said();
  EXPECT_EQ(said().find("Small weights"), std::string::npos);
  fairness.bound = .06;
  EXPECT_NE(said().find("The bound is kept"), std::string::npos) << said();
  fairness.bound = .01;
  EXPECT_NE(said().find("The bound is not kept"), std::string::npos) << said();
  fairness.constraint = "worst_class";
  fairness.bound = .52;
  EXPECT_NE(said().find("the loss of the worst class is 0.500"), std::string::npos) << said();
  // A control that does as well in both is said.
  fairness.metrics.pooled = fairness.metrics.federated;
  EXPECT_NE(said().find("Small weights alone do no worse"), std::string::npos) << said();
  fairness.metrics = {};
  EXPECT_EQ(said(), "");
}

TEST(ReportJson, TopLevelKeysStandInTheirOrder) {
  const std::string json = to_json(sample("a"));
  std::size_t from = 0;
  for (const char* key :
       {"schema", "mode", "job", "seed", "rounds", "sites", "groups", "metrics", "hurt", "left_out",
        "privacy", "aggregation", "active", "fairness", "policy", "audit", "timing"}) {
    const std::size_t at = json.find("\n  \"" + std::string(key) + "\": ", from);
    ASSERT_NE(at, std::string::npos) << key;
    from = at + 1;
  }
}

void expect_refused(const std::string& from, const std::string& to,
                    const std::vector<std::string>& parts) {
  std::string json = to_json(sample("a"));
  const std::size_t at = json.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  json.replace(at, from.size(), to);
  const auto report = report_from_json(json);
  ASSERT_FALSE(report) << from;
  EXPECT_EQ(report.error().code(), base::ErrorCode::corruption);
  for (const std::string& part : parts)
    EXPECT_NE(report.error().text().find(part), std::string::npos) << report.error().text();
}

TEST(ReportJson, RefusesWhatIsNotDescribed) {
  expect_refused("\"mode\": \"simulated\"", "\"mode\": \"deployed\"", {"mode", "deployed"});
  expect_refused("\"accuracy\"", "\"\\u001b]0;gone\"", {"one of loss, accuracy"});
  expect_refused("hanse.report/5", "hanse.report/9", {"hanse.report/5"});
  expect_refused("\"seed\": 9007199254740992", "\"seed\": -1", {"at seed", "a whole number"});
  expect_refused("\"seed\": 9007199254740992", "\"seed\": 1.5", {"at seed"});
  expect_refused("\"seed\": 9007199254740992", "\"sead\": 1", {"'seed'", "missing"});
  expect_refused("\"loss\": 0.7", "\"loss\": true", {"rounds[1].loss", "a number"});
  expect_refused("\"loss\": 0.7", "\"loss\": 0.7, \"gain\": 1", {"rounds[1]", "'gain'"});
  expect_refused("\"loss\": 0.7", "\"loss\": 0.7, \"loss\": 0.7", {"twice"});
  expect_refused("\"sites_in\": 1", "\"sites_in\": 4294967296", {"sites_in"});
  expect_refused("\"enforced\": false", "\"enforced\": true", {"policy", "enforced"});
  expect_refused("\"rounds\": [", "\"rounds\": 1, \"x\": [", {"rounds", "a list"});
  expect_refused("\"job\": {", "\"job\": " + std::string(40, '['), {});
}

TEST(ReportJson, BoundsDepthAndLength) {
  const auto deep = report_from_json("{\"a\":" + std::string(100'000, '['));
  ASSERT_FALSE(deep);
  EXPECT_NE(deep.error().text().find("deeper"), std::string::npos) << deep.error().text();
  const auto large = report_from_json(std::string((std::size_t{64} << 20) + 1, ' '));
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().text().find("at most"), std::string::npos);
  std::string wide = "{";
  for (int i = 0; i < 2000; ++i) wide += "\"" + std::to_string(i) + "\":0,";
  const auto keys = report_from_json(wide + "\"a\":0}");
  ASSERT_FALSE(keys);
  EXPECT_NE(keys.error().text().find("1000 keys"), std::string::npos) << keys.error().text();
  EXPECT_FALSE(report_from_json(""));
  EXPECT_FALSE(report_from_json("[]"));
}

RC_GTEST_PROP(ReportJson, NeverCrashesOnDamage, ()) {
  std::string json = to_json(sample("a"));
  const auto at = *rc::gen::inRange<std::size_t>(0, json.size());
  const auto length = *rc::gen::inRange<std::size_t>(0, 30);
  json.replace(at, length, *rc::gen::arbitrary<std::string>());
  const auto report = report_from_json(json);
  RC_ASSERT(report.has_value() || report.error().code() == base::ErrorCode::corruption);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(ReportHtml, EscapesEveryWordOfTheReport) {
  const std::string html = to_html(sample(kHostile));
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("alert('x')"), std::string::npos);
  EXPECT_GT(count(html, "&lt;script&gt;"), 10U);
}

TEST(ReportHtml, NeedsNothingFromElsewhere) {
  const std::string html = to_html(sample("a"));
  for (const char* reference :
       {"http:", "https:", "src=", "href=", "url(", "@import", "<link", "<script", "<iframe"})
    EXPECT_EQ(html.find(reference), std::string::npos) << reference;
}

TEST(ReportHtml, SaysWhatWasPromised) {
  const std::string html = to_html(sample("a"));
  for (const char* said : {"differential privacy per record", "no known bound",
                           "inside a masked sum", "for a whole b (up to 2 units)"})
    EXPECT_NE(html.find(said), std::string::npos) << said;
  EXPECT_EQ(html.find("nothing was private"), std::string::npos);
}

TEST(ReportHtml, SaysThatNothingWasPrivate) {
  Report report = sample("a");
  report.privacy = {"in_the_clear", "record", {}};
  const std::string html = to_html(report);
  EXPECT_NE(html.find("nothing was private"), std::string::npos);
  EXPECT_NE(html.find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(ReportHtml, EveryDrawingHasATextAlternative) {
  const std::string html = to_html(sample("a"));
  EXPECT_GT(count(html, "<svg"), 3U);
  EXPECT_EQ(count(html, "<svg"), count(html, "role=\"img\" aria-label=\""));
}

TEST(ReportHtml, OpensAndClosesTheSameElements) {
  const std::string html = to_html(sample(kHostile));
  for (const std::string element : {"html", "head", "body", "main", "table", "thead", "tbody", "tr",
                                    "details", "svg", "div", "dl", "ul", "text"})
    EXPECT_EQ(count(html, "<" + element + ">") + count(html, "<" + element + " "),
              count(html, "</" + element + ">"))
        << element;
}

TEST(ReportHtml, ShowsIntervalsAndWhomJoiningHurts) {
  const std::string html = to_html(sample("a"));
  EXPECT_NE(html.find("0.500 to 0.700"), std::string::npos);  // around federated, .6
  EXPECT_NE(html.find("federated − local"), std::string::npos);
  EXPECT_NE(html.find("joining hurts: a (roc_auc +0.100, +0.000 to +0.200)"), std::string::npos)
      << html;
  EXPECT_NE(html.find("joining may hurt: b"), std::string::npos);
}

TEST(ReportHtml, EveryTableOfALeakyJobSaysSo) {
  Report report = sample("a");
  EXPECT_EQ(count(to_html(report), "LEAKY"), 0U);
  report.job.split = "holdout of 30 % by record, LEAKY: groups may be on both sides";
  const std::string html = to_html(report);
  const std::size_t with_numbers = count(html, ">federated</th>");
  EXPECT_GT(with_numbers, 4U);
  EXPECT_EQ(count(html, "LEAKY · "), with_numbers);
}

TEST(ReportHtml, AnEmptyReportIsStillAPage) {
  EXPECT_NE(to_html(Report{}).find("</html>"), std::string::npos);
}

TEST(Charts, DrawNothingFromOneRound) {
  EXPECT_EQ(curve_section({{1, 1, 1, {.loss = .5}, 1, 8}}, ""), "");
}

TEST(Charts, BarsStayInsideTheirTrack) {
  const auto one = [](std::optional<double> value) { return Estimates{{"mcc", value, {}, {}}}; };
  const ComparedArms wild{one(-.5), one(.5), one({}), one(1)};
  const std::string svg = bar_chart("mcc", {{"a", "", &wild}});
  EXPECT_EQ(svg.find("width=\"-"), std::string::npos);
  EXPECT_NE(svg.find("–"), std::string::npos);
}

}  // namespace
}  // namespace hanse::jobs
