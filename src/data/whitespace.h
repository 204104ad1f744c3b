// Tables of fields between blanks, a record a line, as many simulators and NASA's data sets have
// them.
#pragma once

#include "data/record_source.h"
#include "storage/directory.h"

namespace hanse::data {

struct WhitespaceOptions {
  // The columns' names where the file has no header line; otherwise its first line is the header.
  std::vector<std::string> header = {};
  std::size_t chunk_bytes = std::size_t{1} << 18;
};

// Fields are separated by runs of spaces and tabs, which may also begin and end a line. Lines end
// with LF or CRLF; lines of blanks alone are skipped. Refused: what open_csv refuses, quotes being
// characters like others.
base::Result<std::unique_ptr<RecordSource>> open_whitespace(
    std::unique_ptr<const storage::File> file, std::string source,
    const WhitespaceOptions& options = {});

}  // namespace hanse::data
