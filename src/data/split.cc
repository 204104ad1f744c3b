#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_set>

namespace hanse::data {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxFolds = 1000;  // each trains a model

constexpr double kOneStratum = -1;  // no index of a label
constexpr double kUnlabelled = -2;  // nor is this: no number is equal to the NaN of such records

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
double stratum(const Dataset& records, std::size_t row, const SplitSpec& spec) {
  const Column* label = records.schema->label();
  const bool stratifies = spec.stratify && label != nullptr && !label->values.empty();
  if (!stratifies) return kOneStratum;
  return std::isnan(records.target[row]) ? kUnlabelled : records.target[row];
}

// Groups of the whole fleet in the byte order of their names.
Units fleet_groups(std::span<const SiteData> sites, const SplitSpec& spec) {
  std::map<std::string, Unit> groups;
  for (std::size_t site = 0; site < sites.size(); ++site) {
    const Dataset& records = sites[site].records;
    for (std::size_t row = 0; row < records.size(); ++row) {
      const std::string& name = records.group_names[records.group[row]];
      const auto [entry, added] = groups.try_emplace(name);
      if (added) entry->second = {.name = name, .first_site = site, .row = 0, .labels = {}};
      ++entry->second.labels[stratum(records, row, spec)];
    }
  }
  Units units;
  for (auto& [name, unit] : groups) units.push_back(std::move(unit));
  return units;
}

Units records_of(const SiteData& site, const SplitSpec& spec) {
  Units units;
  for (std::size_t row = 0; row < site.records.size(); ++row)
    units.push_back({.name = fmt::format("record {}", row + 1),
                     .first_site = 0,
                     .row = row,
                     .labels = {{stratum(site.records, row, spec), 1}}});
  return units;
}

std::map<double, std::vector<std::size_t>> by_label(const Units& units) {
  std::map<double, std::vector<std::size_t>> strata;
  for (std::size_t i = 0; i < units.size(); ++i) strata[units[i].label()].push_back(i);
  return strata;
}

std::string label_name(const Schema& schema, double label) {
  const Column* column = schema.label();
  if (label == kUnlabelled) return "what has no label yet";
  if (label == kOneStratum || column == nullptr) return "the table";
  return fmt::format("label '{}'", column->values[static_cast<std::size_t>(label)]);
}

base::Result<void> check_enough(const Schema& schema, double label, std::size_t found,
                                const SplitSpec& spec) {
  const std::size_t needed = spec.kind == SplitKind::k_fold ? spec.folds : 2;
  if (found >= needed) return {};
  return base::fail(ErrorCode::failed_precondition,
                    "{} has {} {}{}; this split needs at least {}: add some, or split otherwise",
                    label_name(schema, label), found,
                    spec.by == SplitBy::group ? "group" : "record", found == 1 ? "" : "s", needed);
}

// Fold of each unit; a hold-out has folds 0 (tests) and 1.
using Assignment = std::vector<std::size_t>;

// How many of a fold's units have a label, are at a site, and are in it at all: what is looked at
// first, second and third when the next one is dealt.
struct Load {
  std::size_t of_label = 0;
  std::size_t of_site = 0;
  std::size_t all = 0;
  auto operator<=>(const Load&) const = default;
};

Assignment deal_folds(const Units& units, const SplitSpec& spec, base::RandomSource& random) {
  Assignment fold(units.size());
  std::vector<std::size_t> in_all(spec.folds);
  std::map<std::size_t, std::vector<std::size_t>> at_site;
  for (auto& [label, members] : by_label(units)) {
    std::vector<std::size_t> order = members;
    // The order of records in a table may mean something; the names of groups are the order.
    if (spec.by == SplitBy::record || spec.shuffle) base::shuffle(random, order);
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return units[i].first_site; });
    std::vector<std::size_t> of_label(spec.folds);
    for (const std::size_t unit : order) {
      std::vector<std::size_t>& of_site = at_site[units[unit].first_site];
      of_site.resize(spec.folds);
      const auto load = [&](std::size_t k) { return Load{of_label[k], of_site[k], in_all[k]}; };
      std::size_t least = 0;
      for (std::size_t k = 1; k < spec.folds; ++k)
        if (load(k) < load(least)) least = k;
      fold[unit] = least;
      ++of_label[least];
      ++of_site[least];
      ++in_all[least];
    }
  }
  return fold;
}

