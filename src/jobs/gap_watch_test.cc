#include "jobs/gap_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace hanse::jobs {
namespace {

std::vector<GapPeriod> series(const std::vector<double>& gaps) {
  std::vector<GapPeriod> periods;
  for (const double gap : gaps) periods.push_back({"run", gap, .03, .04});
  return periods;
}

TEST(GapWatch, ReadsWhatARunReleased) {
  std::vector<learning::RoundFacts> rounds(3);
  rounds[1].released = {{"gap", .9, .1}, {"gap_sampling", .2, 0}};
  rounds[2].released = {{"loss_old", .5, .1}, {"gap", .3, .03}, {"gap_sampling", .04, 0}};
  const auto period = gap_of("runs/a", rounds);
  ASSERT_TRUE(period) << period.error().text();
  EXPECT_EQ(period->gap, .3);
  EXPECT_NEAR(period->deviation(), .05, 1e-12);
  const auto none = gap_of("runs/a", {});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().text(), ::testing::HasSubstr("no [fairness]"));
  rounds[2].released = {{"gap", .3, 0}};
  EXPECT_FALSE(gap_of("runs/a", rounds));
}

TEST(GapWatch, AlarmsWhereTheGapGrowsAndNotElsewhere) {
  const auto steady = watch_gaps(series({.30, .32, .28, .31, .33, .29, .3, .31}), {}, .05);
  ASSERT_TRUE(steady);
  EXPECT_NEAR(steady->reference, .30 + 1.96 * .05, 1e-4);
  EXPECT_EQ(steady->periods.size(), 7U) << "the first says what is fine";
  EXPECT_FALSE(steady->alarms());
  const auto grown = watch_gaps(series({.30, .32, .55, .6, .58, .61}), {}, .05);
  ASSERT_TRUE(grown);
  EXPECT_TRUE(grown->alarms());
  EXPECT_FALSE(grown->periods.front().cusum_alarms);
  EXPECT_TRUE(grown->periods.back().cusum_alarms);
  EXPECT_TRUE(grown->periods.back().evidence_alarms);
  EXPECT_THAT(to_json(*grown), ::testing::HasSubstr("\"alarms\": true"));
  const auto said = watch_gaps(series({.6}), .3, .05);
  ASSERT_TRUE(said);
  EXPECT_NEAR(said->periods.front().standardised, 6, 1e-9);
}

TEST(GapWatch, RefusesWhatCannotBeWatched) {
  EXPECT_FALSE(watch_gaps(series({.3}), {}, .05));
  EXPECT_FALSE(watch_gaps({}, .3, .05));
  EXPECT_FALSE(watch_gaps(series({.3, .3}), {}, 0));
  EXPECT_FALSE(watch_gaps(series({.3, .3}), {}, 1));
  EXPECT_FALSE(watch_gaps(series({.3, .3}), std::nan(""), .05));
}

}  // namespace
}  // namespace hanse::jobs
