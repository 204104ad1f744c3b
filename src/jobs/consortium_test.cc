#include "jobs/consortium.h"

#include <gtest/gtest.h>

namespace hanse::jobs {
namespace {

constexpr std::size_t kSites = 3;
constexpr std::size_t kCoordinates = 70'000;  // 560,000 bytes: three chunks

// Every coordinate is the site's first feature; declines where there is none.
class Constant final : public query::Query {
 public:
  explicit Constant(query::QueryPlan plan) : plan_(std::move(plan)) {}
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                                     base::Executor&) const override {
    if (records.size() == 0) return base::fail(base::ErrorCode::failed_precondition, "no record");
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit);
    const std::vector<double> row(kCoordinates, records.features.at(0, 0));
    HANSE_TRY_VOID(sum.add(row));
    return std::move(sum).finish();
  }

 private:
  query::QueryPlan plan_;
};

query::QueryPlan plan(std::uint32_t round) {
  return {.kind = "constant",
          .job = *base::JobId::create("test"),
          .round = {round, 0},
          .unit = "record",
          .max_sites = kSites,
          .layout = {{{"sum", kCoordinates, 1e4}}, *math::Lattice::create(10), 1},
          .options = "{}",
          .parameters = base::Slice(base::Bytes(300'000))};
}

std::vector<SiteRecords> sites(std::initializer_list<double> values) {
  std::vector<SiteRecords> all;
  for (const double value : values) {
    data::Dataset records;
    if (value != 0) {
      records.features = math::Matrix(1, 1);
      records.features.at(0, 0) = value;
    }
    all.push_back({*base::SiteId::create("plant-" + std::to_string(all.size())),
                   std::make_shared<const data::Dataset>(std::move(records))});
  }
  return all;
}

class ConsortiumTest : public testing::Test {
 protected:
  ConsortiumTest() {
    catalog_.add("constant",
                 [](const query::QueryPlan& asked) -> base::Result<std::unique_ptr<query::Query>> {
                   return std::make_unique<Constant>(asked);
                 });
  }
  LocalConsortium make(std::vector<SiteRecords> records, std::size_t min_sites,
                       base::Executor& executor) {
    return LocalConsortium(std::move(records), {{}, static_cast<std::uint32_t>(min_sites)}, 1,
                           catalog_, executor, log_);
  }
  query::Catalog catalog_;
  base::SilentLog log_;
};

// What a round costs is counted, so that nobody adds a message or a copy unnoticed.
TEST_F(ConsortiumTest, ARoundIsThisManyMessages) {
  base::InlineExecutor executor;
  LocalConsortium consortium = make(sites({1, 2, 4}), kSites, executor);
  const auto result = consortium.run_round(plan(1));
  ASSERT_TRUE(result.has_value()) << result.error().text();
  EXPECT_EQ(result->released.integers()[kCoordinates - 1], 7 << 10);
  // Per site: offer, pull and 2 chunks of the parameters, contribution, pull and 3 chunks of the
  // vector, receipt.
  EXPECT_EQ(result->traffic.messages, kSites * (1 + 1 + 2 + 1 + 1 + 3 + 1));
  const std::uint64_t payload = kSites * (300'000 + kCoordinates * 8);
  EXPECT_GT(result->traffic.bytes, payload);
  EXPECT_LT(result->traffic.bytes, payload + kSites * 2000);
}

TEST_F(ConsortiumTest, TheSameForAnyNumberOfThreads) {
  for (const std::size_t threads : {1U, 2U, 7U}) {
    base::ThreadExecutor executor(threads);
    LocalConsortium consortium = make(sites({1, 2, 4}), kSites, executor);
    for (std::uint32_t round = 1; round <= 20; ++round) {
      const auto result = consortium.run_round(plan(round));
      ASSERT_TRUE(result.has_value());
      EXPECT_EQ(result->released.integers()[0], 7 << 10);
      EXPECT_EQ(result->contributors.size(), kSites);
    }
  }
}

TEST_F(ConsortiumTest, GoesOnWithoutASiteThatDeclines) {
  base::InlineExecutor executor;
  LocalConsortium consortium = make(sites({1, 0, 4}), 2, executor);
  const auto result = consortium.run_round(plan(1));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->released.integers()[0], 5 << 10);
  LocalConsortium strict = make(sites({1, 0, 4}), 3, executor);
  const auto aborted = strict.run_round(plan(1));
  ASSERT_FALSE(aborted.has_value());
  EXPECT_EQ(aborted.error().code(), base::ErrorCode::aborted);
  EXPECT_NE(aborted.error().text().find("too_few_sites"), std::string::npos);
}

}  // namespace
}  // namespace hanse::jobs
