// The rows of a database's query as records.
#pragma once

#include "data/record_source.h"
#include "storage/database.h"

namespace hanse::data {

// Refused with source and row: texts that are no UTF-8 and fields over base::kMaxFieldBytes.
std::unique_ptr<RecordSource> records_of(std::unique_ptr<storage::Cursor> cursor,
                                         std::string source);

}  // namespace hanse::data
