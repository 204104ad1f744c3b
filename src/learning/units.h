// The units of privacy among a site's records, as a private answer takes them.
#pragma once

#include <span>
#include <vector>

#include "data/dataset.h"
#include "learning/model.h"
#include "query/query.h"

namespace hanse::learning {

// Which records are each unit's. Not empty, any of them.
class Units {
 public:
  // Of a private plan. Nothing here fails, and nothing is counted, by what stands in a record:
  //  - a record that the model cannot learn from is left out, each by itself;
  //  - of more than max_units units those first in the table stay. No rule that caps a table is
  //    better than that one: docs/proofs/unit_cap.md. The owner, who signs up for max_units, sees
  //    to it that his table has no more;
  //  - below a sampling rate of 1 each unit stays by a coin of its own (Poisson sampling).
  // The records have no column of units, or another number of columns: invalid_argument.
  static base::Result<Units> of(const query::QueryPlan& plan, const Architecture& architecture,
                                const data::Dataset& records, base::RandomSource& random);

  std::size_t size() const { return ends_.size(); }
  std::span<const std::size_t> rows_of(std::size_t unit) const {
    const std::size_t begin = unit == 0 ? 0 : ends_[unit - 1];
    return std::span(rows_).subspan(begin, ends_[unit] - begin);
  }
  // Of all units, one after the other.
  std::span<const std::size_t> rows() const { return rows_; }
  // Each unit is one record.
  bool are_records() const { return are_records_; }

 private:
  std::vector<std::size_t> rows_;
  std::vector<std::size_t> ends_;
  bool are_records_ = true;
};

}  // namespace hanse::learning
