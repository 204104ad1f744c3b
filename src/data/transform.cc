#include "data/transform.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/limits.h"
#include "data/transform_step.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using Names = std::set<std::string, std::less<>>;

// 1 where the column had no value.
Column indicator_of(const Column& column) {
  return {.name = column.name + "_missing", .kind = ColumnKind::number, .low = 0, .high = 1};
}

// All columns that are read or made, directly or through others, to make those that are `wanted`.
template <class Wanted>
Names closure(std::span<const Step> steps, Wanted wanted) {
  Names names;
  for (std::size_t i = steps.size(); i-- > 0;) {
    const auto needed = [&](const Column& made) {
      return wanted(made) || names.contains(made.name);
    };
    if (!std::ranges::any_of(steps[i].made, needed)) continue;
    for (const Column& made : steps[i].made) names.insert(made.name);
    for (std::string& name : steps[i].reads()) names.insert(std::move(name));
  }
  return names;
}

bool is_label(const Column& column) { return column.kind == ColumnKind::label; }

// Whose records they are, and when and how they are protected: no record may lack it in training.
bool is_needed_beside_label(const Column& column) {
  using enum ColumnKind;
  return column.kind != label && column.kind != input && column.kind != text &&
         column.kind != ignore;
}

// Wanted columns, and all that they are made of.
template <class Wanted>
Names all_of(std::span<const Step> steps, const Schema& schema, Wanted wanted) {
  Names names = closure(steps, wanted);
  for (const Column& column : schema.columns())
    if (wanted(column)) names.insert(column.name);
  return names;
}

class Origin {
 public:
  void add(std::string_view text) {
    add(static_cast<double>(text.size()));
    hasher_.add(base::view_of(text));
  }
  void add(double number) {
    const std::array<std::int64_t, 1> bits{std::bit_cast<std::int64_t>(number + 0.0)};
    hasher_.add(base::to_little_endian(bits));
  }
  template <class T>
  void add(const std::vector<T>& list) {
    add(static_cast<double>(list.size()));
    for (const T& item : list) add(item);
  }
  void add(const Column& column) {
    add(column.name);
    add(column.unit);
    add(column.low);
    add(column.high);
    add(column.values);
    add(static_cast<double>(column.missing.policy));
    add(column.missing.value);
  }
  base::Digest finish() { return hasher_.finish(); }

 private:
  base::Hasher hasher_;
};

// Of what features and the label are made. None where no transform makes any of them.
std::optional<base::Digest> origin_of(std::span<const Step> steps) {
  const Names names = closure(steps, [](const Column& column) {
    return is_feature(column) || column.kind == ColumnKind::label;
  });
  if (names.empty()) return std::nullopt;
  Origin origin;
  origin.add("hanse transforms 1");
  for (const Step& step : steps) {
    if (!names.contains(step.made.front().name)) continue;
    const TransformSpec& spec = step.spec;
    origin.add(word_of(spec.kind));
    origin.add(step.of);
    origin.add(step.made);
    origin.add(spec.key);
    origin.add(spec.order);
    origin.add(static_cast<double>(spec.length));
    origin.add(spec.clip);
    origin.add(step.after);
    origin.add(spec.edges);
    origin.add(spec.values);
    if (!spec.weights.empty()) origin.add(spec.weights);
  }
  return origin.finish();
}

// What only a look ahead, or the answer itself, would tell a feature.
base::Result<void> check_hindsight(std::span<const Column> columns, std::span<const Step> steps) {
  Names late;
  for (const Column& column : columns)
    if (column.kind == ColumnKind::label) late.insert(column.name);
  for (const Step& step : steps) {
    bool is_late = step.spec.kind == TransformKind::remaining_life;
    std::string from;
    for (const std::string& name : step.reads()) {
      if (!late.contains(name)) continue;
      is_late = true;
      from = name;
    }
    for (const Column& made : step.made) {
      if (is_late && is_feature(made))
        return base::fail(ErrorCode::invalid_argument,
                          "transform '{}' ({}): a feature may not be made of '{}', which is not "
                          "known when predicting",
                          step.spec.name, word_of(step.spec.kind), from);
      if (is_late || made.kind == ColumnKind::label) late.insert(made.name);
    }
  }
  return {};
}

