#include "jobs/model_file.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/limits.h"
#include "jobs/job.h"
#include "jobs/json_fields.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

// Of a name in an error.
constexpr std::size_t kShownBytes = 60;

// How a simulated plant's operator names recordings of his own machines.
constexpr std::string_view kFleetFiles = "{rpm}_{bearing}_{fault}.npy";

struct DraftClass {
  std::vector<std::string> names;
  std::vector<double> parameters;
};

// The document, field by field, before its parts are put together and checked against each other.
struct Draft {
  std::string job;
  std::vector<data::Column> columns;
  std::string digest;
  ReadingSpec reading;
  learning::ArchitectureSpec architecture;
  std::vector<std::string> training_groups;
  std::vector<double> parameters;
  std::vector<DraftClass> classes;
};

// A field that is a word in the document and a value of an enumeration here.
template <class T, class Parse>
void word(JsonFields& json, std::string_view key, T& value, const Parse& parse) {
  std::string text = json.reading() ? std::string() : std::string(name_of(value));
  json.field(key, text);
  if (!json.reading()) return;
  if (auto parsed = parse(text))
    value = *parsed;
  else
    json.refuse(parsed.error().text());
}

template <Choice T>
void word(JsonFields& json, std::string_view key, T& value) {
  word(json, key, value, choice_of<T>);
}

// A map as an object whose keys are data.
template <class T>
void map(JsonFields& json, std::string_view key, std::map<std::string, T>& values) {
  std::vector<std::pair<std::string, T>> entries(values.begin(), values.end());
  json.entries(
      key, entries.size(), [&](std::size_t size) { entries.resize(size); },
      [&](std::size_t i, JsonFields& at, std::string_view name) {
        at.field(name, entries[i].second);
      },
      [&](std::size_t i) -> std::string& { return entries[i].first; });
  if (json.reading()) values = {entries.begin(), entries.end()};
}

void describe_recordings(JsonFields& json, data::RecordingsSpec& spec) {
  json.field("files", spec.files);
  json.field("sampling_rate_hz", spec.sampling_rate_hz);
  json.field("window", spec.window);
  json.field("hop", spec.hop);
  json.field("bearing", spec.bearing);
  json.field("shaft_rpm_field", spec.shaft_rpm_field);
  json.field("shaft_rpm", spec.shaft_rpm);
  json.field("label", spec.label);
  json.field("label_values", spec.label_values);
  json.field("group", spec.group);
  json.field("site", spec.site);
  word(json, "unit", spec.unit);
}

}  // namespace

// Static and not in the namespace above: JsonFields finds them by their arguments.
static void describe(JsonFields& json, data::Missing& missing) {
  word(json, "policy", missing.policy);
  json.field("tokens", missing.tokens);
  json.field("value", missing.value);
  json.field("indicator", missing.indicator);
}

static void describe(JsonFields& json, data::Column& column) {
  json.field("name", column.name);
  word(json, "kind", column.kind);
  json.field("unit", column.unit);
  json.field("low", column.low);
  json.field("high", column.high);
  json.field("values", column.values);
  json.object("missing", [&](JsonFields& at) { describe(at, column.missing); });
}

static void describe(JsonFields& json, data::TransformSpec& spec) {
  word(json, "kind", spec.kind);
  json.field("of", spec.of);
  json.field("name", spec.name);
  word(json, "as", spec.as);
  json.field("unit", spec.unit);
  json.field("key", spec.key);
  json.field("order", spec.order);
  std::uint64_t length = spec.length;
  json.field("length", length);
  spec.length = static_cast<std::size_t>(length);
  json.field("part", spec.part);
  json.field("low", spec.low);
  json.field("high", spec.high);
  json.field("clip", spec.clip);
  json.field("after_last", spec.after_last);
  json.field("edges", spec.edges);
  json.field("values", spec.values);
  json.field("weights", spec.weights);
}

