#include "jobs/catalog.h"

#include <algorithm>
#include <array>
#include <utility>

#include "active/score_histogram.h"
#include "fairness/class_histogram.h"
#include "fairness/fdp_fair_query.h"
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

std::string_view asked_for(std::string_view kind) {
  using Purpose = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Purpose, 9> kPurposes{{
      {learning::kMomentsKind, "training"},
      {learning::kGradientKind, "training"},
      {learning::kLocalTrainingKind, "training"},
      {learning::kMetricsKind, "metrics"},
      {active::kScoreHistogramKind, "labels"},
      {learning::kClassNormsKind, kForFairness},
      {fairness::kClassHistogramKind, kForFairness},
      {fairness::kFairLearningKind, kForFairness},
      {fairness::kFairCalibrationKind, kForFairness},
  }};
  const auto found = std::ranges::find(kPurposes, kind, &Purpose::first);
  return found == kPurposes.end() ? std::string_view() : found->second;
}

}  // namespace hanse::jobs
