// A table as it was read: typed columns, nothing scaled, nothing checked against ranges yet.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace hanse::data {

struct TableColumn {
  std::string name;
  std::variant<std::vector<double>, std::vector<std::string>> cells;

  // The cells, or null when they are of the other type.
  const std::vector<double>* numbers() const { return std::get_if<0>(&cells); }
  const std::vector<std::string>* texts() const { return std::get_if<1>(&cells); }
};

// All columns have `records` cells. Columns × records stays within base::kMaxTableCells.
struct Table {
  std::string source;  // where it came from, for error texts: "plant.csv", "recordings"
  std::size_t records = 0;
  std::vector<TableColumn> columns;
  // What the source calls each record, where some were left out; empty: 1, 2, …
  std::vector<std::size_t> numbers = {};

  std::size_t number_of(std::size_t row) const { return numbers.empty() ? row + 1 : numbers[row]; }
  const TableColumn* find(std::string_view name) const;
};

// Fine while records × columns is within base::kMaxTableCells and columns within
// base::kMaxColumns; else invalid_argument. To be asked before anything is allocated.
base::Result<void> check_table_size(std::string_view source, std::size_t records,
                                    std::size_t columns);

}  // namespace hanse::data
