#include "jobs/map_file.h"

#include "base/limits.h"
#include "jobs/toml_reader.h"

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

}  // namespace

Result<data::ColumnMap> parse_map(std::string_view text, std::string_view filename) {
  if (text.size() > base::kMaxJobBytes)
    return base::fail(ErrorCode::invalid_argument, "{}: a map file has at most {} bytes, found {}",
                      filename, base::kMaxJobBytes, text.size());
  HANSE_TRY(Document document, Document::parse(text, filename, {}));
  Section root = document.root();
  root.require({"column"});
  Section columns = root.section("column");
  std::vector<data::MappedColumn> mapped;
  for (const std::string& name : columns.keys())
    mapped.push_back(read_mapped(columns.section(name), name));
  root.finish();
  HANSE_TRY_VOID(document.problems());
  auto map = data::ColumnMap::create(std::move(mapped));
  if (!map) return base::fail(map.error().within(filename));
  return map;
}

Result<data::ColumnMap> load_map(const storage::Directory& directory, const std::string& path,
                                 std::span<const data::Column> columns) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, base::kMaxJobBytes));
  HANSE_TRY(data::ColumnMap map, parse_map(base::text_of(bytes), path));
  if (const auto fits = map.check(columns); !fits) return base::fail(fits.error().within(path));
  return map;
}

}  // namespace hanse::jobs
