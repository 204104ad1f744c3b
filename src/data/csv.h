// Comma-separated values as RFC 4180 has them, a record at a time.
#pragma once

#include "data/record_source.h"
#include "storage/directory.h"

namespace hanse::data {

struct CsvOptions {
  char separator = ',';
  // The columns' names where the file has no header line; otherwise its first line is the header.
  std::vector<std::string> header = {};
  std::size_t chunk_bytes = std::size_t{1} << 18;
};

// Quoted fields may hold separators, doubled quotes and line breaks; lines end with LF or CRLF, the
// last one may lack its end; a UTF-8 byte order mark is skipped. Holds one piece of the file and
// the record at hand.
//
// Refused with source and line, expected and found: an empty file, a ragged line, a field over
// base::kMaxFieldBytes, a record over base::kMaxRecordBytes, more than base::kMaxColumns columns,
// bytes that are no UTF-8, NUL, a carriage return by itself, a quote inside a field that does not
// start with one, text after a closing quote, a quote that never closes.
base::Result<std::unique_ptr<RecordSource>> open_csv(std::unique_ptr<const storage::File> file,
                                                     std::string source,
                                                     const CsvOptions& options = {});

}  // namespace hanse::data