base::Result<void> check_declared(std::span<const Column> columns) {
  Names names;
  for (const Column& column : columns) {
    HANSE_TRY_VOID(check_column(column));
    if (!names.insert(column.name).second)
      return base::fail(ErrorCode::invalid_argument, "column '{}' is declared twice", column.name);
  }
  return {};
}

bool is_missing(const TableColumn& column, std::size_t row) {
  const std::vector<double>* numbers = column.numbers();
  return numbers != nullptr ? std::isnan((*numbers)[row]) : (*column.texts())[row].empty();
}

bool lacks_any(const TableColumn& column, std::size_t records) {
  for (std::size_t row = 0; row < records; ++row)
    if (is_missing(column, row)) return true;
  return false;
}

// A declared column beside its cells.
struct Cells {
  const Column* column;
  TableColumn* cells;
};

base::Result<void> check_cells(const Table& table, const Column& column, const TableColumn& cells) {
  if (is_number(column) != (cells.numbers() != nullptr))
    return base::fail(ErrorCode::invalid_argument, "{}: column '{}': expected {}, found {}",
                      table.source, column.name, is_number(column) ? "numbers" : "texts",
                      is_number(column) ? "texts" : "numbers");
  HANSE_CHECK(table.records ==
              (cells.numbers() != nullptr ? cells.numbers()->size() : cells.texts()->size()));
  if (cells.numbers() == nullptr) return {};
  for (std::size_t row = 0; row < table.records; ++row)
    if (std::isinf((*cells.numbers())[row]))
      return base::fail(ErrorCode::invalid_argument,
                        "{}: record {}, column '{}': expected a finite number, found {}",
                        table.source, table.number_of(row), column.name, (*cells.numbers())[row]);
  return {};
}

// Rows that stay: those without a missing value in a column whose policy is to drop.
base::Result<std::vector<std::size_t>> kept_rows(const Table& table, std::span<const Cells> all) {
  std::vector<bool> dropped(table.records);
  for (const Cells& one : all) {
    if (one.column->missing.policy != MissingPolicy::drop) continue;
    for (std::size_t row = 0; row < table.records; ++row)
      if (is_missing(*one.cells, row)) dropped[row] = true;
  }
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < table.records; ++row)
    if (!dropped[row]) rows.push_back(row);
  if (rows.empty() && table.records > 0)
    return base::fail(
        ErrorCode::invalid_argument,
        "{}: each of the {} records lacks a value in a column whose missing policy is "
        "drop, and none is left",
        table.source, table.records);
  for (const Cells& one : all) {
    if (one.column->missing.policy != MissingPolicy::refuse) continue;
    for (const std::size_t row : rows)
      if (is_missing(*one.cells, row))
        return base::fail(ErrorCode::invalid_argument,
                          "{}: record {}, column '{}': expected a value, found none; declare the "
                          "column's policy for missing ones if there may be some",
                          table.source, table.number_of(row), one.column->name);
  }
  return rows;
}

template <class T>
void keep(std::vector<T>& cells, std::span<const std::size_t> rows) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (i != rows[i]) cells[i] = std::move(cells[rows[i]]);
  cells.resize(rows.size());
}

// Puts what stands in where a value is missing; returns where that was.
std::vector<double> fill_in(const Column& column, TableColumn& cells, std::size_t records) {
  std::vector<double> was_missing(records);
  const MissingPolicy policy = column.missing.policy;
  for (std::size_t row = 0; row < records; ++row) {
    if (!is_missing(cells, row)) continue;
    was_missing[row] = 1;
    if (is_number(column))
      std::get<0>(cells.cells)[row] = stand_in(column).value();
    else if (policy == MissingPolicy::value)
      std::get<1>(cells.cells)[row] = column.missing.value;
  }
  return was_missing;
}

