#include "data/reader.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/limits.h"
#include "data/cell.h"
#include "data/header_names.h"
#include "data/table_files.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// A column to be read: what the job and the plant say about it.
struct Wanted {
  Column column;
  std::string name;  // the plant's
  std::string unit;  // the plant's, of the map
  std::map<std::string, std::string, std::less<>> words;
  std::vector<double> missing_numbers;                        // tokens that are numbers
  std::vector<std::pair<double, std::string>> number_values;  // declared values that are numbers
  bool number = false;                                        // read as one
  bool required = true;
};

enum class OrderKind { unknown, number, time };

// Where a wanted column is in the part at hand, and where it goes.
struct Bound {
  const Wanted* wanted = nullptr;
  std::size_t column = 0;  // of the table
  std::size_t field = 0;   // of the record; kExtra: `extra`, kRowNumber: the record's number
  std::string extra;
  Conversion conversion;
  bool plain = false;  // a number of the source as it is, unless its text is no number
};
constexpr std::size_t kExtra = SIZE_MAX;
constexpr std::size_t kRowNumber = SIZE_MAX - 1;

Wanted wanted_of(const Column& column, const ReadOptions& options) {
  Wanted wanted;
  wanted.column = column;
  wanted.name = column.name;
  wanted.number = is_number(column) || column.kind == ColumnKind::order;
  wanted.required = is_feature(column) || !options.features_only_required;
  for (const std::string& token : column.missing.tokens) {
    double value = 0;
    if (parse_number(token, value) == std::errc() && std::isfinite(value))
      wanted.missing_numbers.push_back(value);
  }
  for (const std::string& declared : column.values) {
    double value = 0;
    if (parse_number(declared, value) == std::errc())
      wanted.number_values.emplace_back(value, declared);
  }
  const MappedColumn* const mapped = options.map ? options.map->find(column.name) : nullptr;
  if (mapped == nullptr) return wanted;
  if (!mapped->from.empty()) wanted.name = mapped->from;
  wanted.unit = mapped->unit;
  wanted.words.insert(mapped->values.begin(), mapped->values.end());
  return wanted;
}

class TableReader final : public Reader {
 public:
  TableReader(const TableDoors& doors, TableSpec spec, std::span<const Column> columns,
              const ReadOptions& options)
      : doors_(doors), spec_(std::move(spec)), chunk_bytes_(options.chunk_bytes) {
    for (const Column& column : columns)
      if (is_read(column)) wanted_.push_back(wanted_of(column, options));
    orders_.assign(wanted_.size(), OrderKind::unknown);
  }

  base::Result<void> start() {
    HANSE_TRY(parts_, table_parts(doors_, spec_));
    HANSE_TRY_VOID(open_next());
    max_records_ = bound_.empty() ? base::kMaxTableCells : base::kMaxTableCells / bound_.size();
    return {};
  }

  base::Result<std::size_t> read(Table& table, std::size_t records) override {
    if (error_) return base::fail(*error_);
    if (table.columns.empty()) make_columns(table);
    HANSE_CHECK(table.columns.size() == bound_.size());
    const std::size_t before = table.records;
    auto filled = fill(table, records);
    if (filled) return table.records - before;
    for (TableColumn& column : table.columns)
      std::visit([&](auto& cells) { cells.resize(table.records); }, column.cells);
    error_ = filled.error();
    return base::fail(*error_);
  }

 private:
  void make_columns(Table& table) const {
    table.source = table_source(spec_);
    for (const Bound& bound : bound_) {
      TableColumn column{bound.wanted->column.name, std::vector<double>()};
      if (!bound.wanted->number) column.cells = std::vector<std::string>();
      table.columns.push_back(std::move(column));
    }
  }

  base::Result<void> fill(Table& table, std::size_t records) {
    for (std::size_t left = records; left > 0 && source_ != nullptr;) {
      HANSE_TRY(const Record* const record, source_->next());
      if (record == nullptr) {
        HANSE_TRY_VOID(open_next());
        continue;
      }
      ++row_;
      if (table.records == max_records_)
        return check_table_size(table.source, table.records + 1, table.columns.size());
      HANSE_TRY_VOID(store(*record, table));
      ++table.records;
      --left;
    }
    return {};
  }

