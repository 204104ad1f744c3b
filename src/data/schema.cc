#include "data/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/limits.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// The square of no number in a range overflows, nor does the sum of a table's squares.
constexpr double kMaxBound = 1e100;

std::string_view word_of(ColumnKind kind) {
  constexpr std::array<std::string_view, 12> kWords = {
      "number", "category", "label",     "group", "site", "site class",
      "order",  "unit",     "partition", "input", "text", "ignored column"};
  return kWords[static_cast<std::size_t>(kind)];
}

base::Result<void> check_values(const Column& column) {
  if (column.kind == ColumnKind::partition && column.values.size() != 2)
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': a partition has two declared values, that of records which "
                      "train and that of those which test; found {}",
                      column.name, column.values.size());
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

base::Result<void> check_range(const Column& column) {
  // False for NaN.
  const bool sound = std::abs(column.low) <= kMaxBound && std::abs(column.high) <= kMaxBound &&
                     column.low < column.high;
  if (has_range(column) && !sound)
    return base::fail(
        ErrorCode::invalid_argument,
        "column '{}': expected a finite range with low below high, both within ±{}, found low {} "
        "and high {}; declare what is physically possible{}",
        column.name, kMaxBound, column.low, column.high,
        column.kind == ColumnKind::label ? ", or the label's values to predict classes" : "");
  if (!has_range(column) && (column.low != 0 || column.high != 0))
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': only numbers have a range, found low {} and high {}",
                      column.name, column.low, column.high);
  return {};
}

// What stands in for a missing value must be one that could have been there.
base::Result<void> check_stand_in(const Column& column) {
  const std::string& value = column.missing.value;
  if (!is_number(column)) {
    if (std::ranges::find(column.values, value) != column.values.end()) return {};
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': a missing value is to be '{}', which is not declared; the "
                      "values are {}",
                      column.name, value, fmt::format("{}", fmt::join(column.values, ", ")));
  }
  const std::optional<double> number = stand_in(column);
  if (number && *number >= column.low && *number <= column.high) return {};
  return base::fail(ErrorCode::invalid_argument,
                    "column '{}': a missing value is to be '{}'; expected a number from {} to {}",
                    column.name, value, column.low, column.high);
}

base::Result<void> check_missing(const Column& column) {
  const Missing& missing = column.missing;
  const MissingPolicy policy = missing.policy;
  const bool replaced = policy == MissingPolicy::neutral || policy == MissingPolicy::value;
  if (column.kind == ColumnKind::ignore && missing != Missing{})
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}' is read past: it has no missing values to treat", column.name);
  if (replaced && !is_feature(column) && column.kind != ColumnKind::input)
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': a {} that is missing can be refused or its record dropped, not "
                      "made up; expected missing policy refuse or drop",
                      column.name, word_of(column.kind));
  if (policy != MissingPolicy::refuse && missing.tokens.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': it says what to do with missing values and not how they look; "
                      "declare tokens, such as an empty one or '?'",
                      column.name);
  if (missing.indicator && (column.kind != ColumnKind::number || !replaced))
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': an indicator of missing values is for a number whose missing "
                      "policy is neutral or value",
                      column.name);
  if (policy == MissingPolicy::value) return check_stand_in(column);
  if (!missing.value.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': value '{}' for missing ones has a meaning only with the policy "
                      "value",
                      column.name, missing.value);
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

// Which cells are missing is the source's spelling; what they become is the record's meaning.
void add_missing(base::Hasher& hasher, const Missing& missing) {
  if (missing.policy == MissingPolicy::neutral) add(hasher, "missing: neutral");
  if (missing.policy != MissingPolicy::value) return;
  add(hasher, "missing: value");
  add(hasher, missing.value);
}

std::size_t width(const Column& column) {
  if (column.kind == ColumnKind::number) return 1;
  return column.kind == ColumnKind::category ? column.values.size() : 0;
}

base::Result<void> check_whole(const std::vector<Column>& columns) {
  for (const ColumnKind kind : {ColumnKind::label, ColumnKind::site_class, ColumnKind::order,
                                ColumnKind::unit, ColumnKind::partition}) {
    const auto count = std::ranges::count(columns, kind, &Column::kind);
    if (count > 1)
      return base::fail(ErrorCode::invalid_argument, "expected at most one {} column, found {}",
                        word_of(kind), count);
  }
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
  return has_range(column) || column.kind == ColumnKind::order;
}

bool is_feature(const Column& column) {
  return column.kind == ColumnKind::number || column.kind == ColumnKind::category;
}

bool has_range(const Column& column) {
  return column.kind == ColumnKind::number || column.kind == ColumnKind::input ||
         (column.kind == ColumnKind::label && column.values.empty());
}

bool has_values(const Column& column) {
  return column.kind == ColumnKind::category || column.kind == ColumnKind::partition ||
         (column.kind == ColumnKind::label && !column.values.empty());
}

bool is_read(const Column& column) { return column.kind != ColumnKind::ignore; }

std::optional<double> stand_in(const Column& column) {
  if (column.missing.policy == MissingPolicy::neutral)
    return column.low + (column.high - column.low) / 2;
  const std::string& text = column.missing.value;
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

base::Result<void> check_column(const Column& column) {
  if (column.name.empty())
    return base::fail(ErrorCode::invalid_argument, "a column has no name; give it one");
  HANSE_TRY_VOID(check_range(column));
  HANSE_TRY_VOID(check_missing(column));
  if (has_values(column)) return check_values(column);
  if (!column.values.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "column '{}': only a category, a label or a partition has declared values, "
                      "found {}",
                      column.name, column.values.size());
  return {};
}

base::Result<Schema> Schema::create(std::vector<Column> columns,
                                    std::optional<base::Digest> origin) {
  if (columns.size() > base::kMaxColumns)
    return base::fail(ErrorCode::invalid_argument, "{} columns; at most {} are allowed",
                      columns.size(), base::kMaxColumns);
  std::unordered_set<std::string_view> names;
  for (const Column& column : columns) {
    HANSE_TRY_VOID(check_column(column));
    if (!names.insert(column.name).second)
      return base::fail(ErrorCode::invalid_argument, "column '{}' is declared twice", column.name);
  }
  HANSE_TRY_VOID(check_whole(columns));
  return Schema(std::move(columns), std::move(origin));
}

const Column* Schema::find(std::string_view name) const {
  const auto found = std::ranges::find(columns_, name, &Column::name);
  return found == columns_.end() ? nullptr : &*found;
}

const Column* Schema::find(ColumnKind kind) const {
  const auto found = std::ranges::find(columns_, kind, &Column::kind);
  return found == columns_.end() ? nullptr : &*found;
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
    add_missing(hasher, column.missing);
  }
  if (origin_) hasher.add(origin_->bytes());
  return hasher.finish();
}

}  // namespace hanse::data
