#include "fairness/fdp_fair_query.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/dataset.h"
#include "learning/cells.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::ordered_json;

constexpr std::string_view kCoin = "hanse/fairness/half/2";
constexpr std::size_t kMaxOptionsBytes = 64 * 1024;
// A list of features is three levels deep; more is an attack on the parser's stack.
constexpr int kMaxDepth = 4;
// A contribution is as long as all cells, and is looked at whole for each record.
constexpr std::size_t kMaxCoordinates = std::size_t{1} << 17;
constexpr std::array<std::string_view, 3> kHalves = {"first", "second", "all"};
constexpr std::array<std::string_view, 3> kGroupings = {"group", "site_class", "feature"};

tl::unexpected<base::Error> wrong(std::string_view what) {
  return fail(ErrorCode::invalid_argument,
              "options of a fair plan: {}; site and coordinator must run the same version", what);
}

bool is_whole(const Json& json) { return json.is_number_unsigned() && json <= UINT32_MAX; }

// Which of the words it is.
Result<std::size_t> place_of(const Json& json, std::span<const std::string_view> words) {
  if (json.is_string())
    for (std::size_t i = 0; i < words.size(); ++i)
      if (json.get<std::string>() == words[i]) return i;
  return wrong("'by' is group, site_class or feature, and 'half' first, second or all");
}

Result<void> read_feature(const Json& json, FairOptions& options) {
  const bool is_category = json.is_object() && json.contains("values");
  if (!json.is_object() || json.size() != (is_category ? 6U : 5U))
    return wrong("a feature has five keys, a category also 'values'");
  for (const char* key : {"column", "low", "high", "cells", "bandwidth"})
    if (!json.contains(key) || !json[key].is_number())
      return wrong(std::string("a feature has a number '") + key + "'");
  if (!is_whole(json["column"]) || !is_whole(json["cells"]) ||
      (is_category && !is_whole(json["values"])))
    return wrong("a feature's column, cells and values are whole numbers");
  options.columns.push_back(json["column"].get<std::uint32_t>());
  options.values.push_back(is_category ? json["values"].get<std::uint32_t>() : 0);
  options.features.push_back({.low = json["low"].get<double>(),
                              .high = json["high"].get<double>(),
                              .cells = json["cells"].get<std::uint32_t>(),
                              .bandwidth = json["bandwidth"].get<double>()});
  return {};
}

Result<void> check_options(const FairOptions& options) {
  HANSE_TRY(const FairCounts counts, FairCounts::create(spec_of(options)));
  if (counts.cell_coordinates() > kMaxCoordinates)
    return wrong("too many cells for one question; take fewer for a feature");
  if (options.groups.size() != kGroups || options.groups[0] == options.groups[1])
    return wrong("two different groups");
  for (std::size_t k = 0; k < options.values.size(); ++k) {
    const FeatureGrid& feature = options.features[k];
    const double values = options.values[k];
    if (values > 0 &&
        (feature.cells != options.values[k] || feature.low != -0.5 || feature.high != values - 0.5))
      return wrong("a category's cells lie from -0.5 on, one for each of its values");
  }
  return {};
}

// How a feature of the question is read from a record.
learning::Axis axis_of(const FairOptions& options, std::size_t k) {
  return {.column = options.columns[k],
          .values = options.values.empty() ? 0 : options.values[k],
          .low = options.features[k].low,
          .high = options.features[k].high,
          .cells = options.features[k].cells};
}

learning::Axis group_axis(const FairOptions& options) {
  return {.column = options.group_column, .values = kGroups, .cells = kGroups};
}

