#include "jobs/active_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "active/history.h"
#include "active/score_histogram.h"
#include "jobs/job_privacy.h"
#include "jobs/report_active.h"
#include "jobs/run.h"
#include "jobs/testing.h"
#include "jobs/training.h"

namespace hanse::jobs {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> with(std::vector<std::string> more) {
  std::vector<std::string> all{"training.strategy=fedsgd", "active.initial=30", "active.quota=20",
                               "active.cycles=3"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

base::Result<Job> parsed(const std::vector<std::string>& overrides, std::string text = "") {
  if (text.empty()) text = testing::kOvens;
  return parse_job(text, "ovens.toml", testing::no_environment, overrides);
}

std::string noised_text() {
  std::string text(testing::kOvens);
  const std::string clear = "entrance = \"in_the_clear\"";
  text.replace(text.find(clear), clear.size(), "epsilon = 8.0\nplacement = \"site\"");
  return text;
}

TEST(ActiveJob, CountsTheRoundsOfAllCycles) {
  const auto job = parsed(with({}));
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->updates, 3U);
  EXPECT_EQ(job->rounds, 3U * (1 + 3));
  EXPECT_EQ(ends_of_cycles(*job), (std::vector<std::uint32_t>{4, 8, 12}));
  EXPECT_EQ(labels_granted(*job->active), (std::vector<double>{30, 50, 70}));
  const auto all = one_training(*job, *schema_of(job->source), 3);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->rounds, 3U);
  // The file that is kept gives the same job.
  const auto again = parse_job(job->text, "job.toml", testing::no_environment);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->active, job->active);
  EXPECT_EQ(again->rounds, job->rounds);
}

// Classes whose sites are too few to hide one among them are counted with a neighbour.
TEST(ActiveJob, JoinsSmallClassesBeforeTheyAreCounted) {
  const auto classes = [](std::string_view backend, std::vector<std::pair<std::string, int>> of) {
    std::string text(testing::kOvens);
    if (backend == "masked")
      text.replace(text.find("backend = \"plain\""), 17, "backend = \"masked\"");
    for (const auto& [name, sites] : of)
      text += "[[class]]\nname = \"" + name + "\"\nsites = " + std::to_string(sites) + "\n";
    return parsed(with({"active.strata=site_class"}), text);
  };
  const auto masked = classes("masked", {{"old", 2}, {"middle", 3}, {"new", 6}});
  ASSERT_TRUE(masked) << masked.error().text();
  EXPECT_EQ(masked->active->classes, (active::SiteClasses{{"old", "middle"}, {"new"}}));
  const auto plain = classes("plain", {{"old", 2}, {"new", 1}});
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_EQ(plain->active->classes, (active::SiteClasses{{"old"}, {"new"}}));
  const auto refused = [](const base::Result<Job>& job, const std::string& says) {
    ASSERT_FALSE(job) << says;
    EXPECT_THAT(job.error().text(), HasSubstr(says));
  };
  refused(classes("plain", {}), "need the classes of the fleet");
  refused(classes("masked", {{"old", 1}, {"new", 1}}), "at least 4 sites, found 2");
  refused(classes("plain", {{"old", 1}, {"old", 2}}), "is there twice");
  refused(classes("plain", {{"old", 0}, {"new", 2}}), "sites");
}

TEST(ActiveJob, SaysWhatIsWrongAndWhere) {
  const auto refused = [](const std::vector<std::string>& overrides, const std::string& says,
                          const std::string& text = "") {
    const auto job = parsed(overrides, text);
    ASSERT_FALSE(job) << says;
    EXPECT_THAT(job.error().text(), HasSubstr(says));
  };
  refused({"training.strategy=fedsgd", "active.initial=30"}, "quota");
  refused(with({"active.rule=best"}), "active.rule");
  for (const char* quota : {"0", "nan"}) {
    const std::string all = parsed(with({std::string("active.quota=") + quota})).error().text();
    EXPECT_EQ(all.find("expected"), all.rfind("expected")) << all;  // once
  }
  refused(with({"active.quotas=1"}), "quota");
  refused(with({"active.acquisition=local_global_kl"}), "takes the site's own model");
  refused(with({"active.members=4"}), "are a committee's");
  refused(with({"active.rule=noisy_scores"}), "selects at random");
  refused(with({"active.rule=capped_threshold"}), "'max_labels_per_site' is 0");
  refused(with({"active.rule=k_means"}), "under a ledger 'k_means' cannot select", noised_text());
  refused(with({"active.bins=1"}), "active.bins");
}

