// The kinds of question that this room asks a fleet.
#pragma once

#include "query/query.h"

namespace hanse::fairness {

// Adds the kinds of this room.
void fill(query::Catalog& catalog);

}  // namespace hanse::fairness
