// The fleet's histogram of scores, as one private sum: how many unlabelled records lie in each bin
// of each cell.
//
//   part       of a record                                              clip
//   histogram  1 at cell · bins + bin, 0 elsewhere                      1
//
// Where classes are watched, a record that has a label is counted behind all of these instead, at
// (class · labels + label) · watch_bins + odds_bin: one histogram serves the choice of records and
// the gap between classes. A record is in one of them, so the sensitivity is that of one.
//
// plan.parameters is the scoring model; in the first cycle, which scores nothing, there is one bin.
// A record moves one number by 1, so the sensitivity is 1 whatever the bins.
#pragma once

#include "active/pool.h"
#include "learning/model.h"
#include "learning/private_queries.h"
#include "query/query.h"

namespace hanse::active {

inline constexpr std::string_view kScoreHistogramKind = "score_histogram";
inline constexpr std::string_view kHistogramPart = "histogram";

struct HistogramOptions {
  learning::Architecture architecture;
  ScoringSpec scoring = {};
  std::uint32_t bins = 1;
  SiteClasses watched = {};
  std::uint32_t watch_bins = 0;  // 0 where no classes are watched

  std::uint32_t cells() const;
  std::size_t candidates() const { return std::size_t{cells()} * bins; }
  // Numbers of what is watched.
  std::size_t known() const { return watched.size() * architecture.outputs() * watch_bins; }
  bool operator==(const HistogramOptions&) const = default;
};

std::string to_json(const HistogramOptions& options);
// As learning::options_from_json.
base::Result<HistogramOptions> histogram_options_from_json(std::string_view text);

privacy::Layout histogram_layout(const HistogramOptions& options, math::Lattice lattice,
                                 std::uint64_t max_units);

// The counts by cell and bin in a released sum; of another plan: corruption.
base::Result<Counts> counts_in(const privacy::Released& released, const HistogramOptions& options);
// Those of records with a label.
base::Result<std::vector<double>> known_in(const privacy::Released& released,
                                           const HistogramOptions& options);

// Options, layout and parameters must agree, the unit is the record: else invalid_argument.
base::Result<std::unique_ptr<query::Query>> create_score_histogram(const query::QueryPlan& plan);

// Adds the kinds of this room.
void fill(query::Catalog& catalog);

}  // namespace hanse::active
