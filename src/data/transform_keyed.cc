// Transforms over the records of one key. Each value is computed afresh from the values of its own
// window, added oldest first: a running sum would carry the rounding of all that went before, and a
// record would look different where the history begins later.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <unordered_map>

#include "data/dataset.h"
#include "data/transform_step.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// As of declared ranges: no square overflows.
constexpr double kMaxOrder = 1e100;

using Values = std::span<const double>;

double mean_of(Values values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation_of(Values values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// Least squares. Times are taken as parts of the window, so that neither large nor close ones
// overflow.
double slope_of(Values times, Values values) {
  if (values.size() < 2) return 0;
  const double first = times.front();
  const double span = times.back() - first;
  const auto part = [&](std::size_t i) { return (times[i] - first) / span; };
  double mean_part = 0;
  for (std::size_t i = 0; i < times.size(); ++i) mean_part += part(i);
  mean_part /= static_cast<double>(times.size());
  const double mean = mean_of(values);
  double squares = 0;
  double products = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    squares += (part(i) - mean_part) * (part(i) - mean_part);
    products += (part(i) - mean_part) * (values[i] - mean);
  }
  return std::clamp(products / squares / span, -kMaxOrder, kMaxOrder);
}

// The value of one record from those of its window, the last of which is its own.
double value_of(const Step& step, Values times, Values values) {
  const Column& of = step.of.front();
  const double width = of.high - of.low;
  switch (step.spec.kind) {
    case TransformKind::rolling_mean:
      return std::clamp(mean_of(values), of.low, of.high);
    case TransformKind::rolling_std:
      return std::min(deviation_of(values), width * std::numbers::sqrt2 / 2);
    default:
      HANSE_CHECK(step.spec.kind == TransformKind::rolling_slope);
      return slope_of(times, values);
  }
}

// One key's values, times and rows, and the cells to be filled.
struct Sequence {
  std::span<const std::size_t> rows;
  std::vector<double> times;
  std::vector<double> values;
};

void roll(const Step& step, const Sequence& one, std::vector<double>& out) {
  for (std::size_t i = 0; i < one.rows.size(); ++i) {
    const std::size_t count = std::min(i + 1, step.spec.length);
    const std::size_t first = i + 1 - count;
    out[one.rows[i]] = value_of(step, Values(one.times).subspan(first, count),
                                Values(one.values).subspan(first, count));
  }
}

void subtract_baseline(const Step& step, const Sequence& one, std::vector<double>& out) {
  const double width = step.of.front().high - step.of.front().low;
  double sum = 0;
  for (std::size_t i = 0; i < one.rows.size(); ++i) {
    if (i < step.spec.length) sum += one.values[i];
    const double mean = sum / static_cast<double>(std::min(i + 1, step.spec.length));
    out[one.rows[i]] = std::clamp(one.values[i] - mean, -width, width);
  }
}

void look_back(const Sequence& one, std::vector<std::vector<double>>& out) {
  for (std::size_t i = 0; i < one.rows.size(); ++i)
    for (std::size_t back = 0; back < out.size(); ++back)
      out[out.size() - 1 - back][one.rows[i]] = one.values[i - std::min(i, back)];
}

void count_down(const Step& step, const Sequence& one, double after, std::vector<double>& out) {
  for (std::size_t i = 0; i < one.rows.size(); ++i)
    out[one.rows[i]] = std::clamp(one.times.back() - one.times[i] + after, 0.0, step.spec.clip);
}

}  // namespace

base::Result<Sequences> sequences_of(const Table& table, std::span<const std::string> key,
                                     const std::string& order) {
  const std::vector<double>& times = *table.find(order)->numbers();
  std::vector<const std::vector<std::string>*> columns;
  for (const std::string& name : key) columns.push_back(table.find(name)->texts());
  std::unordered_map<std::string, std::size_t> numbers;
  std::vector<std::size_t> key_of(table.records);
  std::vector<std::string> fields(key.size());
  for (std::size_t row = 0; row < table.records; ++row) {
    for (std::size_t k = 0; k < fields.size(); ++k) {
      fields[k] = (*columns[k])[row];
      if (fields[k].empty())
        return base::fail(ErrorCode::invalid_argument,
                          "{}: record {}, column '{}': expected a key, whose records follow one "
                          "another, found nothing",
                          table.source, table.number_of(row), key[k]);
    }
    key_of[row] = numbers.try_emplace(group_name(fields), numbers.size()).first->second;
    if (!(std::abs(times[row]) <= kMaxOrder))
      return base::fail(ErrorCode::invalid_argument,
                        "{}: record {}, column '{}': expected a number within ±{} to order by, "
                        "found {}",
                        table.source, table.number_of(row), order, kMaxOrder, times[row]);
  }
  Sequences result;
  result.rows.resize(table.records);
  std::iota(result.rows.begin(), result.rows.end(), std::size_t{0});
  std::ranges::stable_sort(result.rows, [&](std::size_t a, std::size_t b) {
    return std::pair(key_of[a], times[a]) < std::pair(key_of[b], times[b]);
  });
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const std::size_t row = result.rows[i];
    const bool begins = i == 0 || key_of[row] != key_of[result.rows[i - 1]];
    if (begins) result.starts.push_back(i);
    if (begins || times[row] > times[result.rows[i - 1]]) continue;
    for (std::size_t k = 0; k < fields.size(); ++k) fields[k] = (*columns[k])[row];
    return base::fail(ErrorCode::invalid_argument,
                      "{}: records {} and {} of '{}' both have {} in column '{}'; expected an "
                      "order that tells them apart: complete the key, or remove one",
                      table.source, table.number_of(result.rows[i - 1]), table.number_of(row),
                      group_name(fields), times[row], order);
  }
  result.starts.push_back(result.rows.size());
  return result;
}

std::vector<TableColumn> compute_keyed(const Step& step, const Table& table,
                                       const Sequences& sequences) {
  const bool life = step.spec.kind == TransformKind::remaining_life;
  const std::vector<double>& times = *table.find(step.spec.order)->numbers();
  const std::vector<double> values = life ? std::vector<double>() : clipped(table, step.of[0]);
  const std::vector<double> after =
      step.after.empty() ? std::vector<double>(table.records) : clipped(table, step.after[0]);
  std::vector<std::vector<double>> cells(step.made.size(), std::vector<double>(table.records));
  for (std::size_t k = 0; k < sequences.size(); ++k) {
    Sequence one{.rows = sequences.at(k), .times = {}, .values = {}};
    for (const std::size_t row : one.rows) {
      one.times.push_back(times[row]);
      if (!life) one.values.push_back(values[row]);
    }
    if (life)
      count_down(step, one, after[one.rows.back()], cells[0]);
    else if (step.spec.kind == TransformKind::baseline)
      subtract_baseline(step, one, cells[0]);
    else if (step.spec.kind == TransformKind::window)
      look_back(one, cells);
    else
      roll(step, one, cells[0]);
  }
  std::vector<TableColumn> columns;
  for (std::size_t i = 0; i < cells.size(); ++i)
    columns.push_back({step.made[i].name, std::move(cells[i])});
  return columns;
}

}  // namespace hanse::data
