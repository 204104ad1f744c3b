#include "data/schema.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <unordered_set>

#include "base/limits.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// The square of no number in a range overflows, nor does the sum of a table's squares.
constexpr double kMaxBound = 1e100;

bool has_values(const Column& column) {
  return column.kind == ColumnKind::category ||
         (column.kind == ColumnKind::label && !column.values.empty());
}

base::Result<void> check_values(const Column& column) {
  if (column.values.size() < 2)
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': expected at least two declared values, found {}", column.name,
                      column.values.size());
  std::unordered_set<std::string_view> seen;
  for (const std::string& value : column.values) {
    if (value.empty())
      return base::fail(ErrorCode::invalid_argument, "column '{}': a declared value is empty",
                        column.name);
    if (!seen.insert(value).second)
      return base::fail(ErrorCode::invalid_argument, "column '{}': value '{}' is declared twice",
                        column.name, value);
  }
  return {};
}

base::Result<void> check_column(const Column& column) {
  const bool number = is_number(column);
  // False for NaN.
  const bool sound = std::abs(column.low) <= kMaxBound && std::abs(column.high) <= kMaxBound &&
                     column.low < column.high;
  if (number && !sound)
    return base::fail(
        ErrorCode::invalid_argument,
        "column '{}': expected a finite range with low below high, both within ±{}, found low {} "
        "and high {}; declare what is physically possible{}",
        column.name, kMaxBound, column.low, column.high,
        column.kind == ColumnKind::label ? ", or the label's values to predict classes" : "");
  if (!number && (column.low != 0 || column.high != 0))
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': only numbers have a range, found low {} and high {}",
                      column.name, column.low, column.high);
  if (has_values(column)) return check_values(column);
  if (!column.values.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': only a category or a label has declared values, found {}",
                      column.name, column.values.size());
  return {};
}

// Length before content, so that no two lists of fields give the same bytes.
void add(base::Hasher& hasher, std::string_view text) {
  const std::array<std::int64_t, 1> length{static_cast<std::int64_t>(text.size())};
  hasher.add(base::to_little_endian(length));
  hasher.add(base::view_of(text));
}

void add(base::Hasher& hasher, double value) {
  const std::array<std::int64_t, 1> bits{std::bit_cast<std::int64_t>(value + 0.0)};  // -0 is 0
  hasher.add(base::to_little_endian(bits));
}

std::size_t width(const Column& column) {
  if (column.kind == ColumnKind::number) return 1;
  return column.kind == ColumnKind::category ? column.values.size() : 0;
}

base::Result<void> check_whole(const std::vector<Column>& columns) {
  const auto count = [&](ColumnKind kind) {
    return std::ranges::count(columns, kind, &Column::kind);
  };
  if (count(ColumnKind::label) > 1)
    return base::fail(ErrorCode::invalid_argument, "expected at most one label column, found {}",
                      count(ColumnKind::label));
  if (count(ColumnKind::site) > 1)
    return base::fail(ErrorCode::invalid_argument, "expected at most one site column, found {}",
                      count(ColumnKind::site));
  std::size_t features = 0;
  for (const Column& column : columns) features += width(column);
  if (features == 0)
    return base::fail(ErrorCode::invalid_argument,
                      "expected at least one feature (kind number or category), found none");
  if (features > base::kMaxColumns)
    return base::fail(ErrorCode::invalid_argument,
                      "{} features after encoding; at most {} are allowed", features,
                      base::kMaxColumns);
  return {};
}

}  // namespace

bool is_number(const Column& column) {
  return column.kind == ColumnKind::number ||
         (column.kind == ColumnKind::label && column.values.empty());
}

base::Result<Schema> Schema::create(std::vector<Column> columns) {
  if (columns.size() > base::kMaxColumns)
    return base::fail(ErrorCode::invalid_argument, "{} columns; at most {} are allowed",
                      columns.size(), base::kMaxColumns);
  std::unordered_set<std::string_view> names;
  for (const Column& column : columns) {
    if (column.name.empty())
      return base::fail(ErrorCode::invalid_argument, "a column has no name; give it one");
    if (!names.insert(column.name).second)
      return base::fail(ErrorCode::invalid_argument, "column '{}' is declared twice", column.name);
    HANSE_TRY_VOID(check_column(column));
  }
  HANSE_TRY_VOID(check_whole(columns));
  return Schema(std::move(columns));
}

const Column* Schema::find(std::string_view name) const {
  const auto found = std::ranges::find(columns_, name, &Column::name);
  return found == columns_.end() ? nullptr : &*found;
}

const Column* Schema::label() const {
  const auto found = std::ranges::find(columns_, ColumnKind::label, &Column::kind);
  return found == columns_.end() ? nullptr : &*found;
}

bool Schema::has(ColumnKind kind) const {
  return std::ranges::find(columns_, kind, &Column::kind) != columns_.end();
}

std::size_t Schema::feature_count() const {
  std::size_t count = 0;
  for (const Column& column : columns_) count += width(column);
  return count;
}

std::vector<std::string> Schema::feature_names() const {
  std::vector<std::string> names;
  for (const Column& column : columns_) {
    if (column.kind == ColumnKind::number) names.push_back(column.name);
    if (column.kind == ColumnKind::category)
      for (const std::string& value : column.values) names.push_back(column.name + "=" + value);
  }
  return names;
}

base::Digest Schema::digest() const {
  base::Hasher hasher;
  add(hasher, "hanse schema 1");
  for (const Column& column : columns_) {
    if (width(column) == 0 && column.kind != ColumnKind::label) continue;
    add(hasher, column.name);
    add(hasher, column.kind == ColumnKind::label ? "label" : "feature");
    add(hasher, is_number(column) ? "number" : "values");
    add(hasher, column.unit);
    add(hasher, column.low);
    add(hasher, column.high);
    add(hasher, static_cast<double>(column.values.size()));
    for (const std::string& value : column.values) add(hasher, value);
  }
  return hasher.finish();
}

}  // namespace hanse::data
