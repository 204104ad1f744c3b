// Transforms of one record at a time.

#include <algorithm>
#include <cmath>
#include <functional>

#include "data/dataset.h"
#include "data/transform_step.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using Texts = std::vector<std::string>;

std::vector<double> logarithms(const Step& step, const Table& table) {
  std::vector<double> values = clipped(table, step.of[0]);
  const double low = std::log10(step.of[0].low);
  const double high = std::log10(step.of[0].high);
  for (double& value : values) value = std::clamp(std::log10(value), low, high);
  return values;
}

template <class Function>
std::vector<double> of_two(const Step& step, const Table& table, const Function& function) {
  std::vector<double> values = clipped(table, step.of[0]);
  const std::vector<double> others = clipped(table, step.of[1]);
  std::ranges::transform(values, others, values.begin(), function);
  return values;
}

std::vector<double> sums(const Step& step, const Table& table) {
  std::vector<double> total(table.records);
  for (std::size_t i = 0; i < step.of.size(); ++i) {
    const std::vector<double> values = clipped(table, step.of[i]);
    const double weight = weight_of(step.spec, i);
    for (std::size_t row = 0; row < total.size(); ++row) total[row] += weight * values[row];
  }
  return total;
}

std::vector<TableColumn> hats(const Step& step, const Table& table) {
  const std::vector<double>& knots = step.spec.edges;
  const std::vector<double> values = clipped(table, step.of[0]);
  std::vector<std::vector<double>> cells(knots.size(), std::vector<double>(values.size()));
  for (std::size_t row = 0; row < values.size(); ++row) {
    const double value = std::clamp(values[row], knots.front(), knots.back());
    const auto above = std::ranges::upper_bound(knots, value) - knots.begin();
    const std::size_t right = std::min(static_cast<std::size_t>(above), knots.size() - 1);
    const double share = (value - knots[right - 1]) / (knots[right] - knots[right - 1]);
    cells[right - 1][row] = 1 - share;
    cells[right][row] = share;
  }
  std::vector<TableColumn> columns;
  for (std::size_t k = 0; k < knots.size(); ++k)
    columns.push_back({step.made[k].name, std::move(cells[k])});
  return columns;
}

std::vector<TableColumn> interactions(const Step& step, const Table& table) {
  const std::vector<double> values = clipped(table, step.of[0]);
  const Texts& categories = *table.find(step.of[1].name)->texts();
  std::vector<TableColumn> columns;
  for (std::size_t v = 0; v < step.made.size(); ++v) {
    std::vector<double> cells(values.size());
    for (std::size_t row = 0; row < values.size(); ++row)
      if (categories[row] == step.of[1].values[v]) cells[row] = values[row];
    columns.push_back({step.made[v].name, std::move(cells)});
  }
  return columns;
}

// Of as many bands as there are edges, and one: that of all edges the value has reached.
Texts bands(const Step& step, const Table& table) {
  const std::vector<double>& edges = step.spec.edges;
  Texts texts;
  for (const double value : clipped(table, step.of[0])) {
    const auto reached = std::ranges::upper_bound(edges, value) - edges.begin();
    texts.push_back(step.spec.values[static_cast<std::size_t>(reached)]);
  }
  return texts;
}

base::Result<Texts> places(const Step& step, const Table& table) {
  Texts texts;
  for (std::size_t row = 0; row < table.records; ++row) {
    std::size_t ones = 0;
    std::size_t place = 0;
    for (std::size_t i = 0; i < step.of.size(); ++i) {
      const double value = (*table.find(step.of[i].name)->numbers())[row];
      if (value != 0 && value != 1)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: record {}, column '{}': expected 0 or 1, found {}", table.source,
                          table.number_of(row), step.of[i].name, value);
      if (value == 0) continue;
      ++ones;
      place = i;
    }
    if (ones != 1)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: record {}: expected a 1 in exactly one of the columns that make '{}' "
                        "('{}' and {} more), found {}",
                        table.source, table.number_of(row), step.spec.name, step.of[0].name,
                        step.of.size() - 1, ones);
    texts.push_back(step.spec.values[place]);
  }
  return texts;
}

Texts combined(const Step& step, const Table& table) {
  std::vector<const Texts*> columns;
  for (const Column& column : step.of) columns.push_back(table.find(column.name)->texts());
  Texts texts;
  Texts fields(columns.size());
  for (std::size_t row = 0; row < table.records; ++row) {
    bool whole = true;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      fields[i] = (*columns[i])[row];
      whole = whole && !fields[i].empty();
    }
    texts.push_back(whole ? group_name(fields) : std::string());
  }
  return texts;
}

}  // namespace

std::vector<double> clipped(const Table& table, const Column& column) {
  std::vector<double> values = *table.find(column.name)->numbers();
  for (double& value : values) value = std::clamp(value, column.low, column.high);
  return values;
}

base::Result<std::vector<TableColumn>> compute_single(const Step& step, const Table& table) {
  const auto column = [&](auto cells) {
    return std::vector<TableColumn>{{step.made.front().name, std::move(cells)}};
  };
  switch (step.spec.kind) {
    case TransformKind::log:
      return column(logarithms(step, table));
    case TransformKind::copy:
      return column(has_range(step.of[0]) ? clipped(table, step.of[0])
                                          : *table.find(step.of[0].name)->numbers());
    case TransformKind::ratio:
      return column(of_two(step, table, std::divides<>()));
    case TransformKind::product:
      return column(of_two(step, table, std::multiplies<>()));
    case TransformKind::difference:
      return column(of_two(step, table, std::minus<>()));
    case TransformKind::sum:
      return column(sums(step, table));
    case TransformKind::hats:
      return hats(step, table);
    case TransformKind::interaction:
      return interactions(step, table);
    case TransformKind::which: {
      HANSE_TRY(Texts texts, places(step, table));
      return column(std::move(texts));
    }
    case TransformKind::combine:
      return column(combined(step, table));
    default:
      return column(bands(step, table));
  }
}

}  // namespace hanse::data
