// Every kind of query that a site of this version answers.
#pragma once

#include "query/query.h"

namespace hanse::jobs {

query::Catalog full_catalog();

inline constexpr std::string_view kForFairness = "fairness";

// What a query of that kind is for, to whoever pays for it: "training", "metrics", "labels" (which
// records get one) or "fairness". Empty: no kind of this version.
std::string_view asked_for(std::string_view kind);

}  // namespace hanse::jobs
