#include "jobs/catalog.h"

#include "active/score_histogram.h"
#include "fairness/queries.h"
#include "learning/queries.h"

namespace hanse::jobs {

query::Catalog full_catalog() {
  query::Catalog catalog;
  learning::fill(catalog);
  active::fill(catalog);
  fairness::fill(catalog);
  return catalog;
}

}  // namespace hanse::jobs
