#include "data/site_classes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace hanse::data {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<void> check_classes(const SiteClasses& classes) {
  std::vector<std::string_view> all;
  for (const std::vector<std::string>& joined : classes) {
    all.insert(all.end(), joined.begin(), joined.end());
    if (joined.empty() || all.size() > kMaxSiteClasses)
      return fail(ErrorCode::invalid_argument, "expected 1 to {} classes of sites",
                  kMaxSiteClasses);
  }
  std::ranges::sort(all);
  if (const auto twice = std::ranges::adjacent_find(all); twice != all.end())
    return fail(ErrorCode::invalid_argument, "the site class '{}' is there twice",
                twice->substr(0, 64));
  return {};
}

std::string joined_name(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, "+"));
}

std::optional<std::uint32_t> place_of(const SiteClasses& classes, std::string_view name) {
  const auto found = std::ranges::find_if(classes, [name](const auto& joined) {
    return std::ranges::find(joined, name) != joined.end();
  });
  if (found == classes.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - classes.begin());
}

Result<std::vector<std::uint32_t>> places_of(const data::Dataset& records,
                                             const SiteClasses& classes) {
  if (records.site_class.size() != records.size())
    return fail(ErrorCode::invalid_argument,
                "what is counted by site class needs the class of each record's site, and nothing "
                "says it");
  std::vector<std::uint32_t> places;
  for (const std::string& name : records.site_class_names) {
    const auto place = place_of(classes, name);
    if (!place)
      return fail(ErrorCode::invalid_argument,
                  "the site class '{}' is none of those that the job declares", name);
    places.push_back(*place);
  }
  return places;
}

}  // namespace hanse::data
