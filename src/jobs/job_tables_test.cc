#include <gtest/gtest.h>

#include <algorithm>

#include "jobs/job.h"
#include "jobs/job_privacy.h"

namespace hanse::jobs {
namespace {

constexpr std::string_view kJob = R"(name = "table"
[data]
source = "csv"
path = "${PLACE}/a.csv"
[data.split]
kind = "k_fold"
by = "record"
folds = 4
fold = 2
[[data.column]]
name = "load"
kind = "number"
unit = "kN"
low = 0
high = 10
[[data.column]]
name = "strength"
kind = "label"
low = 0
high = 100
[model]
kind = "ridge"
l2 = 0.5
[training]
strategy = "fedsgd"
rounds = 2
[privacy]
entrance = "in_the_clear"
)";

std::optional<std::string> place(std::string_view name) {
  if (name == "PLACE") return "/there";
  return std::nullopt;
}

base::Result<Job> parse(std::string_view text, std::vector<std::string> overrides = {}) {
  return parse_job(text, "table.toml", place, overrides);
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kJob);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// The job with more of [data].
std::string with(std::string_view more) {
  return replaced("[model]", std::string(more) + "\n[model]");
}

void expect_error(std::string_view text, const std::vector<std::string>& parts,
                  std::vector<std::string> overrides = {}) {
  const auto job = parse(text, std::move(overrides));
  ASSERT_FALSE(job) << text;
  EXPECT_EQ(job.error().code(), base::ErrorCode::invalid_argument);
  for (const std::string& part : parts)
    EXPECT_NE(job.error().text().find(part), std::string::npos)
        << "no '" << part << "' in: " << job.error().text();
}

const TableSource& table_of(const Job& job) { return std::get<TableSource>(job.source); }

TEST(TableJob, PathsTakeTheEnvironmentButTheTextDoesNot) {
  const auto job = parse(kJob);
  ASSERT_TRUE(job) << job.error().text();
  const TableSource& source = table_of(*job);
  EXPECT_EQ(source.table.path, "/there/a.csv");
  ASSERT_EQ(source.columns.size(), 2U);
  EXPECT_EQ(source.columns[0].unit, "kN");
  EXPECT_EQ(job->fold, 2U);
  EXPECT_EQ(job->evaluation.metrics.size(), 3U);  // all of a regression
  EXPECT_EQ(job->text, kJob);
  const auto unset = parse_job(kJob, "table.toml", [](auto) { return std::nullopt; });
  ASSERT_FALSE(unset);
  EXPECT_NE(unset.error().text().find("table.toml:4:8: data.path: the environment variable PLACE"),
            std::string::npos)
      << unset.error().text();
}

TEST(TableJob, ReadsFoldersOfFilesAndFieldsOfTheirNames) {
  std::string text = replaced("source = \"csv\"", R"(source = "whitespace"
files = "{part}_FD{subset}.txt"
only = { subset = ["001", "003"] }
constants = { fleet = "turbofan" }
header = ["load", "strength"]
row_number = "row")");
  const auto job = parse(text);
  ASSERT_TRUE(job) << job.error().text();
  const data::TableSpec& table = table_of(*job).table;
  EXPECT_EQ(table.format, data::TableFormat::whitespace);
  EXPECT_EQ(table.files, "{part}_FD{subset}.txt");
  EXPECT_EQ(table.only.at("subset"), (std::vector<std::string>{"001", "003"}));
  EXPECT_EQ(table.constants.at("fleet"), "turbofan");
  EXPECT_EQ(table.header, (std::vector<std::string>{"load", "strength"}));
  EXPECT_EQ(table.row_number, "row");
  EXPECT_EQ(name_of(job->source), "whitespace");
}

TEST(TableJob, EachSourceHasItsKeys) {
  expect_error(replaced("source = \"csv\"", "source = \"npy\"\nseparator = \";\""),
               {"table.toml:4:", "data.separator", "only for source = \"csv\""});
  expect_error(replaced("source = \"csv\"", "source = \"csv\"\nquery = \"SELECT 1\""),
               {"data.query", "only for source = \"postgresql\""});
  expect_error(replaced("source = \"csv\"", "source = \"postgresql\""), {"missing: query"});
  expect_error(replaced("source = \"csv\"", "source = \"csv\"\nonly = { a = [\"b\"] }"),
               {"data.only", "`files`"});
  expect_error(replaced("source = \"csv\"", "source = \"csv\"\nseparator = \"ab\""),
               {"data.separator", "one ASCII character"});
  expect_error(replaced("source = \"csv\"", "source = \"csv\"\ndecimal = \";\""),
               {"data.decimal", "\".\" or \",\""});
  expect_error(replaced("source = \"csv\"", "source = \"npy\"\ndecimal = \",\""),
               {"data.decimal", "only for source = \"csv\" or \"whitespace\""});
  expect_error(replaced("source = \"csv\"", "source = \"excel\""),
               {"data.source", "\"whitespace\"", "\"postgresql\""});
}

TEST(TableJob, ARangeLeftToBeDeclaredSaysWhatToDeclare) {
  expect_error(replaced("low = 0", "low = \"to be declared\""),
               {"table.toml:14:7: data.column.low", "physically possible", "the column's unit"});
}

TEST(TableJob, AColumnsOwnErrorsHaveItsLine) {
  expect_error(replaced("high = 10\n", "high = -10\n"), {"table.toml:1", "load"});
  expect_error(replaced("name = \"strength\"", "name = \"load\""), {"table.toml:", "load"});
}

TEST(TableJob, ReadsPoliciesForMissingValues) {
  const auto job = parse(replaced(
      "unit = \"kN\"",
      R"(missing = { policy = "value", tokens = ["", "?"], value = 3.5, indicator = true })"));
  ASSERT_TRUE(job) << job.error().text();
  const data::Missing& missing = table_of(*job).columns[0].missing;
  EXPECT_EQ(missing.policy, data::MissingPolicy::value);
  EXPECT_EQ(missing.tokens, (std::vector<std::string>{"", "?"}));
  EXPECT_EQ(missing.value, "3.5");
  EXPECT_TRUE(missing.indicator);
  const auto plain = parse(replaced("unit = \"kN\"", "missing = { policy = \"drop\" }"));
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_EQ(table_of(*plain).columns[0].missing.tokens, std::vector<std::string>{""});
  expect_error(replaced("unit = \"kN\"", "missing = { policy = \"drop\", value = 1 }"),
               {"data.column.missing.value", "only for policy = \"value\""});
  expect_error(replaced("unit = \"kN\"", "missing = { policy = \"value\" }"), {"missing: value"});
  expect_error(replaced("unit = \"kN\"", "missing = { policy = \"guess\" }"), {"\"neutral\""});
}

constexpr std::string_view kKeyed = R"(
[[data.column]]
name = "machine"
kind = "group"
[[data.column]]
name = "cycle"
kind = "order"
)";

