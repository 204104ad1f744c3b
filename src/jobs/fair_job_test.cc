#include "jobs/fair_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fairness/class_histogram.h"
#include "jobs/aggregation.h"
#include "jobs/class_losses.h"
#include "jobs/fair_fold.h"
#include "jobs/gap_watch.h"
#include "jobs/job_privacy.h"
#include "jobs/run.h"
#include "jobs/testing.h"
#include "jobs/training.h"
#include "learning/options.h"
#include "learning/private_queries.h"
#include "learning/queries.h"
#include "storage/memory.h"

namespace hanse::jobs {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kClasses = R"(
[[class]]
name = "old"
sites = 3
[[class]]
name = "new"
sites = 3
)";

// Like testing::kOvens, but for a column of classes, and private where `epsilon` is above 0.
std::string text(double epsilon = 0, std::string_view classes = kClasses,
                 std::string_view fairness = "[fairness]\nbound = 0.05\n") {
  std::string text(testing::kOvens);
  const std::string plant = "[[data.column]]\nname = \"plant\"";
  text.insert(text.find(plant), "[[data.column]]\nname = \"line\"\nkind = \"site_class\"\n");
  const std::string clear = "entrance = \"in_the_clear\"";
  if (epsilon > 0)
    text.replace(text.find(clear), clear.size(),
                 fmt::format("epsilon = {}\nplacement = \"site\"", epsilon));
  return text + std::string(classes) + std::string(fairness);
}

base::Result<Job> parsed(const std::string& text, std::vector<std::string> overrides = {}) {
  overrides.emplace_back("training.strategy=fedsgd");
  return parse_job(text, "ovens.toml", testing::no_environment, overrides);
}

// Old ovens' thermometers are off: their state turns at .4 instead of 0.
storage::Memory folder(std::size_t records_per_site = 500) {
  base::SeededSimulationRandom random(1, "ovens");
  std::string csv = "degrees,state,line,plant\n";
  for (const char* plant : {"old,a", "old,b", "old,c", "new,d", "new,e", "new,f"})
    for (std::size_t i = 0; i < records_per_site; ++i) {
      const double degrees = 2 * base::uniform_unit(random) - 1;
      const double turn = plant[0] == 'o' ? .4 : 0;
      csv += fmt::format("{},{},{}\n", degrees, (degrees > turn) != (i % 20 == 0) ? "hot" : "cold",
                         plant);
    }
  storage::Memory memory;
  HANSE_CHECK(memory.write("ovens.csv", base::view_of(csv)).has_value());
  return memory;
}

base::Result<RunResult> run(const Job& job) {
  const storage::Memory directory = folder();
  base::ThreadExecutor executor(2);
  base::ManualClock clock;
  return run_job(job, {directory, executor, clock}, [](const Progress&) {}, [] { return false; });
}

TEST(FairJob, AsksOneMoreRoundAndKeepsItsBudget) {
  const auto fair = parsed(text(3));
  ASSERT_TRUE(fair) << fair.error().text();
  const auto plain = parsed(text(3, kClasses, ""));
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_EQ(fair->rounds, plain->rounds + 1);
  EXPECT_EQ(fair->fairness->classes, (data::SiteClasses{{"old"}, {"new"}}));
  EXPECT_EQ(fair->fairness->weights, (std::vector<double>{.5, .5}));
  const data::Schema schema = *schema_of(fair->source);
  const auto guarantee = reported_privacy(*fair, schema, 6)->guarantee;
  EXPECT_LE(guarantee->gate_epsilon, 3);
  EXPECT_GT(guarantee->gate_epsilon, 2.99);
  EXPECT_EQ(guarantee->mechanisms.size(),
            reported_privacy(*plain, schema, 6)->guarantee->mechanisms.size() + 1);
  // The one training that it is made of is the plain job.
  const auto one = one_training(*fair, schema, 6);
  EXPECT_EQ(one->rounds, plain->rounds);
  // The file that is kept gives the same job.
  const auto again = parse_job(fair->text, "job.toml", testing::no_environment);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->fairness, fair->fairness);
}