// A site that agreed to the job answers each of its rounds, and nothing else.
class AskedInCycles : public ::testing::TestWithParam<std::vector<std::string>> {
 protected:
  // As an honest coordinator asks after earlier rounds.
  federation::Offer offer(const Job& job, const learning::Iterate& iterate, std::uint32_t round) {
    const auto strategy = strategy_of(job, schema(job), 3).value();
    query::QueryPlan plan = strategy->plan(iterate, {round, 0}).value();
    return offered(job, std::move(plan));
  }
  federation::Offer offered(const Job& job, query::QueryPlan plan) {
    const federation::ParametersBlob parameters(plan, executor_);
    const Aggregation aggregation = aggregation_of(job.aggregation, cohort_.size()).value();
    return {std::move(plan), parameters.manifest(), cohort_,
            job.text,        aggregation.min_sites, aggregation.protection};
  }
  static data::Schema schema(const Job& job) { return schema_of(job.source).value(); }

  // Plans of a training over real records, and the iterate before each.
  std::vector<std::pair<learning::Iterate, query::QueryPlan>> rounds(const Job& job) {
    const testing::Plants plants({"a", "b", "c"});
    std::vector<SiteRecords> sites;
    for (const base::SiteId& site : cohort_)
      sites.push_back(
          {site, training_records(job, site, "", nullptr, {plants.files(), executor_}).value()});
    const auto strategy = strategy_of(job, schema(job), 3).value();
    std::vector<std::pair<learning::Iterate, query::QueryPlan>> all;
    SharedIterate before =
        std::make_shared<const learning::Iterate>(first_iterate(job, schema(job)).value());
    const auto last =
        train(job, schema(job), sites, aggregation_of(job.aggregation, 3).value(), executor_,
              [&](const RoundTrace& round, const SharedIterate& after) {
                all.emplace_back(*before, strategy->plan(*before, {round.round, 0}).value());
                before = after;
                return true;
              });
    EXPECT_TRUE(last) << last.error().text();
    return all;
  }

  base::InlineExecutor executor_;
  std::vector<base::SiteId> cohort_{testing::site("a"), testing::site("b"), testing::site("c")};
};

// A rule of another kind in any cycle, under which one record more could move many.
std::vector<active::SelectionAsked> other_rules(const active::SelectionAsked& asked) {
  std::vector<active::SelectionAsked> lies;
  for (std::size_t cycle = 0; cycle < asked.history.size(); ++cycle) {
    const active::CycleRelease& honest = asked.history[cycle];
    const auto forge = [&](active::CycleRelease forged) {
      lies.push_back(asked);
      lies.back().history[cycle] = std::move(forged);
    };
    forge({honest.parameters, {}, honest.batch + 5});
    active::CycleRelease other = honest;
    if (honest.batch > 0)
      other = {honest.parameters, {1, 1, {{1, 0}}}, 0};
    else
      other.rule.cells.push_back(other.rule.cells.front());
    forge(other);
    other = honest;
    if (honest.parameters.empty())
      other.parameters.assign(4, 0);
    else
      other.parameters.clear();
    forge(other);
    other = honest;
    other.rule.control = 1.5;
    if (honest.batch == 0) forge(other);
  }
  return lies;
}

