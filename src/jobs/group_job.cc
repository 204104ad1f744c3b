#include "jobs/group_job.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "data/schema.h"
#include "jobs/job_sections.h"

namespace hanse::jobs {

using base::ErrorCode;
using base::Result;
using data::Column;
using data::ColumnKind;

namespace {

constexpr std::uint32_t kMostCellsOfNumber = 4096;
// A rule of numbers of any size: half a cell tells next to nothing of its neighbours, six cells
// smooth away all but the rough shape.
const std::vector<double> kWidths = {0.5, 1, 1.5, 2, 3, 4, 6};

// Where a column's features begin.
struct Placed {
  const Column* column;
  std::uint32_t first;
};

std::vector<Placed> features_of(const data::Schema& schema) {
  std::vector<Placed> placed;
  std::uint32_t next = 0;
  for (const Column& column : schema.columns()) {
    if (!data::is_feature(column)) continue;
    placed.push_back({&column, next});
    const bool number = column.kind == ColumnKind::number;
    next += number ? 1 : static_cast<std::uint32_t>(column.values.size());
  }
  return placed;
}

tl::unexpected<base::Error> wrong(std::string text) {
  return base::fail(ErrorCode::invalid_argument, "{}", text);
}

// That each name is a number among the features.
Result<void> check_names(const CellsSpec& cells, const data::Schema& schema) {
  std::vector<std::string> numbers;
  for (const Placed& at : features_of(schema))
    if (at.column->kind == ColumnKind::number) numbers.push_back(at.column->name);
  const auto check = [&](std::string_view key, const std::string& name) -> Result<void> {
    if (std::ranges::find(numbers, name) != numbers.end()) return {};
    const Column* column = schema.find(name);
    if (column != nullptr && column->kind == ColumnKind::category)
      return wrong(
          fmt::format("'{}' names \"{}\", which is a category: it has a cell for each of "
                      "its values, leave it out",
                      key, name));
    return wrong(fmt::format("'{}' names \"{}\", expected a column of kind \"number\"{}", key, name,
                             base::did_you_mean(name, numbers)));
  };
  for (const auto& [name, count] : cells.cells) HANSE_TRY_VOID(check("cells", name));
  for (const auto& [name, width] : cells.bandwidth) HANSE_TRY_VOID(check("bandwidth", name));
  return {};
}

Result<learning::Axis> axis_of(const Placed& at, const CellsSpec& cells) {
  const Column& column = *at.column;
  if (column.missing.indicator)
    return wrong(
        fmt::format("a model of 'cells' has no place for \"{}_missing\": leave out the "
                    "indicator of that column",
                    column.name));
  if (column.kind == ColumnKind::category) {
    if (column.missing.policy == data::MissingPolicy::neutral)
      return wrong(
          fmt::format("a model of 'cells' has none for a record of no \"{}\": choose "
                      "another policy than \"neutral\" where it is missing",
                      column.name));
    const auto values = static_cast<std::uint32_t>(column.values.size());
    return learning::Axis{.column = at.first, .values = values, .cells = values};
  }
  const auto found = cells.cells.find(column.name);
  if (found == cells.cells.end())
    return wrong(
        fmt::format("'cells' says nothing of \"{0}\": cells = {{ {0} = 16 }} cuts its "
                    "range into 16",
                    column.name));
  return learning::Axis{.column = at.first, .cells = found->second};
}

// Of an axis behind the first, in the features' scale.
double bandwidth_of(const Column& column, const learning::Axis& axis, const CellsSpec& cells) {
  if (axis.values > 0) return 0;  // one value of a category tells nothing of another
  const auto found = cells.bandwidth.find(column.name);
  return found == cells.bandwidth.end() ? (axis.high - axis.low) / axis.cells
                                        : 2 * found->second / (column.high - column.low);
}

}  // namespace

bool is_of_cells(Section root) {
  if (!root.is_table("model")) return false;
  Section model = root.section("model");
  std::string kind;
  if (model.is_text("kind")) model.get("kind", kind);
  return kind == learning::name_of(learning::ModelKind::cells);
}

void refuse_gradients(Section& root) {
  constexpr auto kElsewhere = "a model that is trained by gradients; this one is of cells";
  root.only(false, "training", kElsewhere);
  Section privacy = root.section("privacy");
  for (const auto* key :
       {"moments", "metrics", "clipped_share", "expected_units", "sampling_rate", "site_epsilon"})
    privacy.only(false, key, kElsewhere);
  root.section("aggregation").only(false, "rotation", kElsewhere);
}

void read_cells(Section& section, CellsSpec& cells) {
  Section counts = section.section("cells");
  for (const std::string& name : counts.keys())
    counts.get<std::uint32_t>(name, cells.cells[name], 1, kMostCellsOfNumber);
  counts.finish();
  Section bandwidths = section.section("bandwidth");
  for (const std::string& name : bandwidths.keys())
    bandwidths.get(name, cells.bandwidth[name], 0, 1e12);
  bandwidths.finish();
  cells.widths = kWidths;
  section.get("widths", cells.widths);
}

void read_group_fairness(Section section, Job& job) {
  fairness::GroupSpec& spec = job.groups.emplace();
  section.require({"method", "group"});
  std::string method;
  section.get_word<std::string>("method", method, word_of({kFdpFair}));
  section.get("group", spec.by);
  section.get("positive", job.model.cells.positive);
  section.get("bound", spec.bound, 0, 1);
  section.finish();
  job.model.cells.group = spec.by;
  spec.widths = job.model.cells.widths;
  if (job.active)
    section.refuse("",
                   "[active] and [fairness] in one job are not offered: the rounds of each are a "
                   "procedure of its own. Train fairly on what is labelled");
}

Result<std::vector<learning::Axis>> axes_of(const CellsSpec& cells, const data::Schema& schema) {
  HANSE_TRY_VOID(check_names(cells, schema));
  std::vector<learning::Axis> axes(1);
  bool has_group = false;
  std::vector<std::string> categories;
  for (const Placed& at : features_of(schema)) {
    HANSE_TRY(learning::Axis axis, axis_of(at, cells));
    if (at.column->kind == ColumnKind::category) categories.push_back(at.column->name);
    if (at.column->name != cells.group) {
      axes.push_back(axis);
      continue;
    }
    if (axis.values != fairness::kGroups)
      return wrong(
          fmt::format("'group' names \"{}\", {}; fairness is between the two values of a category: "
                      "join values, "
                      "or leave other records out",
                      cells.group,
                      axis.values == 0 ? std::string("a number")
                                       : fmt::format("a category of {} values", axis.values)));
    axes.front() = axis;
    has_group = true;
  }
  if (has_group) return axes;
  return wrong(
      fmt::format("'group' names \"{}\", expected a column of kind \"category\" with two "
                  "values{}",
                  cells.group, base::did_you_mean(cells.group, categories)));
}

bool settle_groups(Section& root, const data::Schema& schema, Job& job) {
  fairness::GroupSpec& spec = *job.groups;
  Section fair = root.section("fairness");
  const auto refused = [&](const base::Error& error) {
    Section model = root.section("model");
    const bool of_fair = !fair.key_named_in(error.text()).empty();
    (of_fair ? fair : model).refuse_where_named(error);
    return false;
  };
  const std::vector<std::string>& labels = schema.label()->values;
  const auto architecture = architecture_of(job.model, schema);
  if (!architecture) return refused(architecture.error());
  std::string& positive = job.model.cells.positive;
  if (positive.empty()) positive = labels.back();
  const auto at = std::ranges::find(labels, positive);
  if (at == labels.end()) {
    fair.refuse("positive",
                fmt::format("expected one of the label's values, \"{}\" or \"{}\"; found \"{}\"",
                            labels.front(), labels.back(), positive));
    return false;
  }
  spec.positive = static_cast<std::uint32_t>(at - labels.begin());
  const Column& group = *schema.find(job.model.cells.group);
  spec.groups = {group.values[0], group.values[1]};
  spec.bandwidths.clear();
  std::size_t next = 1;
  for (const Placed& placed : features_of(schema))
    if (placed.column != &group)
      spec.bandwidths.push_back(
          bandwidth_of(*placed.column, architecture->axes()[next++], job.model.cells));
  if (const auto fine = fairness::check_spec(spec, *architecture); !fine)
    return refused(fine.error());
  return true;
}

std::string in_words(const fairness::GroupSpec& spec) {
  return fmt::format("{}: '{}' and '{}' of {} alike, disparity at most {}", kFdpFair,
                     spec.groups[0], spec.groups[1], spec.by, spec.bound);
}

}  // namespace hanse::jobs