  // On to the next part, if there is one.
  base::Result<void> open_next() {
    source_ = nullptr;
    if (next_part_ == parts_.size()) return {};
    const TablePart& part = parts_[next_part_];
    HANSE_TRY(auto source, open_part(doors_, spec_, part, chunk_bytes_));
    const std::string name =
        spec_.format == TableFormat::postgresql ? table_source(spec_) : part.path;
    HANSE_TRY_VOID(bind(*source, part, name));
    source_ = std::move(source);
    row_ = 0;
    ++next_part_;
    return {};
  }

  // The first part decides which of the columns that are not required there are.
  base::Result<void> bind(const RecordSource& source, const TablePart& part,
                          std::string_view name) {
    HANSE_TRY(const HeaderNames header, HeaderNames::create(name, source.names()));
    for (const std::string& field : source.names())
      if (part.extra.contains(field) || field == spec_.row_number)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: the source has a column {} itself; name the further one otherwise",
                          name, shown(field));
    std::vector<Bound> bound;
    std::unordered_map<std::size_t, const Wanted*>
        readers;  // of a field: a label is no feature too
    for (const Wanted& wanted : wanted_) {
      HANSE_TRY(auto place, find(wanted, part, header, name));
      if (!place && (wanted.required || was_bound(wanted)))
        return lacks(wanted, header, source.names().size(), name);
      if (!place || (next_part_ > 0 && !was_bound(wanted))) continue;
      if (const auto [first, fresh] = readers.try_emplace(place->field, &wanted);
          !fresh && place->field < kRowNumber)
        return base::fail(
            ErrorCode::invalid_argument,
            "{}: columns '{}' and '{}' would both be read from {}; name in full which "
            "is which",
            name, first->second->column.name, wanted.column.name,
            shown(source.names()[place->field]));
      place->wanted = &wanted;
      place->column = bound.size();
      place->plain = wanted.number && wanted.missing_numbers.empty() &&
                     wanted.column.kind != ColumnKind::order && place->field < kRowNumber &&
                     spec_.decimal == '.' && place->conversion == Conversion{};
      bound.push_back(*std::move(place));
    }
    bound_ = std::move(bound);
    return {};
  }

  tl::unexpected<base::Error> lacks(const Wanted& wanted, const HeaderNames& header,
                                    std::size_t fields, std::string_view name) const {
    const bool same = wanted.name == wanted.column.name;
    const bool one = fields == 1 && spec_.format == TableFormat::csv;
    return base::fail(ErrorCode::not_found, "{}: expected a column '{}'{}, found {}{}", name,
                      wanted.name,
                      same ? "" : fmt::format(" for the job's '{}'", wanted.column.name),
                      header.listed(), one ? "; is the separator right?" : "");
  }

  bool was_bound(const Wanted& wanted) const {
    return std::ranges::find(bound_, &wanted, &Bound::wanted) != bound_.end();
  }

  base::Result<std::optional<Bound>> find(const Wanted& wanted, const TablePart& part,
                                          const HeaderNames& header, std::string_view name) const {
    std::optional<Bound> bound = Bound{};
    if (!spec_.row_number.empty() && wanted.name == spec_.row_number) {
      bound->field = kRowNumber;
      return bound;
    }
    if (const auto extra = part.extra.find(wanted.name); extra != part.extra.end()) {
      bound->field = kExtra;
      bound->extra = extra->second;
    } else {
      HANSE_TRY(const auto found, header.find(wanted.name));
      if (!found) return std::optional<Bound>();
      bound->field = found->field;
      HANSE_TRY(bound->conversion, conversion_of(wanted, *found, name));
      return bound;
    }
    if (!wanted.unit.empty() && wanted.number) {
      HANSE_TRY(bound->conversion, conversion(wanted.unit, wanted.column.unit));
    }
    return bound;
  }

  static base::Result<Conversion> conversion_of(const Wanted& wanted,
                                                const HeaderNames::Found& found,
                                                std::string_view source) {
    const Column& column = wanted.column;
    if (!wanted.number) return Conversion{};
    const std::string_view from = wanted.unit.empty() ? found.unit : std::string_view(wanted.unit);
    if (from.empty()) return Conversion{};
    if (wanted.unit.empty() && !is_unit(from)) {
      // Of the name, or a remark, where it is no unit that the job asks for.
      if (found.whole || column.unit.empty()) return Conversion{};
    }
    if (column.unit.empty()) {
      if (found.whole || column.kind == ColumnKind::order) return Conversion{};
      return base::fail(ErrorCode::invalid_argument,
                        "{}: column '{}': found unit '{}', and the job declares none; declare the "
                        "unit that its range is in",
                        source, column.name, from);
    }
    auto made = conversion(from, column.unit);
    if (made) return made;
    return base::fail(made.error().within(fmt::format("{}: column '{}'", source, column.name)));
  }

  base::Result<void> store(const Record& record, Table& table) {
    for (const Bound& bound : bound_) {
      auto& cells = table.columns[bound.column].cells;
      if (auto* const numbers = std::get_if<std::vector<double>>(&cells)) {
        double value = 0;
        const bool plain = bound.plain && record.numbers.empty() &&
                           parse_number(record.texts[bound.field], value) == std::errc() &&
                           std::isfinite(value);
        if (!plain) {
          HANSE_TRY(value, number_of(bound, record));
        }
        numbers->push_back(value);
      } else {
        HANSE_TRY(std::string text, text_of(bound, record));
        std::get<std::vector<std::string>>(cells).push_back(std::move(text));
      }
    }
    return {};
  }

  base::Result<double> number_of(const Bound& bound, const Record& record) {
    const Wanted& wanted = *bound.wanted;
    if (bound.field == kRowNumber) return static_cast<double>(row_);
    double value = NAN;
    if (!record.numbers.empty() && bound.field < record.numbers.size()) {
      value = record.numbers[bound.field];
      if (std::isnan(value)) return missing_number(bound, "NaN");
      if (std::ranges::find(wanted.missing_numbers, value) != wanted.missing_numbers.end())
        return missing_number(bound, fmt::format("{}", value));
      return converted(bound, value, fmt::format("{}", value));
    }
    const std::string_view text = field_of(bound, record);
    if (text.data() == nullptr) return missing_number(bound, "NULL");
    const std::errc problem = parse_number(text, decimal_of(bound), value);
    const bool number = problem == std::errc() && std::isfinite(value);
    const bool missing =
        number ? std::ranges::find(wanted.missing_numbers, value) != wanted.missing_numbers.end()
               : is_token(wanted, text);
    if (missing) return missing_number(bound, found_text(text));
    if (wanted.column.kind == ColumnKind::order) return order_of(bound, text, number, value);
    if (number) return converted(bound, value, text);
    return refused(bound,
                   problem == std::errc::result_out_of_range ? "a number that a double can hold"
                   : problem == std::errc()                  ? "a finite number"
                   : decimal_of(bound) == ','                ? "a number with a decimal comma"
                                                             : "a number",
                   found_text(text) + hint(bound, text));
  }

  char decimal_of(const Bound& bound) const { return bound.field == kExtra ? '.' : spec_.decimal; }

  // What a text that is no number may be.
  std::string hint(const Bound& bound, std::string_view text) const {
    double value = 0;
    if (decimal_of(bound) == '.' && parse_number(text, ',', value) == std::errc())
      return "; where commas are decimal marks, say decimal = \",\"";
    return "";
  }

  base::Result<double> order_of(const Bound& bound, std::string_view text, bool number,
                                double value) {
    OrderKind& kind = orders_[static_cast<std::size_t>(bound.wanted - wanted_.data())];
    const OrderKind found = number ? OrderKind::number : OrderKind::time;
    if (!number && !parse_time(text, value))
      return refused(bound, "a number, or a date or time such as 2024-05-17T08:30:00Z",
                     found_text(text));
    if (kind == OrderKind::unknown) kind = found;
    if (kind != found)
      return refused(bound,
                     kind == OrderKind::number ? "a number as before" : "a date or time as before",
                     shown(text));
    return number ? converted(bound, value, text) : base::Result<double>(value);
  }

  base::Result<double> converted(const Bound& bound, double value, std::string_view text) const {
    if (bound.conversion != Conversion{}) value = bound.conversion(value);
    if (!std::isfinite(value)) return refused(bound, "a finite number", shown(text));
    return value;
  }

  base::Result<std::string> text_of(const Bound& bound, const Record& record) const {
    const Wanted& wanted = *bound.wanted;
    std::string made;
    std::string_view text;
    if (bound.field == kRowNumber) {
      made = std::to_string(row_);
      text = made;
    } else if (!record.numbers.empty() && bound.field < record.numbers.size()) {
      const double value = record.numbers[bound.field];
      made = fmt::format("{}", value);
      text = std::isnan(value) ? std::string_view() : std::string_view(made);
    } else {
      text = field_of(bound, record);
    }
    if (text.data() == nullptr) return missing_text(bound, "a missing value");
    if (const auto word = wanted.words.find(text); word != wanted.words.end()) text = word->second;
    if (is_token(wanted, text)) return missing_text(bound, found_text(text));
    return declared_spelling(bound, text);
  }

  // Another spelling of a number that is declared as a value: "1.0" is "1".
  std::string declared_spelling(const Bound& bound, std::string_view text) const {
    const Wanted& wanted = *bound.wanted;
    double number = 0;
    if (!wanted.number_values.empty() &&
        std::ranges::find(wanted.column.values, text) == wanted.column.values.end() &&
        parse_number(text, decimal_of(bound), number) == std::errc())
      for (const auto& [value, declared] : wanted.number_values)
        if (value == number) return declared;
    return std::string(text);
  }

  static std::string_view field_of(const Bound& bound, const Record& record) {
    return bound.field == kExtra ? std::string_view(bound.extra) : record.texts[bound.field];
  }

  static bool is_token(const Wanted& wanted, std::string_view text) {
    const auto& tokens = wanted.column.missing.tokens;
    return std::ranges::find(tokens, text) != tokens.end();
  }

  base::Result<double> missing_number(const Bound& bound, std::string_view found) const {
    if (bound.wanted->column.missing.policy == MissingPolicy::refuse)
      return refused_missing(bound, "a number", found);
    return NAN;
  }

  base::Result<std::string> missing_text(const Bound& bound, std::string_view found) const {
    if (bound.wanted->column.missing.policy == MissingPolicy::refuse)
      return refused_missing(bound, "a text", found);
    return std::string();
  }

  tl::unexpected<base::Error> refused_missing(const Bound& bound, std::string_view expected,
                                              std::string_view found) const {
    return refused(bound, expected,
                   fmt::format("{}, and the column's missing ones are refused; declare another "
                               "policy under `missing` if there may be some",
                               found));
  }

  static std::string found_text(std::string_view text) {
    return text.empty() ? "an empty field" : shown(text);
  }

  tl::unexpected<base::Error> refused(const Bound& bound, std::string_view expected,
                                      std::string_view found) const {
    const std::string which =
        bound.field >= kRowNumber
            ? std::string()
            : fmt::format(" (the {}. of {})", bound.field + 1, source_->names().size());
    return base::fail(ErrorCode::invalid_argument, "{}: column '{}'{}: expected {}, found {}",
                      source_->place(), bound.wanted->name, which, expected, found);
  }

  TableDoors doors_;
  TableSpec spec_;
  std::size_t chunk_bytes_;
  std::vector<Wanted> wanted_;
  std::vector<OrderKind> orders_;  // of wanted_
  std::vector<TablePart> parts_;
  std::size_t next_part_ = 0;
  std::unique_ptr<RecordSource> source_;  // of the part at hand; null at the end
  std::vector<Bound> bound_;              // of the part at hand, in the table's order
  std::size_t row_ = 0;                   // of the part at hand
  std::size_t max_records_ = 0;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<std::unique_ptr<Reader>> open_table(const TableDoors& doors, const TableSpec& spec,
                                                 std::span<const Column> columns,
                                                 const ReadOptions& options) {
  auto reader = std::make_unique<TableReader>(doors, spec, columns, options);
  HANSE_TRY_VOID(reader->start());
  return reader;
}

base::Result<Table> read_table(const TableDoors& doors, const TableSpec& spec,
                               std::span<const Column> columns, const ReadOptions& options) {
  HANSE_TRY(const std::unique_ptr<Reader> reader, open_table(doors, spec, columns, options));
  Table table;
  constexpr std::size_t kBatch = std::size_t{1} << 16;
  for (std::size_t got = kBatch; got == kBatch;) {
    HANSE_TRY(got, reader->read(table, kBatch));
  }
  return table;
}

}  // namespace hanse::data
