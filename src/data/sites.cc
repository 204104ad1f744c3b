#include "data/sites.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/ids.h"
#include "base/limits.h"
#include "base/nearest.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

base::Result<const std::vector<std::string>*> texts_of(const Table& table,
                                                       const std::string& name) {
  const TableColumn* column = table.find(name);
  std::vector<std::string> names;
  for (const TableColumn& one : table.columns) names.push_back(one.name);
  if (column == nullptr)
    return base::fail(ErrorCode::not_found, "{}: expected a column '{}' to deal by, found none{}",
                      table.source, name, base::did_you_mean(name, names));
  if (column->texts() == nullptr)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: column '{}': records are dealt by texts, and it was read as numbers",
                      table.source, name);
  return column->texts();
}

// What is dealt as a whole, of one class: rows.
using Hand = std::vector<std::size_t>;

// Classes with what there is to deal of each, in the table's order.
base::Result<std::map<std::string, std::vector<Hand>>> hands_of(const Table& table,
                                                                const SitesSpec& spec) {
  const std::vector<std::string>* classes = nullptr;
  if (!spec.deal_by.empty()) {
    HANSE_TRY(classes, texts_of(table, spec.deal_by));
  }
  std::vector<const std::vector<std::string>*> together;
  for (const std::string& name : spec.together) {
    HANSE_TRY(const auto* texts, texts_of(table, name));
    together.push_back(texts);
  }
  std::map<std::string, std::vector<Hand>> hands;
  std::unordered_map<std::string, std::pair<std::string, std::size_t>> place;  // class, hand
  std::vector<std::string> fields(together.size());
  for (std::size_t row = 0; row < table.records; ++row) {
    const std::string name = classes == nullptr ? std::string() : (*classes)[row];
    if (!spec.deal.contains(name))
      return base::fail(ErrorCode::invalid_argument,
                        "{}: record {}, column '{}': class '{}' is dealt to no sites; name it, or "
                        "leave its records out",
                        table.source, table.number_of(row), spec.deal_by, name);
    std::vector<Hand>& of_class = hands[name];
    if (together.empty()) {
      of_class.push_back({row});
      continue;
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      fields[i] = (*together[i])[row];
      if (fields[i].empty())
        return base::fail(ErrorCode::invalid_argument,
                          "{}: record {}, column '{}': expected what its records are dealt "
                          "together by, found nothing",
                          table.source, table.number_of(row), spec.together[i]);
    }
    const std::string key = group_name(fields);
    const auto [entry, added] = place.try_emplace(key, name, of_class.size());
    if (entry->second.first != name)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: record {}: '{}' is of class '{}' and of class '{}', and its records "
                        "go to one site together",
                        table.source, table.number_of(row), key, entry->second.first, name);
    if (added) of_class.emplace_back();
    of_class[entry->second.second].push_back(row);
  }
  return hands;
}

// Names of the sites of one class.
base::Result<std::vector<SiteOfRecord>> sites_of(const std::string& name, std::uint32_t count) {
  const std::string stem = name.empty() ? "site" : name;
  std::vector<SiteOfRecord> sites;
  for (std::uint32_t i = 1; i <= count; ++i) {
    const std::string site =
        site_name(count == 1 && !name.empty() ? name : fmt::format("{}-{}", stem, i));
    HANSE_TRY_VOID(base::SiteId::create(site));
    sites.push_back({.site = site, .site_class = name});
  }
  return sites;
}

base::Result<void> check(const SitesSpec& spec) {
  std::uint64_t sites = 0;
  for (const auto& [name, count] : spec.deal) {
    if (count == 0)
      return base::fail(ErrorCode::invalid_argument,
                        "class '{}' is dealt to 0 sites; expected at least one", name);
    if (spec.deal_by.empty() && !name.empty())
      return base::fail(ErrorCode::invalid_argument,
                        "class '{}' is dealt and no column says which records are of it; name the "
                        "column, or deal all records",
                        name);
    if (!spec.deal_by.empty() && name.empty())
      return base::fail(ErrorCode::invalid_argument,
                        "a class without a name is dealt; name the values of column '{}'",
                        spec.deal_by);
    sites += count;
  }
  if (sites == 0 || sites > base::kMaxSites)
    return base::fail(ErrorCode::invalid_argument, "records are dealt to 1 to {} sites, found {}",
                      base::kMaxSites, sites);
  return {};
}

}  // namespace

base::Result<std::vector<SiteOfRecord>> deal_sites(const Table& table, const SitesSpec& spec,
                                                   base::RandomSource& random) {
  HANSE_TRY_VOID(check(spec));
  HANSE_TRY(const auto hands, hands_of(table, spec));
  std::vector<SiteOfRecord> dealt(table.records);
  for (const auto& [name, count] : spec.deal) {
    HANSE_TRY(const std::vector<SiteOfRecord> sites, sites_of(name, count));
    const auto found = hands.find(name);
    const std::size_t there = found == hands.end() ? 0 : found->second.size();
    if (there < count)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: class '{}' has {} to deal among {} sites; expected at least one each",
                        table.source, name, there, count);
    std::vector<std::size_t> order(there);
    std::iota(order.begin(), order.end(), std::size_t{0});
    base::shuffle(random, order);
    for (std::size_t i = 0; i < there; ++i)
      for (const std::size_t row : found->second[order[i]]) dealt[row] = sites[i % count];
  }
  return dealt;
}

}  // namespace hanse::data
