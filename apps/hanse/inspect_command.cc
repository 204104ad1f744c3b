#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "data/inspect.h"
#include "hanse/commands.h"
#include "jobs/json_fields.h"
#include "jobs/toml_text.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::Result;
using data::CellsLook;
using data::ColumnFacts;
using data::TableFormat;
using jobs::toml_text;

// Of few different texts, each that occurs may be a category's value; of more, hardly.
constexpr std::uint64_t kFewValues = data::kMaxShownValues;

// A word among at least so many numbers is a mark of missing values, or a slip.
constexpr std::uint64_t kNumbersPerText = 10;

constexpr std::string_view kStays = "found in this file, stays here";

TableFormat format_of(const Inspect& command) {
  if (command.data.starts_with("postgresql://") || command.data.starts_with("postgres://"))
    return TableFormat::postgresql;
  if (command.format) return *jobs::choice_of<TableFormat>(*command.format);
  const std::string& name = command.files ? *command.files : command.data;
  if (name.ends_with(".npy")) return TableFormat::npy;
  if (name.ends_with(".txt") || name.ends_with(".dat")) return TableFormat::whitespace;
  return TableFormat::csv;
}

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

Result<data::TableSpec> spec_of(const Inspect& command, const storage::Directory& directory) {
  data::TableSpec spec;
  spec.format = format_of(command);
  spec.path = command.data;
  const bool database = spec.format == TableFormat::postgresql;
  if (database != command.query.has_value())
    return base::fail(ErrorCode::invalid_argument,
                      "a database needs --query, and --query a database: postgresql://…");
  if (command.separator && command.separator->size() != 1)
    return base::fail(ErrorCode::invalid_argument,
                      "--separator: expected one character, found '{}'", *command.separator);
  if (command.decimal && *command.decimal != "." && *command.decimal != ",")
    return base::fail(ErrorCode::invalid_argument, "--decimal: expected . or , and found '{}'",
                      *command.decimal);
  if (command.separator) spec.separator = command.separator->front();
  if (command.decimal) spec.decimal = command.decimal->front();
  spec.query = command.query.value_or("");
  spec.files = command.files.value_or("");
  if (command.header) spec.header = parts_of(*command.header);
  if (!database && spec.files.empty() && directory.list(spec.path).has_value())
    return base::fail(ErrorCode::invalid_argument,
                      "'{}' is a folder; expected a file, or --files to say which files of the "
                      "folder make the table",
                      spec.path);
  return spec;
}

// Numbers of a table are written with commas, as far as it can be seen.
bool has_decimal_commas(const data::TableFacts& facts) {
  const auto commas = [](const ColumnFacts& column) {
    return column.comma_numbers > kNumbersPerText * (column.texts - column.comma_numbers);
  };
  const auto points = [](const ColumnFacts& column) {
    return column.look == CellsLook::number && !column.whole;
  };
  return std::ranges::count_if(facts.columns, commas) >
         std::ranges::count_if(facts.columns, points);
}

// Looks twice where the separator or the decimal mark has to be seen first; `spec` has what was.
Result<data::TableFacts> looked_at(const Inspect& command, const data::TableDoors& doors,
                                   data::TableSpec& spec) {
  const bool csv = spec.format == TableFormat::csv;
  if (csv && !command.separator) {
    HANSE_TRY(spec.separator, data::probable_separator(doors, spec));
  }
  HANSE_TRY(data::TableFacts facts, data::inspect_table(doors, spec));
  if (command.decimal || !(csv || spec.format == TableFormat::whitespace) ||
      !has_decimal_commas(facts))
    return facts;
  spec.decimal = ',';
  return data::inspect_table(doors, spec);
}

