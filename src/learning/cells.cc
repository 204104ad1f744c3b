#include "learning/cells.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace hanse::learning {
namespace {

using base::ErrorCode;
using base::fail;

base::Result<void> check(const Axis& axis, std::size_t inputs) {
  const std::size_t columns = std::max<std::size_t>(axis.values, 1);
  if (columns > inputs || axis.column > inputs - columns)
    return fail(ErrorCode::invalid_argument,
                "an axis reads {} columns from {} on, and records have {}", columns, axis.column,
                inputs);
  if (axis.values > 0)
    return axis.cells == axis.values ? base::Result<void>()
                                     : fail(ErrorCode::invalid_argument,
                                            "a category of {} values has a cell for each, found {}",
                                            axis.values, axis.cells);
  if (axis.cells == 0)
    return fail(ErrorCode::invalid_argument, "a number is cut into 1 cell or more, found 0");
  if (!std::isfinite(axis.low) || !std::isfinite(axis.high) || !(axis.low < axis.high) ||
      !std::isfinite(axis.high - axis.low))
    return fail(ErrorCode::invalid_argument, "cells lie between two finite numbers, found {} to {}",
                axis.low, axis.high);
  return {};
}

}  // namespace

base::Result<std::size_t> count_cells(std::span<const Axis> axes, std::size_t inputs) {
  if (axes.empty() || axes.size() > kMaxAxes)
    return fail(ErrorCode::invalid_argument, "a model of cells has 1 to {} axes, found {}",
                kMaxAxes, axes.size());
  std::size_t cells = 1;
  std::set<std::uint32_t> taken;
  for (const Axis& axis : axes) {
    HANSE_TRY_VOID(check(axis, inputs));
    if (axis.cells > kMaxCells / cells)
      return fail(ErrorCode::invalid_argument,
                  "a model has at most {} 'cells' in all; cut a number into fewer, or leave a "
                  "feature out",
                  kMaxCells);
    cells *= axis.cells;
    for (std::uint32_t i = 0; i < std::max<std::uint32_t>(axis.values, 1); ++i)
      if (!taken.insert(axis.column + i).second)
        return fail(ErrorCode::invalid_argument, "two axes read column {}", axis.column + i);
  }
  return cells;
}

double value_on(const Axis& axis, std::span<const double> features) {
  if (axis.values == 0) return features[axis.column];
  for (std::uint32_t i = 0; i < axis.values; ++i)
    if (features[axis.column + i] >= 0.5) return i;
  return std::numeric_limits<double>::quiet_NaN();
}

std::optional<std::size_t> cell_on(const Axis& axis, std::span<const double> features) {
  const double value = value_on(axis, features);
  if (std::isnan(value)) return std::nullopt;
  if (axis.values > 0) return static_cast<std::size_t>(value);
  const double place =
      (std::clamp(value, axis.low, axis.high) - axis.low) / (axis.high - axis.low) * axis.cells;
  return std::min<std::size_t>(axis.cells - 1, static_cast<std::size_t>(place));
}

std::optional<std::size_t> cell_of(std::span<const Axis> axes, std::span<const double> features) {
  std::size_t cell = 0;
  for (const Axis& axis : axes) {
    const std::optional<std::size_t> at = cell_on(axis, features);
    if (!at) return std::nullopt;
    cell = cell * axis.cells + *at;
  }
  return cell;
}

}  // namespace hanse::learning
