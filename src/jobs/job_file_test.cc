#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/limits.h"
#include "jobs/job.h"
#include "storage/directory.h"

namespace hanse::jobs {
namespace {

constexpr std::string_view kJob = R"(name = "small"
seed = 3
[data]
source = "simulated:bearings"
[data.split]
kind = "holdout"
test = 0.25
[[data.site]]
name = "north"
class = "modern"
bearings = 12
balance = { healthy = 0.5, ball = 0.5 }
[[data.site]]
name = "south"
class = "legacy"
[model]
kind = "mlp"
hidden = [8, 4]
[training]
strategy = "fedavg"
rounds = 5
[privacy]
entrance = "in_the_clear"
[aggregation]
backend = "plain"
)";

std::optional<std::string> no_environment(std::string_view) { return std::nullopt; }

base::Result<Job> parse(std::string_view text, std::vector<std::string> overrides = {}) {
  return parse_job(text, "small.toml", no_environment, overrides);
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kJob);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string error_of(const base::Result<Job>& job) {
  EXPECT_FALSE(job.has_value());
  if (job) return "";
  EXPECT_EQ(job.error().code(), base::ErrorCode::invalid_argument);
  return job.error().text();
}

void expect_error(std::string_view text, const std::vector<std::string>& parts,
                  std::vector<std::string> overrides = {}) {
  const std::string error = error_of(parse(text, std::move(overrides)));
  for (const std::string& part : parts)
    EXPECT_NE(error.find(part), std::string::npos) << "no '" << part << "' in: " << error;
}

TEST(JobFile, ReadsWhatItSaysAndDefaultsTheRest) {
  const auto job = parse(kJob);
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->name.text(), "small");
  EXPECT_EQ(job->seed, 3U);
  EXPECT_EQ(job->rounds, 5U);
  EXPECT_EQ(job->model.hidden, (std::vector<std::size_t>{8, 4}));
  EXPECT_EQ(job->split.test, 0.25);
  EXPECT_EQ(job->split.by, data::SplitBy::group);
  EXPECT_FALSE(job->privacy.is_private());
  const auto& fleet = std::get<data::FleetSpec>(job->source);
  ASSERT_EQ(fleet.sites.size(), 2U);
  EXPECT_EQ(fleet.sites[0].bearings, 12U);
  EXPECT_EQ(fleet.sites[0].balance, (std::array<double, 4>{0.5, 0, 0, 0.5}));
  EXPECT_EQ(fleet.sites[1], *data::PlantSpec::of_class("legacy", "south"));
  EXPECT_EQ(job->strategy, learning::default_spec(learning::StrategyKind::fedavg));
  EXPECT_EQ(job->evaluation.metrics.size(), 7U);  // all of a classification
  EXPECT_EQ(job->text, kJob);
}

TEST(JobFile, AnUnknownKeyNamesItsPlaceAndTheNearestKey) {
  expect_error(replaced("rounds = 5", "rouns = 5"),
               {"small.toml:21:9", "training.rouns", "did you mean 'rounds'?", "missing: rounds"});
  expect_error(replaced("hidden", "hiden"), {"model.hiden", "'hidden'"});
  expect_error(replaced("[privacy]", "[privcay]"), {"privcay", "'privacy'"});
  expect_error(replaced("bearings = 12", "bearing_count = 12"), {"data.site.bearing_count"});
  expect_error(replaced("ball = 0.5", "bal = 0.5"), {"data.site.balance.bal", "'ball'"});
  expect_error(replaced("seed = 3", "zzzzzzzz = 3"), {"zzzzzzzz", "valid ones here: name, "});
}

TEST(JobFile, AWrongTypeSaysWhatWasExpectedAndWhatCame) {
  expect_error(replaced("rounds = 5", "rounds = \"five\""),
               {"small.toml:21:10", "training.rounds", "a whole number", "a string 'five'"});
  expect_error(replaced("rounds = 5", "rounds = 5.5"), {"a whole number", "a number 5.5"});
  expect_error(replaced("rounds = 5", "rounds = -5"), {"a whole number from 1"});
  expect_error(replaced("test = 0.25", "test = true"), {"data.split.test", "a truth value true"});
  expect_error(replaced("test = 0.25", "test = nan"), {"a finite number"});
  expect_error(replaced("[8, 4]", "[8, \"4\"]"), {"model.hidden", "a list of whole numbers"});
  expect_error(replaced("\"small\"", "3"), {"name", "a string in quotes"});
  expect_error("privacy = 3", {"privacy", "a table"});
}

TEST(JobFile, SeveralProblemsAreShownAtOnce) {
  expect_error(replaced("rounds = 5", "rounds = 0\nbach = 3"),
               {"training.rounds: expected a whole number from 1", "training.bach", "'batch'"});
}