TEST(FairJob, WeighsClassesAsDeclared) {
  std::string classes(kClasses);
  for (const char* sites : {"sites = 3\n[[", "sites = 3\n"})
    classes.replace(classes.rfind(sites), 10,
                    sites[10] != 0 ? "sites = 3\nweight = 4\n" : "sites = 3\nweight = 1\n");
  const auto job = parsed(text(0, classes));
  ASSERT_TRUE(job) << job.error().text() << classes;
  EXPECT_EQ(job->fairness->weights, (std::vector<double>{.8, .2}));
}

// Classes that say what their own best models lose.
std::string known_classes() {
  std::string classes(kClasses);
  classes.insert(classes.find("[[class]]\nname = \"new\""), "best = 0.5\n");
  return classes + "best = 0.25\n";
}

TEST(FairJob, WeighsTowardsWhatTheClassesOwnBestModelsLose) {
  const std::string combined = "[fairness]\nmethod = \"combination\"\nweight_rounds = 2\n";
  const auto job = parsed(text(3, known_classes(), combined));
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->fairness->best, (std::vector<double>{.5, .25}));
  const auto plain = parsed(text(3, kClasses, ""));
  EXPECT_EQ(job->rounds, plain->rounds + 3);
  const data::Schema schema = *schema_of(job->source);
  const auto guarantee = reported_privacy(*job, schema, 6)->guarantee;
  EXPECT_LE(guarantee->gate_epsilon, 3);
  EXPECT_GT(guarantee->gate_epsilon, 2.99);
  // A second attempt at a round between costs that round again: the second round by class of
  // training rounds 1 … 4 | 5 … 8 | 9 … 12 here.
  std::vector<std::uint32_t> attempts(job->rounds, 1);
  attempts.back() = 2;
  const auto twice = reported_privacy(*job, schema, 6, attempts)->guarantee;
  EXPECT_GT(twice->gate_epsilon, guarantee->gate_epsilon);
}

TEST(FairJob, TrainsByEveryMethod) {
  for (const char* method :
       {"saddle_point", "combination", "agnostic", "q_fedavg", "gifair", "dpsgd_f"}) {
    const auto job =
        parsed(text(3, known_classes(),
                    std::string("[fairness]\nweight_rounds = 2\nmethod = \"") + method + "\"\n"));
    ASSERT_TRUE(job) << job.error().text();
    const auto result = run(*job);
    ASSERT_TRUE(result) << method << ": " << result.error().text();
    EXPECT_EQ(result->report.fairness->method, method);
  }
}

TEST(FairJob, SaysWhatIsWrongAndWhere) {
  const auto refused = [](const std::string& text, const std::string& says,
                          const std::vector<std::string>& overrides = {}) {
    const auto job = parsed(text, overrides);
    ASSERT_FALSE(job) << says;
    EXPECT_THAT(job.error().text(), HasSubstr(says));
  };
  refused(text(0, ""), "give a [[class]]");
  refused(text(0, kClasses, "[fairness]\nmethod = \"calibrate\"\n"), "calibration");
  refused(text(0, kClasses, "[fairness]\nconstraint = \"fair\"\n"), "excess_gap");
  refused(text(0, kClasses, "[fairness]\nbound = -1\n"), "bound");
  refused(text(0, kClasses, "[fairness]\nshare = 1.0\n"), "share");
  refused(text(0, kClasses, "[fairness]\nbins = 3\n"), "bins");
  refused(text(0, kClasses, "[fairness]\nbounds = 3\n"), "did you mean");
  refused(text(0, kClasses, "[fairness]\nmethod = \"saddle_point\"\n"), "say 'best'");
  refused(text(0, kClasses, "[fairness]\nweight_rounds = 2\n"), "weighs or clips classes");
  refused(text(3, kClasses, "[fairness]\nmethod = \"dpsgd_f\"\nnorms = true\n"), "leave it out");
  refused(text(), "in one job are not offered", {"active.initial=30", "active.quota=20"});
  std::string half(kClasses);
  half.insert(half.find("[[class]]\nname = \"new\""), "weight = 2\n");
  refused(text(0, half), "a weight for each class");
  // So few sites that one class would be told apart.
  std::string masked = text();
  masked.replace(masked.find("backend = \"plain\""), 17, "backend = \"masked\"");
  refused(masked, "joined with its neighbour");
  refused(text(3), "site_epsilon", {"privacy.site_epsilon.a=1"});
}

