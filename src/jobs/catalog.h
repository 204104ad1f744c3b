// Every kind of query that a site of this version answers.
#pragma once

#include "query/query.h"

namespace hanse::jobs {

query::Catalog full_catalog();

}  // namespace hanse::jobs