static void describe(JsonFields& json, TableReading& reading) {
  data::TableSpec& table = reading.table;
  word(json, "format", table.format);
  std::string separator(1, table.separator);
  json.field("separator", separator);
  if (separator.size() != 1) return json.refuse("a separator of one character");
  table.separator = separator[0];
  std::string decimal(1, table.decimal);
  json.field("decimal", decimal);
  if (decimal != "." && decimal != ",") return json.refuse("the decimal mark \".\" or \",\"");
  table.decimal = decimal[0];
  json.field("files", table.files);
  json.field("header", table.header);
  json.field("row_number", table.row_number);
  map(json, "constants", table.constants);
  map(json, "only", table.only);
  json.field("columns", reading.columns);
  json.field("transforms", reading.transforms);
}

static void describe(JsonFields& json, ReadingSpec& reading) {
  std::string kind = std::holds_alternative<TableReading>(reading) ? "table" : "recordings";
  json.field("kind", kind);
  if (kind == "table") {
    if (json.reading()) reading.emplace<TableReading>();
    describe(json, std::get<TableReading>(reading));
  } else if (kind == "recordings") {
    if (json.reading()) reading.emplace<data::RecordingsSpec>();
    describe_recordings(json, std::get<data::RecordingsSpec>(reading));
  } else {
    json.refuse("the kind \"table\" or \"recordings\"");
  }
}

static void describe(JsonFields& json, learning::Axis& axis) {
  json.field("column", axis.column);
  json.field("values", axis.values);
  json.field("low", axis.low);
  json.field("high", axis.high);
  json.field("cells", axis.cells);
}

static void describe(JsonFields& json, learning::ArchitectureSpec& spec) {
  word(json, "kind", spec.kind, learning::model_kind);
  json.field("inputs", spec.inputs);
  json.field("hidden", spec.hidden);
  json.field("outputs", spec.outputs);
  word(json, "task", spec.task, learning::task_named);
  json.field("l2", spec.l2);
  if (spec.kind == learning::ModelKind::cells) json.field("axes", spec.axes);
}

static void describe(JsonFields& json, DraftClass& one) {
  json.field("names", one.names);
  json.field("parameters", one.parameters);
}

static void describe(JsonFields& json, Draft& draft) {
  json.constant("schema", kModelSchema);
  json.field("job", draft.job);
  json.field("columns", draft.columns);
  json.field("columns_digest", draft.digest);
  json.object("reading", [&](JsonFields& at) { describe(at, draft.reading); });
  json.field("architecture", draft.architecture);
  json.field("training_groups", draft.training_groups);
  json.field("parameters", draft.parameters);
  json.field("site_classes", draft.classes);
}

namespace {

// What is not written since the columns say it.
void name_features(Draft& draft) {
  auto* recordings = std::get_if<data::RecordingsSpec>(&draft.reading);
  if (!recordings) return;
  std::vector<std::string>& names = recordings->features;
  for (const data::Column& column : draft.columns)
    if (column.kind == data::ColumnKind::number) names.push_back(column.name);
  if (names.size() == data::vibration::feature_columns().size()) names.clear();  // all of them
}

Result<std::vector<ClassModel>> classes_in(std::vector<DraftClass> drafts,
                                           const learning::Architecture& architecture) {
  std::vector<ClassModel> classes;
  std::set<std::string> known;
  for (DraftClass& draft : drafts) {
    if (draft.names.empty())
      return base::fail(ErrorCode::corruption, "site_classes: a model without a class's name");
    for (const std::string& name : draft.names)
      if (!known.insert(name).second)
        return base::fail(ErrorCode::corruption, "site_classes: '{}' has two models",
                          name.substr(0, kShownBytes));
    HANSE_TRY(auto model, learning::Model::create(architecture, std::move(draft.parameters)));
    classes.push_back({std::move(draft.names), std::move(model)});
  }
  return classes;
}

// What the types of single fields cannot say.
Result<ModelFile> assemble(Draft draft) {
  name_features(draft);
  HANSE_TRY(data::Schema schema, schema_of(draft.reading));
  if (schema.columns() != draft.columns)
    return base::fail(ErrorCode::corruption,
                      "columns: expected those that data as described under reading gives");
  if (schema.digest().hex() != draft.digest)
    return base::fail(ErrorCode::corruption, "columns_digest: expected {}, found {}",
                      schema.digest().hex(), draft.digest.substr(0, 2 * base::Digest::kSize));
  const data::Column* label = schema.label();
  if (!label) return base::fail(ErrorCode::corruption, "expected a column of kind label");
  HANSE_TRY(auto architecture, learning::Architecture::create(std::move(draft.architecture)));
  const std::size_t outputs = label->values.empty() ? 1 : label->values.size();
  if (architecture.inputs() != schema.feature_count() || architecture.outputs() != outputs ||
      (architecture.task() == learning::Task::regression) != label->values.empty())
    return base::fail(
        ErrorCode::corruption,
        "the architecture takes {} features to {} outputs, the columns make {} and {}",
        architecture.inputs(), architecture.outputs(), schema.feature_count(), outputs);
  HANSE_TRY(auto model, learning::Model::create(architecture, std::move(draft.parameters)));
  HANSE_TRY(auto classes, classes_in(std::move(draft.classes), architecture));
  const auto& groups = draft.training_groups;
  if (const auto at = std::ranges::adjacent_find(groups, std::greater_equal<>());
      at != groups.end())
    return base::fail(ErrorCode::corruption,
                      "training_groups: expected byte order and each once, found '{}' before '{}'",
                      at[0].substr(0, kShownBytes), at[1].substr(0, kShownBytes));
  return ModelFile{std::move(draft.job),
                   std::move(schema),
                   std::move(draft.reading),
                   std::move(model),
                   std::move(draft.training_groups),
                   std::move(classes)};
}

}  // namespace

