#include "data/recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/nearest.h"
#include "data/dataset.h"
#include "data/file_pattern.h"
#include "data/npy.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// No accelerometer reads a million g: such a sample is a broken file.
constexpr double kMaxSample = 1e6;

constexpr std::size_t kMaxHop = std::size_t{1} << 32;

base::Result<vibration::WindowSpec> window_spec(const RecordingsSpec& spec) {
  HANSE_TRY(const vibration::BearingGeometry geometry, vibration::bearing(spec.bearing));
  const vibration::WindowSpec window{spec.sampling_rate_hz, spec.window, geometry};
  HANSE_TRY_VOID(vibration::Extractor::create(window));
  if (spec.hop < 1 || spec.hop > kMaxHop)
    return base::fail(ErrorCode::invalid_argument, "a hop must be 1 to {} samples, found {}",
                      kMaxHop, spec.hop);
  if (spec.shaft_rpm_field.empty()) HANSE_TRY_VOID(check_shaft(window, spec.shaft_rpm / 60));
  return window;
}

base::Result<void> check_field(const FilePattern& pattern, std::string_view what,
                               const std::string& field) {
  if (pattern.has(field)) return {};
  return base::fail(ErrorCode::invalid_argument,
                    "{}: expected a field of the pattern '{}', found '{}'", what, pattern.text(),
                    field);
}

base::Result<FilePattern> checked_pattern(const RecordingsSpec& spec) {
  HANSE_TRY(FilePattern pattern, FilePattern::create(spec.files));
  if (!spec.shaft_rpm_field.empty())
    HANSE_TRY_VOID(check_field(pattern, "shaft speed", spec.shaft_rpm_field));
  if (!spec.label.empty()) HANSE_TRY_VOID(check_field(pattern, "label", spec.label));
  for (const std::string& field : spec.group) HANSE_TRY_VOID(check_field(pattern, "group", field));
  if (!spec.site.empty()) HANSE_TRY_VOID(check_field(pattern, "site", spec.site));
  return pattern;
}

// A feature that is wanted, and where the extractor writes it.
struct Wanted {
  Column column;
  std::size_t at = 0;
};

base::Result<std::vector<Wanted>> wanted_features(const RecordingsSpec& spec) {
  const std::vector<Column> all = vibration::feature_columns();
  std::vector<std::string> left = spec.features;
  std::vector<Wanted> wanted;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto named = std::ranges::find(left, all[i].name);
    if (named == left.end() && !spec.features.empty()) continue;
    if (named != left.end()) left.erase(named);
    wanted.push_back({all[i], i});
  }
  if (left.empty()) return wanted;
  std::vector<std::string> names;
  for (const Column& column : all) names.push_back(column.name);
  if (std::ranges::find(names, left.front()) != names.end())
    return base::fail(ErrorCode::invalid_argument, "features: '{}' is named twice", left.front());
  return base::fail(ErrorCode::invalid_argument,
                    "features: expected some of the {} of vibration, found '{}'{}", names.size(),
                    left.front(), base::did_you_mean(left.front(), names));
}

// One file: what its name says, and once it is read, its windows' features one after another.
struct Recording {
  std::string name;
  double shaft_hz = 0;
  std::string label;
  std::string group;
  std::string site;
  std::size_t windows = 0;
  std::vector<double> features;
  std::optional<base::Error> problem;
};

base::Result<double> shaft_speed(const RecordingsSpec& spec, const vibration::WindowSpec& window,
                                 const FilePattern::Fields& fields) {
  if (spec.shaft_rpm_field.empty()) return spec.shaft_rpm / 60;
  const std::string& text = fields.at(spec.shaft_rpm_field);
  double rpm = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), rpm);
  if (problem != std::errc() || end != text.data() + text.size())
    return base::fail(ErrorCode::invalid_argument,
                      "field '{}': expected the shaft's speed in rpm, found '{}'",
                      spec.shaft_rpm_field, text);
  HANSE_TRY_VOID(check_shaft(window, rpm / 60));
  return rpm / 60;
}

base::Result<Recording> recording_of(const RecordingsSpec& spec,
                                     const vibration::WindowSpec& window, std::string name,
                                     const FilePattern::Fields& fields) {
  Recording recording;
  HANSE_TRY(recording.shaft_hz, shaft_speed(spec, window, fields));
  if (!spec.label.empty()) recording.label = fields.at(spec.label);
  const bool declared =
      std::ranges::find(spec.label_values, recording.label) != spec.label_values.end();
  if (!spec.label.empty() && !declared)
    return base::fail(ErrorCode::invalid_argument,
                      "field '{}': expected {}, found '{}'; declare it, or narrow the pattern",
                      spec.label, fmt::format("{}", fmt::join(spec.label_values, ", ")),
                      recording.label);
  std::vector<std::string> named;
  for (const std::string& field : spec.group) named.push_back(fields.at(field));
  recording.group = group_name(named);
  if (!spec.site.empty()) recording.site = fields.at(spec.site);
  recording.name = std::move(name);
  return recording;
}

std::string path_of(const RecordingsSpec& spec, const std::string& name) {
  return spec.path + "/" + name;
}

