// An array as a table: a row is a record; an array of one dimension is one column.
#pragma once

#include "data/npy.h"
#include "data/record_source.h"

namespace hanse::data {

struct NpyOptions {
  std::vector<std::string> header = {};  // empty: column_1, column_2, …
  std::size_t chunk_bytes = std::size_t{1} << 18;
};

// Holds a block of rows of about chunk_bytes. Refused: what read_npy_header refuses, a single
// number, and a header with more or fewer names than columns.
base::Result<std::unique_ptr<RecordSource>> open_npy(std::unique_ptr<const storage::File> file,
                                                     std::string source,
                                                     const NpyOptions& options = {});

}  // namespace hanse::data
