// Sites for a simulation out of a table that many plants' records lie in.
#pragma once

#include <map>

#include "base/random.h"
#include "data/encode.h"

namespace hanse::data {

struct SitesSpec {
  // A text column whose value is the record's site class; empty: one class without a name.
  std::string deal_by = {};
  // Class → among how many sites its records are dealt. Empty: nothing is dealt, and the schema's
  // columns of kind site say whose record it is. Without deal_by: one entry with an empty name.
  std::map<std::string, std::uint32_t> deal = {};
  // Columns: records with the same texts go to one site together. Empty: each record for itself.
  std::vector<std::string> together = {};
  // Sites with fewer records take no part. The caller leaves them out and says so.
  std::uint64_t min_records = 0;

  bool operator==(const SitesSpec&) const = default;
};

// Of each record, in the table's order. A class dealt to one site gives its name; to several,
// NAME-1, NAME-2, …
// ("site-1" for the class without a name). Random, and even to within one record, or one of
// `together`. A class that the spec does not name, or one with fewer to deal than sites:
// invalid_argument with the numbers.
base::Result<std::vector<SiteOfRecord>> deal_sites(const Table& table, const SitesSpec& spec,
                                                   base::RandomSource& random);

}  // namespace hanse::data