// By key and order: many steps look at records the same way.
using SortedRows = std::map<std::pair<std::vector<std::string>, std::string>, Sequences>;

base::Result<const Sequences*> sorted_by(const Step& step, const Table& table, SortedRows& sorted) {
  const auto key = std::pair(step.spec.key, step.spec.order);
  if (!sorted.contains(key)) {
    HANSE_TRY(Sequences sequences, sequences_of(table, key.first, key.second));
    sorted.emplace(key, std::move(sequences));
  }
  return &sorted.at(key);
}

base::Result<std::vector<TableColumn>> made_by(const Step& step, const Table& table,
                                               SortedRows& sorted) {
  if (!is_keyed(step.spec.kind)) return compute_single(step, table);
  HANSE_TRY(const Sequences* sequences, sorted_by(step, table, sorted));
  return compute_keyed(step, table, *sequences);
}

// All records of a key have one text in that column.
base::Result<void> check_key(const Step& step, const Table& table,
                             std::span<const std::size_t> rows, const TableColumn& owner) {
  const std::vector<std::string>& texts = *owner.texts();
  for (const std::size_t row : rows)
    if (texts[row] != texts[rows.front()])
      return base::fail(ErrorCode::invalid_argument,
                        "{}: records {} and {} have one key of transform '{}' ({}), and in column "
                        "'{}' they are '{}' and '{}': features of the one would be made of the "
                        "other, across sites and splits; add the column to the key",
                        table.source, table.number_of(rows.front()), table.number_of(row),
                        step.spec.name, word_of(step.spec.kind), owner.name, texts[rows.front()],
                        texts[row]);
  return {};
}

// Of the records that have all that the step reads; of the others what it makes is missing.
base::Result<std::vector<TableColumn>> made_where_known(const Step& step, const Table& table) {
  std::vector<std::size_t> rows;
  const std::vector<std::string> reads = step.reads();
  for (std::size_t row = 0; row < table.records; ++row)
    if (std::ranges::none_of(reads, [&](const std::string& name) {
          const TableColumn* column = table.find(name);
          return column == nullptr || is_missing(*column, row);
        }))
      rows.push_back(row);
  Table known{.source = table.source, .records = rows.size(), .columns = {}, .numbers = {}};
  for (const std::size_t row : rows) known.numbers.push_back(table.number_of(row));
  std::vector<TableColumn> made;
  if (!rows.empty()) {
    for (const std::string& name : reads) {
      if (known.find(name) != nullptr) continue;
      known.columns.push_back(*table.find(name));
      std::visit([&](auto& values) { keep(values, rows); }, known.columns.back().cells);
    }
    SortedRows sorted;
    HANSE_TRY(made, made_by(step, known, sorted));
  }
  std::vector<TableColumn> all;
  for (std::size_t m = 0; m < step.made.size(); ++m) {
    TableColumn& column = all.emplace_back();
    column.name = step.made[m].name;
    if (is_number(step.made[m]))
      column.cells = std::vector<double>(table.records, std::numeric_limits<double>::quiet_NaN());
    else
      column.cells = std::vector<std::string>(table.records);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (auto* numbers = std::get_if<0>(&column.cells))
        (*numbers)[rows[i]] = std::get<0>(made[m].cells)[i];
      else
        std::get<1>(column.cells)[rows[i]] = std::move(std::get<1>(made[m].cells)[i]);
    }
  }
  return all;
}

}  // namespace

struct Pipeline::Body {
  // What features are made of comes first, and whatever else is missing costs a feature nothing:
  // the history of a record is the same where its label is not known yet.
  enum class Part { features, others };

  std::vector<Column> columns;
  std::vector<TransformSpec> transforms;
  std::vector<Step> steps;
  std::shared_ptr<const Schema> schema;
  Names for_features;     // columns that features are made of, and the features themselves
  Names for_label_alone;  // … that the label is made of and nothing else that training needs

