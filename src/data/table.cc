#include "data/table.h"

#include <algorithm>

#include "base/limits.h"

namespace hanse::data {

const TableColumn* Table::find(std::string_view name) const {
  const auto found = std::ranges::find(columns, name, &TableColumn::name);
  return found == columns.end() ? nullptr : &*found;
}

base::Result<void> check_table_size(std::string_view source, std::size_t records,
                                    std::size_t columns) {
  if (columns > base::kMaxColumns)
    return base::fail(base::ErrorCode::invalid_argument,
                      "{}: {} columns; at most {} are read: is the separator right?", source,
                      columns, base::kMaxColumns);
  if (columns > 0 && records > base::kMaxTableCells / columns)
    return base::fail(base::ErrorCode::invalid_argument,
                      "{}: {} records of {} columns; at most {} cells are read: split the table",
                      source, records, columns, base::kMaxTableCells);
  return {};
}

}  // namespace hanse::data
