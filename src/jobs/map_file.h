// A plant's map file: its own names, units and words for a job's columns (docs/formats/map.md).
#pragma once

#include "data/column_map.h"
#include "storage/directory.h"

namespace hanse::jobs {

// Strict; errors name file, line and column.
base::Result<data::ColumnMap> parse_map(std::string_view text, std::string_view filename);

// Reads it and holds it against the columns that a job declares.
base::Result<data::ColumnMap> load_map(const storage::Directory& directory, const std::string& path,
                                       std::span<const data::Column> columns);

}  // namespace hanse::jobs
