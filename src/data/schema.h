// What a table's columns mean: declared in the job, the same for every site, public.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace hanse::data {

enum class ColumnKind {
  number,    // a feature with a declared physical range
  category,  // a feature with declared values, one-hot encoded
  label,     // what is to be predicted: declared values, or a declared range for regression
  group,   // records that belong together (one bearing, one study): never on both sides of a split
  site,    // whose record it is
  ignore,  // read past
};

struct Column {
  std::string name;
  ColumnKind kind = ColumnKind::ignore;
  std::string unit;  // "g", "rpm"; for people
  double low = 0;    // declared range, of numbers and of regression labels
  double high = 0;
  std::vector<std::string> values;  // declared values, of categories and of classification labels

  bool operator==(const Column&) const = default;
};

// A number is read as such: a feature with a range, or a label to be predicted as a number.
bool is_number(const Column& column);

// Checked: names unique and not empty, ranges finite with low < high, values unique, at most one
// label and one site, at least one feature. A group may consist of several columns (group_name).
class Schema {
 public:
  static base::Result<Schema> create(std::vector<Column> columns);

  const std::vector<Column>& columns() const { return columns_; }
  const Column* find(std::string_view name) const;
  const Column* label() const;
  bool has(ColumnKind kind) const;

  // Width of an encoded record: one per number, one per value of a category.
  std::size_t feature_count() const;
  std::vector<std::string> feature_names() const;

  // SHA-256 of everything that decides what an encoded record means: features and label in their
  // order, each field preceded by its length. Two schemas with one digest can share a model.
  base::Digest digest() const;

  bool operator==(const Schema&) const = default;

 private:
  explicit Schema(std::vector<Column> columns) : columns_(std::move(columns)) {}
  std::vector<Column> columns_;
};

}  // namespace hanse::data
