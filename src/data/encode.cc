#include "data/encode.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "base/limits.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return fmt::format("'{}{}'", text.substr(0, kShown), text.size() > kShown ? "…" : "");
}

std::string one_of(const std::vector<std::string>& values) {
  constexpr std::size_t kShown = 12;
  std::string list;
  for (std::size_t i = 0; i < std::min(values.size(), kShown); ++i)
    list += (i > 0 ? ", " : "") + quoted(values[i]);
  if (values.size() > kShown) list += fmt::format(" or one of {} more", values.size() - kShown);
  return list;
}

// A column of the schema beside its cells.
struct Bound {
  const Column* column;
  const std::vector<double>* numbers = nullptr;
  const std::vector<std::string>* texts = nullptr;
  std::size_t feature = 0;  // the first one it fills
};

base::Result<Bound> bind(const Table& table, const Column& column) {
  const TableColumn* cells = table.find(column.name);
  if (cells == nullptr)
    return base::fail(
        ErrorCode::not_found,
        "{}: expected a column '{}' as the schema declares it, found none of that name",
        table.source, column.name);
  const Bound bound{&column, cells->numbers(), cells->texts()};
  if (is_number(column) != (bound.numbers != nullptr))
    return base::fail(ErrorCode::invalid_argument, "{}: column '{}': expected {}, found {}",
                      table.source, column.name, is_number(column) ? "numbers" : "texts",
                      is_number(column) ? "texts" : "numbers");
  HANSE_CHECK(table.records == (bound.numbers ? bound.numbers->size() : bound.texts->size()));
  return bound;
}

tl::unexpected<base::Error> refused(const Table& table, std::size_t row, const Column& column,
                                    std::string_view expected, std::string_view found) {
  return base::fail(ErrorCode::invalid_argument,
                    "{}: record {}, column '{}': expected {}, found {}", table.source, row + 1,
                    column.name, expected, found);
}

class Encoder {
 public:
  Encoder(const Table& table, const Schema& schema, const EncodeOptions& options)
      : table_(table), schema_(schema), options_(options) {}

  base::Result<void> bind_columns() {
    std::size_t feature = 0;
    for (const Column& column : schema_.columns()) {
      if (column.kind == ColumnKind::ignore) continue;
      const bool optional = column.kind == ColumnKind::label && !options_.label_required;
      if (optional && table_.find(column.name) == nullptr) continue;
      HANSE_TRY(Bound bound, bind(table_, column));
      switch (column.kind) {
        case ColumnKind::number:
        case ColumnKind::category:
          bound.feature = feature;
          feature += column.kind == ColumnKind::number ? 1 : column.values.size();
          features_.push_back(bound);
          break;
        case ColumnKind::label:
          label_ = bound;
          break;
        case ColumnKind::group:
          groups_.push_back(bound);
          break;
        case ColumnKind::site:
          site_ = bound;
          break;
        case ColumnKind::ignore:
          break;
      }
    }
    return {};
  }