TEST(TableJob, ReadsTransforms) {
  const auto job = parse(with(std::string(kKeyed) + R"(
[[data.transform]]
kind = "rolling_mean"
of = ["load"]
name = "{of}_mean"
key = ["machine"]
order = "cycle"
length = 10
part = 0.5
[[data.transform]]
kind = "log"
of = ["{of}"]
name = "log")"),
                         {"data.transform.1.of=[\"load_mean\"]", "data.column.0.low=1",
                          "data.split.allow_leakage=true"});
  ASSERT_TRUE(job) << job.error().text();
  const auto& transforms = table_of(*job).transforms;
  ASSERT_EQ(transforms.size(), 2U);
  EXPECT_EQ(transforms[0].kind, data::TransformKind::rolling_mean);
  EXPECT_EQ(transforms[0].length, 10U);
  EXPECT_EQ(transforms[0].part, 0.5);
  EXPECT_EQ(schema_of(job->source)->feature_names().size(), 3U);
  EXPECT_EQ(*privacy_unit_of(*job), "record (weak)");
}

TEST(TableJob, AKindOfTransformTakesItsOwnKeysOnly) {
  const auto transform = [](std::string_view keys) {
    return with(std::string(kKeyed) + "[[data.transform]]\nname = \"x\"\n" + std::string(keys));
  };
  expect_error(transform("kind = \"log\"\nof = [\"load\"]\nlength = 3\n"),
               {"data.transform.length", "kind = \"log\" has no use for it"});
  expect_error(transform("kind = \"window\"\nof = [\"load\"]\nlength = 3\n"),
               {"missing: key", "missing: order"});
  expect_error(transform("kind = \"remaining_life\"\nkey = [\"machine\"]\norder = \"cycle\"\n"),
               {"missing: clip"});
  expect_error(transform("kind = \"log\"\nof = [\"load\"]\nedges = [1]\n"),
               {"data.transform.edges"});
  expect_error(transform("kind = \"log\"\nof = [\"load\"]\nlow = 1\n"), {"declared together"});
  expect_error(transform("kind = \"log\"\nof = [\"load\"]\nlow = 1\nhigh = 0\n"),
               {"low below high"});
  expect_error(transform("kind = \"log\"\nof = [\"load\"]\npart = 0\n"), {"data.transform.part"});
  expect_error(transform("kind = \"logarithm\"\nof = [\"load\"]\n"), {"\"rolling_mean\""});
}