  base::Result<AppliedTable> read(Table table, Purpose purpose) const;
  base::Result<void> treat(AppliedTable& applied, Part part, Purpose purpose) const;
  base::Result<void> transform(Table& table, Part part, Purpose purpose) const;
  // Whether records may lack this column and what is made of it.
  bool may_lack(const std::string& name, Purpose purpose) const {
    if (purpose == Purpose::labelling) return for_label_alone.contains(name);
    return purpose == Purpose::predicting && !for_features.contains(name);
  }
};

base::Result<Pipeline> Pipeline::create(std::vector<Column> columns,
                                        std::vector<TransformSpec> transforms) {
  HANSE_TRY_VOID(check_declared(columns));
  std::vector<Column> known;
  for (const Column& column : columns) {
    if (!is_read(column)) continue;
    known.push_back(column);
    if (column.missing.indicator) known.push_back(indicator_of(column));
  }
  std::vector<Step> steps;
  for (const TransformSpec& spec : transforms) {
    HANSE_TRY(std::vector<Step> made, steps_of(spec, known));
    for (Step& step : made) {
      for (const Column& column : step.made) {
        if (std::ranges::find(known, column.name, &Column::name) != known.end())
          return base::fail(ErrorCode::invalid_argument,
                            "transform '{}' ({}): there is a column '{}' already; choose another "
                            "name",
                            step.spec.name, word_of(step.spec.kind), column.name);
        known.push_back(column);
      }
      steps.push_back(std::move(step));
    }
    if (known.size() > base::kMaxColumns)
      return base::fail(ErrorCode::invalid_argument, "more than {} columns; shorten the windows",
                        base::kMaxColumns);
  }
  HANSE_TRY_VOID(check_hindsight(columns, steps));
  HANSE_TRY(Schema schema, Schema::create(std::move(known), origin_of(steps)));
  Names for_features = all_of(steps, schema, is_feature);
  Names for_label_alone = all_of(steps, schema, is_label);
  for (const std::string& name : all_of(steps, schema, is_needed_beside_label))
    for_label_alone.erase(name);
  return Pipeline(
      std::make_shared<const Body>(Body{.columns = std::move(columns),
                                        .transforms = std::move(transforms),
                                        .steps = std::move(steps),
                                        .schema = std::make_shared<const Schema>(std::move(schema)),
                                        .for_features = std::move(for_features),
                                        .for_label_alone = std::move(for_label_alone)}));
}

Pipeline::Pipeline(std::shared_ptr<const Body> body) : body_(std::move(body)) {}

const std::vector<Column>& Pipeline::columns() const { return body_->columns; }
const std::vector<TransformSpec>& Pipeline::transforms() const { return body_->transforms; }
const std::shared_ptr<const Schema>& Pipeline::schema() const { return body_->schema; }

bool Pipeline::mixes_records() const {
  return std::ranges::any_of(body_->steps,
                             [](const Step& step) { return is_keyed(step.spec.kind); });
}

// The declared columns as far as they are there.
base::Result<AppliedTable> Pipeline::Body::read(Table table, Purpose purpose) const {
  AppliedTable applied{.table = {.source = table.source,
                                 .records = table.records,
                                 .columns = {},
                                 .numbers = table.numbers}};
  for (const Column& column : columns) {
    if (!is_read(column)) continue;
    const auto found = std::ranges::find(table.columns, column.name, &TableColumn::name);
    if (found == table.columns.end() && may_lack(column.name, purpose)) continue;
    if (found == table.columns.end())
      return base::fail(ErrorCode::not_found, "{}: expected a column '{}', found none of that name",
                        table.source, column.name);
    HANSE_TRY_VOID(check_cells(table, column, *found));
    applied.table.columns.push_back(std::move(*found));
  }
  return applied;
}

