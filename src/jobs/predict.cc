#include "jobs/predict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/nearest.h"
#include "data/file_pattern.h"
#include "jobs/csv_field.h"
#include "jobs/evaluation.h"
#include "jobs/json_fields.h"
#include "jobs/map_file.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kPredictionsSchema = "hanse.predictions/2";

Result<data::RecordingsSpec> adapted(data::RecordingsSpec spec, const NewData& data) {
  spec.path = data.path;
  spec.site.clear();  // whose records they are decides nothing here
  if (data.shaft_rpm) {
    spec.shaft_rpm = *data.shaft_rpm;
    spec.shaft_rpm_field.clear();
  }
  if (!data.files) return spec;
  spec.files = *data.files;
  const auto lacks = [&](const std::string& field) {
    return spec.files.find("{" + field + "}") == std::string::npos;
  };
  if (!spec.label.empty() && lacks(spec.label)) {
    spec.label.clear();
    spec.label_values.clear();
  }
  if (std::ranges::any_of(spec.group, lacks)) spec.group.clear();
  if (!spec.shaft_rpm_field.empty() && lacks(spec.shaft_rpm_field))
    return base::fail(ErrorCode::invalid_argument,
                      "the pattern '{}' has no field {{{}}}, and the features need the shaft's "
                      "speed; add the field or give --rpm",
                      spec.files, spec.shaft_rpm_field);
  return spec;
}

bool is_url(std::string_view path) {
  return path.starts_with("postgresql://") || path.starts_with("postgres://");
}

bool is_folder(const storage::Directory& directory, const std::string& path) {
  return directory.list(path).has_value();
}

// One file instead of a folder; the fields of its name stay columns where the name has them.
void take_one_file(data::TableSpec& spec) {
  const std::string files = std::exchange(spec.files, "");
  spec.only.clear();
  if (files.empty()) return;
  const std::size_t slash = spec.path.rfind('/');
  const std::string name = spec.path.substr(slash + 1);  // all of it where there is no slash
  const auto pattern = data::FilePattern::create(files);
  const auto fields = pattern ? pattern->match(name) : std::nullopt;
  if (!fields) return;
  spec.files = files;
  spec.path = slash == std::string::npos ? "." : spec.path.substr(0, slash);
  for (const auto& [field, value] : *fields) spec.only[field] = {value};
}

// Where the table lies, and in which form: as the job's, or in a database.
Result<data::TableSpec> adapted(data::TableSpec spec, const NewData& data,
                                const storage::Directory& directory) {
  const auto wrong = [](std::string_view text) {
    return base::fail(ErrorCode::invalid_argument, "{}", text);
  };
  if (data.shaft_rpm) return wrong("--rpm is for recordings, and this model reads a table");
  spec.path = data.path;
  if (is_url(data.path)) {
    if (!data.query) return wrong("a database needs the question too: --query 'SELECT … FROM …'");
    if (data.files) return wrong("--files is for folders, and DATA is a database");
    data::TableSpec database;
    database.format = data::TableFormat::postgresql;
    database.path = data.path;
    database.query = *data.query;
    database.constants = spec.constants;
    database.row_number = spec.row_number;
    return database;
  }
  if (data.query) return wrong("--query is for a database: DATA would be postgresql://…");
  if (spec.format == data::TableFormat::postgresql) spec.format = data::TableFormat::csv;
  if (data.files) {
    spec.files = *data.files;
    spec.only.clear();
  }
  if (!is_folder(directory, data.path)) {
    if (data.files)
      return base::fail(ErrorCode::invalid_argument,
                        "--files is for folders: expected a folder, found the file '{}'",
                        data.path);
    if (!directory.exists(data.path))
      return base::fail(ErrorCode::not_found, "there is nothing at '{}'", data.path);
    take_one_file(spec);
  } else if (spec.files.empty()) {
    return base::fail(ErrorCode::invalid_argument,
                      "this model reads a table ({}): expected a file, found the folder '{}'; name "
                      "the file, or say with --files which files of the folder make the table",
                      name_of(spec.format), data.path);
  }
  return spec;
}

// Encoded, each with the number that its source gives it.
struct NewRecords {
  data::Dataset records;
  std::vector<std::size_t> numbers;
  std::uint64_t left_out = 0;
};