// Systematic sampling: units of one label, those of a site side by side and shuffled within, and
// every (1/test)-th of them, so that each site gives its part to within one unit.
Assignment draw_test(const Units& units, const SplitSpec& spec, base::RandomSource& random) {
  Assignment fold(units.size(), 1);
  for (auto& [label, members] : by_label(units)) {
    if (members.size() < 2) continue;  // of this site, by record: the only one trains
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

Assignment assign(const Units& units, const SplitSpec& spec, base::RandomSource& random) {
  return spec.kind == SplitKind::k_fold ? deal_folds(units, spec, random)
                                        : draw_test(units, spec, random);
}

base::Result<void> check_numbers(const SplitSpec& spec) {
  if (spec.kind == SplitKind::holdout && !(spec.test > 0 && spec.test < 1))
    return base::fail(ErrorCode::invalid_argument,
                      "a hold-out's test part must be above 0 and below 1, found {}", spec.test);
  if (spec.kind == SplitKind::k_fold && (spec.folds < 2 || spec.folds > kMaxFolds))
    return base::fail(ErrorCode::invalid_argument, "k-fold needs 2 to {} folds, found {}",
                      kMaxFolds, spec.folds);
  if (spec.kind == SplitKind::k_fold && spec.by == SplitBy::time)
    return base::fail(ErrorCode::invalid_argument,
                      "a split by time is a hold-out of each site's last part; k-fold would train "
                      "on what is yet to come");
  return {};
}

base::Result<void> check_columns(const Schema& schema, const SplitSpec& spec) {
  const bool declared = spec.kind == SplitKind::declared;
  const bool grouped = schema.has(ColumnKind::group);
  const auto lacks = [&](std::string_view what, std::string_view kind) {
    return base::fail(ErrorCode::invalid_argument,
                      "{} needs a column of kind {} and the schema has none; declare one, or {}",
                      what, kind, kind == "group" ? "split by record" : "split otherwise");
  };
  if (declared && !schema.has(ColumnKind::partition)) return lacks("a declared split", "partition");
  if (!declared && spec.by == SplitBy::group && !grouped) return lacks("a split by group", "group");
  if (!declared && spec.by == SplitBy::time && !schema.has(ColumnKind::order))
    return lacks("a split by time", "order");
  if (spec.test_on == TestOn::last && (!grouped || !schema.has(ColumnKind::order)))
    return lacks("testing on the last record of each group", grouped ? "order" : "group");
  if (!declared && spec.by == SplitBy::record && grouped && !spec.allow_leakage)
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

std::vector<Fold> empty_folds(std::size_t folds, std::size_t sites) {
  return std::vector<Fold>(folds, Fold{std::vector<SiteSplit>(sites)});
}

base::Result<std::vector<Fold>> split_by_record(std::span<const SiteData> sites,
                                                const SplitSpec& spec, std::size_t folds,
                                                base::RandomSource& random) {
  std::map<double, std::size_t> of_label;
  for (const SiteData& site : sites)
    for (std::size_t row = 0; row < site.records.size(); ++row)
      ++of_label[stratum(site.records, row, spec)];
  for (const auto& [label, records] : of_label)
    HANSE_TRY_VOID(check_enough(*sites.front().records.schema, label, records, spec));
  std::vector<Fold> result = empty_folds(folds, sites.size());
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Units units = records_of(sites[s], spec);
    const Assignment fold = assign(units, spec, random);
    for (std::size_t k = 0; k < folds; ++k)
      for (std::size_t i = 0; i < units.size(); ++i)
        place(result[k].sites[s], units[i].row, fold[i] == k);
  }
  return result;
}

base::Result<std::vector<Fold>> split_by_group(std::span<const SiteData> sites,
                                               const SplitSpec& spec, std::size_t folds,
                                               base::RandomSource& random) {
  const Units units = fleet_groups(sites, spec);
  for (const auto& [label, members] : by_label(units))
    HANSE_TRY_VOID(check_enough(*sites.front().records.schema, label, members.size(), spec));
  const Assignment fold = assign(units, spec, random);
  std::map<std::string_view, std::size_t> fold_of;
  for (std::size_t i = 0; i < units.size(); ++i) fold_of[units[i].name] = fold[i];
  std::vector<Fold> result = empty_folds(folds, sites.size());
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

// When a site's last part begins; infinity where all its records have one time and so all train.
double cut_of(const Dataset& records, double test) {
  std::vector<double> times = records.order;
  std::ranges::sort(times);
  const auto size = static_cast<double>(times.size());
  const double last = size < 2 ? 0 : std::clamp(std::round(size * test), 1.0, size - 1);
  const auto first = times.begin() + static_cast<std::ptrdiff_t>(size - last);
  // Records of one time are on one side.
  const auto cut = first == times.end() || *first > times.front()
                       ? first
                       : std::upper_bound(first, times.end(), times.front());
  return cut == times.end() ? std::numeric_limits<double>::infinity() : *cut;
}

std::vector<Fold> split_by_time(std::span<const SiteData> sites, const SplitSpec& spec) {
  std::vector<Fold> result = empty_folds(1, sites.size());
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Dataset& records = sites[s].records;
    const double cut = cut_of(records, spec.test);
    for (std::size_t row = 0; row < records.size(); ++row)
      place(result[0].sites[s], row, records.order[row] >= cut);
  }
  return result;
}

std::vector<Fold> split_as_declared(std::span<const SiteData> sites) {
  std::vector<Fold> result = empty_folds(1, sites.size());
  for (std::size_t s = 0; s < sites.size(); ++s)
    for (std::size_t row = 0; row < sites[s].records.size(); ++row)
      place(result[0].sites[s], row, sites[s].records.partition[row] == 1);
  return result;
}

// Of each group only its latest test record, the first of several, wherever it is.
void keep_last(std::span<const SiteData> sites, Fold& fold) {
  std::map<std::string_view, std::pair<std::size_t, std::size_t>> last;  // site, row
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Dataset& records = sites[s].records;
    for (const std::size_t row : fold.sites[s].test) {
      const auto [entry, added] = last.try_emplace(records.group_names[records.group[row]], s, row);
      const auto [site, best] = entry->second;
      if (!added && records.order[row] > sites[site].records.order[best]) entry->second = {s, row};
    }
  }
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Dataset& records = sites[s].records;
    std::erase_if(fold.sites[s].test, [&](std::size_t row) {
      return last.at(records.group_names[records.group[row]]) != std::pair(s, row);
    });
  }
}

