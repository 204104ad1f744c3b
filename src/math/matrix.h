// A dense matrix of doubles, row-major: one row a record.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"

namespace hanse::math {

class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t columns)
      : rows_(rows), columns_(columns), values_(rows * columns) {}

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }

  double& at(std::size_t row, std::size_t column) { return values_[row * columns_ + column]; }
  double at(std::size_t row, std::size_t column) const { return values_[row * columns_ + column]; }

  std::span<double> row(std::size_t row) {
    return std::span(values_).subspan(row * columns_, columns_);
  }
  std::span<const double> row(std::size_t row) const {
    return std::span(values_).subspan(row * columns_, columns_);
  }

  // All values, row after row.
  std::span<double> values() { return values_; }
  std::span<const double> values() const { return values_; }

  bool operator==(const Matrix&) const = default;

 private:
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::vector<double> values_;
};

}  // namespace hanse::math
