#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace hanse::data {
namespace {

using base::ErrorCode;

// What is moved as a whole: a group of the fleet, or one record of one site.
struct Unit {
  std::string name;
  std::size_t first_site = 0;
  std::size_t row = 0;                   // by record only
  std::map<double, std::size_t> labels;  // label → records
  // The most frequent label, the lowest of several.
  double label() const {
    const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
    return labels.empty() ? 0 : std::ranges::max_element(labels, more)->first;
  }
};

using Units = std::vector<Unit>;

// A label that stratifies, or one value for all: a regression label does not.
double stratum(const Dataset& records, std::size_t row) {
  const Column* label = records.schema->label();
  return label != nullptr && !label->values.empty() ? records.target[row] : 0;
}

// Groups of the whole fleet in the byte order of their names.
Units fleet_groups(std::span<const SiteData> sites) {
  std::map<std::string, Unit> groups;
  for (std::size_t site = 0; site < sites.size(); ++site) {
    const Dataset& records = sites[site].records;
    for (std::size_t row = 0; row < records.size(); ++row) {
      const std::string& name = records.group_names[records.group[row]];
      const auto [entry, added] = groups.try_emplace(name);
      if (added) entry->second = {.name = name, .first_site = site, .row = 0, .labels = {}};
      ++entry->second.labels[stratum(records, row)];
    }
  }
  Units units;
  for (auto& [name, unit] : groups) units.push_back(std::move(unit));
  return units;
}

Units records_of(const SiteData& site) {
  Units units;
  for (std::size_t row = 0; row < site.records.size(); ++row)
    units.push_back({.name = fmt::format("record {}", row + 1),
                     .first_site = 0,
                     .row = row,
                     .labels = {{stratum(site.records, row), 1}}});
  return units;
}

std::map<double, std::vector<std::size_t>> by_label(const Units& units) {
  std::map<double, std::vector<std::size_t>> strata;
  for (std::size_t i = 0; i < units.size(); ++i) strata[units[i].label()].push_back(i);
  return strata;
}

std::string label_name(const Schema& schema, double label) {
  const Column* column = schema.label();
  if (column == nullptr || column->values.empty()) return "the table";
  return fmt::format("label '{}'", column->values[static_cast<std::size_t>(label)]);
}

base::Result<void> check_enough(const Schema& schema, double label, std::size_t found,
                                std::size_t needed, SplitBy by) {
  if (found >= needed) return {};
  return base::fail(ErrorCode::failed_precondition,
                    "{} has {} {}{}; this split needs at least {}: add some, or split otherwise",
                    label_name(schema, label), found, by == SplitBy::group ? "group" : "record",
                    found == 1 ? "" : "s", needed);
}

// Fold of each unit; a hold-out has folds 0 (tests) and 1.
using Assignment = std::vector<std::size_t>;

base::Result<Assignment> deal_folds(const Units& units, const Schema& schema, const SplitSpec& spec,
                                    base::RandomSource& random) {
  Assignment fold(units.size());
  for (auto& [label, members] : by_label(units)) {
    HANSE_TRY_VOID(check_enough(schema, label, members.size(), spec.folds, spec.by));
    std::vector<std::size_t> order = members;
    // The order of records in a table may mean something; the names of groups are the order.
    if (spec.by == SplitBy::record) base::shuffle(random, order);
    for (std::size_t i = 0; i < order.size(); ++i) fold[order[i]] = i % spec.folds;
  }
  return fold;
}

// Systematic sampling: units of one label, those of a site side by side and shuffled within, and
// every (1/test)-th of them, so that each site gives its part to within one unit.
base::Result<Assignment> draw_test(const Units& units, const Schema& schema, const SplitSpec& spec,
                                   base::RandomSource& random) {
  Assignment fold(units.size(), 1);
  for (auto& [label, members] : by_label(units)) {
    HANSE_TRY_VOID(check_enough(schema, label, members.size(), 2, spec.by));
    std::vector<std::size_t> order = members;
    base::shuffle(random, order);
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return units[i].first_site; });
    const auto size = static_cast<double>(order.size());
    const double wanted = std::clamp(std::round(size * spec.test), 1.0, size - 1);
    const double offset = base::uniform_unit(random);
    // The k-th test unit is the one that [k + offset) · size / wanted falls on.
    for (double k = 0; k < wanted; ++k) {
      const auto drawn = static_cast<std::size_t>((k + offset) * (size / wanted));
      fold[order[std::min(drawn, order.size() - 1)]] = 0;
    }
  }
  return fold;
}

base::Result<Assignment> assign(const Units& units, const Schema& schema, const SplitSpec& spec,
                                base::RandomSource& random) {
  if (spec.kind == SplitKind::k_fold) return deal_folds(units, schema, spec, random);
  return draw_test(units, schema, spec, random);
}

