#include "jobs/site_records.h"

#include <gtest/gtest.h>

#include "jobs/testing.h"
#include "jobs/training.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using Dataset = std::shared_ptr<const data::Dataset>;

// Notes which files are looked at.
class Watched final : public storage::Directory {
 public:
  explicit Watched(storage::Memory& inner) : inner_(inner) {}
  Result<std::unique_ptr<storage::File>> open(const std::string& path) const override {
    seen.insert(path);
    return inner_.open(path);
  }
  Result<std::vector<storage::Entry>> list(const std::string& path) const override {
    seen.insert(path);
    return inner_.list(path);
  }
  bool exists(const std::string& path) const override {
    seen.insert(path);
    return inner_.exists(path);
  }
  Result<void> write(const std::string& path, base::ByteView bytes) override {
    return inner_.write(path, bytes);
  }
  Result<void> write_private(const std::string& path, base::ByteView bytes) override {
    return inner_.write_private(path, bytes);
  }
  Result<void> create_directory(const std::string& path) override {
    return inner_.create_directory(path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return inner_.rename(from, to);
  }
  Result<void> remove_all(const std::string& path) override { return inner_.remove_all(path); }
  Result<void> remove_empty_directory(const std::string& path) override {
    return inner_.remove_empty_directory(path);
  }
  Result<std::unique_ptr<storage::Lock>> lock(const std::string& path) override {
    return inner_.lock(path);
  }

  mutable std::set<std::string> seen;

 private:
  storage::Memory& inner_;
};

constexpr std::string_view kMap = R"(
[table]
separator = ";"
decimal = ","
[column.degrees]
from = "Grad"
[column.state]
from = "Zustand"
values = { kalt = "cold", warm = "hot" }
)";

constexpr std::string_view kBatches = R"(
[[data.join]]
path = "secret/batches.csv"
on = ["batch"]
[[data.join.column]]
name = "supplier"
kind = "category"
values = ["x", "y"]
)";

// The job with a batch in each record and the supplier joined to it.
std::string joined() {
  std::string text(testing::kOvens);
  const std::string plant = "[[data.column]]\nname = \"plant\"\nkind = \"site\"\n";
  text.replace(text.find(plant), plant.size(),
               "[[data.column]]\nname = \"batch\"\nkind = \"text\"\n" + std::string(kBatches) +
                   "[[data.site]]\nname = \"a\"\npath = \"secret/ovens.csv\"\n"
                   "[[data.site]]\nname = \"b\"\npath = \"secret/more.csv\"\n");
  const std::string path = "path = \"ovens.csv\"\n";
  text.erase(text.find(path), path.size());
  return text;
}

class SiteRecordsTest : public ::testing::Test {
 protected:
  void write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(memory_.write(path, base::view_of(text)));
  }
  Result<Dataset> read(const Job& job, const OwnData* own, std::string_view self = "north") {
    return training_records(job, testing::site(self), "old", own, {directory_, executor_});
  }
  static Job parsed(const std::string& text, std::vector<std::string> overrides = {}) {
    auto job = parse_job(text, "job", testing::no_environment, overrides);
    if (!job) throw std::invalid_argument(job.error().text());  // the test fails with this text
    return *std::move(job);
  }
  void expect_refused(const Result<Dataset>& result, ErrorCode code, std::string_view text) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), code) << result.error().text();
    EXPECT_NE(result.error().text().find(text), std::string::npos) << result.error().text();
  }

  storage::Memory memory_;
  Watched directory_{memory_};
  base::InlineExecutor executor_;
};

TEST_F(SiteRecordsTest, OwnTablesAreReadWithTheOwnersMapAndNothingElseIs) {
  std::string table = "Grad;Zustand;plant\n";
  for (int i = 0; i < 50; ++i) table += i % 2 == 0 ? "0,5;warm;north\n" : "-0,5;kalt;north\n";
  write("own_ovens.csv", table);
  write("own_map.toml", kMap);
  write("ovens.csv", testing::ovens_table({"north"}, 100));  // the job's own path
  const OwnData own{.path = "own_ovens.csv", .query = "", .map = "own_map.toml", .joins = {}};
  const auto records = read(testing::ovens(), &own);
  ASSERT_TRUE(records) << records.error().text();
  EXPECT_EQ((*records)->size(), 34u) << "70 % of 25 hot and 25 cold ones";
  EXPECT_EQ(directory_.seen, (std::set<std::string>{"own_map.toml", "own_ovens.csv"}));
}