TEST(FairJob, CountsNoClassThatIsTooSmallInTheRoster) {
  std::string masked = text(3);
  masked.replace(masked.find("backend = \"plain\""), 17,
                 "backend = \"masked\"\nmin_contributors = 2");
  const auto job = parsed(masked, {"aggregation.min_sites=6"});
  ASSERT_TRUE(job) << job.error().text();
  const std::vector<std::string> honest{"old", "old", "old", "new", "new", "new"};
  EXPECT_TRUE(check_class_floor(*job, honest));
  // One old site, and a job that says that there are three.
  const std::vector<std::string> lone{"old", "new", "new", "new", "new", "new"};
  const auto refused = check_class_floor(*job, lone);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), base::ErrorCode::permission_denied);
  EXPECT_THAT(refused.error().text(), HasSubstr("of class 'old' there are 1"));
  EXPECT_TRUE(check_class_floor(*parsed(text(3, kClasses, "")), lone)) << "nothing is by class";
}

// The rounds of a fair job are answered, its last one too, and no other histogram.
TEST(FairJob, AnswersItsOwnRoundsAlone) {
  for (const double epsilon : {0.0, 3.0}) {
    const auto job = parsed(text(epsilon));
    ASSERT_TRUE(job) << job.error().text();
    const data::Schema schema = *schema_of(job->source);
    const std::vector<base::SiteId> cohort{testing::site("a"), testing::site("b"),
                                           testing::site("c"), testing::site("d"),
                                           testing::site("e"), testing::site("f")};
    base::InlineExecutor executor;
    const auto offered = [&](const query::QueryPlan& plan) {
      const federation::ParametersBlob parameters(plan, executor);
      const Aggregation aggregation = *aggregation_of(job->aggregation, cohort.size());
      return federation::Offer{plan,      parameters.manifest(), cohort,
                               job->text, aggregation.min_sites, aggregation.protection};
    };
    const auto strategy = strategy_of(*job, schema, 6).value();
    learning::Iterate iterate = first_iterate(*job, schema).value();
    iterate.steps = job->rounds - 1;
    const query::QueryPlan plan = strategy->plan(iterate, {job->rounds, 0}).value();
    ASSERT_EQ(plan.kind, fairness::kClassHistogramKind);
    const auto fine = check_asked(*job, offered(plan));
    EXPECT_TRUE(fine) << fine.error().text();
    const auto refused = [&](const std::function<void(query::QueryPlan&)>& lie) {
      query::QueryPlan other = plan;
      lie(other);
      EXPECT_FALSE(check_asked(*job, offered(other)));
    };
    refused([&](auto& other) { other.round.round = 1; });  // before there is a model
    refused([](auto& other) { other.layout.max_units /= 2; });
    refused([](auto& other) {
      auto options = fairness::class_histogram_options_from_json(other.options).value();
      options.classes = {{"old"}, {"new"}, {"mine"}};
      other.options = fairness::to_json(options);
      other.layout.parts[0].coordinates = 3 * 2 * options.bins;
    });
    if (epsilon > 0) refused([](auto& other) { other.noise.parts[0].sigma /= 2; });
  }
}

