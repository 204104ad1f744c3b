#include "data/inspect.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <ranges>
#include <unordered_map>
#include <unordered_set>

#include "base/limits.h"
#include "data/cell.h"
#include "data/header_names.h"
#include "data/table_files.h"
#include "data/unit.h"

namespace hanse::data {
namespace {

// All columns together; each keeps at least kMaxShownValues.
constexpr std::size_t kMaxDistinctOfAll = std::size_t{1} << 20;
constexpr std::size_t kMaxShownBytes = 100;
constexpr std::size_t kMaxHeadBytes = std::size_t{1} << 16;  // of a file, to see its separator

bool looks_missing(std::string_view text) {
  constexpr std::array<std::string_view, 11> kWords = {"",     "?", "na", "n/a",  "nan", "null",
                                                       "n.a.", "-", "--", "#n/a", "k.a."};
  if (text.size() > 4) return false;
  std::array<char, 4> lower{};
  std::ranges::transform(text, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::ranges::find(kWords, std::string_view(lower.data(), text.size())) != kWords.end();
}

// The facts of one column as its cells come.
class ColumnWatch {
 public:
  ColumnWatch(std::string header, char decimal) : decimal_(decimal) {
    facts_.header = std::move(header);
    const HeaderName split = split_header_name(facts_.header);
    const bool unit = is_unit(split.unit);
    facts_.name = unit ? split.name : trimmed(facts_.header);
    if (unit) facts_.unit = split.unit;
  }

  // `place` gives the record's place, where it is asked for.
  template <class Place>
  void text(std::string_view cell, std::size_t distinct_limit, const Place& place) {
    if (cell.data() == nullptr) {
      ++facts_.nulls;
      return;
    }
    if (looks_missing(cell)) {
      ++facts_.missing[std::string(cell)];
      return;
    }
    add_value(cell, distinct_limit);
    double value = 0;
    if (parse_number(cell, decimal_, value) == std::errc() && std::isfinite(value)) {
      add_number(value);
    } else if (parse_time(cell, value)) {
      ++facts_.times;
      add_place(value);
    } else {
      if (facts_.texts == 0) {
        facts_.first_text = cell.substr(0, kMaxShownBytes);
        facts_.first_text_place = place();
      }
      ++facts_.texts;
      facts_.comma_numbers += decimal_ != ',' && parse_number(cell, ',', value) == std::errc();
    }
  }

  void number(double cell, std::size_t distinct_limit) {
    if (std::isnan(cell)) {
      ++facts_.missing["nan"];
      return;
    }
    if (!full_) add_value(fmt::format("{}", cell), distinct_limit);
    add_number(cell);
  }

  ColumnFacts facts() && {
    ColumnFacts& f = facts_;
    const std::uint64_t values = f.numbers + f.times + f.texts;
    f.look = values == 0           ? CellsLook::empty
             : f.numbers == values ? CellsLook::number
             : f.times == values   ? CellsLook::time
                                   : CellsLook::text;
    f.ascending = f.ascending && (f.look == CellsLook::number || f.look == CellsLook::time);
    f.distinct = seen_.size();
    f.more_distinct = full_;
    if (f.texts == values) f.first_text = f.first_text_place = "";
    return std::move(facts_);
  }

 private:
  void add_value(std::string_view cell, std::size_t distinct_limit) {
    if (full_) return;
    const auto hash = std::hash<std::string_view>()(cell);
    if (seen_.size() == distinct_limit) {
      full_ = !seen_.contains(hash);
      return;
    }
    if (seen_.insert(hash).second && facts_.values.size() < kMaxShownValues &&
        cell.size() <= kMaxShownBytes)
      facts_.values.emplace_back(cell);
  }

  void add_number(double value) {
    ++facts_.numbers;
    facts_.least = std::min(facts_.least, value);
    facts_.greatest = std::max(facts_.greatest, value);
    facts_.whole = facts_.whole && value == std::floor(value);
    add_place(value);
  }

  void add_place(double value) {
    if (last_ && !(value > *last_)) facts_.ascending = false;
    last_ = value;
  }

  char decimal_;
  ColumnFacts facts_;
  std::optional<double> last_;
  std::unordered_set<std::size_t> seen_;  // hashes of values; one in 2^64 / n² is counted short
  bool full_ = false;
};

class Inspection {
 public:
  Inspection(const TableDoors& doors, const TableSpec& spec, std::size_t chunk_bytes)
      : doors_(doors), spec_(spec), chunk_bytes_(chunk_bytes) {}

  base::Result<void> part(const TablePart& part) {
    HANSE_TRY(const auto source, open_part(doors_, spec_, part, chunk_bytes_));
    HANSE_TRY_VOID(HeaderNames::create(table_source(spec_), source->names()));
    std::vector<std::size_t> watches;
    for (const std::string& name : source->names()) {
      HANSE_TRY(const std::size_t index, watch(name));
      watches.push_back(index);
    }
    std::vector<std::pair<std::size_t, std::string_view>> further;
    for (const auto& [name, text] : part.extra) {
      HANSE_TRY(const std::size_t index, watch(name));
      further.emplace_back(index, text);
    }
    limit_ = std::clamp(kMaxDistinctOfAll / std::max<std::size_t>(columns_.size(), 1),
                        kMaxShownValues, kMaxDistinct);
    const auto place = [&] { return source->place(); };
    for (;;) {
      HANSE_TRY(const Record* const record, source->next());
      if (record == nullptr) return {};
      ++records_;
      for (std::size_t i = 0; i < record->texts.size(); ++i)
        columns_[watches[i]].text(record->texts[i], limit_, place);
      for (std::size_t i = 0; i < record->numbers.size(); ++i)
        columns_[watches[i]].number(record->numbers[i], limit_);
      for (const auto& [index, text] : further) columns_[index].text(text, limit_, place);
    }
  }

  base::Result<TableFacts> facts(std::size_t files) && {
    TableFacts made{
        .source = table_source(spec_), .files = files, .records = records_, .columns = {}};
    for (ColumnWatch& column : columns_) made.columns.push_back(std::move(column).facts());
    std::unordered_map<std::string, std::size_t> names;
    for (const ColumnFacts& column : made.columns) ++names[column.name];
    for (ColumnFacts& column : made.columns)
      if (names[column.name] > 1) column.name = column.header;
    return made;
  }

 private:
  base::Result<std::size_t> watch(const std::string& name) {
    const auto [place, fresh] = index_.try_emplace(name, columns_.size());
    if (!fresh) return place->second;
    HANSE_TRY_VOID(check_table_size(spec_.path, 1, columns_.size() + 1));
    columns_.emplace_back(name, spec_.decimal);
    return place->second;
  }

  const TableDoors& doors_;
  const TableSpec& spec_;
  std::size_t chunk_bytes_;
  std::size_t limit_ = kMaxDistinct;
  std::uint64_t records_ = 0;
  std::vector<ColumnWatch> columns_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace

base::Result<char> probable_separator(const TableDoors& doors, const TableSpec& spec) {
  HANSE_TRY(const std::vector<TablePart> parts, table_parts(doors, spec));
  HANSE_TRY(const auto file, doors.directory.open(parts.front().path));
  base::Bytes head(kMaxHeadBytes);
  HANSE_TRY(const std::size_t size, file->read(0, head));
  head.resize(size);
  constexpr std::string_view kMarks = ",;\t|";
  std::array<std::size_t, kMarks.size()> found{};
  bool quoted = false;
  for (const char c : base::text_of(head)) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    if (const std::size_t mark = kMarks.find(c); mark != std::string_view::npos) ++found[mark];
  }
  // Without a header the first line has numbers, perhaps with decimal commas.
  const bool other = std::ranges::any_of(found | std::views::drop(1), [](auto n) { return n > 0; });
  if (!spec.header.empty() && other) found.front() = 0;
  return kMarks[static_cast<std::size_t>(std::ranges::max_element(found) - found.begin())];
}

base::Result<TableFacts> inspect_table(const TableDoors& doors, const TableSpec& spec,
                                       std::size_t chunk_bytes) {
  HANSE_TRY(const std::vector<TablePart> parts, table_parts(doors, spec));
  Inspection inspection(doors, spec, chunk_bytes);
  for (const TablePart& part : parts) HANSE_TRY_VOID(inspection.part(part));
  return std::move(inspection).facts(parts.size());
}

}  // namespace hanse::data