TEST_F(SiteRecordsTest, JoinedTablesAreTheOwnersToo) {
  std::string table = "degrees,state,batch\n";
  for (int i = 0; i < 40; ++i) table += i % 2 == 0 ? "0.5,hot,1\n" : "-0.5,cold,2\n";
  write("own_ovens.csv", table);
  write("own_batches.csv", "batch,supplier\n1,x\n2,y\n");
  OwnData own{.path = "own_ovens.csv", .query = "", .map = "", .joins = {"own_batches.csv"}};
  const auto records = read(parsed(joined()), &own);
  ASSERT_TRUE(records) << records.error().text();
  EXPECT_EQ(directory_.seen, (std::set<std::string>{"own_batches.csv", "own_ovens.csv"}));
  directory_.seen.clear();
  own.joins.clear();
  expect_refused(read(parsed(joined()), &own), ErrorCode::failed_precondition,
                 "the job joins 1 tables, and data.joins names 0");
  EXPECT_TRUE(directory_.seen.empty());
}

// A query is a program that its author writes: none runs in an owner's database.
TEST_F(SiteRecordsTest, AJobPutsNoQueryToAnOwnersDatabase) {
  std::string text = joined();
  const std::string path = "path = \"secret/batches.csv\"\n";
  text.replace(text.find(path), path.size(),
               "source = \"postgresql\"\npath = \"postgresql://hub/ovens\"\n"
               "query = \"select 1\"\n");
  const auto job = parse_job(text, "job", testing::no_environment);
  if (!job) GTEST_SKIP() << "no job joins the rows of a query: " << job.error().text();
  const OwnData own{.path = "own_ovens.csv", .query = "", .map = "", .joins = {"postgresql://own"}};
  expect_refused(read(*job, &own), ErrorCode::unsupported, "which no job may put to an owner's");
}

TEST_F(SiteRecordsTest, ASimulatedFleetIsNobodysOwn) {
  const Job job = parsed(R"(
name = "fleet"
[data]
source = "simulated:bearings"
[data.split]
kind = "holdout"
[[data.site]]
name = "north"
class = "modern"
[model]
kind = "logistic"
[training]
strategy = "fedavg"
rounds = 1
[privacy]
entrance = "in_the_clear"
)");
  const OwnData own{.path = "own", .query = "", .map = "", .joins = {}};
  expect_refused(read(job, &own), ErrorCode::failed_precondition, "a simulated fleet");
}

TEST_F(SiteRecordsTest, ASiteThatCannotTrainSaysWhy) {
  std::string table = "degrees,state,plant\n";
  for (int i = 0; i < 20; ++i) table += "0.5,hot,north\n";
  write("own.csv", table);
  const OwnData own{.path = "own.csv", .query = "", .map = "", .joins = {}};
  expect_refused(read(testing::ovens(), &own), ErrorCode::failed_precondition, "");
  write("own.csv", "degrees,state,plant\n");
  const auto none = read(testing::ovens(), &own);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text().find("own.csv"), std::string::npos) << none.error().text();
}

TEST_F(SiteRecordsTest, WithoutOwnDataTheSourceMustKnowTheSite) {
  write("ovens.csv", testing::ovens_table({"a", "b"}, 20));
  expect_refused(read(testing::ovens(), nullptr, "c"), ErrorCode::not_found,
                 "the job's source has no records of a site 'c'");
}

