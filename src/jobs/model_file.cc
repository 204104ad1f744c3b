#include "jobs/model_file.h"

#include <algorithm>
#include <functional>
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

// The document, field by field, before its parts are put together and checked against each other.
struct Draft {
  std::string job;
  std::vector<data::Column> columns;
  std::string digest;
  ReadingSpec reading;
  learning::ArchitectureSpec architecture;
  std::vector<std::string> training_groups;
  std::vector<double> parameters;
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
}

void describe_reading(JsonFields& json, ReadingSpec& reading) {
  std::string kind = std::holds_alternative<data::CsvSpec>(reading) ? "csv" : "recordings";
  json.field("kind", kind);
  if (kind == "csv") {
    if (json.reading()) reading.emplace<data::CsvSpec>();
    auto& spec = std::get<data::CsvSpec>(reading);
    std::string separator(1, spec.separator);
    json.field("separator", separator);
    if (separator.size() != 1) return json.refuse("a separator of one character");
    spec.separator = separator[0];
  } else if (kind == "recordings") {
    if (json.reading()) reading.emplace<data::RecordingsSpec>();
    describe_recordings(json, std::get<data::RecordingsSpec>(reading));
  } else {
    json.refuse("the kind \"csv\" or \"recordings\"");
  }
}

}  // namespace

static void describe(JsonFields& json, data::Column& column) {
  json.field("name", column.name);
  word(json, "kind", column.kind, column_kind);
  json.field("unit", column.unit);
  json.field("low", column.low);
  json.field("high", column.high);
  json.field("values", column.values);
}

static void describe(JsonFields& json, learning::ArchitectureSpec& spec) {
  word(json, "kind", spec.kind, learning::model_kind);
  json.field("inputs", spec.inputs);
  json.field("hidden", spec.hidden);
  json.field("outputs", spec.outputs);
  word(json, "task", spec.task, learning::task_named);
  json.field("l2", spec.l2);
}

static void describe(JsonFields& json, Draft& draft) {
  json.constant("schema", kModelSchema);
  json.field("job", draft.job);
  json.field("columns", draft.columns);
  json.field("columns_digest", draft.digest);
  json.object("reading", [&](JsonFields& at) { describe_reading(at, draft.reading); });
  json.field("architecture", draft.architecture);
  json.field("training_groups", draft.training_groups);
  json.field("parameters", draft.parameters);
}

namespace {

// What the types of single fields cannot say.
Result<ModelFile> assemble(Draft draft) {
  HANSE_TRY(data::Schema schema, data::Schema::create(std::move(draft.columns)));
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
  HANSE_TRY(auto model,
            learning::Model::create(std::move(architecture), std::move(draft.parameters)));
  const auto& groups = draft.training_groups;
  if (const auto at = std::ranges::adjacent_find(groups, std::greater_equal<>());
      at != groups.end())
    return base::fail(ErrorCode::corruption,
                      "training_groups: expected byte order and each once, found '{}' before '{}'",
                      at[0].substr(0, kShownBytes), at[1].substr(0, kShownBytes));
  if (auto* csv = std::get_if<data::CsvSpec>(&draft.reading)) csv->columns = schema.columns();
  HANSE_TRY(const data::Schema read, schema_of(draft.reading));
  if (read.digest() != schema.digest())
    return base::fail(ErrorCode::corruption,
                      "recordings as described under reading give other columns than the model's");
  return ModelFile{std::move(draft.job), std::move(schema), std::move(draft.reading),
                   std::move(model), std::move(draft.training_groups)};
}

}  // namespace

Result<data::Schema> schema_of(const ReadingSpec& reading) {
  if (const auto* csv = std::get_if<data::CsvSpec>(&reading))
    return data::Schema::create(csv->columns);
  return data::recordings_schema(std::get<data::RecordingsSpec>(reading));
}

std::string to_json(const ModelFile& file) {
  const auto parameters = file.model.parameters();
  Draft draft{file.job,
              file.schema.columns(),
              file.schema.digest().hex(),
              file.reading,
              file.model.architecture().spec(),
              file.training_groups,
              {parameters.begin(), parameters.end()}};
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
  if (const auto* csv = std::get_if<data::CsvSpec>(&source)) {
    data::CsvSpec spec = *csv;
    spec.path.clear();
    return spec;
  }
  data::RecordingsSpec spec = std::get<data::RecordingsSpec>(source);
  spec.path.clear();
  return spec;
}

}  // namespace hanse::jobs