// That records have what the question reads.
Result<void> check_records(const query::QueryPlan& plan, const FairOptions& options,
                           const data::Dataset& records) {
  if (records.target.size() != records.size())
    return fail(ErrorCode::invalid_argument, "a '{}' plan asks about labels, and records have none",
                plan.kind);
  if (records.schema != nullptr &&
      (records.schema->label() == nullptr || !data::has_values(*records.schema->label())))
    return fail(ErrorCode::invalid_argument,
                "a '{}' plan asks whether a label is one of its declared values; the schema must "
                "declare a label to classify",
                plan.kind);
  std::vector<learning::Axis> axes;
  for (std::size_t k = 0; k < options.columns.size(); ++k) axes.push_back(axis_of(options, k));
  if (options.by == GroupedBy::feature) axes.push_back(group_axis(options));
  for (const learning::Axis& axis : axes) {
    const std::size_t end = axis.column + std::size_t{std::max(axis.values, 1U)};
    if (records.size() > 0 && end > records.features.columns())
      return fail(ErrorCode::invalid_argument,
                  "a '{}' plan asks about feature {}, and records have {}", plan.kind, end - 1,
                  records.features.columns());
  }
  return {};
}

// Each record's group; kGroups: another.
Result<std::vector<std::uint32_t>> groups_of(const query::QueryPlan& plan,
                                             const FairOptions& options,
                                             const data::Dataset& records) {
  std::vector<std::uint32_t> groups(records.size(), kGroups);
  if (options.by == GroupedBy::feature) {
    const learning::Axis axis = group_axis(options);
    for (std::size_t row = 0; row < groups.size(); ++row)
      if (const auto group = learning::cell_on(axis, records.features.row(row)))
        groups[row] = static_cast<std::uint32_t>(*group);
    return groups;
  }
  const bool by_class = options.by == GroupedBy::site_class;
  const std::vector<std::uint32_t>& grouped = by_class ? records.site_class : records.group;
  const std::vector<std::string>& names = by_class ? records.site_class_names : records.group_names;
  if (grouped.size() != records.size())
    return fail(ErrorCode::invalid_argument,
                "a '{}' plan asks about labels by {}; the schema must declare both", plan.kind,
                kGroupings[static_cast<std::size_t>(options.by)]);
  std::vector<std::uint32_t> place(names.size(), kGroups);
  for (std::size_t i = 0; i < place.size(); ++i)
    for (std::uint32_t group = 0; group < kGroups; ++group)
      if (names[i] == options.groups[group]) place[i] = group;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    HANSE_CHECK(grouped[row] < place.size());
    groups[row] = place[grouped[row]];
  }
  return groups;
}

base::Digest content_of(const data::Dataset& records, std::size_t row, std::uint32_t group) {
  base::Hasher hasher;
  hasher.add(std::as_bytes(records.features.row(row)));
  hasher.add(std::as_bytes(std::span(&group, 1)));
  hasher.add(std::as_bytes(std::span(&records.target[row], 1)));
  return hasher.finish();
}

// The half of the record that has so many of its equals before it: true for the second.
bool coin(const base::Digest& job, const base::Digest& content, std::uint64_t before) {
  base::Hasher hasher;
  hasher.add(base::view_of(kCoin));
  hasher.add(job.bytes());
  hasher.add(content.bytes());
  hasher.add(std::as_bytes(std::span(&before, 1)));
  return (hasher.finish().bytes()[0] & std::byte{1}) != std::byte{0};
}

// The records that one question is about: no more than the plan allows, those first in the table
// (docs/proofs/unit_cap.md), of the two groups and the half.
Result<FairRecords> asked(const query::QueryPlan& plan, const FairOptions& options,
                          const data::Dataset& records) {
  HANSE_TRY_VOID(check_records(plan, options, records));
  HANSE_TRY(const std::vector<std::uint32_t> groups, groups_of(plan, options, records));
  const base::Digest job = base::Digest::of(base::view_of(plan.job.text()));
  std::vector<std::size_t> rows;
  FairRecords found;
  std::map<base::Digest, std::uint64_t> equals;
  const std::size_t size = std::min<std::size_t>(records.size(), plan.layout.max_units);
  for (std::size_t row = 0; row < size; ++row) {
    const std::uint32_t group = groups[row];
    if (group == kGroups) continue;
    if (options.half != Half::all) {
      const base::Digest content = content_of(records, row, group);
      if (coin(job, content, equals[content]++) != (options.half == Half::second)) continue;
    }
    rows.push_back(row);
    found.group.push_back(group);
    found.label.push_back(records.target[row] == options.positive ? 1 : 0);
  }
  found.features = math::Matrix(rows.size(), options.columns.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t k = 0; k < options.columns.size(); ++k)
      found.features.at(i, k) =
          learning::value_on(axis_of(options, k), records.features.row(rows[i]));
  return found;
}

