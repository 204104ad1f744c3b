// A plant's own names and units for a job's columns: stays at the plant.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"
#include "data/unit.h"

namespace hanse::data {

struct MappedColumn {
  std::string column;  // the job's name
  std::string from;    // the plant's name; empty: the same
  std::string unit;    // the plant's unit; empty: what the header says, or the job's
  std::map<std::string, std::string> values;  // the plant's word → the job's

  bool operator==(const MappedColumn&) const = default;
};

class ColumnMap {
 public:
  // Each column once, each plant's name once: else invalid_argument.
  static base::Result<ColumnMap> create(std::vector<MappedColumn> columns);

  const MappedColumn* find(std::string_view column) const;
  const std::vector<MappedColumn>& columns() const { return columns_; }

  // Against a job's columns: a name that the job lacks (with the nearest one it has), a unit that
  // does not convert to the job's, units for texts, words for numbers, a word mapped to a value
  // that the job does not declare: invalid_argument.
  base::Result<void> check(std::span<const Column> columns) const;

  bool operator==(const ColumnMap&) const = default;

 private:
  explicit ColumnMap(std::vector<MappedColumn> columns) : columns_(std::move(columns)) {}
  std::vector<MappedColumn> columns_;
};

}  // namespace hanse::data
