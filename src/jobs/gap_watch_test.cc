#include "jobs/gap_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "base/random.h"
#include "fairness/monitor.h"

namespace hanse::jobs {
namespace {

using ::testing::HasSubstr;

// A run that released these losses of classes A, B, …
GapPeriod released(const std::vector<double>& losses, double noise, double sampling) {
  std::vector<learning::RoundFacts> rounds(1);
  for (std::size_t c = 0; c < losses.size(); ++c) {
    const std::string name(1, static_cast<char>('A' + c));
    rounds[0].released.push_back({"loss_" + name, losses[c], noise});
    // `sampling` is of the difference of two.
    rounds[0].released.push_back({"sampling_" + name, sampling / std::sqrt(2), 0});
  }
  rounds[0].released.push_back({"gap", 0, 0});
  return gap_of("run", rounds).value();
}

// Two classes whose difference has deviation .05.
std::vector<GapPeriod> series(const std::vector<double>& gaps) {
  std::vector<GapPeriod> periods;
  for (const double gap : gaps)
    periods.push_back(released({.2, .2 + gap}, .03 / std::sqrt(2), .04));
  return periods;
}

TEST(GapWatch, ReadsWhatARunReleased) {
  std::vector<learning::RoundFacts> rounds(3);
  rounds[1].released = {{"loss_old", .9, .1}, {"loss_new", .1, .1}, {"gap", .8, .1}};
  rounds[2].released = {{"loss_old", .5, .03},
                        {"sampling_old", .06, 0},
                        {"loss_new", .2, .02},
                        {"sampling_new", .04, 0},
                        {"gap", .3, .036}};
  const auto period = gap_of("runs/a", rounds);
  ASSERT_TRUE(period) << period.error().text();
  EXPECT_EQ(period->losses,
            (std::vector<ReleasedLoss>{{"old", .5, .03, .06}, {"new", .2, .02, .04}}));
  EXPECT_NEAR(period->gap.released, .3, 1e-12);
  EXPECT_LE(period->gap.value, .3);
  // The upper end of two classes is that of their difference.
  const double deviation = std::sqrt(.03 * .03 + .06 * .06 + .02 * .02 + .04 * .04);
  EXPECT_NEAR(period->gap.interval.high, .3 + 1.959964 * deviation, 1e-6);
}

TEST(GapWatch, RefusesRunsThatReleasedNoGap) {
  const auto none = gap_of("runs/a", {});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().text(), HasSubstr("neither [fairness]"));
  // A gap of an earlier model is none of the last one's.
  std::vector<learning::RoundFacts> outweighed(2);
  outweighed[0].released = {{"loss_old", .9, .1}, {"loss_new", .1, .1}, {"gap", .8, .1}};
  outweighed[1].released = {{"counted_old", 9, 5}, {"counted_new", 90, 5}, {"loss_new", .1, .1}};
  const auto noise = gap_of("runs/a", outweighed);
  ASSERT_FALSE(noise);
  EXPECT_THAT(noise.error().text(), HasSubstr("noise outweighs"));
  std::vector<learning::RoundFacts> rounds(1);
  const auto error_of = [&](std::vector<learning::ReleasedMetric> metrics) {
    rounds[0].released = std::move(metrics);
    const auto found = gap_of("runs/a", rounds);
    return found ? std::string("none") : found.error().text();
  };
  EXPECT_THAT(error_of({{"loss_a", .3, 0}, {"loss_b", .2, 0}, {"gap", .1, 0}}),
              HasSubstr("no deviation"));
  EXPECT_THAT(error_of({{"loss_a", .3, .1}, {"gap", .3, .1}}), HasSubstr("of 1 classes"));
  EXPECT_THAT(error_of({{"loss_a", .3, .1}, {"loss_a", .2, .1}, {"gap", .1, .1}}),
              HasSubstr("two losses of class 'a'"));
  EXPECT_THAT(error_of({{"loss_a", 1e200, .1}, {"loss_b", .2, .1}, {"gap", .1, .1}}),
              HasSubstr("a value is a number"));
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
  EXPECT_EQ(grown->periods.front().worse, "B");
  EXPECT_EQ(grown->periods.front().better, "A");
  EXPECT_NEAR(grown->periods[1].standardised, (.55 - grown->reference) / .05, 1e-9);
  EXPECT_THAT(to_json(*grown), HasSubstr("\"alarms\": true"));
}

// E max − min of two standard normals is 2/√π.
TEST(GapWatch, LooksAtAllPairsWhereNoneIsNamed) {
  const auto said = watch_gaps(series({.6, .6}), .3, .05);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->periods[0].worse, "");
  const double alone = 2 / std::sqrt(std::numbers::pi) * .05 / std::sqrt(2);
  EXPECT_NEAR(said->periods[0].standardised, (.6 - alone - .3) / .05, 1e-6);
  EXPECT_NEAR(said->periods[1].standardised, 6, 1e-9);
  // Classes that the run before did not have.
  std::vector<GapPeriod> renamed = series({.6, .6});
  renamed[1].losses[0].of_class = "C";
  const auto other = watch_gaps(renamed, .3, .05);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->periods[1].worse, "");
}

