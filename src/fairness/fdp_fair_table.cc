#include "fairness/fdp_fair_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kMaxFeatures = 8;
constexpr std::uint32_t kMaxCellsOfFeature = 1U << 16;
constexpr std::size_t kMaxCells = std::size_t{1} << 18;
// Beyond so many deviations a Gaussian kernel weighs less than 10⁻⁷.
constexpr double kReach = 5.7;

// One feature's kernel: weights by distance in cells, up to `reach`.
std::vector<double> kernel_of(const FeatureGrid& feature, double width) {
  const double cell = (feature.high - feature.low) / feature.cells;
  const double deviation = width * feature.bandwidth / cell;
  const double most = static_cast<double>(feature.cells - 1);
  const auto reach = static_cast<std::size_t>(std::min(most, std::floor(kReach * deviation)));
  std::vector<double> weights(reach + 1, 1.0);
  for (std::size_t i = 1; i <= reach; ++i) {
    const double distance = static_cast<double>(i) / deviation;
    weights[i] = std::exp(-distance * distance / 2);
  }
  return weights;
}

// Weights that a cell gives its neighbours, normalised: low ≤ j ≤ high.
struct Row {
  std::size_t low;
  std::size_t high;
  double sum;
  double squares;
};

Row row_of(std::size_t i, std::size_t cells, std::span<const double> kernel) {
  const std::size_t reach = kernel.size() - 1;
  Row row{i - std::min(i, reach), std::min(cells - 1, i + reach), 0, 0};
  for (std::size_t j = row.low; j <= row.high; ++j) {
    const double weight = kernel[i > j ? i - j : j - i];
    row.sum += weight;
    row.squares += weight * weight;
  }
  return row;
}

Result<void> check(const FeatureGrid& feature) {
  if (!std::isfinite(feature.low) || !std::isfinite(feature.high) ||
      !(feature.low < feature.high) || !std::isfinite(feature.high - feature.low))
    return fail(ErrorCode::invalid_argument,
                "a feature's cells lie between two finite numbers, found {} to {}", feature.low,
                feature.high);
  if (feature.cells < 1 || feature.cells > kMaxCellsOfFeature)
    return fail(ErrorCode::invalid_argument, "a feature has 1 to {} cells, found {}",
                kMaxCellsOfFeature, feature.cells);
  if (!std::isfinite(feature.bandwidth) || feature.bandwidth < 0)
    return fail(ErrorCode::invalid_argument, "a bandwidth is finite and not negative, found {}",
                feature.bandwidth);
  return {};
}

}  // namespace

Result<CellGrid> CellGrid::create(std::vector<FeatureGrid> features) {
  if (features.empty() || features.size() > kMaxFeatures)
    return fail(ErrorCode::invalid_argument, "a grid has 1 to {} features, found {}", kMaxFeatures,
                features.size());
  std::size_t cells = 1;
  for (const FeatureGrid& feature : features) {
    HANSE_TRY_VOID(check(feature));
    cells *= feature.cells;
    if (cells > kMaxCells)
      return fail(ErrorCode::invalid_argument,
                  "a grid has at most {} cells in all; take fewer cells for a feature", kMaxCells);
  }
  return CellGrid(std::move(features), cells);
}

CellGrid::CellGrid(std::vector<FeatureGrid> features, std::size_t cells)
    : features_(std::move(features)), cells_(cells) {
  for (const FeatureGrid& feature : features_)
    axes_.push_back({.column = static_cast<std::uint32_t>(axes_.size()),
                     .low = feature.low,
                     .high = feature.high,
                     .cells = feature.cells});
}

std::optional<std::size_t> CellGrid::cell_of(std::span<const double> values) const {
  HANSE_CHECK(values.size() == axes_.size());
  return learning::cell_of(axes_, values);
}

