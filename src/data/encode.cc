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
                    "{}: record {}, column '{}': expected {}, found {}", table.source,
                    table.number_of(row), column.name, expected, found);
}

// A cell that holds nothing, and the policy of its column does not say what then.
constexpr std::string_view kNothing =
    "nothing: where values may be missing, declare the column's policy for them";

// The records of one site.
struct SiteRows {
  std::string spelling;  // as the records have it
  std::string site_class;
  std::vector<std::size_t> rows;
};

// Numbers names in the order in which they come.
class Names {
 public:
  std::uint32_t number_of(std::string name) {
    const auto [entry, added] =
        known_.try_emplace(std::move(name), static_cast<std::uint32_t>(names_.size()));
    if (added) names_.push_back(entry->first);
    return entry->second;
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::unordered_map<std::string, std::uint32_t> known_;
  std::vector<std::string> names_;
};

class Encoder {
 public:
  Encoder(const Table& table, const Schema& schema, const EncodeOptions& options)
      : table_(table), schema_(schema), options_(options) {
    HANSE_CHECK(options.sites.empty() || options.sites.size() == table.records);
  }

  base::Result<void> bind_columns() {
    std::size_t feature = 0;
    for (const Column& column : schema_.columns()) {
      if (!wanted(column.kind)) continue;
      if (may_lack(column) && table_.find(column.name) == nullptr) {
        lacking_.push_back(column.kind);
        continue;
      }
      HANSE_TRY(Bound bound, bind(table_, column));
      if (is_feature(column)) {
        bound.feature = feature;
        feature += has_values(column) ? column.values.size() : 1;
      }
      bound_[column.kind].push_back(bound);
    }
    // Part of a name would join strangers.
    for (const ColumnKind kind : lacking_) bound_.erase(kind);
    return {};
  }

