#include "jobs/group_fold.h"

#include <algorithm>
#include <cmath>

#include "jobs/job_privacy.h"

namespace hanse::jobs {

using base::Result;

namespace {

MetricValues difference(const MetricValues& a, const MetricValues& b) {
  MetricValues values = a;
  for (std::size_t m = 0; m < values.size(); ++m) {
    const bool both = a[m].value && b[m].value;
    values[m].value = both ? std::optional(*a[m].value - *b[m].value) : std::nullopt;
  }
  return values;
}

MetricValues values_of(const fairness::GroupSpec& spec, const learning::Model& model,
                       std::span<const SiteFold> parts) {
  GroupTally tally(spec);
  for (const SiteFold& part : parts)
    tally.add(judge(model, part.test),
              groups_by_axis(model.architecture().axes().front(), part.test));
  return tally.values();
}

}  // namespace

std::vector<std::optional<std::size_t>> groups_by_axis(const learning::Axis& axis,
                                                       const data::Dataset& records) {
  std::vector<std::optional<std::size_t>> groups(records.size());
  for (std::size_t row = 0; row < groups.size(); ++row)
    groups[row] = learning::cell_on(axis, records.features.row(row));
  return groups;
}

void GroupTally::add(const Judged& judged, std::span<const std::optional<std::size_t>> groups) {
  for (std::size_t row = 0; row < judged.size(); ++row) {
    if (!groups[row]) continue;
    const std::span<const double> said = judged.predictions.row(row);
    const auto label = static_cast<double>(std::ranges::max_element(said) - said.begin());
    Counts& counts = of_group_.at(*groups[row]);
    counts.records += 1;
    counts.wrong += label == judged.targets[row] ? 0 : 1;
    counts.positive += label == spec_.positive ? 1 : 0;
  }
}

MetricValues GroupTally::values() const {
  const auto [zero, one] = of_group_;
  const double all = zero.records + one.records;
  const auto share = [](double part, double of) {
    return of > 0 ? std::optional(part / of) : std::nullopt;
  };
  MetricValues values{{"error", share(zero.wrong + one.wrong, all)}, {"disparity", {}}};
  std::array<std::optional<double>, fairness::kGroups> rates;
  for (std::size_t group = 0; group < fairness::kGroups; ++group) {
    const Counts& counts = of_group_[group];
    rates[group] = share(counts.positive, counts.records);
    values.push_back({"rate_" + spec_.groups[group], rates[group]});
    values.push_back({"error_" + spec_.groups[group], share(counts.wrong, counts.records)});
  }
  if (rates[0] && rates[1]) values[1].value = std::abs(*rates[1] - *rates[0]);
  return values;
}

Result<Arms> fairness_between_groups(const Job& job, const data::Schema& schema,
                                     std::span<const SiteFold> parts,
                                     const learning::Iterate& federated,
                                     const SharedIterate& pooled) {
  const fairness::GroupSpec& spec = *job.groups;
  HANSE_TRY(const learning::Model fair, model_of(job, schema, federated));
  HANSE_TRY(const learning::Model unbounded, fairness::unbounded(spec, federated));
  Arms arms{.local = values_of(spec, unbounded, parts),
            .federated = values_of(spec, fair, parts),
            .pooled = {},
            .federated_minus_local = {}};
  arms.federated_minus_local = difference(arms.federated, arms.local);
  arms.pooled = arms.federated;
  for (MetricValue& one : arms.pooled) one.value.reset();
  if (pooled) {
    HANSE_TRY(const learning::Model whole, model_of(job, schema, *pooled));
    arms.pooled = values_of(spec, whole, parts);
  }
  return arms;
}

}  // namespace hanse::jobs
