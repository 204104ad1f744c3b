// A plant's map file: how its table is written, and its own names, units and words for a job's
// columns (docs/formats/map.md).
#pragma once

#include "data/column_map.h"
#include "data/reader.h"
#include "storage/directory.h"

namespace hanse::jobs {

struct MapFile {
  std::optional<char> separator;  // where the plant's is another than the job's
  std::optional<char> decimal;
  data::ColumnMap columns;

  // The job's table as this plant has it.
  void apply(data::TableSpec& spec) const;
};

// Strict; errors name file, line and column.
base::Result<MapFile> parse_map(std::string_view text, std::string_view filename);

// Reads it and holds it against the columns that a job declares.
base::Result<MapFile> load_map(const storage::Directory& directory, const std::string& path,
                               std::span<const data::Column> columns);

}  // namespace hanse::jobs
