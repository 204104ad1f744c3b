#include "fairness/fdp_fair_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"

namespace hanse::fairness {
namespace {

TEST(CellGrid, FindsCellsRowAfterRow) {
  const CellGrid grid = CellGrid::create({{0, 1, 4, 0}, {-2, 2, 2, 0}}).value();
  EXPECT_EQ(grid.cells(), 8U);
  const auto cell = [&](double a, double b) { return grid.cell_of(std::vector<double>{a, b}); };
  EXPECT_EQ(cell(0, -2), 0U);
  EXPECT_EQ(cell(.25, 0), 3U);
  EXPECT_EQ(cell(1, 2), 7U);
  EXPECT_EQ(cell(-5, 100), 1U);
  EXPECT_EQ(cell(INFINITY, -INFINITY), 6U);
  EXPECT_EQ(cell(NAN, 0), std::nullopt);
}

// Against the definition: a weighted mean over all cells with weights exp(−Σ(Δ/h)²/2).
TEST(CellGrid, SmoothsAsTheKernelSays) {
  const std::vector<FeatureGrid> features = {{0, 1, 9, .1}, {0, 3, 3, 0}, {-1, 1, 5, .7}};
  const CellGrid grid = CellGrid::create(features).value();
  base::SeededSimulationRandom random(1, "smooth");
  std::vector<double> counts(grid.cells());
  for (double& count : counts) count = base::standard_normal(random);
  for (const double width : {.5, 1.0, 3.0}) {
    const CellGrid::Smoothed smoothed = grid.smooth(counts, width);
    const auto weight = [&](std::size_t one, std::size_t other) {
      double square = 0;
      for (std::size_t k = features.size(); k-- > 0;) {
        const std::size_t cells = features[k].cells;
        const double cell = (features[k].high - features[k].low) / features[k].cells;
        const double distance =
            cell * (static_cast<double>(one % cells) - static_cast<double>(other % cells));
        const double h = width * features[k].bandwidth;
        if (h == 0 && distance != 0) return 0.0;
        square += h == 0 ? 0 : distance * distance / (h * h);
        one /= cells;
        other /= cells;
      }
      return std::exp(-square / 2);
    };
    for (std::size_t i = 0; i < grid.cells(); i += 7) {
      double sum = 0;
      double mean = 0;
      double squares = 0;
      for (std::size_t j = 0; j < grid.cells(); ++j) {
        sum += weight(i, j);
        mean += weight(i, j) * counts[j];
        squares += weight(i, j) * weight(i, j);
      }
      EXPECT_NEAR(smoothed.means[i], mean / sum, 1e-6);
      EXPECT_NEAR(smoothed.own[i], 1 / sum, 1e-6);
      EXPECT_NEAR(smoothed.squares[i], squares / (sum * sum), 1e-6);
    }
  }
  EXPECT_EQ(grid.smooth(counts, 0).means, counts);
}

// Expected counts by cell: falls from one label to the other along a line of 64 cells.
struct Line {
  CellGrid grid = CellGrid::create({{0, 1, 64, 1.0 / 64}}).value();
  std::vector<double> zeros;
  std::vector<double> ones;

