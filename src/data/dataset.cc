#include "data/dataset.h"

#include <algorithm>

namespace hanse::data {

Dataset Dataset::select(std::span<const std::size_t> rows) const {
  Dataset selected{.schema = schema,
                   .features = math::Matrix(rows.size(), features.columns()),
                   .target = {},
                   .group = {},
                   .group_names = group_names};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(features.row(rows[i]), selected.features.row(i).begin());
    selected.target.push_back(target[rows[i]]);
    selected.group.push_back(group[rows[i]]);
  }
  return selected;
}

Dataset concatenate(std::span<const Dataset> parts) {
  HANSE_CHECK(!parts.empty());
  std::size_t records = 0;
  for (const Dataset& part : parts) records += part.size();
  Dataset all{.schema = parts.front().schema,
              .features = math::Matrix(records, parts.front().features.columns()),
              .target = {},
              .group = {},
              .group_names = {}};
  std::size_t row = 0;
  for (const Dataset& part : parts) {
    HANSE_CHECK(part.schema->digest() == all.schema->digest());
    std::ranges::copy(part.features.values(), all.features.row(row).begin());
    row += part.size();
    all.target.insert(all.target.end(), part.target.begin(), part.target.end());
    for (const std::uint32_t group : part.group) {
      const std::string& name = part.group_names[group];
      const auto known = std::ranges::find(all.group_names, name);
      all.group.push_back(static_cast<std::uint32_t>(known - all.group_names.begin()));
      if (known == all.group_names.end()) all.group_names.push_back(name);
    }
    all.clipped_values += part.clipped_values;
  }
  return all;
}

}  // namespace hanse::data