// Lengths of gradients are asked of the plan's own gradient, in the rounds for it, and clips are
// within the plan's.
TEST(FairJob, AnswersRoundsOfNorms) {
  const std::vector<base::SiteId> cohort{testing::site("a"), testing::site("b"),
                                         testing::site("c"), testing::site("d"),
                                         testing::site("e"), testing::site("f")};
  base::InlineExecutor executor;
  for (const char* fairness : {"[fairness]\nmethod = \"dpsgd_f\"\nweight_rounds = 2\n",
                               "[fairness]\nmethod = \"measure\"\nnorms = true\n"}) {
    const auto job = parsed(text(3, kClasses, fairness));
    ASSERT_TRUE(job) << job.error().text();
    const data::Schema schema = *schema_of(job->source);
    const auto is_taken = [&](const query::QueryPlan& plan) {
      const federation::ParametersBlob parameters(plan, executor);
      const Aggregation aggregation = *aggregation_of(job->aggregation, cohort.size());
      return check_asked(*job, {plan, parameters.manifest(), cohort, job->text,
                                aggregation.min_sites, aggregation.protection})
          .has_value();
    };
    const auto strategy = strategy_of(*job, schema, 6).value();
    std::size_t norms = 0;
    for (std::uint32_t round = 2; round < job->rounds; ++round) {
      learning::Iterate iterate = first_iterate(*job, schema).value();
      iterate.steps = round - 1;
      iterate.findings = learning::Findings{.units = 400, .clip = .5, .rate = 1, .map = {}};
      const query::QueryPlan plan = strategy->plan(iterate, {round, 0}).value();
      const auto refused = [&](const std::function<void(query::QueryPlan&)>& lie) {
        query::QueryPlan other = plan;
        lie(other);
        EXPECT_FALSE(is_taken(other)) << round;
      };
      EXPECT_TRUE(is_taken(plan)) << round << " " << plan.kind;
      refused([](auto& other) { other.noise.parts[0].sigma /= 2; });
      refused([](auto& other) {
        learning::Options options = learning::options_from_json(other.options).value();
        options.class_clips = learning::ClassFactors{{{"old"}}, {.5}};
        other.options = learning::to_json(options);
      });
      if (plan.kind != learning::kClassNormsKind) continue;
      ++norms;
      refused([](auto& other) {
        learning::Options options = learning::options_from_json(other.options).value();
        options.norm_classes = {{"old"}, {"new"}, {"mine"}};
        other.options = learning::to_json(options);
        other.layout = learning::norms_layout(3, other.layout.lattice, other.layout.max_units);
      });
      refused([&](auto& other) { other.round.round = 2; });
    }
    EXPECT_EQ(norms,
              std::string_view(fairness).find("dpsgd_f") != std::string_view::npos ? 2U : 1U);
  }
}

TEST(FairRun, MendsTheClassWhoseInstrumentsAreOff) {
  const auto job = parsed(
      text(), {"training.rounds=60", "training.server_learning_rate=4.0", "evaluation.repeats=3"});
  ASSERT_TRUE(job) << job.error().text();
  const auto found = run(*job);
  ASSERT_TRUE(found) << found.error().text();
  const ReportedFairness& fairness = *found->report.fairness;
  const auto value = [](const Estimates& arm, std::string_view name) {
    for (const Estimate& one : arm)
      if (one.name == name) return one.value.value();
    throw std::invalid_argument(std::string(name));
  };
  for (const char* name : {"loss_old", "loss_new", "fleet", "worst"})
    EXPECT_LT(value(fairness.metrics.federated, name), value(fairness.metrics.local, name) - .01)
        << name;
  // What both lose over the best that they could learn is little.
  EXPECT_LT(std::abs(value(fairness.metrics.federated, "excess_old")), .03);
  EXPECT_LT(std::abs(value(fairness.metrics.federated, "excess_new")), .03);
  EXPECT_GT(value(fairness.metrics.local, "excess_old"), .03);
  ASSERT_EQ(found->model.classes.size(), 2U);
  EXPECT_EQ(found->model.classes[0].names, std::vector<std::string>{"old"});
  EXPECT_NE(model_for(found->model, "old"), model_for(found->model, "new"));
  EXPECT_THAT(to_html(found->report), HasSubstr("<h2>Fairness</h2>"));
  const auto back = report_from_json(to_json(found->report));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, found->report);
}