class FairLearning final : public query::Query {
 public:
  FairLearning(query::QueryPlan plan, FairOptions options, FairCounts counts)
      : plan_(std::move(plan)), options_(std::move(options)), counts_(std::move(counts)) {}

  Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                               base::Executor&) const override {
    HANSE_TRY(const FairRecords half, asked(plan_, options_, records));
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit, privacy::NotFinite::left_out);
    std::vector<double> contribution(plan_.layout.coordinates());
    const std::size_t cells = counts_.grid().cells();
    for (std::size_t i = 0; i < half.size(); ++i) {
      const auto cell = counts_.grid().cell_of(half.features.row(i));
      if (!cell) continue;
      const std::size_t place = std::size_t{2} * half.group[i] + half.label[i];
      const std::size_t ones[] = {place, FairCounts::kClasses + place * cells + *cell};
      for (const std::size_t one : ones) contribution[one] = 1;
      HANSE_CHECK(sum.add(contribution).has_value());
      for (const std::size_t one : ones) contribution[one] = 0;
    }
    return query::Answer(std::move(sum).finish());
  }

 private:
  query::QueryPlan plan_;
  FairOptions options_;
  FairCounts counts_;
};

class FairCalibration final : public query::Query {
 public:
  FairCalibration(query::QueryPlan plan, FairOptions options, FairCounts counts, FairModel model)
      : plan_(std::move(plan)),
        options_(std::move(options)),
        counts_(std::move(counts)),
        model_(std::move(model)) {}

  Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                               base::Executor&) const override {
    HANSE_TRY(const FairRecords half, asked(plan_, options_, records));
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit, privacy::NotFinite::left_out);
    std::vector<std::int64_t> nodes(counts_.tree().coordinates());
    std::vector<double> contribution(nodes.size());
    for (std::size_t i = 0; i < half.size(); ++i) {
      const auto score = model_.score(half.features.row(i), half.group[i]);
      if (!score) continue;
      std::fill(nodes.begin(), nodes.end(), 0);
      counts_.tree().count(half.group[i], *score, nodes);
      std::copy(nodes.begin(), nodes.end(), contribution.begin());
      HANSE_CHECK(sum.add(contribution).has_value());
    }
    return query::Answer(std::move(sum).finish());
  }

 private:
  query::QueryPlan plan_;
  FairOptions options_;
  FairCounts counts_;
  FairModel model_;
};

Result<void> check_plan(const query::QueryPlan& plan, const privacy::Layout& expected) {
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  if (plan.layout.parts != expected.parts)
    return fail(ErrorCode::invalid_argument, "a '{}' plan of these options has other parts",
                plan.kind);
  if (plan.noise.is_private() && plan.noise.parts.size() != plan.layout.parts.size())
    return fail(ErrorCode::invalid_argument, "a private '{}' plan says its noise", plan.kind);
  if (plan.unit != "record")
    return fail(ErrorCode::invalid_argument,
                "a '{}' plan counts records, and the unit is each '{}'", plan.kind,
                plan.unit.substr(0, 64));
  return {};
}

Result<std::vector<double>> part_of(const privacy::Released& released, std::string_view name,
                                    std::size_t size) {
  HANSE_TRY(std::vector<double> values, released.part(name));
  if (values.size() != size)
    return fail(ErrorCode::corruption, "the released part '{}' has {} numbers, expected {}", name,
                values.size(), size);
  return values;
}

}  // namespace

