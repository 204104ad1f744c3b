// FDP-Fair's two questions to the fleet, each a private sum of counts.
//
//   kind              part      of a record                                           clip
//   fair_learning     classes   1 at 2·group + label                                  1
//                     cells     1 at (2·group + label)·cells + cell                   1
//   fair_calibration  tree      1 in its leaf and in each node above (threshold_fairness.h)
//                                                                             √(levels + 1)
//
// plan.parameters of fair_calibration are the model that the first question gave. Options, as JSON:
//
//   {"features": [{"column": 0, "low": -1, "high": 1, "cells": 16, "bandwidth": 0.1}],
//    "by": "site_class", "groups": ["old", "new"], "positive": 1, "levels": 9, "half": "first"}
//
// `column` is one of the dataset's features, scaled as they are; of a category, which has "values"
// too, the first of so many, and the record's value is the place of its 1, from 0. A record's group
// is 0 or 1 by the place in `groups` of its own group's name or, by "site_class", of its site's
// class or, by "feature", by which of the two columns from "group_column" on has a 1. Its label is
// 1 where its target is `positive`. Records of other groups count nowhere. `half` is "first",
// "second" or "all": which of two halves is asked about. A record's half is a coin of the job, its
// own content, and how many of its equals stand before it in the site's table,
//   a bit of SHA-256("hanse/fairness/half/2" ‖ job ‖ SHA-256(features ‖ group ‖ target) ‖ before),
// so one record more or less moves none of the others, which of equal ones being which aside
// (docs/proofs/fair_threshold.md); and equal records are dealt to both halves. A ledger that adds
// up what both questions cost charges more than a record pays.
#pragma once

#include "fairness/fdp_fair.h"
#include "query/query.h"

namespace hanse::fairness {

inline constexpr std::string_view kFairLearningKind = "fair_learning";
inline constexpr std::string_view kFairCalibrationKind = "fair_calibration";
inline constexpr std::string_view kClassesPart = "classes";
inline constexpr std::string_view kCellsPart = "cells";
inline constexpr std::string_view kTreePart = "tree";

enum class Half { first, second, all };
enum class GroupedBy { group, site_class, feature };

struct FairOptions {
  std::vector<std::uint32_t> columns = {};  // one for each feature
  // Of a category, whose cells lie from −½ on, one for each value; 0: a number. None: all numbers.
  std::vector<std::uint32_t> values = {};
  std::vector<FeatureGrid> features = {};  // in the dataset's scale
  GroupedBy by = GroupedBy::group;
  std::vector<std::string> groups = {};  // two names
  std::uint32_t group_column = 0;        // by feature
  std::uint32_t positive = 1;            // index of the label's value
  std::uint32_t levels = 9;
  Half half = Half::all;

  bool operator==(const FairOptions&) const = default;
};

std::string to_json(const FairOptions& options);
// What to_json would not have written, or numbers out of the ranges of FairCounts:
// invalid_argument.
base::Result<FairOptions> fair_options_from_json(std::string_view text);
// The spec that sites count by; bound, widths and budget are the coordinator's to set.
FairRuleSpec spec_of(const FairOptions& options);

// Of one question with at most so many units a site. The options have passed
// fair_options_from_json: checked, aborts.
privacy::Layout learning_layout(const FairOptions& options, math::Lattice lattice,
                                std::uint64_t max_units);
privacy::Layout calibration_layout(const FairOptions& options, math::Lattice lattice,
                                   std::uint64_t max_units);

// group 1's share, and the probabilities of group 0 and 1 by cell: doubles, little-endian.
base::Bytes encode(const FairModel& model);
// Other bytes than encode would write for this grid: corruption, found before anything is
// allocated.
base::Result<FairModel> decode_model(const CellGrid& grid, base::ByteView bytes);

// From a released sum; `variance` is that of the noise on each count of a cell.
base::Result<FairModel> model_in(const FairCounts& counts, const privacy::Released& released,
                                 double variance);
base::Result<PriceOfDisparity> price_in(const FairCounts& counts, const FairModel& model,
                                        const privacy::Released& released);

// Options, layout and parameters must agree, the unit is the record: else invalid_argument.
base::Result<std::unique_ptr<query::Query>> create_fair_learning(const query::QueryPlan& plan);
base::Result<std::unique_ptr<query::Query>> create_fair_calibration(const query::QueryPlan& plan);

}  // namespace hanse::fairness