  // Rows of each site, sites by name.
  base::Result<std::map<std::string, SiteRows>> rows_by_site() const {
    std::map<std::string, SiteRows> sites;
    const auto deal = [&](std::size_t row, const std::string& name,
                          std::string_view site_class) -> base::Result<void> {
      const auto [entry, added] = sites.try_emplace(site_name(name));
      if (added) entry->second = {name, std::string(site_class), {}};
      if (entry->second.spelling != name)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: record {}: sites {} and {} would both be '{}', since a name has "
                          "'_' for blanks; rename one",
                          table_.source, table_.number_of(row), quoted(entry->second.spelling),
                          quoted(name), entry->first);
      if (entry->second.site_class != site_class)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: record {}: site '{}' is of class {} and of class {}; a site has one",
                          table_.source, table_.number_of(row), name,
                          quoted(entry->second.site_class), quoted(site_class));
      if (sites.size() > base::kMaxSites)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: more than {} sites; is column '{}' the right one?", table_.source,
                          base::kMaxSites, site_column());
      entry->second.rows.push_back(row);
      return {};
    };
    for (std::size_t row = 0; row < table_.records; ++row) {
      if (!options_.sites.empty()) {
        HANSE_TRY_VOID(deal(row, options_.sites[row].site, options_.sites[row].site_class));
        continue;
      }
      HANSE_TRY(const std::string name, site_of(row));
      HANSE_TRY(const std::string site_class, class_of(row));
      HANSE_TRY_VOID(deal(row, name, site_class));
    }
    return sites;
  }

  base::Result<void> fill(std::span<const std::size_t> rows, Dataset& records) const {
    records.features = math::Matrix(rows.size(), schema_.feature_count());
    Names groups;
    Names units;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t row = rows[i];
      HANSE_TRY_VOID(features(row, records.features.row(i), records.clipped_values));
      HANSE_TRY(const double target, target_of(row, records.clipped_values));
      records.target.push_back(target);
      if (has(ColumnKind::group)) {
        HANSE_TRY(std::string name, name_of(ColumnKind::group, row, "a group's name"));
        records.group.push_back(groups.number_of(std::move(name)));
      }
      if (has(ColumnKind::unit)) {
        HANSE_TRY(std::string name,
                  name_of(ColumnKind::unit, row, "the name of a unit of privacy"));
        records.unit.push_back(units.number_of(std::move(name)));
      }
      if (has(ColumnKind::order)) {
        HANSE_TRY(const double when, finite(only(ColumnKind::order), row));
        records.order.push_back(when);
      }
      if (has(ColumnKind::partition)) {
        HANSE_TRY(const std::size_t side, value_index(only(ColumnKind::partition), row));
        records.partition.push_back(static_cast<std::uint8_t>(side));
      }
    }
    records.group_names = groups.take();
    return {};
  }

 private:
  // Units of privacy, times and partitions are for training; sites that were told need no column.
  bool wanted(ColumnKind kind) const {
    switch (kind) {
      case ColumnKind::ignore:
      case ColumnKind::text:
        return false;
      case ColumnKind::site:
      case ColumnKind::site_class:
        return options_.sites.empty();
      case ColumnKind::unit:
      case ColumnKind::order:
      case ColumnKind::partition:
        return options_.purpose != Purpose::predicting;
      default:
        return true;
    }
  }

  // All of it, in every record.
  bool may_lack(const Column& column) const {
    if (options_.purpose == Purpose::labelling) return column.kind == ColumnKind::label;
    return options_.purpose == Purpose::predicting && !is_feature(column);
  }

  bool has(ColumnKind kind) const { return bound_.contains(kind); }
  const Bound& only(ColumnKind kind) const { return bound_.at(kind).front(); }
  std::span<const Bound> all(ColumnKind kind) const {
    const auto found = bound_.find(kind);
    return found == bound_.end() ? std::span<const Bound>() : found->second;
  }
  std::string_view site_column() const {
    return has(ColumnKind::site) ? only(ColumnKind::site).column->name : std::string_view();
  }

  // The columns of that kind together. An empty field would join strangers.
  base::Result<std::string> name_of(ColumnKind kind, std::size_t row,
                                    std::string_view expected) const {
    std::vector<std::string> fields;
    for (const Bound& bound : all(kind)) {
      const std::string& field = (*bound.texts)[row];
      if (field.empty() && options_.purpose != Purpose::predicting)
        return refused(table_, row, *bound.column, expected, kNothing);
      fields.push_back(field);
    }
    return group_name(fields);
  }

  base::Result<std::string> site_of(std::size_t row) const {
    if (!has(ColumnKind::site)) return options_.site;
    HANSE_TRY(std::string name, name_of(ColumnKind::site, row, "a site's name"));
    if (const auto site = base::SiteId::create(site_name(name)); !site)
      return refused(table_, row, *only(ColumnKind::site).column, "a site's name",
                     site.error().text());
    return name;
  }

  base::Result<std::string> class_of(std::size_t row) const {
    // What is known of the site goes before what its table says.
    if (!options_.site_class.empty() || !has(ColumnKind::site_class)) return options_.site_class;
    return name_of(ColumnKind::site_class, row, "the name of a class of sites");
  }

  base::Result<double> finite(const Bound& bound, std::size_t row) const {
    const double value = (*bound.numbers)[row];
    if (std::isfinite(value)) return value;
    if (std::isnan(value))
      return refused(table_, row, *bound.column, "a number",
                     "nan: where values may be missing, declare the column's policy for them");
    return refused(table_, row, *bound.column, "a finite number", fmt::format("{}", value));
  }

  base::Result<double> scaled(const Bound& bound, std::size_t row, std::uint64_t& clipped) const {
    const Column& column = *bound.column;
    HANSE_TRY(const double value, finite(bound, row));
    if (value < column.low || value > column.high) ++clipped;
    const double inside = std::clamp(value, column.low, column.high);
    return std::clamp(2 * ((inside - column.low) / (column.high - column.low)) - 1, -1.0, 1.0);
  }

  base::Result<std::size_t> value_index(const Bound& bound, std::size_t row) const {
    const std::string& text = (*bound.texts)[row];
    const auto found = std::ranges::find(bound.column->values, text);
    if (found == bound.column->values.end())
      return refused(table_, row, *bound.column, one_of(bound.column->values),
                     text.empty() ? std::string(kNothing) : quoted(text));
    return static_cast<std::size_t>(found - bound.column->values.begin());
  }

  base::Result<void> features(std::size_t row, std::span<double> out,
                              std::uint64_t& clipped) const {
    for (const Bound& bound : all(ColumnKind::number)) {
      HANSE_TRY(out[bound.feature], scaled(bound, row, clipped));
    }
    for (const Bound& bound : all(ColumnKind::category)) {
      if ((*bound.texts)[row].empty() && bound.column->missing.policy == MissingPolicy::neutral)
        continue;
      HANSE_TRY(const std::size_t value, value_index(bound, row));
      out[bound.feature + value] = 1;
    }
    for (const Bound& bound : all(ColumnKind::input)) {
      const double value = (*bound.numbers)[row];
      if (value < bound.column->low || value > bound.column->high) ++clipped;
    }
    return {};
  }

  base::Result<double> target_of(std::size_t row, std::uint64_t& clipped) const {
    constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
    if (!has(ColumnKind::label)) return kUnknown;
    const Bound& label = only(ColumnKind::label);
    const bool missing =
        label.numbers != nullptr ? std::isnan((*label.numbers)[row]) : (*label.texts)[row].empty();
    if (missing && options_.purpose != Purpose::training) return kUnknown;
    if (label.numbers != nullptr) return scaled(label, row, clipped);
    HANSE_TRY(const std::size_t value, value_index(label, row));
    return static_cast<double>(value);
  }

  const Table& table_;
  const Schema& schema_;
  const EncodeOptions& options_;
  std::map<ColumnKind, std::vector<Bound>> bound_;
  std::vector<ColumnKind> lacking_;
};

}  // namespace

std::string site_name(std::string text) {
  std::ranges::replace(text, ' ', '_');
  return text;
}

base::Result<std::vector<SiteData>> encode(std::shared_ptr<const Schema> schema, const Table& table,
                                           const EncodeOptions& options) {
  HANSE_CHECK(schema != nullptr);
  if (table.records == 0)
    return base::fail(ErrorCode::failed_precondition,
                      "{}: expected at least one record, found none", table.source);
  if (options.purpose != Purpose::predicting && schema->label() == nullptr)
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
    SiteData data{.site = std::move(site), .site_class = of_site.site_class, .records = {}};
    data.records.schema = schema;
    HANSE_TRY_VOID(encoder.fill(of_site.rows, data.records));
    data.records.site_class.assign(data.records.size(), 0);
    data.records.site_class_names = {of_site.site_class};
    sites.push_back(std::move(data));
  }
  return sites;
}

}  // namespace hanse::data