// The files that match, and how many windows each holds, from their headers alone.
base::Result<std::vector<Recording>> find_recordings(const storage::Directory& directory,
                                                     const RecordingsSpec& spec,
                                                     const vibration::WindowSpec& window) {
  HANSE_TRY(const FilePattern pattern, checked_pattern(spec));
  HANSE_TRY(const std::vector<storage::Entry> entries, directory.list(spec.path));
  std::vector<Recording> recordings;
  std::string other;
  for (const storage::Entry& entry : entries) {
    if (entry.is_directory) continue;
    const std::optional<FilePattern::Fields> fields = pattern.match(entry.name);
    if (!fields) {
      other = entry.name;
      continue;
    }
    const std::string path = path_of(spec, entry.name);
    auto recording = recording_of(spec, window, entry.name, *fields);
    if (!recording) return base::fail(recording.error().within(path));
    HANSE_TRY(const std::unique_ptr<storage::File> file, directory.open(path));
    HANSE_TRY(const NpyHeader header, read_npy_header(*file, path));
    if (header.elements() >= spec.window)
      recording->windows = (header.elements() - spec.window) / spec.hop + 1;
    recordings.push_back(*std::move(recording));
  }
  if (recordings.empty())
    return base::fail(ErrorCode::not_found, "no file in '{}' matches '{}'; {}", spec.path,
                      spec.files,
                      other.empty() ? "there are no files" : fmt::format("found '{}'", other));
  return recordings;
}

base::Result<void> read_windows(const storage::Directory& directory, const RecordingsSpec& spec,
                                const vibration::WindowSpec& window, Recording& recording) {
  const std::string path = path_of(spec, recording.name);
  HANSE_TRY(const std::unique_ptr<storage::File> file, directory.open(path));
  HANSE_TRY(const std::vector<double> samples, read_npy_vector(*file, path));
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (!(std::abs(samples[i]) <= kMaxSample))
      return base::fail(ErrorCode::invalid_argument,
                        "{}: sample {}: expected an acceleration in g, found {}", path, i,
                        samples[i]);
  if (recording.windows > 0 && samples.size() < (recording.windows - 1) * spec.hop + spec.window)
    return base::fail(ErrorCode::aborted, "{}: the file changed while it was read", path);
  HANSE_TRY(vibration::Extractor extractor, vibration::Extractor::create(window));
  const std::size_t width = vibration::feature_columns().size();
  recording.features.resize(recording.windows * width);
  for (std::size_t i = 0; i < recording.windows; ++i)
    extractor.extract(std::span(samples).subspan(i * spec.hop, spec.window), recording.shaft_hz,
                      std::span(recording.features).subspan(i * width, width));
  return {};
}

Table table_of(const RecordingsSpec& spec, std::span<const Wanted> features,
               std::span<const Recording> recordings, std::size_t windows) {
  Table table{.source = spec.path, .records = windows, .columns = {}};
  const std::size_t width = vibration::feature_columns().size();
  for (const Wanted& feature : features) {
    std::vector<double> cells;
    cells.reserve(windows);
    for (const Recording& recording : recordings)
      for (std::size_t i = 0; i < recording.windows; ++i)
        cells.push_back(recording.features[i * width + feature.at]);
    table.columns.push_back({feature.column.name, std::move(cells)});
  }
  const auto add = [&](std::string_view name, std::string Recording::* field) {
    std::vector<std::string> cells;
    for (const Recording& recording : recordings)
      cells.insert(cells.end(), recording.windows, recording.*field);
    table.columns.push_back({std::string(name), std::move(cells)});
  };
  if (!spec.label.empty()) add(kLabelColumn, &Recording::label);
  if (!spec.group.empty()) add(kGroupColumn, &Recording::group);
  if (!spec.site.empty()) add(kSiteColumn, &Recording::site);
  const bool machine = spec.unit == RecordingUnit::group && !spec.group.empty();
  if (spec.unit != RecordingUnit::window)
    add(kUnitColumn, machine ? &Recording::group : &Recording::name);
  add(kFileColumn, &Recording::name);
  return table;
}

}  // namespace

base::Result<Schema> recordings_schema(const RecordingsSpec& spec) {
  HANSE_TRY_VOID(window_spec(spec));
  HANSE_TRY_VOID(checked_pattern(spec));
  HANSE_TRY(std::vector<Wanted> features, wanted_features(spec));
  std::vector<Column> columns;
  for (Wanted& feature : features) columns.push_back(std::move(feature.column));
  const auto add = [&](std::string_view name, ColumnKind kind) -> Column& {
    return columns.emplace_back(Column{.name = std::string(name), .kind = kind});
  };
  if (!spec.label.empty()) add(kLabelColumn, ColumnKind::label).values = spec.label_values;
  if (!spec.group.empty()) add(kGroupColumn, ColumnKind::group);
  if (!spec.site.empty()) add(kSiteColumn, ColumnKind::site);
  if (spec.unit != RecordingUnit::window) add(kUnitColumn, ColumnKind::unit);
  add(kFileColumn, spec.group.empty() ? ColumnKind::group : ColumnKind::ignore);
  return Schema::create(std::move(columns));
}

base::Result<Table> read_recordings(const storage::Directory& directory, const RecordingsSpec& spec,
                                    base::Executor& executor) {
  HANSE_TRY(const vibration::WindowSpec window, window_spec(spec));
  HANSE_TRY(const std::vector<Wanted> features, wanted_features(spec));
  HANSE_TRY(std::vector<Recording> recordings, find_recordings(directory, spec, window));
  std::size_t windows = 0;
  const std::size_t columns = vibration::feature_columns().size() + 5;
  for (const Recording& recording : recordings) {
    windows += recording.windows;
    HANSE_TRY_VOID(check_table_size(spec.path, windows, columns));
  }
  if (windows == 0)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: no recording is as long as a window of {} samples; '{}' is the first "
                      "of {}",
                      spec.path, spec.window, recordings.front().name, recordings.size());
  executor.parallel_for(recordings.size(), [&](std::size_t i) {
    const auto outcome = read_windows(directory, spec, window, recordings[i]);
    if (!outcome) recordings[i].problem = outcome.error();
  });
  for (const Recording& recording : recordings)
    if (recording.problem) return base::fail(*recording.problem);
  return table_of(spec, features, recordings, windows);
}

}  // namespace hanse::data
