// The sources that one table is made of: a file, the files of a folder, the rows of a query.
#pragma once

#include "data/reader.h"
#include "data/record_source.h"

namespace hanse::data {

struct TablePart {
  std::string path;
  std::map<std::string, std::string> extra;  // further columns: constants and the name's fields
};

// In the order of reading, at least one. A folder without a file that matches: not_found.
base::Result<std::vector<TablePart>> table_parts(const TableDoors& doors, const TableSpec& spec);

// What error texts and reports call it: "d/{run}.csv", never a password.
std::string table_source(const TableSpec& spec);

base::Result<std::unique_ptr<RecordSource>> open_part(const TableDoors& doors,
                                                      const TableSpec& spec, const TablePart& part,
                                                      std::size_t chunk_bytes);

}  // namespace hanse::data
