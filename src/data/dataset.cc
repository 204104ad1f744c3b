#include "data/dataset.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace hanse::data {

namespace {

// Those at `rows`; nothing of nothing.
template <class T>
std::vector<T> at(const std::vector<T>& values, std::span<const std::size_t> rows) {
  std::vector<T> chosen;
  if (values.empty()) return chosen;
  chosen.reserve(rows.size());
  for (const std::size_t row : rows) chosen.push_back(values[row]);
  return chosen;
}

template <class T>
void append(std::vector<T>& all, const std::vector<T>& part) {
  all.insert(all.end(), part.begin(), part.end());
}

// Names of all parts, each once, in the order of their first coming.
class Names {
 public:
  explicit Names(std::vector<std::string>& names) : names_(names) {}
  void append(std::vector<std::uint32_t>& all, const std::vector<std::uint32_t>& part,
              const std::vector<std::string>& part_names) {
    std::vector<std::uint32_t> renamed;
    for (const std::string& name : part_names) {
      const auto [known, added] =
          index_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
      if (added) names_.push_back(name);
      renamed.push_back(known->second);
    }
    for (const std::uint32_t of : part) all.push_back(renamed[of]);
  }

 private:
  std::vector<std::string>& names_;
  std::unordered_map<std::string_view, std::uint32_t> index_ = {};
};

}  // namespace

Dataset Dataset::select(std::span<const std::size_t> rows) const {
  Dataset selected{.schema = schema,
                   .features = math::Matrix(rows.size(), features.columns()),
                   .target = at(target, rows),
                   .group = at(group, rows),
                   .group_names = group_names,
                   .unit = at(unit, rows),
                   .site_class = at(site_class, rows),
                   .site_class_names = site_class_names,
                   .order = at(order, rows),
                   .partition = at(partition, rows)};
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::ranges::copy(features.row(rows[i]), selected.features.row(i).begin());
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
              .features = math::Matrix(records, parts.front().features.columns())};
  std::size_t row = 0;
  std::uint32_t units = 0;
  Names groups(all.group_names);
  Names classes(all.site_class_names);
  for (const Dataset& part : parts) {
    HANSE_CHECK(part.schema->digest() == all.schema->digest());
    std::ranges::copy(
        part.features.values(),
        all.features.values().begin() + static_cast<std::ptrdiff_t>(row * all.features.columns()));
    row += part.size();
    append(all.target, part.target);
    append(all.order, part.order);
    append(all.partition, part.partition);
    groups.append(all.group, part.group, part.group_names);
    classes.append(all.site_class, part.site_class, part.site_class_names);
    for (const std::uint32_t unit : part.unit) all.unit.push_back(units + unit);
    if (!part.unit.empty()) units += *std::ranges::max_element(part.unit) + 1;
    all.clipped_values += part.clipped_values;
  }
  const auto whole = [&](std::size_t size) { return size == 0 || size == records; };
  HANSE_CHECK(whole(all.group.size()) && whole(all.unit.size()) && whole(all.site_class.size()) &&
              whole(all.order.size()) && whole(all.partition.size()));
  return all;
}

}  // namespace hanse::data