// All records as one place's: only columns that the table has, and nothing that decides whose or
// when they are.
Result<NewRecords> encoded(const data::Schema& full, const data::Table& table) {
  using data::ColumnKind;
  std::vector<data::Column> columns;
  for (data::Column column : full.columns()) {
    switch (column.kind) {
      case ColumnKind::site:
      case ColumnKind::site_class:
      case ColumnKind::unit:
      case ColumnKind::order:
      case ColumnKind::partition:
        column.kind = ColumnKind::ignore;
        column.values.clear();
        break;
      default:
        break;
    }
    if (data::is_feature(column) || table.find(column.name)) columns.push_back(std::move(column));
  }
  HANSE_TRY(data::Schema schema, data::Schema::create(std::move(columns)));
  data::EncodeOptions options;
  options.purpose = data::Purpose::predicting;
  HANSE_TRY(auto sites,
            data::encode(std::make_shared<const data::Schema>(std::move(schema)), table, options));
  HANSE_CHECK(sites.size() == 1);
  NewRecords fresh{std::move(sites.front().records), {}};
  for (std::size_t row = 0; row < table.records; ++row)
    fresh.numbers.push_back(table.number_of(row));
  return fresh;
}

Result<NewRecords> read_new_table(const TableReading& reading, const NewData& data,
                                  const RecordDoors& doors) {
  HANSE_TRY(data::TableSpec spec, adapted(reading.table, data, doors.directory));
  HANSE_TRY(const data::Pipeline pipeline,
            data::Pipeline::create(reading.columns, reading.transforms));
  std::optional<MapFile> map;
  if (data.map) {
    HANSE_TRY(map, load_map(doors.directory, *data.map, reading.columns));
    map->apply(spec);
  }
  data::ReadOptions options;
  options.features_only_required = true;
  options.map = map ? &map->columns : nullptr;
  HANSE_TRY(data::Table table, data::read_table({doors.directory, doors.databases}, spec,
                                                pipeline.columns(), options));
  HANSE_TRY(const data::AppliedTable applied,
            pipeline.apply(std::move(table), data::Purpose::predicting));
  if (applied.table.records == 0)
    return base::fail(ErrorCode::failed_precondition,
                      "{}: none of {} records can be predicted: the model's policies for missing "
                      "values leave them all out",
                      applied.table.source, applied.left_out);
  HANSE_TRY(NewRecords fresh, encoded(*pipeline.schema(), applied.table));
  fresh.left_out = applied.left_out;
  return fresh;
}

Result<NewRecords> read_new_recordings(const data::RecordingsSpec& reading, const NewData& data,
                                       const RecordDoors& doors) {
  if (data.map || data.query)
    return base::fail(ErrorCode::invalid_argument,
                      "--map and --query are for tables, and this model reads recordings");
  if (doors.directory.exists(data.path) && !is_folder(doors.directory, data.path))
    return base::fail(ErrorCode::invalid_argument,
                      "this model reads recordings: expected a folder of .npy files, found the "
                      "file '{}'; give the folder, and --files where names differ",
                      data.path);
  HANSE_TRY(const data::RecordingsSpec spec, adapted(reading, data));
  HANSE_TRY(const data::Schema schema, data::recordings_schema(spec));
  HANSE_TRY(const data::Table table, data::read_recordings(doors.directory, spec, doors.executor));
  return encoded(schema, table);
}

tl::unexpected<base::Error> overflowed(std::size_t number) {
  return base::fail(ErrorCode::failed_precondition,
                    "record {}: expected a finite prediction, and the model's parameters are so "
                    "large that there is none; train it anew with a lower learning rate",
                    number);
}

Result<std::vector<Prediction>> predictions_of(const data::Column& label, const NewRecords& fresh,
                                               const math::Matrix& outputs) {
  const data::Dataset& records = fresh.records;
  std::vector<Prediction> all(records.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    Prediction& one = all[i];
    one.record = fresh.numbers[i];
    const auto row = outputs.row(i);
    const double target = records.target[i];
    if (!records.group_names.empty()) one.group = records.group_names[records.group[i]];
    if (label.values.empty()) {
      one.value = physical(label, row[0]);
      if (!std::isfinite(one.value)) return overflowed(one.record);
      if (std::isfinite(target)) one.truth = physical(label, target);
    } else {
      if (!std::ranges::all_of(row, [](double p) { return std::isfinite(p); }))
        return overflowed(one.record);
      one.probabilities.assign(row.begin(), row.end());
      one.value = static_cast<double>(std::ranges::max_element(row) - row.begin());
      if (std::isfinite(target)) one.truth = target;
    }
  }
  return all;
}

// Of all metrics of the task. Empty without labels.
MetricValues metrics_of(learning::Task task, const data::Column& label, const Judged& judged) {
  if (!std::ranges::all_of(judged.targets, [](double target) { return std::isfinite(target); }))
    return {};
  std::vector<learning::Metric> metrics;
  std::ranges::copy_if(learning::all_metrics(), std::back_inserter(metrics),
                       [&](learning::Metric metric) { return learning::task_of(metric) == task; });
  return evaluate(metrics, label, judged);
}

