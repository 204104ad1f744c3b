#include "jobs/map_file.h"

#include "base/limits.h"
#include "jobs/job_sections.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

data::MappedColumn read_mapped(Section section, const std::string& name) {
  data::MappedColumn column;
  column.column = name;
  section.get("from", column.from);
  section.get("unit", column.unit);
  Section values = section.section("values");
  for (const std::string& word : values.keys()) values.get(word, column.values[word]);
  section.finish();
  return column;
}

// What the section says; nothing where it is silent.
std::optional<char> read_mark(Section& section, std::string_view key, void (*read)(Section&, char&),
                              char mark) {
  read(section, mark);
  return section.has(key) ? std::optional<char>(mark) : std::nullopt;
}

}  // namespace

void MapFile::apply(data::TableSpec& spec) const {
  const bool csv = spec.format == data::TableFormat::csv;
  if (csv) spec.separator = separator.value_or(spec.separator);
  if (csv || spec.format == data::TableFormat::whitespace)
    spec.decimal = decimal.value_or(spec.decimal);
}

Result<MapFile> parse_map(std::string_view text, std::string_view filename) {
  if (text.size() > base::kMaxJobBytes)
    return base::fail(ErrorCode::invalid_argument, "{}: a map file has at most {} bytes, found {}",
                      filename, base::kMaxJobBytes, text.size());
  HANSE_TRY(Document document, Document::parse(text, filename, {}));
  Section root = document.root();
  if (!root.has("table")) root.require({"column"});
  Section table = root.section("table");
  const data::TableSpec usual;
  const auto separator = read_mark(table, "separator", read_separator, usual.separator);
  const auto decimal = read_mark(table, "decimal", read_decimal, usual.decimal);
  table.finish();
  Section columns = root.section("column");
  std::vector<data::MappedColumn> mapped;
  for (const std::string& name : columns.keys())
    mapped.push_back(read_mapped(columns.section(name), name));
  root.finish();
  HANSE_TRY_VOID(document.problems());
  auto map = data::ColumnMap::create(std::move(mapped));
  if (!map) return base::fail(map.error().within(filename));
  return MapFile{separator, decimal, *std::move(map)};
}

Result<MapFile> load_map(const storage::Directory& directory, const std::string& path,
                         std::span<const data::Column> columns) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, base::kMaxJobBytes));
  HANSE_TRY(MapFile map, parse_map(base::text_of(bytes), path));
  if (const auto fits = map.columns.check(columns); !fits)
    return base::fail(fits.error().within(path));
  return map;
}

}  // namespace hanse::jobs