Result<data::Schema> schema_of(const ReadingSpec& reading) {
  const auto* table = std::get_if<TableReading>(&reading);
  if (!table) return data::recordings_schema(std::get<data::RecordingsSpec>(reading));
  HANSE_TRY(const data::Pipeline pipeline,
            data::Pipeline::create(table->columns, table->transforms));
  return *pipeline.schema();
}

std::string to_json(const ModelFile& file) {
  const auto parameters = file.model.parameters();
  Draft draft{file.job,
              file.schema.columns(),
              file.schema.digest().hex(),
              file.reading,
              file.model.architecture().spec(),
              file.training_groups,
              {parameters.begin(), parameters.end()},
              {}};
  for (const ClassModel& one : file.classes)
    draft.classes.push_back(
        {one.names, {one.model.parameters().begin(), one.model.parameters().end()}});
  return JsonFields::write([&](JsonFields& json) { describe(json, draft); });
}

Result<ModelFile> model_from_json(std::string_view text) {
  Draft draft;
  HANSE_TRY_VOID(JsonFields::read(text, base::kMaxModelBytes,
                                  [&](JsonFields& json) { describe(json, draft); }));
  auto file = assemble(std::move(draft));
  if (!file) return base::fail(ErrorCode::corruption, "{}", file.error().text());
  return file;
}

const learning::Model& model_for(const ModelFile& file, std::string_view site_class) {
  for (const ClassModel& one : file.classes)
    if (std::ranges::find(one.names, site_class) != one.names.end()) return one.model;
  return file.model;
}

std::vector<std::string> groups_of(std::span<const data::Dataset> training) {
  std::set<std::string> groups;
  for (const data::Dataset& records : training)
    for (const std::uint32_t group : records.group) groups.insert(records.group_names[group]);
  return {groups.begin(), groups.end()};
}

ReadingSpec reading_of(const Source& source) {
  if (const auto* fleet = std::get_if<data::FleetSpec>(&source)) {
    data::RecordingsSpec spec;
    spec.files = kFleetFiles;
    spec.sampling_rate_hz = fleet->sampling_rate_hz;
    spec.window = spec.hop = fleet->window;
    spec.bearing = fleet->bearing;
    spec.label = "fault";
    spec.label_values.assign(data::kFaults.begin(), data::kFaults.end());
    spec.group = {"bearing"};
    return spec;
  }
  if (const auto* table = std::get_if<TableSource>(&source)) {
    TableReading reading{table->table, table->columns, table->transforms};
    reading.table.path.clear();
    reading.table.query.clear();
    for (const JoinSpec& join : table->joins)
      reading.columns.insert(reading.columns.end(), join.columns.begin(), join.columns.end());
    return reading;
  }
  data::RecordingsSpec spec = std::get<data::RecordingsSpec>(source);
  spec.path.clear();
  return spec;
}

}  // namespace hanse::jobs