// Strings of a TOML list.
std::string listed(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(toml_text(text));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

// Only a guess, so a person is told what made it.
std::pair<std::string, std::string> kind_of(const ColumnFacts& column, std::uint64_t records) {
  if (column.look == CellsLook::empty) return {"ignore", "no cell has a value"};
  if (column.look == CellsLook::time) return {"order", "dates or times"};
  if (column.look == CellsLook::number && column.ascending && column.whole && records > 1)
    return {"ignore", "counts upwards: a running number, or an \"order\""};
  if (column.distinct < 2 && !column.more_distinct) return {"ignore", "always the same value"};
  if (column.look == CellsLook::number) {
    if (column.whole && column.distinct == 2) return {"number", "two values: perhaps a \"label\""};
    return {"number", ""};
  }
  if (column.texts > 0 && column.numbers >= kNumbersPerText * column.texts)
    return {"number", "most values are; see the text below"};
  if (!column.more_distinct && column.distinct <= kFewValues)
    return {"category", "or \"label\", \"site\", \"site_class\""};
  return {"group", "many texts: a \"group\", \"unit\" or \"site\"; or \"ignore\""};
}

std::string missing_of(const ColumnFacts& column) {
  if (column.missing.empty() && column.nulls == 0) return "";
  std::uint64_t cells = column.nulls;
  std::vector<std::string> tokens;
  for (const auto& [token, count] : column.missing) {
    tokens.push_back(token);
    cells += count;
  }
  if (tokens.empty()) tokens.emplace_back();
  return fmt::format(
      "# {} cells look as if they had no value ({})\n"
      "missing = {{ policy = \"refuse\", tokens = {} }}  # or \"drop\", \"neutral\", \"value\"\n",
      cells, kStays, listed(tokens));
}

std::string range_of(const ColumnFacts& column) {
  return fmt::format("low = \"to be declared\"\nhigh = \"to be declared\"\n# {} to {} ({})\n",
                     column.least, column.greatest, kStays);
}

std::string column_text(const ColumnFacts& column, std::uint64_t records) {
  const auto [kind, reason] = kind_of(column, records);
  std::string text =
      fmt::format("[[data.column]]\nname = {}\nkind = \"{}\"{}\n", toml_text(column.name), kind,
                  reason.empty() ? "" : "  # " + reason);
  if (!column.unit.empty()) text += fmt::format("unit = {}\n", toml_text(column.unit));
  if (kind == "number") text += range_of(column);
  if (kind == "category")
    text += fmt::format("values = []  # to be declared: all that may occur\n# {} ({})\n",
                        listed(column.values), kStays);
  if (kind == "group" && !column.values.empty())
    text += fmt::format("# {} different values or more, for example {} ({})\n", column.distinct,
                        listed({column.values.front()}), kStays);
  if (!column.first_text.empty())
    text += fmt::format("# among the values there is a text: {}, {} ({})\n",
                        toml_text(column.first_text), toml_text(column.first_text_place), kStays);
  return text + missing_of(column) + "\n";
}

std::string proposal(const data::TableSpec& spec, const data::TableFacts& facts) {
  const bool database = spec.format == TableFormat::postgresql;
  std::string text = fmt::format(
      "# A proposal for [data], to be edited by a person: {} records, {} columns.\n"
      "# Declare ranges and values from what is physically possible; what stands in comments was\n"
      "# found in this file and does not belong into a job that leaves the plant. A job also\n"
      "# needs a name, [model], [training] and [privacy]: docs/formats/job.md.\n\n"
      "[data]\nsource = \"{}\"\npath = {}\n",
      grouped(facts.records), facts.columns.size(), jobs::name_of(spec.format),
      toml_text(database ? storage::public_name(spec.path) : spec.path));
  if (database) text += fmt::format("query = {}\n", toml_text(spec.query));
  if (!spec.files.empty()) text += fmt::format("files = {}\n", toml_text(spec.files));
  if (spec.separator != ',')
    text += fmt::format("separator = {}\n", toml_text(std::string(1, spec.separator)));
  if (spec.decimal != '.') text += fmt::format("decimal = \"{}\"\n", spec.decimal);
  if (!spec.header.empty()) text += fmt::format("header = {}\n", listed(spec.header));
  text +=
      "\n[data.split]\nkind = \"holdout\"\nby = \"record\"  # \"group\" where records belong "
      "together\n\n";
  for (const ColumnFacts& column : facts.columns) text += column_text(column, facts.records);
  return text;
}

void describe_column(jobs::JsonFields& json, const ColumnFacts& facts, std::uint64_t records) {
  ColumnFacts column = facts;
  std::string kind = kind_of(column, records).first;
  json.field("name", column.name);
  json.field("header", column.header);
  json.field("unit", column.unit);
  json.field("probable_kind", kind);
  json.field("numbers", column.numbers);
  json.field("times", column.times);
  json.field("texts", column.texts);
  json.field("nulls", column.nulls);
  std::vector<std::pair<std::string, std::uint64_t>> missing(column.missing.begin(),
                                                             column.missing.end());
  json.entries(
      "missing", missing.size(), [&](std::size_t size) { missing.resize(size); },
      [&](std::size_t i, jobs::JsonFields& at, std::string_view name) {
        at.field(name, missing[i].second);
      },
      [&](std::size_t i) -> std::string& { return missing[i].first; });
  json.field("distinct", column.distinct);
  json.field("more_distinct", column.more_distinct);
  json.field("values", column.values);
  std::optional<double> least;
  std::optional<double> greatest;
  if (column.numbers > 0) {
    least = column.least;
    greatest = column.greatest;
  }
  json.field("least", least);
  json.field("greatest", greatest);
  json.field("whole", column.whole);
  json.field("ascending", column.ascending);
}

// A column together with what is needed to guess its kind.
struct Shown {
  const ColumnFacts* column = nullptr;
  std::uint64_t records = 0;
};

// JsonFields finds it by its arguments.
void describe(jobs::JsonFields& json, Shown& shown) {
  describe_column(json, *shown.column, shown.records);
}

}  // namespace

base::Result<void> execute(const Inspect& command, const Doors& doors) {
  HANSE_TRY(data::TableSpec spec, spec_of(command, doors.directory));
  HANSE_TRY(const data::TableFacts facts,
            looked_at(command, {doors.directory, &doors.databases}, spec));
  if (!command.json) return doors.terminal.print_data(proposal(spec, facts));
  std::vector<Shown> columns;
  for (const ColumnFacts& column : facts.columns) columns.push_back({&column, facts.records});
  return doors.terminal.print_data(jobs::JsonFields::write([&](jobs::JsonFields& json) {
    std::string schema = "hanse.table/1";
    std::uint64_t files = facts.files;
    std::uint64_t records = facts.records;
    json.field("schema", schema);
    json.field("files", files);
    json.field("records", records);
    json.field("columns", columns);
  }));
}

}  // namespace hanse::commands