base::Result<void> check_spec(std::span<const SiteData> sites, const SplitSpec& spec) {
  if (spec.kind == SplitKind::holdout && !(spec.test > 0 && spec.test < 1))
    return base::fail(ErrorCode::invalid_argument,
                      "a hold-out's test part must be above 0 and below 1, found {}", spec.test);
  if (spec.kind == SplitKind::k_fold && spec.folds < 2)
    return base::fail(ErrorCode::invalid_argument, "k-fold needs at least 2 folds, found {}",
                      spec.folds);
  if (sites.empty())
    return base::fail(ErrorCode::invalid_argument, "expected at least one site, found none");
  const bool grouped = sites.front().records.schema->has(ColumnKind::group);
  if (spec.by == SplitBy::group && !grouped)
    return base::fail(ErrorCode::invalid_argument,
                      "a split by group needs a column of kind group and the schema has none; "
                      "declare one, or split by record");
  if (spec.by == SplitBy::record && grouped && !spec.allow_leakage)
    return base::fail(ErrorCode::invalid_argument,
                      "the schema declares a group (of recordings without one, each file is a "
                      "group), so a split by record would put records that belong together on both "
                      "sides; split by group, or set allow_leakage to measure by how much that "
                      "flatters");
  return {};
}

void place(SiteSplit& split, std::size_t row, bool tests) {
  (tests ? split.test : split.train).push_back(row);
}

base::Result<std::vector<Fold>> split_by_record(std::span<const SiteData> sites,
                                                const SplitSpec& spec, std::size_t folds,
                                                base::RandomSource& random) {
  std::vector<Fold> result(folds, Fold{std::vector<SiteSplit>(sites.size())});
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Units units = records_of(sites[s]);
    auto fold = assign(units, *sites[s].records.schema, spec, random);
    if (!fold) return base::fail(fold.error().within("site " + sites[s].site.text()));
    for (std::size_t k = 0; k < folds; ++k)
      for (std::size_t i = 0; i < units.size(); ++i)
        place(result[k].sites[s], units[i].row, (*fold)[i] == k);
  }
  return result;
}

base::Result<std::vector<Fold>> split_by_group(std::span<const SiteData> sites,
                                               const SplitSpec& spec, std::size_t folds,
                                               base::RandomSource& random) {
  const Units units = fleet_groups(sites);
  HANSE_TRY(const Assignment fold, assign(units, *sites.front().records.schema, spec, random));
  std::map<std::string_view, std::size_t> fold_of;
  for (std::size_t i = 0; i < units.size(); ++i) fold_of[units[i].name] = fold[i];
  std::vector<Fold> result(folds, Fold{std::vector<SiteSplit>(sites.size())});
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Dataset& records = sites[s].records;
    std::vector<std::size_t> own;
    for (const std::string& name : records.group_names) {
      const auto known = fold_of.find(name);  // a name that no record bears has no fold
      own.push_back(known == fold_of.end() ? 0 : known->second);
    }
    for (std::size_t k = 0; k < folds; ++k)
      for (std::size_t row = 0; row < records.size(); ++row)
        place(result[k].sites[s], row, own[records.group[row]] == k);
  }
  return result;
}

}  // namespace

base::Result<std::vector<Fold>> split(std::span<const SiteData> sites, const SplitSpec& spec,
                                      base::RandomSource& random) {
  HANSE_TRY_VOID(check_spec(sites, spec));
  const std::size_t folds = spec.kind == SplitKind::k_fold ? spec.folds : 1;
  if (spec.by == SplitBy::record) return split_by_record(sites, spec, folds, random);
  HANSE_TRY(std::vector<Fold> result, split_by_group(sites, spec, folds, random));
  for (const Fold& fold : result) {
    std::vector<Dataset> train;
    std::vector<Dataset> test;
    for (std::size_t s = 0; s < sites.size(); ++s) {
      train.push_back(sites[s].records.select(fold.sites[s].train));
      test.push_back(sites[s].records.select(fold.sites[s].test));
    }
    HANSE_TRY_VOID(check_no_leakage(train, test));
  }
  return result;
}

base::Result<void> check_no_leakage(std::span<const Dataset> train, std::span<const Dataset> test) {
  std::set<std::string_view> trained;
  for (const Dataset& records : train)
    for (const std::uint32_t group : records.group) trained.insert(records.group_names[group]);
  for (const Dataset& records : test) {
    for (const std::uint32_t group : records.group) {
      if (!trained.contains(records.group_names[group])) continue;
      return base::fail(ErrorCode::failed_precondition,
                        "group '{}' is in the training and in the test set: its records are not "
                        "independent, and a score would flatter; split by group",
                        records.group_names[group]);
    }
  }
  return {};
}

}  // namespace hanse::data