std::string to_json(const FairOptions& options) {
  Json json;
  json["features"] = Json::array();
  for (std::size_t k = 0; k < options.features.size(); ++k) {
    const FeatureGrid& feature = options.features[k];
    json["features"].push_back({{"column", options.columns[k]},
                                {"low", feature.low},
                                {"high", feature.high},
                                {"cells", feature.cells},
                                {"bandwidth", feature.bandwidth}});
    if (k < options.values.size() && options.values[k] > 0)
      json["features"].back()["values"] = options.values[k];
  }
  json["by"] = kGroupings[static_cast<std::size_t>(options.by)];
  json["groups"] = options.groups;
  json["positive"] = options.positive;
  json["levels"] = options.levels;
  json["half"] = kHalves[static_cast<std::size_t>(options.half)];
  if (options.by == GroupedBy::feature) json["group_column"] = options.group_column;
  return json.dump();
}

Result<FairOptions> fair_options_from_json(std::string_view text) {
  if (text.size() > kMaxOptionsBytes) return wrong("they are too long");
  bool deep = false;
  const auto guard = [&deep](int depth, Json::parse_event_t, Json&) {
    deep |= depth > kMaxDepth;
    return !deep;
  };
  const Json json = Json::parse(text, guard, /*allow_exceptions=*/false);
  const bool by_feature = json.is_object() && json.contains("group_column");
  if (deep || !json.is_object() || json.size() != (by_feature ? 7U : 6U))
    return wrong("an object of six keys, by feature also 'group_column'");
  for (const char* key : {"features", "by", "groups", "positive", "levels", "half"})
    if (!json.contains(key)) return wrong(std::string("no ") + key);
  FairOptions options;
  if (!json["features"].is_array()) return wrong("features are a list");
  for (const Json& feature : json["features"]) HANSE_TRY_VOID(read_feature(feature, options));
  if (std::ranges::all_of(options.values, [](std::uint32_t values) { return values == 0; }))
    options.values.clear();
  if (!json["groups"].is_array()) return wrong("groups are a list");
  for (const Json& name : json["groups"]) {
    if (!name.is_string()) return wrong("a group has a name");
    options.groups.push_back(name.get<std::string>());
  }
  if (!is_whole(json["positive"]) || !is_whole(json["levels"]))
    return wrong("positive and levels are whole numbers");
  options.positive = json["positive"].get<std::uint32_t>();
  options.levels = json["levels"].get<std::uint32_t>();
  HANSE_TRY(const std::size_t by, place_of(json["by"], kGroupings));
  options.by = static_cast<GroupedBy>(by);
  if (by_feature != (options.by == GroupedBy::feature) ||
      (by_feature && !is_whole(json["group_column"])))
    return wrong("by feature, and only then, 'group_column' is a whole number");
  if (by_feature) options.group_column = json["group_column"].get<std::uint32_t>();
  HANSE_TRY(const std::size_t half, place_of(json["half"], kHalves));
  options.half = static_cast<Half>(half);
  HANSE_TRY_VOID(check_options(options));
  if (to_json(options) != text) return wrong("they are not written as this version writes them");
  return options;
}

FairRuleSpec spec_of(const FairOptions& options) {
  return {.features = options.features, .levels = options.levels};
}

privacy::Layout learning_layout(const FairOptions& options, math::Lattice lattice,
                                std::uint64_t max_units) {
  const FairCounts counts = FairCounts::create(spec_of(options)).value();
  return {
      .parts = {{.name = std::string(kClassesPart), .coordinates = FairCounts::kClasses, .clip = 1},
                {.name = std::string(kCellsPart),
                 .coordinates = counts.cell_coordinates(),
                 .clip = 1}},
      .lattice = lattice,
      .max_units = max_units};
}

