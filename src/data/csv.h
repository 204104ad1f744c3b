// Comma-separated values as RFC 4180 has them, read in pieces with bounded memory.
#pragma once

#include "data/schema.h"
#include "data/table.h"
#include "storage/directory.h"

namespace hanse::data {

// A table in one file: what a job says about it.
struct CsvSpec {
  std::string path;
  char separator = ',';
  std::vector<Column> columns;  // the schema, see Schema::create
  bool operator==(const CsvSpec&) const = default;
};

struct CsvOptions {
  char separator = ',';
  // Bytes per read; the result does not depend on it.
  std::size_t chunk_bytes = std::size_t{1} << 18;
  // A label, group or site column of the schema that the header lacks is left out of the table
  // (predicting needs no label); otherwise not_found.
  bool features_only_required = false;
};

// Reads the columns that `schema` declares, in the schema's order: numbers and regression labels as
// doubles, all others as texts. Columns the schema ignores or does not name are read past. The
// first line is the header. Quoted fields may hold separators, doubled quotes and line breaks;
// lines end with LF or CRLF, the last one may lack its end; a UTF-8 byte order mark is skipped.
//
// Refused with file, line and column, expected and found: a ragged line, a field over
// base::kMaxFieldBytes, NUL, text after a closing quote, a quote that never closes, a number that
// is none (an empty cell too; "nan" and "inf" are read and left to encode to refuse), a name that
// occurs twice in the header, more than base::kMaxColumns columns or base::kMaxTableCells cells.
base::Result<Table> read_csv(const storage::File& file, std::string_view source,
                             const Schema& schema, const CsvOptions& options = {});

}  // namespace hanse::data