TEST_P(AskedInCycles, AnswersTheJobsRoundsAlone) {
  const bool noised = GetParam().back() == "noised";
  std::vector<std::string> overrides = GetParam();
  if (noised) overrides.pop_back();
  const auto job = parsed(with(overrides), noised ? noised_text() : "");
  ASSERT_TRUE(job) << job.error().text();
  const auto all = rounds(*job);
  ASSERT_EQ(all.size(), job->rounds);
  for (std::size_t r = 0; r < all.size(); ++r) {
    const query::QueryPlan& plan = all[r].second;
    const auto fine = check_asked(*job, offered(*job, plan));
    ASSERT_TRUE(fine) << "round " << r + 1 << ": " << fine.error().text();
    const auto refused = [&](const std::function<void(query::QueryPlan&)>& lie) {
      query::QueryPlan other = plan;
      lie(other);
      const auto found = check_asked(*job, offered(*job, std::move(other)));
      ASSERT_FALSE(found) << "round " << r + 1;
      EXPECT_EQ(found.error().code(), base::ErrorCode::permission_denied);
    };
    const std::size_t parameters = all[r].first.model.parameters().size();
    const auto asked = active::decode_selection(plan.selection, parameters).value();
    // The pool instead of the labelled and the other way round, and cycles more or fewer.
    refused([&](auto& other) {
      active::SelectionAsked lie = asked;
      lie.asked = lie.asked == active::Asked::pool ? active::Asked::labelled : active::Asked::pool;
      other.selection = active::encode(lie);
    });
    refused([&](auto& other) {
      active::SelectionAsked lie = asked;
      lie.history.push_back(asked.history.empty() ? active::CycleRelease{.rule = {1, 1, {{1, 0}}}}
                                                  : asked.history.back());
      other.selection = active::encode(lie);
    });
    for (const active::SelectionAsked& lie : other_rules(asked))
      refused([&](auto& other) { other.selection = active::encode(lie); });
    refused([&](auto& other) { other.selection.clear(), other.noise.stability = 1; });
    refused([&](auto& other) { other.layout.max_units /= 2; });
    if (plan.noise.is_private()) refused([](auto& other) { other.noise.parts[0].sigma /= 2; });
    if (plan.noise.stability != 1) refused([](auto& other) { other.noise.stability = 1; });
    if (plan.kind == active::kScoreHistogramKind)
      refused([&](auto& other) {
        auto options = active::histogram_options_from_json(other.options).value();
        options.bins += 1;
        other.options = active::to_json(options);
        other.layout.parts[0].coordinates = options.cells() * options.bins;
      });
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, AskedInCycles,
                         ::testing::Values(std::vector<std::string>{"active.rule=threshold"},
                                           std::vector<std::string>{"active.rule=uniform"},
                                           std::vector<std::string>{"active.rule=k_means"},
                                           std::vector<std::string>{"noised"},
                                           std::vector<std::string>{"active.rule=capped_threshold",
                                                                    "active.max_labels_per_site=9",
                                                                    "noised"}),
                         [](const auto& rule) { return std::to_string(rule.index); });

TEST(ActiveRun, ShowsTheCurveBesideItsControl) {
  const Job job = parsed(with({"training.rounds=15", "evaluation.repeats=3"})).value();
  storage::Memory files;
  HANSE_CHECK(files.write("ovens.csv", base::view_of(testing::ovens_table({"a", "b", "c"}, 100))));
  base::InlineExecutor executor;
  base::ManualClock clock;
  std::set<Phase> phases;
  const auto result = run_job(
      job, {files, executor, clock}, [&](const Progress& at) { phases.insert(at.phase); },
      [] { return false; });
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_TRUE(phases.contains(Phase::uniform));
  const Report& report = result->report;
  ASSERT_TRUE(report.active);
  ASSERT_EQ(report.active->cycles.size(), 3U);
  EXPECT_EQ(report.active->cycles[1].labels, 50);
  // The last cycle's model is the run's; the first cycle's labels are the control's too.
  const ComparedArms& last = report.active->cycles[2].metrics;
  EXPECT_EQ(last.federated, report.metrics.mean.federated);
  EXPECT_EQ(report.active->cycles[0].metrics.federated, report.active->cycles[0].metrics.local);
  EXPECT_TRUE(last.federated_minus_local.front().low.has_value());
  EXPECT_GT(*last.federated.front().value, .75);
  EXPECT_EQ(report.rounds.size(), 3U * job.rounds);
  EXPECT_THAT(verdict(*report.active), HasSubstr("margin (threshold)"));
  const std::string page = to_html(report);
  EXPECT_THAT(page, HasSubstr("labels of the fleet"));
  const auto back = report_from_json(to_json(report));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, report);
}

TEST(Verdict, SaysWhetherItPaid) {
  const auto arms = [](double chosen, double coins, double low, double high) {
    ComparedArms all;
    all.federated = {{"accuracy", chosen, {}, {}}};
    all.local = {{"accuracy", coins, {}, {}}};
    all.federated_minus_local = {{"accuracy", chosen - coins, low, high}};
    return all;
  };
  ReportedActive active;
  active.rule = "threshold";
  active.acquisition = "margin";
  EXPECT_EQ(verdict(active), "");
  active.cycles = {{20, arms(.5, .5, -.1, .1), {}},
                   {40, arms(.7, .6, .05, .15), {}},
                   {60, arms(.8, .8, -.1, .1), {}}};
  active.curve = arms(.75, .7, .02, .08);
  EXPECT_EQ(verdict(active),
            "Choosing labels by margin (threshold) paid: +0.050 accuracy, mean of the curve "
            "(+0.020 to +0.080) against labels chosen by coins; 40 labels do what 50 by coins do.");
  active.curve = arms(.7, .69, -.02, .04);
  EXPECT_THAT(verdict(active), HasSubstr("Nothing says"));
  active.curve = arms(.6, .7, -.12, -.08);
  EXPECT_THAT(verdict(active), HasSubstr("cost: -0.100"));
}

}  // namespace
}  // namespace hanse::jobs