base::Result<void> check_fold(std::span<const SiteData> sites, const Fold& fold,
                              const SplitSpec& spec) {
  std::size_t train = 0;
  std::size_t test = 0;
  std::unordered_set<std::string_view> trained;
  const auto name_of = [&](std::size_t s, std::size_t row) -> std::string_view {
    return sites[s].records.group_names[sites[s].records.group[row]];
  };
  for (std::size_t s = 0; s < sites.size(); ++s) {
    train += fold.sites[s].train.size();
    test += fold.sites[s].test.size();
    if (sites[s].records.group.empty()) continue;
    for (const std::size_t row : fold.sites[s].train) trained.insert(name_of(s, row));
  }
  if (train == 0 || test == 0)
    return base::fail(ErrorCode::failed_precondition,
                      "{} records train and {} test; this split needs at least one of each", train,
                      test);
  if (spec.allow_leakage || trained.empty()) return {};
  for (std::size_t s = 0; s < sites.size(); ++s)
    for (const std::size_t row : fold.sites[s].test)
      if (trained.contains(name_of(s, row)))
        return base::fail(ErrorCode::failed_precondition,
                          "group '{}' is in the training and in the test set: its records are not "
                          "independent, and a score would flatter; split by group, or set "
                          "allow_leakage to measure by how much",
                          name_of(s, row));
  return {};
}

}  // namespace

base::Result<std::vector<Fold>> split(std::span<const SiteData> sites, const SplitSpec& spec,
                                      base::RandomSource& random) {
  if (sites.empty())
    return base::fail(ErrorCode::invalid_argument, "expected at least one site, found none");
  HANSE_TRY_VOID(check_numbers(spec));
  HANSE_TRY_VOID(check_columns(*sites.front().records.schema, spec));
  const std::size_t folds = spec.kind == SplitKind::k_fold ? spec.folds : 1;
  const auto made = [&]() -> base::Result<std::vector<Fold>> {
    if (spec.kind == SplitKind::declared) return split_as_declared(sites);
    if (spec.by == SplitBy::time) return split_by_time(sites, spec);
    if (spec.by == SplitBy::record) return split_by_record(sites, spec, folds, random);
    return split_by_group(sites, spec, folds, random);
  };
  HANSE_TRY(std::vector<Fold> result, made());
  for (Fold& fold : result) {
    if (spec.test_on == TestOn::last) keep_last(sites, fold);
    HANSE_TRY_VOID(check_fold(sites, fold, spec));
  }
  return result;
}

}  // namespace hanse::data
