#include "data/join.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/nearest.h"
#include "data/cell.h"
#include "data/dataset.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

base::Result<const TableColumn*> find(const Table& table, const std::string& name) {
  const TableColumn* column = table.find(name);
  if (column != nullptr) return column;
  std::vector<std::string> names;
  for (const TableColumn& one : table.columns) names.push_back(one.name);
  return base::fail(ErrorCode::not_found, "{}: expected a column '{}', found none of that name{}",
                    table.source, name, base::did_you_mean(name, names));
}

using Keys = std::vector<std::optional<std::string>>;

// The texts of each record in the columns `on`, as one; none where one is missing, which would join
// strangers.
base::Result<Keys> keys_of(const Table& table, std::span<const std::string> on) {
  std::vector<const std::vector<std::string>*> columns;
  for (const std::string& name : on) {
    HANSE_TRY(const TableColumn* column, find(table, name));
    if (column->texts() == nullptr)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: column '{}': tables are joined on texts, and it was read as numbers",
                        table.source, name);
    columns.push_back(column->texts());
  }
  Keys keys;
  keys.reserve(table.records);
  std::vector<std::string> fields(columns.size());
  for (std::size_t row = 0; row < table.records; ++row) {
    for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = (*columns[i])[row];
    const bool whole = std::ranges::find(fields, "") == fields.end();
    keys.push_back(whole ? std::optional(group_name(fields)) : std::nullopt);
  }
  return keys;
}

constexpr std::size_t kNoMatch = std::numeric_limits<std::size_t>::max();

// The cells at `rows`; a missing one where there is no match.
TableColumn matched(const TableColumn& column, std::span<const std::size_t> rows) {
  const auto of = [&]<class T>(const std::vector<T>& cells, const T& missing) {
    std::vector<T> chosen;
    chosen.reserve(rows.size());
    for (const std::size_t row : rows) chosen.push_back(row == kNoMatch ? missing : cells[row]);
    return chosen;
  };
  if (column.numbers() != nullptr)
    return {column.name, of(*column.numbers(), std::numeric_limits<double>::quiet_NaN())};
  return {column.name, of(*column.texts(), std::string())};
}

}  // namespace

base::Result<Table> join(Table table, const Table& other, std::span<const std::string> on,
                         std::span<const std::string> wanted) {
  if (on.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "{}: expected at least one column to join on, found none", other.source);
  HANSE_TRY(const Keys keys, keys_of(table, on));
  HANSE_TRY(const Keys known, keys_of(other, on));
  HANSE_TRY_VOID(
      check_table_size(table.source, table.records, table.columns.size() + wanted.size()));
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t row = 0; row < known.size(); ++row) {
    if (!known[row]) continue;
    const auto [entry, added] = row_of.try_emplace(*known[row], row);
    if (!added)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: records {} and {} are both of '{}'; expected one to join with",
                        other.source, other.number_of(entry->second), other.number_of(row),
                        *known[row]);
  }
  std::vector<std::size_t> rows;
  rows.reserve(keys.size());
  for (const std::optional<std::string>& key : keys) {
    const auto found = key ? row_of.find(*key) : row_of.end();
    rows.push_back(found == row_of.end() ? kNoMatch : found->second);
  }
  if (!keys.empty() && std::ranges::count(rows, kNoMatch) == std::ssize(rows))
    return base::fail(
        ErrorCode::invalid_argument,
        "{}: none of {} records is one of {} by {}: there it is {}, here {}; are both "
        "spelt alike?",
        table.source, table.records, other.source, fmt::join(on, ", "),
        known.empty() ? "nothing" : shown(known.front().value_or("")),
        shown(keys.front().value_or("")));
  for (const std::string& name : wanted) {
    HANSE_TRY(const TableColumn* column, find(other, name));
    if (table.find(name) != nullptr)
      return base::fail(ErrorCode::already_exists,
                        "{}: there is a column '{}' already, and {} has "
                        "one too",
                        table.source, name, other.source);
    table.columns.push_back(matched(*column, rows));
  }
  return table;
}

}  // namespace hanse::data