privacy::Layout calibration_layout(const FairOptions& options, math::Lattice lattice,
                                   std::uint64_t max_units) {
  const ThresholdTree tree = ThresholdTree::create(options.levels).value();
  return {.parts = {{.name = std::string(kTreePart),
                     .coordinates = tree.coordinates(),
                     .clip = std::sqrt(static_cast<double>(tree.levels() + 1))}},
          .lattice = lattice,
          .max_units = max_units};
}

base::Bytes encode(const FairModel& model) {
  std::vector<double> numbers = {model.share[1]};
  for (const Probabilities& group : model.probability)
    numbers.insert(numbers.end(), group.of_cell.begin(), group.of_cell.end());
  return base::to_little_endian(numbers);
}

Result<FairModel> decode_model(const CellGrid& grid, base::ByteView bytes) {
  const std::size_t expected = (1 + kGroups * grid.cells()) * sizeof(double);
  if (bytes.size() != expected)
    return fail(ErrorCode::corruption, "a fair model of {} cells has {} bytes, found {}",
                grid.cells(), expected, bytes.size());
  HANSE_TRY(const std::vector<double> numbers, base::double_from_little_endian(bytes));
  for (const double number : numbers)
    if (!(number >= 0 && number <= 1))
      return fail(ErrorCode::corruption, "a share or probability lies in 0 to 1, found {}", number);
  FairModel model{grid};
  model.share = {1 - numbers[0], numbers[0]};
  if (!(model.share[0] > 0 && model.share[1] > 0))
    return fail(ErrorCode::corruption, "both groups have a share above 0");
  for (std::size_t group = 0; group < kGroups; ++group) {
    const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(1 + group * grid.cells());
    model.probability[group].of_cell.assign(begin,
                                            begin + static_cast<std::ptrdiff_t>(grid.cells()));
  }
  return model;
}

Result<FairModel> model_in(const FairCounts& counts, const privacy::Released& released,
                           double variance) {
  HANSE_TRY(const std::vector<double> classes,
            part_of(released, kClassesPart, FairCounts::kClasses));
  HANSE_TRY(const std::vector<double> cells,
            part_of(released, kCellsPart, counts.cell_coordinates()));
  return counts.fit(classes, cells, variance);
}

Result<PriceOfDisparity> price_in(const FairCounts& counts, const FairModel& model,
                                  const privacy::Released& released) {
  HANSE_TRY(const std::vector<double> tree,
            part_of(released, kTreePart, counts.tree().coordinates()));
  return counts.price(model, tree);
}

Result<std::unique_ptr<query::Query>> create_fair_learning(const query::QueryPlan& plan) {
  HANSE_TRY(FairOptions options, fair_options_from_json(plan.options));
  HANSE_TRY_VOID(
      check_plan(plan, learning_layout(options, plan.layout.lattice, plan.layout.max_units)));
  if (plan.parameters.size() != 0)
    return fail(ErrorCode::invalid_argument, "a '{}' plan has no parameters, found {} bytes",
                plan.kind, plan.parameters.size());
  HANSE_TRY(FairCounts counts, FairCounts::create(spec_of(options)));
  return std::unique_ptr<query::Query>(
      new FairLearning(plan, std::move(options), std::move(counts)));
}

Result<std::unique_ptr<query::Query>> create_fair_calibration(const query::QueryPlan& plan) {
  HANSE_TRY(FairOptions options, fair_options_from_json(plan.options));
  HANSE_TRY_VOID(
      check_plan(plan, calibration_layout(options, plan.layout.lattice, plan.layout.max_units)));
  HANSE_TRY(FairCounts counts, FairCounts::create(spec_of(options)));
  HANSE_TRY(FairModel model, decode_model(counts.grid(), plan.parameters.view()));
  return std::unique_ptr<query::Query>(
      new FairCalibration(plan, std::move(options), std::move(counts), std::move(model)));
}

}  // namespace hanse::fairness