  // Rows of each site, sites by name.
  base::Result<std::map<std::string, std::vector<std::size_t>>> rows_by_site() const {
    std::map<std::string, std::vector<std::size_t>> rows;
    if (site_.column == nullptr) {
      std::vector<std::size_t>& all = rows[options_.site];
      for (std::size_t row = 0; row < table_.records; ++row) all.push_back(row);
      return rows;
    }
    for (std::size_t row = 0; row < table_.records; ++row) {
      const std::string& name = (*site_.texts)[row];
      if (const auto site = base::SiteId::create(name); !site)
        return refused(table_, row, *site_.column, "a site's name", site.error().text());
      rows[name].push_back(row);
      if (rows.size() > base::kMaxSites)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: column '{}' names more than {} sites; is it the right column?",
                          table_.source, site_.column->name, base::kMaxSites);
    }
    return rows;
  }

  base::Result<void> fill(std::span<const std::size_t> rows, Dataset& records) const {
    records.features = math::Matrix(rows.size(), schema_.feature_count());
    std::unordered_map<std::string, std::uint32_t> known;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const Bound& bound : features_)
        HANSE_TRY_VOID(feature(bound, rows[i], records.features.row(i), records.clipped_values));
      HANSE_TRY(const double target, target_of(rows[i], records.clipped_values));
      records.target.push_back(target);
      if (groups_.empty()) continue;
      HANSE_TRY(std::string key, group_of(rows[i]));
      const auto [entry, added] =
          known.try_emplace(key, static_cast<std::uint32_t>(records.group_names.size()));
      if (added) records.group_names.push_back(std::move(key));
      records.group.push_back(entry->second);
    }
    return {};
  }

 private:
  base::Result<double> scaled(const Bound& bound, std::size_t row, std::uint64_t& clipped) const {
    const Column& column = *bound.column;
    const double value = (*bound.numbers)[row];
    if (!std::isfinite(value))
      return refused(table_, row, column, "a finite number", fmt::format("{}", value));
    if (value < column.low || value > column.high) ++clipped;
    const double inside = std::clamp(value, column.low, column.high);
    return std::clamp(2 * ((inside - column.low) / (column.high - column.low)) - 1, -1.0, 1.0);
  }

  base::Result<std::size_t> value_index(const Bound& bound, std::size_t row) const {
    const std::string& text = (*bound.texts)[row];
    const auto found = std::ranges::find(bound.column->values, text);
    if (found == bound.column->values.end())
      return refused(table_, row, *bound.column, one_of(bound.column->values), quoted(text));
    return static_cast<std::size_t>(found - bound.column->values.begin());
  }

  base::Result<void> feature(const Bound& bound, std::size_t row, std::span<double> out,
                             std::uint64_t& clipped) const {
    if (bound.numbers != nullptr) {
      HANSE_TRY(out[bound.feature], scaled(bound, row, clipped));
      return {};
    }
    HANSE_TRY(const std::size_t value, value_index(bound, row));
    out[bound.feature + value] = 1;
    return {};
  }

  base::Result<double> target_of(std::size_t row, std::uint64_t& clipped) const {
    if (label_.column == nullptr) return std::numeric_limits<double>::quiet_NaN();
    if (label_.numbers != nullptr) return scaled(label_, row, clipped);
    HANSE_TRY(const std::size_t value, value_index(label_, row));
    return static_cast<double>(value);
  }

  // Of a record. An empty field would join strangers.
  base::Result<std::string> group_of(std::size_t row) const {
    std::vector<std::string> fields;
    for (const Bound& bound : groups_) {
      const std::string& part = (*bound.texts)[row];
      if (part.empty()) return refused(table_, row, *bound.column, "a group's name", "nothing");
      fields.push_back(part);
    }
    return group_name(fields);
  }

  const Table& table_;
  const Schema& schema_;
  const EncodeOptions& options_;
  std::vector<Bound> features_;
  std::vector<Bound> groups_;
  Bound label_{nullptr};
  Bound site_{nullptr};
};

}  // namespace

base::Result<std::vector<SiteData>> encode(std::shared_ptr<const Schema> schema, const Table& table,
                                           const EncodeOptions& options) {
  HANSE_CHECK(schema != nullptr);
  if (table.records == 0)
    return base::fail(ErrorCode::invalid_argument, "{}: expected at least one record, found none",
                      table.source);
  if (options.label_required && schema->label() == nullptr)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: expected a schema with a column of kind label, found none",
                      table.source);
  HANSE_TRY_VOID(check_table_size(table.source, table.records, schema->feature_count()));
  Encoder encoder(table, *schema, options);
  HANSE_TRY_VOID(encoder.bind_columns());
  HANSE_TRY(const auto rows, encoder.rows_by_site());
  std::vector<SiteData> sites;
  for (const auto& [name, of_site] : rows) {
    HANSE_TRY(base::SiteId site, base::SiteId::create(name));
    SiteData data{.site = std::move(site), .site_class = {}, .records = {}};
    data.records.schema = schema;
    HANSE_TRY_VOID(encoder.fill(of_site, data.records));
    sites.push_back(std::move(data));
  }
  return sites;
}

}  // namespace hanse::data