// Policies for missing values, of columns that features are made of or of the others.
base::Result<void> Pipeline::Body::treat(AppliedTable& applied, Part part, Purpose purpose) const {
  Table& table = applied.table;
  std::vector<Cells> all;
  for (const Column& column : columns) {
    if (!is_read(column) || for_features.contains(column.name) != (part == Part::features))
      continue;
    if (part == Part::others && may_lack(column.name, purpose)) continue;
    const auto found = std::ranges::find(table.columns, column.name, &TableColumn::name);
    if (found != table.columns.end()) all.push_back({&column, &*found});
  }
  HANSE_TRY(const std::vector<std::size_t> rows, kept_rows(table, all));
  if (rows.size() < table.records) {
    std::vector<std::size_t> numbers;
    for (const std::size_t row : rows) numbers.push_back(table.number_of(row));
    for (TableColumn& column : table.columns)
      std::visit([&](auto& values) { keep(values, rows); }, column.cells);
    applied.left_out += table.records - rows.size();
    table.numbers = std::move(numbers);
    table.records = rows.size();
  }
  std::vector<TableColumn> indicators;
  for (const Cells& one : all) {
    const MissingPolicy policy = one.column->missing.policy;
    if (policy != MissingPolicy::neutral && policy != MissingPolicy::value) continue;
    std::vector<double> was_missing = fill_in(*one.column, *one.cells, table.records);
    if (one.column->missing.indicator)
      indicators.push_back({indicator_of(*one.column).name, std::move(was_missing)});
  }
  std::ranges::move(indicators, std::back_inserter(table.columns));
  return {};
}

base::Result<void> Pipeline::Body::transform(Table& table, Part part, Purpose purpose) const {
  SortedRows sorted;
  for (const Step& step : steps) {
    if (for_features.contains(step.made.front().name) != (part == Part::features)) continue;
    const bool optional = part == Part::others && may_lack(step.made.front().name, purpose);
    if (optional && purpose == Purpose::labelling) {
      HANSE_TRY(auto made, made_where_known(step, table));
      std::ranges::move(made, std::back_inserter(table.columns));
      continue;
    }
    const auto absent = [&](const std::string& name) {
      const TableColumn* column = table.find(name);
      return column == nullptr || lacks_any(*column, table.records);
    };
    if (optional && std::ranges::any_of(step.reads(), absent)) continue;
    auto made = made_by(step, table, sorted);
    if (!made && optional) continue;
    if (!made) return base::fail(std::move(made).error());
    std::ranges::move(*made, std::back_inserter(table.columns));
  }
  return {};
}

base::Result<AppliedTable> Pipeline::apply(Table table, Purpose purpose) const {
  HANSE_TRY_VOID(check_table_size(table.source, table.records, body_->schema->columns().size()));
  HANSE_TRY(AppliedTable applied, body_->read(std::move(table), purpose));
  HANSE_TRY_VOID(body_->treat(applied, Body::Part::features, purpose));
  HANSE_TRY_VOID(body_->transform(applied.table, Body::Part::features, purpose));
  if (purpose != Purpose::predicting)
    HANSE_TRY_VOID(body_->treat(applied, Body::Part::others, purpose));
  HANSE_TRY_VOID(body_->transform(applied.table, Body::Part::others, purpose));
  if (purpose == Purpose::predicting) return applied;
  for (const ColumnKind kind : {ColumnKind::group, ColumnKind::site}) {
    std::vector<std::string> names;
    for (const Column& column : body_->schema->columns())
      if (column.kind == kind) names.push_back(column.name);
    HANSE_TRY_VOID(check_keys(applied.table, names));
  }
  return applied;
}

base::Result<void> Pipeline::check_keys(const Table& table,
                                        std::span<const std::string> columns) const {
  std::vector<const TableColumn*> owners;
  for (const std::string& name : columns)
    if (const TableColumn* column = table.find(name); column && column->texts())
      owners.push_back(column);
  if (owners.empty()) return {};
  SortedRows sorted;
  for (const Step& step : body_->steps) {
    if (!is_keyed(step.spec.kind)) continue;
    HANSE_TRY(const Sequences* sequences, sorted_by(step, table, sorted));
    for (std::size_t k = 0; k < sequences->size(); ++k)
      for (const TableColumn* owner : owners)
        HANSE_TRY_VOID(check_key(step, table, sequences->at(k), *owner));
  }
  return {};
}

}  // namespace hanse::data
