// Records of a table, read from wherever they lie, a batch at a time.
#pragma once

#include <map>
#include <memory>

#include "data/column_map.h"
#include "data/schema.h"
#include "data/table.h"
#include "storage/database.h"
#include "storage/directory.h"

namespace hanse::data {

enum class TableFormat {
  csv,         // RFC 4180
  whitespace,  // fields separated by runs of spaces and tabs, a record a line
  npy,         // a two-dimensional array: a record a row; one dimension is one column
  postgresql,  // the rows of a query
};

// Where a table lies and how to read it: what a job says about it.
struct TableSpec {
  TableFormat format = TableFormat::csv;
  std::string path;  // a file; with `files` a folder; for postgresql the connection's URL
  // File names with fields in braces (file_pattern.h): all files of the folder that match, in the
  // byte order of their names, as one table, the fields as further columns. Empty: one file.
  std::string files;
  char separator = ',';             // csv
  char decimal = '.';               // csv and whitespace: or ',', in every number of a file
  std::vector<std::string> header;  // the columns' names where the files have no header line
  std::string row_number;           // a further column that counts each file's records from 1
  std::map<std::string, std::string> constants;  // further columns with one text in every record
  // Fields of file names and the values wanted; files with others are skipped.
  std::map<std::string, std::vector<std::string>> only;
  std::string query;  // postgresql

  bool operator==(const TableSpec&) const = default;
};

struct ReadOptions {
  // Bytes per read; the result does not depend on it.
  std::size_t chunk_bytes = std::size_t{1} << 18;
  // Only features, and inputs and texts that are there, are needed: for predicting. Otherwise a
  // column that the source lacks is not_found.
  bool features_only_required = false;
  const ColumnMap* map = nullptr;  // the plant's own names and units
};

// Wrong by itself, whatever lies there: names given twice, a pattern that is none, a query for a
// file. invalid_argument, naming the field.
base::Result<void> check_table_spec(const TableSpec& spec);

class Reader {
 public:
  virtual ~Reader() = default;
  // Appends up to `records` more to `table`, which is empty or was filled by this reader alone;
  // returns how many, 0 at the end. A table emptied of its records between two calls is fine.
  // Memory beside the table is bounded by chunk_bytes and base::kMaxRecordBytes. After an error the
  // table holds whole records, and every further call is that error.
  //
  // The table has the columns declared, in their order, as far as the source has them: numbers and
  // orders as doubles, all others as texts. A missing number is NaN, a missing text is empty, where
  // the column's policy is not to refuse. An order is a number, or a date or time (parse_time) in
  // seconds since 1970; one column does not have both.
  virtual base::Result<std::size_t> read(Table& table, std::size_t records) = 0;
};

// Where tables lie. Readers keep the references.
struct TableDoors {
  const storage::Directory& directory;
  storage::Databases* databases = nullptr;  // null: none can be reached
};

// Reads the columns of `columns` that are read (is_read). A column's name, or the plant's where the
// map has one, is that of the header: the very text, or without blanks around it, or also without a
// unit in parentheses or brackets behind it ("torque [Nm]" is "torque"). A unit in the header that
// is not the declared one is converted where both measure the same, and else an error, also where
// none is declared; the map's unit goes before the header's. Where the job's own name has it
// ("torque [Nm]"), only one that is known counts. Other columns are read past. The files of a
// folder may have their columns in different orders and units.
//
// A plant's words become the job's before anything looks at a text; tokens of missing values are
// looked for before units are converted.
//
// With the decimal mark ',' "1,5" is a number and "1.5" none; neither is "1.000,5". What the spec
// itself says (constants, fields of file names) has points.
//
// A text that is another spelling of a number among the declared values is that value: "1.0" is
// "1".
//
// Refused with source, line and column, expected and found: what open_csv, open_whitespace,
// open_npy and the database refuse; a number that is none or not finite, a missing value whose
// policy is to refuse, a name that occurs twice, a column of the source that two are read from,
// more than base::kMaxTableCells cells.
base::Result<std::unique_ptr<Reader>> open_table(const TableDoors& doors, const TableSpec& spec,
                                                 std::span<const Column> columns,
                                                 const ReadOptions& options = {});

// All of it.
base::Result<Table> read_table(const TableDoors& doors, const TableSpec& spec,
                               std::span<const Column> columns, const ReadOptions& options = {});

}  // namespace hanse::data
