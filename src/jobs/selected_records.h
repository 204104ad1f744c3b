// The records that a plan of an active training asks a site about.
#pragma once

#include <limits>
#include <memory>
#include <mutex>

#include "active/label_book.h"
#include "jobs/job.h"
#include "query/query.h"

namespace hanse::jobs {

// What experts had said of a record by then (wall clock), by its name; none: nothing.
using Labels = std::function<std::optional<std::uint32_t>(const base::Digest& record,
                                                          base::Milliseconds until)>;

// All that was ever said.
inline constexpr base::Milliseconds kSaidSoFar{std::numeric_limits<std::int64_t>::max()};

// Which cycle a round is of, from 0.
std::uint32_t cycle_of(const Job& job, std::uint32_t round);
// Whether the site's experts label for such a job: it gives them time.
bool has_label_time(const Job& job);

// A site's records, and what the cycles chose of them. Of a job that is not active all of them,
// whatever the plan. Remembers the last answer, since a training asks for it round after round.
// Thread-safe.
class SelectedRecords {
 public:
  // `coins`: the site's secret for choosing, 32 bytes; others: invalid_argument.
  static base::Result<SelectedRecords> create(const Job& job,
                                              std::shared_ptr<const data::Dataset> records,
                                              base::ByteView coins, Labels labels = {});
  SelectedRecords(SelectedRecords&&) noexcept;
  SelectedRecords& operator=(SelectedRecords&&) noexcept;
  ~SelectedRecords();

  // The labelled of a plan are those with a label: in the table, or else as `labels` had it by
  // `until`. A selection that is none, or of another model: invalid_argument or corruption.
  base::Result<std::shared_ptr<const data::Dataset>> of(
      const query::QueryPlan& plan, base::Milliseconds until = kSaidSoFar) const;

  // Of the records that a plan asks about as labelled, those that have no label yet.
  base::Result<std::vector<active::LabelItem>> unlabelled(const query::QueryPlan& plan) const;

 private:
  struct Body;
  explicit SelectedRecords(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

// What a plan does with the records that it asks about: counts scores of unlabelled ones, or trains
// on labelled ones, which have to be labelled first.
bool asks_for_scores(const query::QueryPlan& plan);
bool asks_for_labels(const query::QueryPlan& plan);

// The secret of a site where all is simulated.
base::Bytes simulated_coins(std::uint64_t seed, const base::SiteId& site);

}  // namespace hanse::jobs
