#include "jobs/export.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/executor.h"
#include "storage/memory.h"

namespace hanse::jobs {
namespace {

constexpr std::string_view kJob = R"(
name = "ovens"
[data]
source = "csv"
path = "ovens.csv"
[[data.column]]
name = "fold"
kind = "number"
low = 0
high = 10
[[data.column]]
name = "strength"
kind = "label"
unit = "MPa"
low = 0
high = 100
[[data.column]]
name = "batch"
kind = "group"
[[data.column]]
name = "when"
kind = "order"
[[data.column]]
name = "plant"
kind = "site"
[data.split]
kind = "k_fold"
folds = 2
test_on = "last"
[model]
kind = "ridge"
[training]
strategy = "fedsgd"
rounds = 3
[privacy]
entrance = "in_the_clear"
)";

class ExportTest : public testing::Test {
 protected:
  base::Result<std::string> exported(std::vector<std::string> overrides = {}) {
    HANSE_TRY(const Job job,
              parse_job(kJob, "ovens.toml", [](auto) { return std::nullopt; }, overrides));
    std::string text;
    HANSE_TRY_VOID(export_records(job, {memory_, executor_},
                                  [&](std::string_view piece) -> base::Result<void> {
                                    text += piece;
                                    return {};
                                  }));
    return text;
  }
  void SetUp() override {
    constexpr std::string_view kCsv =
        "fold,strength,batch,when,plant\n0,25,\"b,1\",1,x\n5,20,\"b,1\",2,x\n10,30,b2,1,x\n"
        "10,40,b2,2,y\n2.5,50,b3,1,y\n7.5,60,b4,1,y\n";
    ASSERT_TRUE(memory_.write("ovens.csv", base::view_of(kCsv)));
  }

  storage::Memory memory_;
  base::InlineExecutor executor_;
};

TEST_F(ExportTest, SaysWhichFoldTestsEachRecord) {
  const std::string text = exported().value();
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "site,site_class,group,fold,target,feature_fold\r");
  std::vector<std::string> rest;
  while (std::getline(lines, line)) rest.push_back(line);
  ASSERT_EQ(rest.size(), 6U);
  // Only the last record of a batch tests. The others train in the fold that holds out another.
  EXPECT_EQ(rest[0], "x,,\"b,1\",0,25,-1\r");
  EXPECT_EQ(rest[1].substr(0, 9), "x,,\"b,1\",");
  EXPECT_NE(rest[1].substr(9, 1), "0");
  EXPECT_EQ(rest[1].substr(10), ",20,0\r");
  EXPECT_EQ(rest[2], "x,,b2,0,30,1\r");
  EXPECT_EQ(rest[4].substr(rest[4].size() - 9), ",50,-0.5\r");
}

TEST_F(ExportTest, IsTheSameUnderTheSameSeed) {
  EXPECT_EQ(exported().value(), exported().value());
  EXPECT_EQ(exported({"seed=9"}).value().size(), exported().value().size());
}

TEST_F(ExportTest, StopsWhenNobodyTakesMore) {
  const Job job = parse_job(kJob, "ovens.toml", [](auto) { return std::nullopt; }).value();
  const auto done = export_records(job, {memory_, executor_}, [](std::string_view) {
    return base::Result<void>(base::fail(base::ErrorCode::unavailable, "full"));
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().text(), "full");
}

}  // namespace
}  // namespace hanse::jobs