// A consortium of tests trains on what `hanse run` would deal to each site, so it comes to the same
// model.
TEST_F(SiteRecordsTest, ATestConsortiumHasTheRecordsOfASimulatedRun) {
  write("ovens.csv", testing::ovens_table({"a", "b", "c"}, 60));
  for (const std::vector<std::string>& overrides :
       {std::vector<std::string>{},
        {"seed=5"},
        {"data.split.kind=k_fold", "data.split.folds=3"},
        {"data.split.kind=k_fold", "data.split.folds=3", "data.split.fold=2"}}) {
    const Job job = testing::ovens(overrides);
    const auto all = Records::read(job, {directory_, executor_});
    ASSERT_TRUE(all);
    const auto dealt = all->deal(job.seed);
    const auto folds = folds_of(job, *dealt->sites, job.seed);
    ASSERT_TRUE(folds);
    for (const SiteFold& part : records_of(*dealt->sites, folds->back())) {
      const auto own = read(job, nullptr, part.site.text());
      ASSERT_TRUE(own) << own.error().text();
      EXPECT_EQ((*own)->features, part.train->features);
      EXPECT_EQ((*own)->size(), part.train->size());
    }
  }
}

TEST_F(SiteRecordsTest, TheSplitIsTheJobs) {
  write("own.csv", testing::ovens_table({"north"}, 60));
  const OwnData own{.path = "own.csv", .query = "", .map = "", .joins = {}};
  const auto once = read(testing::ovens(), &own);
  const auto again = read(testing::ovens(), &own);
  const auto other = read(testing::ovens({"seed=2"}), &own);
  ASSERT_TRUE(once);
  EXPECT_EQ((*once)->size(), 42u);
  EXPECT_EQ((*once)->features, (*again)->features);
  EXPECT_NE((*once)->features, (*other)->features);
}

std::string private_ovens() {
  std::string text(testing::kOvens);
  const std::string clear = "entrance = \"in_the_clear\"";
  return text.replace(text.find(clear), clear.size(), "epsilon = 3.0");
}

// One record more is one row more of what is summed, whatever the split says, and no number of
// records is refused.
TEST_F(SiteRecordsTest, OfAPrivateJobOneRecordMovesNoOther) {
  const OwnData own{.path = "own.csv", .query = "", .map = "", .joins = {}};
  const std::string table = testing::ovens_table({"north"}, 60);
  for (const std::vector<std::string>& overrides :
       {std::vector<std::string>{},
        {"data.split.kind=k_fold", "data.split.folds=3"},
        {"aggregation.max_records_per_site=7"}}) {
    const Job job = parsed(private_ovens(), overrides);
    write("own.csv", table);
    const auto some = read(job, &own);
    write("own.csv", table + "0.5,hot,north\n");
    const auto more = read(job, &own);
    ASSERT_TRUE(some) << some.error().text();
    ASSERT_TRUE(more) << more.error().text();
    EXPECT_EQ((*some)->size(), 60u);
    ASSERT_EQ((*more)->size(), 61u);
    for (std::size_t row = 0; row < 60; ++row)
      EXPECT_EQ((*more)->features.at(row, 0), (*some)->features.at(row, 0));
  }
  write("own.csv", "degrees,state,plant\n0.5,hot,north\n");
  EXPECT_EQ((*read(parsed(private_ovens()), &own))->size(), 1u) << "one label, one record";
  write("own.csv", "degrees,state,plant\n");
  EXPECT_EQ((*read(parsed(private_ovens()), &own))->size(), 0u);
}

TEST_F(SiteRecordsTest, WhatAColumnDeclaresForTestsStaysOut) {
  const OwnData own{.path = "own.csv", .query = "", .map = "", .joins = {}};
  std::string text = private_ovens();
  text.replace(text.find("[data.split]"), 12,
               "[[data.column]]\nname = \"part\"\nkind = \"partition\"\n"
               "values = [\"a\", \"b\"]\n[data.split]");
  const std::string split = "kind = \"holdout\"\nby = \"record\"";
  text.replace(text.find(split), split.size(), "kind = \"declared\"");
  write("own.csv",
        "degrees,state,plant,part\n0.5,hot,north,a\n0.25,hot,north,b\n-0.5,cold,north,a\n");
  const auto records = read(parsed(text), &own);
  ASSERT_TRUE(records) << records.error().text();
  ASSERT_EQ((*records)->size(), 2u);
  EXPECT_EQ((*records)->features.at(1, 0), -0.5);
}

}  // namespace
}  // namespace hanse::jobs