// A class that turns worst is watched from the run after on.
TEST(GapWatch, FollowsTheWorstClass) {
  std::vector<GapPeriod> periods{released({.5, .3, .3}, .02, 0), released({.5, .3, .9}, .02, 0),
                                 released({.5, .3, .9}, .02, 0)};
  const auto watch = watch_gaps(periods, {}, .05);
  ASSERT_TRUE(watch);
  EXPECT_EQ(watch->periods[0].worse, "A");
  EXPECT_EQ(watch->periods[1].worse, "C");
  EXPECT_FALSE(watch->periods[0].cusum_alarms);
  EXPECT_TRUE(watch->periods[1].cusum_alarms);
}

struct Simulated {
  double mean = 0;           // of what monitors are fed
  double false_alarms = 0;   // of the e-process, by series
  double released_mean = 0;  // negative control: (released gap − reference) / deviation of a pair
  double released_alarms = 0;
};

// Series of `of` classes that are alike, against a reference of 0, so the null holds with nothing
// to spare.
Simulated simulate(std::size_t of, int series_of, int length) {
  constexpr double kAlpha = .05;
  constexpr double kNoise = .1;
  base::SeededSimulationRandom random(5, "gap watch");
  Simulated found;
  for (int drawn = 0; drawn < series_of; ++drawn) {
    std::vector<GapPeriod> periods;
    for (int i = 0; i < length; ++i) {
      std::vector<double> losses;
      for (std::size_t c = 0; c < of; ++c)
        losses.push_back(.3 + kNoise * base::standard_normal(random));
      periods.push_back(released(losses, kNoise, 0));
    }
    const GapWatch watch = watch_gaps(periods, 0, kAlpha).value();
    fairness::EProcess naive(kAlpha);
    bool alarms = false;
    bool naive_alarms = false;
    for (const WatchedPeriod& one : watch.periods) {
      const double by_gap = one.period.gap.released / (kNoise * std::sqrt(2));
      found.mean += one.standardised / (series_of * length);
      found.released_mean += by_gap / (series_of * length);
      alarms |= one.evidence_alarms;
      naive_alarms |= naive.update(by_gap);
    }
    found.false_alarms += (alarms ? 1.0 : 0.0) / series_of;
    found.released_alarms += (naive_alarms ? 1.0 : 0.0) / series_of;
  }
  return found;
}

// 200 series of 12: a mean of 2,400 standard normals has standard error .0204, four are .082; of
// α = .05 over 200 series four standard errors are .062.
TEST(GapWatch, FeedsNoBiasAndTheReleasedGapWould) {
  for (const std::size_t of : {std::size_t{2}, std::size_t{6}}) {
    const Simulated one = simulate(of, 200, 12);
    EXPECT_LE(std::abs(one.mean), .082) << of;
    EXPECT_LE(one.false_alarms, .05 + .062) << of;
    EXPECT_GT(one.released_mean, .7) << of;
    EXPECT_GT(one.released_alarms, .3) << of;
  }
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