// A class that the model knows nothing of is a slip: the common model would answer for it.
Result<void> check_class(const ModelFile& file, const NewData& data) {
  if (!data.site_class) return {};
  std::vector<std::string> known;
  for (const ClassModel& one : file.classes)
    known.insert(known.end(), one.names.begin(), one.names.end());
  if (std::ranges::find(known, *data.site_class) != known.end()) return {};
  if (known.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "--class: this model is the same for all classes of sites; leave it out");
  return base::fail(ErrorCode::invalid_argument,
                    "--class: expected a class that the model has a part for, {}; found '{}'{}",
                    fmt::join(known, ", "), *data.site_class,
                    base::did_you_mean(*data.site_class, known));
}

const std::string& label_of(const Predictions& predictions, double index) {
  return predictions.labels[static_cast<std::size_t>(index)];
}

void describe_record(JsonFields& json, const Predictions& all, const Prediction& one) {
  std::uint64_t record = one.record;
  json.field("record", record);
  std::string group = one.group;
  if (!group.empty()) json.field("group", group);
  if (all.labels.empty()) {
    double value = one.value;
    json.field("value", value);
    if (auto truth = one.truth) json.field("truth", truth);
    return;
  }
  std::string predicted = label_of(all, one.value);
  json.field("label", predicted);
  json.object("probabilities", [&](JsonFields& at) {
    for (std::size_t k = 0; k < all.labels.size(); ++k) {
      double probability = one.probabilities[k];
      at.field(all.labels[k], probability);
    }
  });
  if (one.truth) {
    std::string truth = label_of(all, *one.truth);
    json.field("truth", truth);
  }
}

// A record together with what its labels mean.
struct Shown {
  const Predictions* all = nullptr;
  const Prediction* one = nullptr;
};

}  // namespace

static void describe(JsonFields& json, Shown& shown) {
  describe_record(json, *shown.all, *shown.one);
}

Result<Predictions> predict(const ModelFile& file, const NewData& data, const RecordDoors& doors) {
  const auto* table = std::get_if<TableReading>(&file.reading);
  HANSE_TRY_VOID(check_class(file, data));
  HANSE_TRY(const NewRecords fresh,
            table ? read_new_table(*table, data, doors)
                  : read_new_recordings(std::get<data::RecordingsSpec>(file.reading), data, doors));
  const data::Column& label = *file.schema.label();
  const data::Dataset& records = fresh.records;
  const Judged judged = judge(model_for(file, data.site_class.value_or("")), records);
  Predictions predictions;
  predictions.job = file.job;
  predictions.labels = label.values;
  predictions.unit = label.unit;
  HANSE_TRY(predictions.records, predictions_of(label, fresh, judged.predictions));
  predictions.metrics = metrics_of(file.model.architecture().task(), label, judged);
  predictions.clipped_values = records.clipped_values;
  predictions.left_out = fresh.left_out;
  for (const std::string& group : groups_of({&records, 1}))
    if (std::ranges::binary_search(file.training_groups, group))
      predictions.known_groups.push_back(group);
  return predictions;
}

std::string to_json(const Predictions& predictions) {
  Predictions copy = predictions;
  std::vector<Shown> shown;
  for (const Prediction& one : copy.records) shown.push_back({&copy, &one});
  return JsonFields::write([&](JsonFields& json) {
    json.constant("schema", kPredictionsSchema);
    json.field("job", copy.job);
    json.field("labels", copy.labels);
    json.field("unit", copy.unit);
    json.object("metrics", [&](JsonFields& at) {
      for (MetricValue& metric : copy.metrics) at.field(metric.name, metric.value);
    });
    json.field("groups_in_training", copy.known_groups);
    json.field("clipped_values", copy.clipped_values);
    json.field("left_out", copy.left_out);
    json.field("records", shown);
  });
}

std::string to_csv(const Predictions& predictions) {
  const auto& records = predictions.records;
  const bool groups =
      std::ranges::any_of(records, [](const auto& one) { return !one.group.empty(); });
  const bool truths =
      std::ranges::any_of(records, [](const auto& one) { return one.truth.has_value(); });
  std::string text = groups ? "record,group," : "record,";
  text += predictions.labels.empty() ? "value" : "label";
  for (const std::string& label : predictions.labels) text += ',' + csv_field("p_" + label);
  text += truths ? ",truth\r\n" : "\r\n";
  const auto shown = [&](double value) {
    return predictions.labels.empty() ? fmt::format("{}", value)
                                      : csv_field(label_of(predictions, value));
  };
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Prediction& one = records[i];
    text += fmt::format("{},", one.record);
    if (groups) text += csv_field(one.group) + ',';
    text += shown(one.value);
    for (const double probability : one.probabilities) text += fmt::format(",{:.6f}", probability);
    if (truths) text += ',' + (one.truth ? shown(*one.truth) : std::string());
    text += "\r\n";
  }
  return text;
}

}  // namespace hanse::jobs