TEST(JobFile, MissingKeysAreListedTogether) {
  expect_error("seed = 1", {"missing: name, data, model, training, privacy"});
  expect_error(replaced("entrance = \"in_the_clear\"", ""),
               {"privacy: expected one of", "epsilon = 3", "in_the_clear", "found none"});
}

TEST(JobFile, WordsOfAClosedListNameTheValidOnes) {
  expect_error(replaced("\"holdout\"", "\"hold\""), {"data.split.kind", "\"k_fold\""});
  expect_error(replaced("\"fedavg\"", "\"fedmagic\""), {"training.strategy", "fedprox"});
  expect_error(replaced("\"in_the_clear\"", "\"private\""), {"privacy.entrance", "in_the_clear"});
  expect_error(replaced("\"modern\"", "\"ancient\""), {"data.site.class", "legacy"});
  expect_error(std::string(kJob) + "[evaluation]\nmetrics = [\"rmse\"]\n",
               {"evaluation.metrics", "rmse judges a regression"});
  expect_error(std::string(kJob) + "[evaluation]\nmetrics = [\"mcc\", \"mcc\"]\n", {"twice"});
}

TEST(JobFile, KeysWithoutMeaningAreRefused) {
  expect_error(replaced("rounds = 5", "rounds = 5\nmu = 0.1"),
               {"training.mu", "only for strategy = \"fedprox\""});
  expect_error(replaced("test = 0.25", "folds = 3"), {"data.split.folds", "k_fold"});
  expect_error(replaced("\"mlp\"", "\"logistic\""), {"model.hidden", "kind = \"mlp\""});
}

TEST(JobFile, ChecksPartsAgainstEachOther) {
  expect_error(replaced("\"mlp\"\nhidden = [8, 4]", "\"ridge\""), {"small.toml:16:", "model"});
  expect_error(replaced("name = \"south\"", "name = \"north\""), {"small.toml:8:", "north"});
}

// Ranges that other rooms know are placed at the key that they name, else at its table.
TEST(JobFile, RangesHaveTheirLine) {
  expect_error(replaced("rounds = 5", "rounds = 5\nlearning_rate = -1"),
               {"small.toml:22:17: training.learning_rate", "above 0, found -1"});
  expect_error(replaced("rounds = 5", "rounds = 5\nbatch = 0"),
               {"small.toml:22:9: training.batch"});
  expect_error(replaced("rounds = 5", "rounds = 5\nlocal_epochs = 0"),
               {"small.toml:19:1: training"});
  expect_error(replaced("bearings = 12", "severity = 2"), {"small.toml:11:12: data.site.severity"});
  expect_error(replaced("hidden = [8, 4]", "hidden = [0]"), {"small.toml:18:10: model.hidden"});
  expect_error(std::string(kJob) + "fraction_bits = 60\n",
               {"small.toml:26:17: aggregation.fraction_bits"});
}

TEST(JobFile, EvaluationTakesRepeatsAndWhatMetricsAreMeansOver) {
  const auto job = parse(std::string(kJob) + "[evaluation]\nover = \"groups\"\nrepeats = 3\n");
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->evaluation.over, Over::groups);
  EXPECT_EQ(job->evaluation.repeats, 3U);
  EXPECT_EQ(parse(kJob)->evaluation.repeats, 1U);
  expect_error(std::string(kJob) + "[evaluation]\nrepeats = 101\n",
               {"evaluation.repeats", "from 1 to 100"});
  expect_error(std::string(kJob) + "[evaluation]\nover = \"plants\"\n",
               {"evaluation.over", "\"sites\""});
}

std::string times(std::size_t count, std::string_view text) {
  std::string all;
  for (; count > 0; --count) all += text;
  return all;
}

