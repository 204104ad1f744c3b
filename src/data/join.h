// What another table knows about the records of one: per engine, per batch, per supplier.
#pragma once

#include "data/table.h"

namespace hanse::data {

// `table` with the columns `wanted` of `other`, from its record that has the same texts in the
// columns `on`; both tables have those as texts. A record without a match, or with an empty
// text there, gets a missing value: NaN, or an empty text. Two records of `other` with the same
// texts, or records of which none has a match: invalid_argument.
base::Result<Table> join(Table table, const Table& other, std::span<const std::string> on,
                         std::span<const std::string> wanted);

}  // namespace hanse::data
