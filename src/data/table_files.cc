#include "data/table_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "data/csv.h"
#include "data/database_records.h"
#include "data/file_pattern.h"
#include "data/npy_records.h"
#include "data/whitespace.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

template <class... Args>
tl::unexpected<base::Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return base::fail(ErrorCode::invalid_argument, format, std::forward<Args>(args)...);
}

// Names that the spec itself gives to columns, each once.
base::Result<void> check_names(const TableSpec& spec, const std::optional<FilePattern>& pattern) {
  std::set<std::string_view> names;
  for (const std::string& name : spec.header) {
    if (name.empty()) return wrong("header: a column's name is empty");
    if (!names.insert(name).second) return wrong("header: two columns are named '{}'", name);
  }
  for (const auto& [name, text] : spec.constants)
    if (name.empty() || !names.insert(name).second)
      return wrong("constants: '{}' names another column too, or none", name);
  if (!spec.row_number.empty() && !names.insert(spec.row_number).second)
    return wrong("row_number: '{}' names another column too", spec.row_number);
  if (pattern)
    for (const std::string_view name : names)
      if (pattern->has(name)) return wrong("files: the field '{}' names another column too", name);
  return {};
}

base::Result<std::optional<FilePattern>> checked_pattern(const TableSpec& spec) {
  if (spec.files.empty()) {
    if (!spec.only.empty()) return wrong("only: it chooses among `files`, and there are none");
    return std::nullopt;
  }
  if (spec.format == TableFormat::postgresql) return wrong("files: a database has none");
  HANSE_TRY(FilePattern pattern, FilePattern::create(spec.files));
  for (const auto& [field, values] : spec.only)
    if (!pattern.has(field)) return wrong("only: '{}' has no field '{}'", spec.files, field);
  return pattern;
}

std::string within(const std::string& folder, const std::string& name) {
  return folder + (folder.ends_with('/') ? "" : "/") + name;
}

bool wanted(const TableSpec& spec, const FilePattern::Fields& fields) {
  return std::ranges::all_of(spec.only, [&](const auto& only) {
    return std::ranges::find(only.second, fields.at(only.first)) != only.second.end();
  });
}

base::Result<std::vector<TablePart>> files_of(const storage::Directory& directory,
                                              const TableSpec& spec, const FilePattern& pattern) {
  HANSE_TRY(const std::vector<storage::Entry> entries, directory.list(spec.path));
  std::vector<TablePart> parts;
  for (const storage::Entry& entry : entries) {
    if (entry.is_directory) continue;
    const std::optional<FilePattern::Fields> fields = pattern.match(entry.name);
    if (!fields || !wanted(spec, *fields)) continue;
    TablePart part{within(spec.path, entry.name), spec.constants};
    part.extra.insert(fields->begin(), fields->end());
    parts.push_back(std::move(part));
  }
  if (parts.empty())
    return base::fail(
        ErrorCode::not_found, "'{}': expected files named as '{}'{}, found none among {} entries",
        spec.path, spec.files, spec.only.empty() ? "" : " with the fields wanted", entries.size());
  return parts;
}

base::Result<std::unique_ptr<RecordSource>> open_query(const TableDoors& doors,
                                                       const TableSpec& spec) {
  if (doors.databases == nullptr)
    return base::fail(ErrorCode::unsupported, "databases are not reached from here");
  HANSE_TRY(std::unique_ptr<storage::Cursor> cursor, doors.databases->query(spec.path, spec.query));
  return records_of(std::move(cursor), storage::public_name(spec.path));
}

}  // namespace

base::Result<void> check_table_spec(const TableSpec& spec) {
  const bool database = spec.format == TableFormat::postgresql;
  if (spec.path.empty()) return wrong("path: expected where the table lies, found none");
  if (database && spec.query.empty()) return wrong("query: expected one statement, found none");
  if (!database && !spec.query.empty()) return wrong("query: only a database is asked");
  if (database && !spec.header.empty()) return wrong("header: a query names its columns itself");
  if (spec.decimal != '.' && spec.decimal != ',')
    return wrong("decimal: expected \".\" or \",\", found \"{}\"", spec.decimal);
  if (spec.header.size() > base::kMaxColumns)
    return wrong("header: {} columns; at most {} are read", spec.header.size(), base::kMaxColumns);
  HANSE_TRY(const std::optional<FilePattern> pattern, checked_pattern(spec));
  return check_names(spec, pattern);
}

base::Result<std::vector<TablePart>> table_parts(const TableDoors& doors, const TableSpec& spec) {
  HANSE_TRY_VOID(check_table_spec(spec));
  HANSE_TRY(const std::optional<FilePattern> pattern, checked_pattern(spec));
  if (pattern) return files_of(doors.directory, spec, *pattern);
  return std::vector<TablePart>{{spec.path, spec.constants}};
}

std::string table_source(const TableSpec& spec) {
  if (spec.format == TableFormat::postgresql) return storage::public_name(spec.path);
  return spec.files.empty() ? spec.path : within(spec.path, spec.files);
}

base::Result<std::unique_ptr<RecordSource>> open_part(const TableDoors& doors,
                                                      const TableSpec& spec, const TablePart& part,
                                                      std::size_t chunk_bytes) {
  if (spec.format == TableFormat::postgresql) return open_query(doors, spec);
  HANSE_TRY(std::unique_ptr<const storage::File> file, doors.directory.open(part.path));
  switch (spec.format) {
    case TableFormat::csv:
      return open_csv(
          std::move(file), part.path,
          {.separator = spec.separator, .header = spec.header, .chunk_bytes = chunk_bytes});
    case TableFormat::whitespace:
      return open_whitespace(std::move(file), part.path,
                             {.header = spec.header, .chunk_bytes = chunk_bytes});
    case TableFormat::npy:
      return open_npy(std::move(file), part.path,
                      {.header = spec.header, .chunk_bytes = chunk_bytes});
    case TableFormat::postgresql:
      break;
  }
  HANSE_CHECK(false);
}

}  // namespace hanse::data