// One histogram serves the choice of records and the gap: its facts are there, the watch reads
// them, and it costs what the same job costs without.
TEST(ActiveRun, WatchesTheGapWithinItsHistograms) {
  const std::string active =
      "[active]\ninitial = 200\nquota = 200\ncycles = 3\ncontrol = 0.5\nestimation = 0.5\n"
      "watch_classes = true\n";
  const auto job = parsed(text(6, kClasses, active));
  ASSERT_TRUE(job) << job.error().text();
  const auto found = run(*job);
  ASSERT_TRUE(found) << found.error().text();
  std::vector<learning::RoundFacts> facts;
  std::size_t gaps = 0;
  for (const RoundRow& row : found->report.rounds) {
    facts.push_back(row.facts);
    for (const learning::ReleasedMetric& one : row.facts.released)
      gaps += one.name == "gap" ? 1 : 0;
  }
  EXPECT_EQ(gaps, 2U) << "of the models of the first two cycles";
  const auto period = gap_of("run", facts);
  ASSERT_TRUE(period) << period.error().text();
  EXPECT_EQ(period->losses.size(), 2U);

  std::string silent = active;
  silent.erase(silent.find("watch_classes"));
  const auto without = parsed(text(6, kClasses, silent));
  ASSERT_TRUE(without) << without.error().text();
  const data::Schema schema = *schema_of(job->source);
  EXPECT_EQ(reported_privacy(*job, schema, 6)->guarantee->gate_epsilon,
            reported_privacy(*without, schema, 6)->guarantee->gate_epsilon);
}

TEST(ActiveRun, WatchesClassesThatAreDeclaredAndHidden) {
  const auto refused = [](const std::string& text, const std::string& says) {
    const auto job = parsed(text);
    ASSERT_FALSE(job) << says;
    EXPECT_THAT(job.error().text(), HasSubstr(says));
  };
  const std::string active = "[active]\ninitial = 30\nquota = 20\nwatch_classes = true\n";
  refused(text(3, "", active), "give a [[class]]");
  refused(text(3, kClasses, active + "rule = \"top_k\"\n"), "watch_classes");
  refused(text(3, kClasses, "[active]\ninitial = 30\nquota = 20\nwatch_bins = 8\n"),
          "watch_classes = true");
  const auto job = parsed(text(3, kClasses, active));
  ASSERT_TRUE(job) << job.error().text();
  const std::vector<std::string> lone{"old", "new", "new", "new", "new", "new"};
  Job masked = *job;
  masked.aggregation.backend = "masked";
  EXPECT_FALSE(check_class_floor(masked, lone));
}

TEST(FairRun, NeedsEverySitesClass) {
  std::string other(kClasses);
  other.replace(other.find("\"new\""), 5, "\"neu\"");
  const auto job = parsed(text(0, other));
  ASSERT_TRUE(job) << job.error().text();
  const auto found = run(*job);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().text(), HasSubstr("of class 'new'"));
  EXPECT_THAT(found.error().text(), HasSubstr("'old', 'neu'"));
}

TEST(FairnessValues, AreWeighedAndCompared) {
  fairness::FairSpec spec{.classes = {{"a"}, {"b", "c"}}, .weights = {.75, .25}};
  ClassLosses losses(2);
  losses.add(0, std::vector{.2, .4});
  losses.add(1, std::vector{1.0});
  losses.add(1, std::vector{.5, .9});
  const std::vector<std::optional<double>> best{.25, .5};
  const MetricValues values = fairness_values(spec, losses, best);
  const std::vector<std::pair<std::string, double>> expected{{"fleet", .75 * .3 + .25 * .8},
                                                             {"worst", .8},
                                                             {"gap", .5},
                                                             {"excess_gap", .25},
                                                             {"loss_a", .3},
                                                             {"excess_a", .05},
                                                             {"loss_b+c", .8},
                                                             {"excess_b+c", .3}};
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i].name, expected[i].first);
    EXPECT_NEAR(values[i].value.value(), expected[i].second, 1e-12) << values[i].name;
  }
  // A class without records is not made up.
  const MetricValues without = fairness_values(spec, ClassLosses(2), best);
  for (const MetricValue& one : without) EXPECT_FALSE(one.value) << one.name;
}

TEST(LossesOf, AreBounded) {
  Judged judged{math::Matrix(3, 2), {1, 0, 1}};
  judged.predictions.at(0, 1) = .5;
  judged.predictions.at(1, 0) = 0;
  judged.predictions.at(2, 1) = std::nan("");
  EXPECT_EQ(losses_of(judged), (std::vector<double>{-std::log(.5), kLossBound, kLossBound}));
  Judged regression{math::Matrix(2, 1), {.5, -1}};
  regression.predictions.at(0, 0) = .25;
  regression.predictions.at(1, 0) = 9;
  EXPECT_EQ(losses_of(regression), (std::vector<double>{.0625, kLossBound}));
}

}  // namespace
}  // namespace hanse::jobs