TEST(TableJob, ATransformThatDoesNotFitIsPlaced) {
  expect_error(with("[[data.transform]]\nname = \"x\"\nkind = \"log\"\nof = [\"laod\"]\n"),
               {"table.toml:2", "laod", "load"});
}

TEST(TableJob, ReadsJoins) {
  const auto job = parse(with(R"(
[[data.column]]
name = "batch"
kind = "text"
[[data.join]]
source = "whitespace"
path = "${PLACE}/batches.txt"
header = ["supplier"]
row_number = "batch"
on = ["batch"]
[[data.join.column]]
name = "supplier"
kind = "category"
values = ["a", "b"])"));
  ASSERT_TRUE(job) << job.error().text();
  ASSERT_EQ(table_of(*job).joins.size(), 1U);
  const JoinSpec& join = table_of(*job).joins[0];
  EXPECT_EQ(join.table.path, "/there/batches.txt");
  EXPECT_EQ(join.table.format, data::TableFormat::whitespace);
  EXPECT_EQ(join.on, std::vector<std::string>{"batch"});
  EXPECT_EQ(schema_of(job->source)->feature_count(), 3U);
  expect_error(with("[[data.join]]\npath = \"b\"\non = []\n"), {"missing: column", "data.join.on"});
}

TEST(TableJob, DealsRecordsToSites) {
  const auto job = parse(with(R"(
[[data.column]]
name = "type"
kind = "text"
[data.sites]
deal_by = "type"
deal = { L = 4, M = 2, H = 1 }
min_records = 60)"));
  ASSERT_TRUE(job) << job.error().text();
  const data::SitesSpec& sites = table_of(*job).sites;
  EXPECT_EQ(sites.deal_by, "type");
  EXPECT_EQ(sites.deal.at("L"), 4U);
  EXPECT_EQ(sites.min_records, 60U);
  const auto even = parse(with("[data.sites]\ndeal = 8"));
  ASSERT_TRUE(even) << even.error().text();
  EXPECT_EQ(table_of(*even).sites.deal.at(""), 8U);
  expect_error(with("[data.sites]\ndeal = { L = 4 }"), {"missing: deal_by"});
  expect_error(with("[data.sites]\ndeal = 0"), {"data.sites.deal", "from 1"});
  expect_error(with("[data.sites]\ntogether = [\"load\"]"), {"data.sites.together"});
}

TEST(TableJob, EachPlantMayBringItsOwnTable) {
  const std::string sites = R"(
[[data.site]]
name = "north"
class = "old"
path = "${PLACE}/north.csv"
map = "${PLACE}/north.toml"
[[data.site]]
name = "south"
path = "south.csv")";
  std::string text = with(sites);
  text.erase(text.find("path = \"${PLACE}/a.csv\"\n"), 23);
  const auto job = parse(text);
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(table_of(*job).site_tables,
            (std::vector<SiteTable>{{"north", "old", "/there/north.csv", "/there/north.toml"},
                                    {"south", "", "south.csv", ""}}));
  expect_error(with(sites), {"data.path", "each site has its own"});
  expect_error(text.replace(text.find("\"south\""), 7, "\"north\""),
               {"two sites are named 'north'"});
}

TEST(TableJob, ASplitNeedsItsColumns) {
  expect_error(kJob, {"data.split.kind", "\"partition\""}, {"data.split={kind=\"declared\"}"});
  expect_error(kJob, {"data.split.by", "\"order\""},
               {"data.split={kind=\"holdout\", by=\"time\"}"});
  expect_error(kJob, {"data.split.by", "only for kind = \"holdout\""},
               {"data.split={kind=\"k_fold\", by=\"time\"}"});
  expect_error(kJob, {"data.split.shuffle"}, {"data.split={kind=\"holdout\", shuffle=true}"});
  expect_error(kJob, {"evaluation.over", "no group"}, {"evaluation.over=\"groups\""});
}

TEST(SplitInWords, EveryTableOfALeakyJobSaysSo) {
  data::SplitSpec split;
  EXPECT_EQ(in_words(split), "holdout of 30 % by group");
  split.allow_leakage = true;
  EXPECT_NE(in_words(split).find("LEAKY"), std::string::npos);
  split.kind = data::SplitKind::declared;
  split.test_on = data::TestOn::last;
  EXPECT_EQ(in_words(split).find("declared by a column, tested on each group's last record, LEAKY"),
            0U);
}

// What goes with a word that is none is not known, so nothing is said about it.
TEST(TableJob, AMisspeltWordIsOneProblem) {
  const auto problems = [](std::string_view text) {
    const auto job = parse(text);
    EXPECT_FALSE(job);
    return job ? 0 : 1 + std::ranges::count(job.error().text(), '\n');
  };
  EXPECT_EQ(problems(with("[[data.transform]]\nkind = \"rollingmean\"\nname = \"m\"")), 1);
  EXPECT_EQ(problems(replaced("\"k_fold\"", "\"kfold\"")), 1);
  EXPECT_EQ(problems(replaced("\"csv\"", "\"cvs\"")), 1);
  EXPECT_EQ(problems(replaced("\"number\"", "\"numbers\"")), 1);
  EXPECT_EQ(problems(replaced("high = 10\n", "hihg = 10\n")), 1);
  EXPECT_EQ(problems(replaced("\"fedsgd\"", "\"fedsdg\"\nserver_momentum = 0.5")), 1);
  EXPECT_EQ(problems(replaced("\"ridge\"", "\"mpl\"\nhidden = [4]")), 1);
}

TEST(TableJob, JoinsOnColumnsThatAreDeclaredAsTexts) {
  const auto on = [](std::string_view key) {
    return with(
        "[[data.column]]\nname = \"batch\"\nkind = \"text\"\n[[data.join]]\npath = \"b.csv\"\non "
        "= [\"" +
        std::string(key) +
        "\"]\n[[data.join.column]]\nname = \"age\"\nkind = \"number\"\nlow = 0\nhigh = 9");
  };
  const auto job = parse(on("batch"));
  ASSERT_TRUE(job) << job.error().text();
  expect_error(on("bacth"), {"data.join.on", "'bacth'", "did you mean 'batch'"});
  expect_error(on("load"), {"data.join.on", "'load'", "\"number\"", "\"text\""});
}

TEST(TableJob, AMisspeltMapIsNamed) {
  expect_error(replaced("path = \"${PLACE}/a.csv\"",
                        "site = [{ name = \"a\", path = \"a.csv\", mapp = \"m.toml\" }]"),
               {"data.site.mapp", "did you mean 'map'"});
}

}  // namespace
}  // namespace hanse::jobs
