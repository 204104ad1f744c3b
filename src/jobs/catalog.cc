#include "jobs/catalog.h"

#include "learning/queries.h"

namespace hanse::jobs {

query::Catalog full_catalog() {
  query::Catalog catalog;
  learning::fill(catalog);
  return catalog;
}

}  // namespace hanse::jobs
