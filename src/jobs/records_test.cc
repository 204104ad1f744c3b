#include "jobs/records.h"

#include <gtest/gtest.h>

#include "base/executor.h"
#include "storage/memory.h"

namespace hanse::jobs {
namespace {

constexpr std::string_view kJob = R"(
name = "pumps"
[data]
source = "csv"
path = "pumps.csv"
[[data.column]]
name = "x"
kind = "number"
low = 0
high = 10
[[data.column]]
name = "pump"
kind = "group"
[[data.column]]
name = "day"
kind = "order"
[[data.column]]
name = "fault"
kind = "label"
values = ["no", "yes"]
[[data.transform]]
kind = "rolling_mean"
of = ["x"]
name = "mean"
key = ["pump"]
order = "day"
length = 2
[data.sites]
deal = 2
together = ["pump"]
[data.split]
kind = "holdout"
[model]
kind = "logistic"
[training]
strategy = "fedsgd"
rounds = 3
[privacy]
entrance = "in_the_clear"
)";

// Empty where the records are read; else why not.
std::string problem(const std::vector<std::string>& overrides = {}) {
  storage::Memory memory;
  base::InlineExecutor executor;
  const std::string_view text = "x,pump,day,fault\n1,a,1,no\n2,a,2,yes\n3,b,1,no\n4,b,2,yes\n";
  EXPECT_TRUE(memory.write("pumps.csv", base::view_of(text)).has_value());
  const auto job = parse_job(kJob, "pumps.toml", [](auto) { return std::nullopt; }, overrides);
  if (!job) return job.error().text();
  const auto records = Records::read(*job, {memory, executor});
  return records ? "" : records.error().text();
}

bool names(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

// A feature made of several records ties them together, whatever the job says of them.
TEST(Records, AKeyIsNeverPartedUnseen) {
  EXPECT_EQ(problem(), "");
  const std::string no_group = "data.column.1.kind=text";
  EXPECT_TRUE(names(problem({no_group, "data.split.by=record"}), "group"));
  EXPECT_EQ(problem({no_group, "data.split.by=record", "data.split.allow_leakage=true"}), "");
  EXPECT_EQ(problem({no_group, "data.split.by=time"}), "");
  EXPECT_TRUE(names(problem({"data.sites.together=[]"}), "data.sites.together"));
  EXPECT_TRUE(names(problem({"data.sites.together=[\"fault\"]"}), "'fault'"));
}

// A job is kept with every run of it.
TEST(Records, APasswordIsNotWrittenIntoAJob) {
  const auto asked = [](const std::string& path) {
    std::string text(kJob);
    text.replace(text.find("pumps.csv"), 9, path);
    text.replace(text.find("\"csv\""), 5, "\"postgresql\"\nquery = \"SELECT 1\"");
    const auto job = parse_job(text, "pumps.toml", [](auto) { return std::nullopt; });
    return job ? "" : job.error().text();
  };
  EXPECT_TRUE(names(asked("postgresql://u:s3cret@h/d"), "environment variable"));
  EXPECT_FALSE(names(asked("postgresql://u:s3cret@h/d"), "s3cret"));
  EXPECT_FALSE(names(asked("postgresql://u:${PASSWORD}@h/d"), "the password would"));
  EXPECT_FALSE(names(asked("postgresql://u@h/d"), "password"));
  const std::vector<std::string> set{"data.none.path=postgresql://u:geheim@h/d"};
  const auto refused = parse_job("x = 1", "x.toml", [](auto) { return std::nullopt; }, set);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text().find("geheim"), std::string::npos) << refused.error().text();
}

}  // namespace
}  // namespace hanse::jobs