CellGrid::Smoothed CellGrid::smooth(std::span<const double> counts, double width) const {
  HANSE_CHECK(counts.size() == cells_ && std::isfinite(width) && width >= 0);
  Smoothed result{{counts.begin(), counts.end()},
                  std::vector<double>(cells_, 1.0),
                  std::vector<double>(cells_, 1.0)};
  std::size_t stride = cells_;
  std::vector<double> line;
  for (const FeatureGrid& feature : features_) {
    const std::size_t cells = feature.cells;
    const std::size_t block = stride;  // cells that share the values of the features before
    stride /= cells;
    const std::vector<double> kernel = kernel_of(feature, width);
    if (kernel.size() == 1) continue;
    std::vector<Row> rows;
    for (std::size_t i = 0; i < cells; ++i) rows.push_back(row_of(i, cells, kernel));
    line.resize(cells);
    for (std::size_t begin = 0; begin < cells_; begin += block)
      for (std::size_t inner = begin; inner < begin + stride; ++inner) {
        for (std::size_t i = 0; i < cells; ++i) line[i] = result.means[inner + i * stride];
        for (std::size_t i = 0; i < cells; ++i) {
          const Row& row = rows[i];
          double sum = 0;
          for (std::size_t j = row.low; j <= row.high; ++j)
            sum += kernel[i > j ? i - j : j - i] * line[j];
          const std::size_t place = inner + i * stride;
          result.means[place] = sum / row.sum;
          result.own[place] /= row.sum;
          result.squares[place] *= row.squares / (row.sum * row.sum);
        }
      }
  }
  return result;
}

Result<Probabilities> fit_probabilities(const CellGrid& grid, std::span<const double> zeros,
                                        std::span<const double> ones, double noise_variance,
                                        double rate, std::span<const double> widths) {
  if (zeros.size() != grid.cells() || ones.size() != grid.cells())
    return fail(ErrorCode::invalid_argument, "counts of {} cells for each label, found {} and {}",
                grid.cells(), zeros.size(), ones.size());
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(zeros.begin(), zeros.end(), finite) ||
      !std::all_of(ones.begin(), ones.end(), finite) || !finite(noise_variance) ||
      noise_variance < 0 || !(rate >= 0 && rate <= 1))
    return fail(ErrorCode::invalid_argument,
                "counts are finite, the noise's variance ({}) is finite and not negative, and the "
                "rate ({}) lies in 0 to 1",
                noise_variance, rate);
  if (widths.empty() || !std::all_of(widths.begin(), widths.end(),
                                     [](double w) { return std::isfinite(w) && w >= 0; }))
    return fail(ErrorCode::invalid_argument,
                "at least one width to smooth by, each finite and not negative");
  Probabilities best;
  double least = std::numeric_limits<double>::infinity();
  for (const double width : widths) {
    const CellGrid::Smoothed zero = grid.smooth(zeros, width);
    const CellGrid::Smoothed one = grid.smooth(ones, width);
    double error = 0;
    for (std::size_t cell = 0; cell < grid.cells(); ++cell) {
      const double from_zero = zero.means[cell] - zeros[cell];
      const double from_one = one.means[cell] - ones[cell];
      const double variance = zeros[cell] + ones[cell] + 2 * noise_variance;
      error += from_zero * from_zero + from_one * from_one + (2 * one.own[cell] - 1) * variance;
    }
    if (!(error < least)) continue;
    least = error;
    best.width = width;
    best.of_cell.resize(grid.cells());
    for (std::size_t cell = 0; cell < grid.cells(); ++cell) {
      const double zeros_here = std::max(0.0, zero.means[cell]);
      const double ones_here = std::max(0.0, one.means[cell]);
      const double noise = std::sqrt(2 * noise_variance * one.squares[cell]);
      const double all = zeros_here + ones_here + noise;
      best.of_cell[cell] = all > 0 ? std::clamp((ones_here + noise * rate) / all, 0.0, 1.0) : rate;
    }
  }
  if (best.of_cell.empty())
    return fail(ErrorCode::invalid_argument, "the counts are too large to be squared");
  return best;
}

}  // namespace hanse::fairness
