#include "fairness/monitor.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/random.h"

namespace hanse::fairness {
namespace {

constexpr int kSeries = 10'000;

base::SeededSimulationRandom stream(int series, const char* name) {
  return {static_cast<std::uint64_t>(series), name};
}

// Mean run length by the integral equation of Page, on a grid (Brook and Evans 1972): theory.
double run_length(double k, double h, double shift) {
  constexpr int kStates = 400;
  const double width = h / kStates;
  const auto cdf = [](double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; };
  Eigen::MatrixXd stays(kStates, kStates);
  for (int i = 0; i < kStates; ++i) {
    const double from = i == 0 ? 0 : (i + .5) * width;
    for (int j = 0; j < kStates; ++j) {
      const double low = j == 0 ? -1e9 : j * width;
      const double high = (j + 1) * width;
      stays(i, j) = cdf(high - from + k - shift) - cdf(low - from + k - shift);
    }
  }
  const Eigen::MatrixXd system = Eigen::MatrixXd::Identity(kStates, kStates) - stays;
  return system.partialPivLu().solve(Eigen::VectorXd::Ones(kStates))[0];
}

template <class Monitor>
double mean_periods(const Monitor& fresh, double shift, int series, const char* name) {
  double sum = 0;
  for (int s = 0; s < series; ++s) {
    base::SeededSimulationRandom random = stream(s, name);
    Monitor monitor = fresh;
    int periods = 1;
    while (!monitor.update(shift + base::standard_normal(random))) ++periods;
    sum += periods;
  }
  return sum / series;
}

// The vectors of the design page, by theory and by simulation.
TEST(Cusum, RunsAsLongAsTheorySays) {
  EXPECT_NEAR(run_length(.5, 4, 0), 338, 4);
  EXPECT_NEAR(run_length(.5, 5, 0), 938, 12);
  EXPECT_NEAR(mean_periods(Cusum(.5, 4), 0, kSeries, "null"), run_length(.5, 4, 0), 14);
  const double delay = mean_periods(Cusum(.5, 4), 1, kSeries, "shift");
  EXPECT_NEAR(delay, run_length(.5, 4, 1), .2 * run_length(.5, 4, 1));
  EXPECT_LT(delay, 10);
}

TEST(Cusum, ForgetsWhatLiesBelowItsReference) {
  Cusum cusum;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(cusum.update(-5));
  EXPECT_EQ(cusum.level(), 0);
  EXPECT_FALSE(cusum.update(4.5));  // 4 is not above 4
  EXPECT_TRUE(cusum.update(.6));
}

// However often it is looked at: the whole of a series of 1,000 periods.
TEST(EProcess, AlarmsFalselyInNoMoreThanAlphaOfAllSeries) {
  for (const double alpha : {.05, .01}) {
    int alarms = 0;
    for (int s = 0; s < kSeries; ++s) {
      base::SeededSimulationRandom random = stream(s, "null");
      EProcess process(alpha);
      for (int t = 0; t < 1000; ++t)
        if (process.update(base::standard_normal(random))) {
          ++alarms;
          break;
        }
    }
    EXPECT_LE(alarms, alpha * kSeries);
  }
}

// With a bet λ on a shift μ, log evidence grows λμ − λ²/2 a period: at the best bet ln(1/α) over
// μ²/2, and the mixtures take ln 4 for the bet and ln s (s + 1) for the beginning s.
TEST(EProcess, FindsAShiftAsSoonAsItsBetsAllow) {
  for (const int quiet : {0, 100, 1000}) {
    const double begins = quiet + 1.0;
    const double theory = (std::log(1 / .05) + std::log(4) + std::log(begins * (begins + 1))) / .5;
    double delay = 0;
    constexpr int kRuns = 2000;
    int found = 0;
    for (int s = 0; s < kRuns; ++s) {
      base::SeededSimulationRandom random = stream(s, "shift");
      EProcess process(.05);
      bool falsely = false;
      for (int t = 0; t < quiet; ++t) falsely |= process.update(base::standard_normal(random));
      if (falsely) continue;
      ++found;
      ++delay;
      while (!process.update(1 + base::standard_normal(random))) ++delay;
    }
    EXPECT_GT(found, .95 * kRuns);
    EXPECT_LT(delay / found, 1.2 * theory) << quiet;
    EXPECT_GT(delay / found, .5 * theory) << quiet;
  }
}

TEST(EProcess, StaysANumber) {
  EProcess sure;
  EXPECT_EQ(sure.evidence(), 1);
  for (int t = 0; t < 5000; ++t) sure.update(3);
  EXPECT_TRUE(std::isfinite(sure.evidence()));
  EXPECT_TRUE(sure.update(kMostStandardised));
  EProcess unsure;
  for (int t = 0; t < 5000; ++t) unsure.update(-3);
  EXPECT_GT(unsure.evidence(), 0);
  EXPECT_LT(unsure.evidence(), 1e-3);
}

// The mean of evidence after two periods of the null, by the trapezoid rule: 1 with normal noise of
// unit scale, less with less noise or a mean below 0, and more with a mean above.
double mean_evidence(double mean, double deviation) {
  constexpr double kStep = .1;
  const auto density = [&](double z) {
    const double standard = (z - mean) / deviation;
    return std::exp(-standard * standard / 2) / deviation / std::sqrt(2 * std::numbers::pi);
  };
  double sum = 0;
  for (double first = -9; first < 12; first += kStep)
    for (double second = -9; second < 12; second += kStep) {
      EProcess process;
      process.update(first);
      process.update(second);
      sum += process.evidence() * density(first) * density(second) * kStep * kStep;
    }
  return sum;
}

TEST(EProcess, IsAFairBet) {
  EXPECT_NEAR(mean_evidence(0, 1), 1, 1e-9);
  EXPECT_LT(mean_evidence(0, .8), .99);
  EXPECT_LT(mean_evidence(-.1, 1), .99);
  EXPECT_GT(mean_evidence(.1, 1), 1.01);
}

// Negative control: the same bets with noise that is larger than was said.
TEST(EProcess, NeedsTheNoiseThatItIsTold) {
  int alarms = 0;
  for (int s = 0; s < 500; ++s) {
    base::SeededSimulationRandom random = stream(s, "null");
    EProcess process(.05);
    for (int t = 0; t < 1000; ++t)
      if (process.update(2 * base::standard_normal(random))) {
        ++alarms;
        break;
      }
  }
  EXPECT_GT(alarms, 200);  // 25 would be fair
}

// Theorem 3.1 of the paper: at each step a window of one mean is cut with probability δ at most.
TEST(Adwin, KeepsAWindowThatDoesNotChange) {
  constexpr double kDelta = .002;
  constexpr int kPeriods = 300;
  double cuts = 0;
  for (int s = 0; s < kSeries / 10; ++s) {
    base::SeededSimulationRandom random = stream(s, "null");
    Adwin adwin(kDelta);
    for (int t = 0; t < kPeriods; ++t) cuts += adwin.update(base::standard_normal(random));
  }
  EXPECT_LE(cuts / (kSeries / 10.0 * kPeriods), kDelta);
}

TEST(Adwin, ForgetsWhatWasBeforeAShift) {
  base::SeededSimulationRandom random(1, "shift");
  Adwin adwin;
  for (int t = 0; t < 200; ++t) adwin.update(base::standard_normal(random));
  EXPECT_EQ(adwin.window(), 200);
  int delay = 0;
  while (!adwin.update(2 + base::standard_normal(random))) ++delay;
  EXPECT_LT(delay, 20);
  for (int t = 0; t < 200; ++t) adwin.update(2 + base::standard_normal(random));
  EXPECT_NEAR(adwin.mean(), 2, .3);
  EXPECT_LT(adwin.window(), 300);
}

// Exact: nothing is lost where buckets become one.
TEST(Adwin, KnowsTheMeanOfItsWindow) {
  Adwin adwin(1e-9);
  double sum = 0;
  for (int t = 0; t < 1000; ++t) {
    adwin.update((t % 3) * .1);
    sum += (t % 3) * .1;
  }
  EXPECT_EQ(adwin.window(), 1000);
  EXPECT_NEAR(adwin.mean(), sum / 1000, 1e-12);
}

// A period that broke neither ends an alarm nor hides what comes after it.
TEST(Monitors, AreNotSilencedByWhatIsNoNumber) {
  for (const double broken : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300}) {
    Cusum cusum;
    EProcess process;
    Adwin adwin;
    EXPECT_FALSE(cusum.update(broken));
    EXPECT_FALSE(process.update(broken));
    EXPECT_FALSE(adwin.update(broken));
    for (int t = 0; t < 20; ++t) {
      cusum.update(3);
      process.update(3);
      adwin.update(3);
    }
    const double level = cusum.level();
    const double evidence = process.evidence();
    EXPECT_TRUE(cusum.update(broken));
    EXPECT_TRUE(process.update(broken));
    EXPECT_FALSE(adwin.update(broken));
    EXPECT_EQ(cusum.level(), level);
    EXPECT_EQ(process.evidence(), evidence);
    EXPECT_EQ(adwin.mean(), 3);
    EXPECT_TRUE(process.update(3));
  }
}

// One huge period leaves no rounding behind once it is cut away.
TEST(Adwin, ForgetsAHugePeriod) {
  Adwin adwin;
  for (int t = 0; t < 50; ++t) adwin.update(.1);
  EXPECT_TRUE(adwin.update(kMostStandardised));
  bool was_cut = false;
  for (int t = 0; t < 50; ++t) was_cut |= adwin.update(.1);
  EXPECT_TRUE(was_cut);
  EXPECT_NEAR(adwin.mean(), .1, 1e-14);
}

}  // namespace
}  // namespace hanse::fairness
