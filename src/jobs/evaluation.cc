#include "jobs/evaluation.h"

#include <algorithm>
#include <map>

#include "math/student.h"

namespace hanse::jobs {
namespace {

// Records that are judged together: (site, row) in the order of the sites.
using Cell = std::vector<std::pair<std::size_t, std::size_t>>;

using Sites = std::span<const SiteJudged* const>;

std::vector<Cell> cells_of(Sites sites, Over over) {
  std::map<std::string, Cell> named;
  for (std::size_t s = 0; s < sites.size(); ++s)
    for (std::size_t row = 0; row < sites[s]->federated.size(); ++row) {
      std::string name;
      if (over == Over::sites) name = std::to_string(s);
      if (over == Over::groups) name = sites[s]->groups.at(row);
      named[name].emplace_back(s, row);
    }
  std::vector<Cell> cells;
  for (auto& [name, cell] : named) cells.push_back(std::move(cell));
  return cells;
}

// The cell's records as one arm judged them.
template <class Arm>
Judged gathered(Sites sites, const Cell& cell, const Arm& arm) {
  std::size_t columns = 0;
  if (!cell.empty()) columns = arm(*sites[cell.front().first]).predictions.columns();
  Judged all{math::Matrix(cell.size(), columns), {}};
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const auto& [site, row] = cell[i];
    const Judged& judged = arm(*sites[site]);
    std::ranges::copy(judged.predictions.row(row), all.predictions.row(i).begin());
    all.targets.push_back(judged.targets[row]);
  }
  return all;
}

MetricValues difference(const MetricValues& a, const MetricValues& b) {
  MetricValues values;
  for (std::size_t m = 0; m < a.size(); ++m) {
    const bool both = a[m].value && b[m].value;
    values.push_back({a[m].name, both ? std::optional(*a[m].value - *b[m].value) : std::nullopt});
  }
  return values;
}

Arms evaluate_cell(std::span<const learning::Metric> metrics, const data::Column& label,
                   Sites sites, const Cell& cell) {
  const auto on = [&](const Cell& rows, const auto& arm) {
    return evaluate(metrics, label, gathered(sites, rows, arm));
  };
  const auto federated = [](const SiteJudged& site) -> const Judged& { return site.federated; };
  Cell own;
  for (const auto& place : cell)
    if (sites[place.first]->local) own.push_back(place);
  Arms arms;
  arms.federated = on(cell, federated);
  const bool has_pooled = !cell.empty() && sites[cell.front().first]->pooled;
  arms.pooled = on(has_pooled ? cell : Cell{},
                   [](const SiteJudged& site) -> const Judged& { return *site.pooled; });
  arms.local = on(own, [](const SiteJudged& site) -> const Judged& { return *site.local; });
  arms.federated_minus_local =
      difference(own.size() == cell.size() ? arms.federated : on(own, federated), arms.local);
  return arms;
}

using Arm = MetricValues Arms::*;
constexpr Arm kArms[] = {&Arms::local, &Arms::federated, &Arms::pooled,
                         &Arms::federated_minus_local};

// Whether this arm's value counts in a mean: see compare().
bool counts(const Arms& arms, Arm arm, std::size_t metric, bool has_pooled) {
  const bool together = arms.federated[metric].value && (!has_pooled || arms.pooled[metric].value);
  return (arms.*arm)[metric].value && together;
}

std::vector<double> values_of(std::span<const Arms> all, Arm arm, std::size_t metric) {
  std::vector<double> values;
  // A job may train no pooled model.
  const bool has_pooled = std::ranges::any_of(
      all, [&](const Arms& arms) { return arms.pooled[metric].value.has_value(); });
  for (const Arms& arms : all)
    if (counts(arms, arm, metric, has_pooled)) values.push_back(*(arms.*arm)[metric].value);
  return values;
}

std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return {};
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// One value per fold: its mean over the seeds, where each deals the same folds.
std::vector<double> of_distinct(std::span<const Arms> folds, std::size_t distinct, Arm arm,
                                std::size_t metric) {
  if (distinct == 0) return values_of(folds, arm, metric);
  std::vector<double> values;
  for (std::size_t k = 0; k < distinct; ++k) {
    std::vector<Arms> same;
    for (std::size_t i = k; i < folds.size(); i += distinct) same.push_back(folds[i]);
    if (const auto value = mean(values_of(same, arm, metric))) values.push_back(*value);
  }
  return values;
}

}  // namespace

