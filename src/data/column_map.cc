#include "data/column_map.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/nearest.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

tl::unexpected<base::Error> wrong(const std::string& column, std::string_view problem) {
  return base::fail(ErrorCode::invalid_argument, "map of column '{}': {}", column, problem);
}

base::Result<void> check_words(const MappedColumn& mapped, const Column& column) {
  for (const auto& [word, value] : mapped.values) {
    const bool declared =
        column.values.empty() || std::ranges::find(column.values, value) != column.values.end();
    const bool missing =
        std::ranges::find(column.missing.tokens, value) != column.missing.tokens.end();
    if (!declared && !missing)
      return wrong(column.name,
                   fmt::format("'{}' is mapped to '{}'; expected one of the values that the job "
                               "declares: {}",
                               word, value, fmt::join(column.values, ", ")));
  }
  return {};
}

base::Result<void> check_one(const MappedColumn& mapped, const Column& column) {
  if (!is_read(column)) return wrong(column.name, "the job ignores that column; leave it out");
  if (!is_number(column) && column.kind != ColumnKind::order) {
    if (!mapped.unit.empty())
      return wrong(column.name, fmt::format("found unit '{}', but it is a text", mapped.unit));
    return check_words(mapped, column);
  }
  if (!mapped.values.empty())
    return wrong(column.name, "found words for a number; units convert numbers");
  if (mapped.unit.empty()) return {};
  if (column.unit.empty())
    return wrong(column.name, fmt::format("found unit '{}', but the job declares no unit to "
                                          "convert to",
                                          mapped.unit));
  const auto converts = conversion(mapped.unit, column.unit);
  if (!converts) return base::fail(converts.error().within("map of column '" + column.name + "'"));
  return {};
}

}  // namespace

base::Result<ColumnMap> ColumnMap::create(std::vector<MappedColumn> columns) {
  std::set<std::string_view> names;
  std::set<std::string_view> plant_names;
  for (const MappedColumn& column : columns) {
    if (column.column.empty())
      return base::fail(ErrorCode::invalid_argument, "map: expected a column's name, found none");
    if (!names.insert(column.column).second) return wrong(column.column, "it is mapped twice");
    if (!plant_names.insert(column.from.empty() ? column.column : column.from).second)
      return wrong(column.column, fmt::format("'{}' is what another column comes from",
                                              column.from.empty() ? column.column : column.from));
  }
  return ColumnMap(std::move(columns));
}

const MappedColumn* ColumnMap::find(std::string_view column) const {
  const auto found = std::ranges::find(columns_, column, &MappedColumn::column);
  return found == columns_.end() ? nullptr : &*found;
}

base::Result<void> ColumnMap::check(std::span<const Column> columns) const {
  for (const MappedColumn& mapped : columns_) {
    const auto found = std::ranges::find(columns, mapped.column, &Column::name);
    if (found != columns.end()) {
      HANSE_TRY_VOID(check_one(mapped, *found));
      continue;
    }
    std::vector<std::string> names;
    for (const Column& column : columns) names.push_back(column.name);
    const std::string meant = base::did_you_mean(mapped.column, names);
    return wrong(mapped.column,
                 "the job has no such column" +
                     (meant.empty() ? fmt::format("; it has {}", fmt::join(names, ", ")) : meant));
  }
  return {};
}

}  // namespace hanse::data
