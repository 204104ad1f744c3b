#include "data/dataset.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

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
    if (!group.empty()) selected.group.push_back(group[rows[i]]);
  }
  return selected;
}

std::string group_name(std::span<const std::string> fields) {
  if (fields.size() == 1) return fields[0];
  std::string name;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) name += '_';
    for (const char c : fields[i]) {
      if (c == '_' || c == '\\') name += '\\';
      name += c;
    }
  }
  return name;
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
  std::unordered_map<std::string_view, std::uint32_t> index;
  for (const Dataset& part : parts) {
    HANSE_CHECK(part.schema->digest() == all.schema->digest());
    std::ranges::copy(
        part.features.values(),
        all.features.values().begin() + static_cast<std::ptrdiff_t>(row * all.features.columns()));
    row += part.size();
    all.target.insert(all.target.end(), part.target.begin(), part.target.end());
    std::vector<std::uint32_t> renamed;
    for (const std::string& name : part.group_names) {
      const auto [known, added] =
          index.try_emplace(name, static_cast<std::uint32_t>(all.group_names.size()));
      if (added) all.group_names.push_back(name);
      renamed.push_back(known->second);
    }
    for (const std::uint32_t group : part.group) all.group.push_back(renamed[group]);
    all.clipped_values += part.clipped_values;
  }
  return all;
}

}  // namespace hanse::data
