// Features cut into cells: what a model of cells looks a record up by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace hanse::learning {

// A number cut into cells of one width from low to high, values beyond in the outermost; or the
// values of a category, whose columns hold a 1 at the record's own.
struct Axis {
  std::uint32_t column = 0;  // of the features; of a category the first of its columns
  std::uint32_t values = 0;  // of a category: so many columns, as many cells; 0: a number
  double low = -1;           // of a number
  double high = 1;
  std::uint32_t cells = 1;

  bool operator==(const Axis&) const = default;
};

inline constexpr std::size_t kMaxAxes = 9;
// As many as a question can count by group and label.
inline constexpr std::size_t kMaxCells = std::size_t{1} << 16;

// How many cells the axes make together. Columns beyond so many inputs or of two axes, ranges that
// are empty or not finite, more cells than kMaxCells: invalid_argument.
base::Result<std::size_t> count_cells(std::span<const Axis> axes, std::size_t inputs);

// The record's value on that axis: the number, or the place of the category's value. NaN where the
// number is, or where the record has none of the values.
double value_on(const Axis& axis, std::span<const double> features);
// Its cell; none where value_on is NaN.
std::optional<std::size_t> cell_on(const Axis& axis, std::span<const double> features);
// The cell of all axes, the last axis's cells beside one another. `features` has all columns:
// checked by count_cells.
std::optional<std::size_t> cell_of(std::span<const Axis> axes, std::span<const double> features);

}  // namespace hanse::learning