// Read by recursion, such a key would take the whole stack.
TEST(JobFile, RefusesKeysOfEndlessDepth) {
  const std::string deep = "a" + times(200'000, ".a");
  for (const std::string& line : {deep + " = 1", "[" + deep + "]", "[[" + deep + "]]",
                                  "x = {" + deep + " = 1}", "a" + times(200'000, ".\"=\"") + " = 1",
                                  "x = ['''\n''', {" + deep + " = 1}]", deep + " # 'x'"})
    expect_error("name = \"a\"\n" + line + "\n", {"small.toml:", "at most 64", "came 200000"});
  expect_error("name = \"a\"\n\n" + deep + " = 1", {"small.toml:3:"});
  expect_error(kJob, {"--set a.a.a", "at most 64 dots"}, {deep + "=1"});
  expect_error(kJob, {"at most 64 dots"}, {"x={" + deep + "=1}"});
}

TEST(JobFile, SurvivesTheDeepestKeysThatItReads) {
  const std::string key = "a" + times(64, ".a");
  const std::string deepest =
      std::string(kJob) + times(7, key + " = [\n{ ") + "a = 1" + times(7, " }]") + "\n";
  expect_error(deepest, {"small.toml:26:1: aggregation.a: unknown key"});
  expect_error(deepest, {"small.toml:26:1: aggregation.a: unknown key"}, {"seed=1"});
  expect_error("x = " + times(17, "[") + times(17, "]"), {"small.toml:1:", "nest"});
}

TEST(JobFile, ManyDotsElsewhereAreFine) {
  EXPECT_TRUE(parse(std::string(kJob) + "# " + std::string(1'000, '.') + "\n"));
  expect_error(std::string(kJob) + "x = [" + times(1'000, "0.5, ") + "]\n",
               {"aggregation.x: unknown key"});
}

TEST(JobFile, BrokenTomlHasALine) {
  expect_error(replaced("[model]", "[model"), {"small.toml:16"});
  expect_error("name = \"a\"\nx = 1 ü\n", {"small.toml:2:7"});
  expect_error("x = 77'ü\n'\n", {"small.toml:1:"});
  for (const std::string header : {"[&", "[[[1]]]", "[[[a]]", "[[=", "[\n"})
    expect_error(header, {"small.toml"});
  expect_error(std::string(base::kMaxJobBytes + 1, ' '), {"at most"});
}

TEST(JobFile, StringsAndCommentsTakeAnyAlphabet) {
  for (const std::string said :
       {R"("Lübeck \" é" # für)", R"('Lübeck \'  # '''ß""")", "\"\"\"\nLübeck\"\n\"\" ü\"\"\"\"\"",
        "'''Lübeck\nü''''' # ü", R"("" # ü)"}) {
    const auto job = parse(replaced("seed = 3", "description = " + said));
    EXPECT_TRUE(job) << said << ": " << (job ? "" : job.error().text());
  }
  const auto job = parse("\xEF\xBB\xBF" + std::string(kJob), {"description=Lübeck"});
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->description, "Lübeck");
}

TEST(JobFile, OverridesAreCheckedLikeTheFile) {
  const auto job =
      parse(kJob, {"training.rounds=9", "model.hidden=[2]", "seed=11", "data.site.1.bearings=20",
                   "training.strategy=fedprox", "training.mu=0.5", "evaluation.metrics=[\"mcc\"]"});
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->rounds, 9U);
  EXPECT_EQ(job->seed, 11U);
  EXPECT_EQ(job->model.hidden, std::vector<std::size_t>{2});
  EXPECT_EQ(std::get<data::FleetSpec>(job->source).sites[1].bearings, 20U);
  EXPECT_EQ(job->strategy.mu, 0.5);
  EXPECT_EQ(job->evaluation.metrics, std::vector<learning::Metric>{learning::Metric::mcc});
  expect_error(kJob, {"--set training.rouns=9", "did you mean 'rounds'"}, {"training.rouns=9"});
  expect_error(kJob, {"--set training.rounds=many", "a whole number"}, {"training.rounds=many"});
  expect_error(kJob, {"--set rounds", "key=value"}, {"rounds"});
  expect_error(kJob, {"neither a table's key"}, {"data.site.7.bearings=1"});
  expect_error(kJob, {"does not stand in a table"}, {"seed.x=1"});
}

TEST(JobFile, TheTextOfAnOverriddenJobGivesTheSameJob) {
  const auto job = parse(kJob, {"training.rounds=9", "training.learning_rate=0.1", "seed=12",
                                "description=a \"quoted\" word"});
  ASSERT_TRUE(job) << job.error().text();
  const auto again = parse(job->text);
  ASSERT_TRUE(again) << again.error().text() << job->text;
  EXPECT_EQ(again->rounds, 9U);
  EXPECT_EQ(again->seed, 12U);
  EXPECT_EQ(again->description, "a \"quoted\" word");
  EXPECT_EQ(again->source, job->source);
  EXPECT_EQ(again->split, job->split);
  EXPECT_EQ(again->model, job->model);
  EXPECT_EQ(again->strategy, job->strategy);
  EXPECT_EQ(again->evaluation.metrics, job->evaluation.metrics);
}

TEST(JobFile, TheExamplesAreSound) {
  for (const std::string name : {"bearings", "cwru"}) {
    std::FILE* file = std::fopen((HANSE_SOURCE_DIR "/examples/" + name + ".toml").c_str(), "rb");
    ASSERT_NE(file, nullptr) << name;
    std::string text(base::kMaxJobBytes, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    const auto job = parse_job(text, name, [](std::string_view) { return std::string("/data"); });
    ASSERT_TRUE(job) << job.error().text();
    EXPECT_EQ(job->name.text(), name);
  }
}

RC_GTEST_PROP(JobFile, NeverCrashesOnDamage, ()) {
  std::string text(kJob);
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  const auto length = *rc::gen::inRange<std::size_t>(0, 20);
  const auto inserted = *rc::gen::arbitrary<std::string>();
  text.replace(at, length, inserted);
  const auto job = parse(text);
  RC_ASSERT(job.has_value() || !job.error().text().empty());
}

}  // namespace
}  // namespace hanse::jobs