  Line() {
    for (int i = 0; i < 64; ++i) {
      ones.push_back(40 / (1 + std::exp(-(i - 20) / 6.0)));
      zeros.push_back(40 - ones.back());
    }
  }
  std::vector<double> noised(const std::vector<double>& counts, double deviation,
                             base::RandomSource& random) const {
    std::vector<double> result;
    for (const double count : counts)
      result.push_back(count + deviation * base::standard_normal(random));
    return result;
  }
};

TEST(FitProbabilities, AreTheRatioWithoutNoise) {
  const Line line;
  const auto fit = fit_probabilities(line.grid, line.zeros, line.ones, 0, .5, {{0.0}}).value();
  for (std::size_t i = 0; i < 64; ++i) EXPECT_NEAR(fit.of_cell[i], line.ones[i] / 40, 1e-12);
  // Where there is nothing, the group's rate.
  const std::vector<double> none(64);
  EXPECT_EQ(fit_probabilities(line.grid, none, none, 0, .3, {{1.0}}).value().of_cell[5], .3);
}

// Stein's estimate means what it says: the width it takes is near the best for the error that only
// who knows the truth can see, and wider where there is more noise. 40 draws each, seed fixed.
TEST(FitProbabilities, TakesAWidthForTheNoise) {
  const Line line;
  const std::vector<double> widths = {0, 1, 2, 4, 8, 16};
  base::SeededSimulationRandom random(7, "width");
  double last = -1;
  for (const double deviation : {0.5, 8.0, 40.0}) {
    double chosen_width = 0;
    double chosen_error = 0;
    std::vector<double> error(widths.size());
    for (int draw = 0; draw < 40; ++draw) {
      // Counts are noisy by themselves: about the root of their expectation.
      std::vector<double> zeros = line.noised(line.zeros, deviation, random);
      std::vector<double> ones = line.noised(line.ones, deviation, random);
      for (std::size_t i = 0; i < 64; ++i) {
        zeros[i] += std::sqrt(line.zeros[i]) * base::standard_normal(random);
        ones[i] += std::sqrt(line.ones[i]) * base::standard_normal(random);
      }
      const auto fit =
          fit_probabilities(line.grid, zeros, ones, deviation * deviation, .5, widths).value();
      chosen_width += fit.width / 40;
      for (std::size_t k = 0; k < widths.size(); ++k) {
        const auto zero = line.grid.smooth(zeros, widths[k]).means;
        const auto one = line.grid.smooth(ones, widths[k]).means;
        double sum = 0;
        for (std::size_t i = 0; i < 64; ++i)
          sum += std::pow(zero[i] - line.zeros[i], 2) + std::pow(one[i] - line.ones[i], 2);
        error[k] += sum;
        if (widths[k] == fit.width) chosen_error += sum;
      }
    }
    EXPECT_LE(chosen_error, 1.5 * *std::min_element(error.begin(), error.end())) << deviation;
    EXPECT_GT(chosen_width, last) << deviation;
    last = chosen_width;
  }
}

TEST(FitProbabilities, StayWithinZeroAndOneUnderAnyNoise) {
  const Line line;
  base::SeededSimulationRandom random(8, "bounds");
  const auto fit = fit_probabilities(line.grid, line.noised(line.zeros, 1e6, random),
                                     line.noised(line.ones, 1e6, random), 1e12, .5, {{0.0, 1.0}})
                       .value();
  for (const double p : fit.of_cell) {
    EXPECT_GE(p, 0);
    EXPECT_LE(p, 1);
  }
}

TEST(CellGrid, RefusesWhatIsNoGrid) {
  EXPECT_FALSE(CellGrid::create({}).has_value());
  EXPECT_FALSE(CellGrid::create({{1, 0, 4, 0}}).has_value());
  EXPECT_FALSE(CellGrid::create({{0, INFINITY, 4, 0}}).has_value());
  EXPECT_FALSE(CellGrid::create({{-1e308, 1e308, 4, 0}}).has_value());
  EXPECT_FALSE(CellGrid::create({{0, 1, 0, 0}}).has_value());
  EXPECT_FALSE(CellGrid::create({{0, 1, 4, -1}}).has_value());
  EXPECT_FALSE(CellGrid::create({{0, 1, 4, NAN}}).has_value());
  EXPECT_FALSE(CellGrid::create({{0, 1, 1U << 10, 0}, {0, 1, 1U << 10, 0}}).has_value());
  const Line line;
  const auto fit = [&](double variance, double rate, std::vector<double> widths) {
    return fit_probabilities(line.grid, line.zeros, line.ones, variance, rate, widths).has_value();
  };
  EXPECT_TRUE(fit(1, .5, {1}));
  EXPECT_FALSE(fit(-1, .5, {1}));
  EXPECT_FALSE(fit(NAN, .5, {1}));
  EXPECT_FALSE(fit(1, 1.5, {1}));
  EXPECT_FALSE(fit(1, .5, {}));
  EXPECT_FALSE(fit(1, .5, {NAN}));
  EXPECT_FALSE(fit_probabilities(line.grid, {}, line.ones, 1, .5, {{1.0}}).has_value());
}

}  // namespace
}  // namespace hanse::fairness