double physical(const data::Column& label, double scaled) {
  return label.low + (scaled + 1) / 2 * (label.high - label.low);
}

Judged judge(const learning::Model& model, const data::Dataset& records) {
  return {model.predict(records.features), records.target};
}

MetricValues evaluate(std::span<const learning::Metric> metrics, const data::Column& label,
                      const Judged& judged) {
  Judged scaled = judged;
  if (label.values.empty()) {
    for (double& value : scaled.predictions.values()) value = physical(label, value);
    for (double& value : scaled.targets) value = physical(label, value);
  }
  MetricValues values;
  for (const learning::Metric metric : metrics) {
    values.push_back({std::string(learning::name_of(metric)), {}});
    if (judged.size() == 0) continue;
    const auto value = learning::evaluate(metric, scaled.predictions, scaled.targets);
    if (value) values.back().value = *value;
  }
  return values;
}

FoldValues evaluate_fold(std::span<const learning::Metric> metrics, const data::Column& label,
                         Sites sites, Over over) {
  std::vector<Arms> of_cells;
  for (const Cell& cell : cells_of(sites, over))
    of_cells.push_back(evaluate_cell(metrics, label, sites, cell));
  if (of_cells.empty()) of_cells.push_back(evaluate_cell(metrics, label, sites, {}));
  FoldValues fold;
  fold.judged = static_cast<std::uint32_t>(of_cells.size());
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const std::string& name = of_cells.front().federated[m].name;
    for (const Arm arm : kArms)
      (fold.arms.*arm).push_back({name, mean(values_of(of_cells, arm, m))});
    const std::size_t defined = values_of(of_cells, &Arms::federated, m).size();
    if (defined < of_cells.size()) fold.undefined.push_back({name, of_cells.size() - defined});
  }
  return fold;
}

ComparedArms compare(std::span<const Arms> folds, double test_to_train, std::size_t distinct) {
  ComparedArms compared;
  constexpr Estimates ComparedArms::* kEstimates[] = {
      &ComparedArms::local, &ComparedArms::federated, &ComparedArms::pooled,
      &ComparedArms::federated_minus_local};
  for (std::size_t a = 0; a < std::size(kArms) && !folds.empty(); ++a)
    for (std::size_t m = 0; m < folds.front().federated.size(); ++m) {
      const std::vector<double> values = of_distinct(folds, distinct, kArms[a], m);
      Estimate estimate{folds.front().federated[m].name, mean(values), {}, {}};
      if (const auto interval = math::resampled_interval(values, test_to_train)) {
        estimate.low = interval->low;
        estimate.high = interval->high;
      }
      (compared.*kEstimates[a]).push_back(std::move(estimate));
    }
  return compared;
}

std::vector<HurtSite> hurt_of(std::span<const SiteRow> sites) {
  std::vector<HurtSite> hurt;
  for (const SiteRow& site : sites) {
    if (site.metrics.federated_minus_local.empty()) continue;
    const Estimate& gain = site.metrics.federated_minus_local.front();
    const auto metric = learning::metric_named(gain.name);
    if (!gain.value || !metric) continue;
    const bool lower = learning::lower_is_better(*metric);
    const auto bad = [lower](double value) { return lower ? value > 0 : value < 0; };
    if (!bad(*gain.value)) continue;
    const bool sure = gain.low && gain.high && bad(*gain.low) && bad(*gain.high);
    hurt.push_back({site.name, gain.name, std::string(sure ? kHurts : kMayHurt)});
  }
  return hurt;
}

}  // namespace hanse::jobs
