// Classes of sites, as far as they are public: equipment generation, size, vertical.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace hanse::data {

// Those of one entry are counted together. A record is of its site's class.
using SiteClasses = std::vector<std::vector<std::string>>;

inline constexpr std::size_t kMaxSiteClasses = 64;

// An entry without a name, a name twice, more names than kMaxSiteClasses: invalid_argument.
base::Result<void> check_classes(const SiteClasses& classes);

// "legacy", and of classes that are counted together "legacy+old".
std::string joined_name(const std::vector<std::string>& names);

// The place of a class; none: it is none of them.
std::optional<std::uint32_t> place_of(const SiteClasses& classes, std::string_view name);

// The place of each class that the records know, by Dataset::site_class. One that is none of
// `classes`, or records that know no class: invalid_argument.
base::Result<std::vector<std::uint32_t>> places_of(const data::Dataset& records,
                                                   const SiteClasses& classes);

}  // namespace hanse::data
