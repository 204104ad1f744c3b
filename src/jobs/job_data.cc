#include <fmt/format.h>

#include "base/limits.h"
#include "jobs/job_sections.h"
#include "storage/database.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kSimulated = "simulated:bearings";
constexpr std::string_view kRecordings = "recordings";

// ${NAME} replaced by the variable's value.
Result<std::string> expanded(std::string_view path, const Environment& environment) {
  std::string out;
  while (!path.empty()) {
    const std::size_t open = path.find("${");
    out += path.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = path.find('}', open);
    if (close == std::string_view::npos)
      return base::fail(ErrorCode::invalid_argument, "'${{' without '}}'");
    const std::string_view name = path.substr(open + 2, close - open - 2);
    const auto value = environment(name);
    if (!value || value->empty())
      return base::fail(ErrorCode::invalid_argument,
                        "the environment variable {} is not set; set it to the folder that is "
                        "meant, for example: {}=/path/to/data hanse run …",
                        name, name);
    out += *value;
    path.remove_prefix(close + 1);
  }
  return out;
}

data::PlantSpec read_plant(Section& section) {
  section.require({"name", "class"});
  std::string name;
  section.get("name", name);
  data::PlantSpec plant;
  section.get_word<data::PlantSpec>("class", plant, [&](std::string_view site_class) {
    return data::PlantSpec::of_class(site_class, name);
  });
  plant.name = name;
  section.get("bearings", plant.bearings);
  section.get("recordings", plant.recordings);
  section.get("severity", plant.severity);
  section.get("noise_g", plant.noise_g);
  section.get("quantisation_bits", plant.quantisation_bits);
  section.get("rpm_low", plant.rpm_low);
  section.get("rpm_high", plant.rpm_high);
  const bool has_balance = section.has("balance");
  Section balance = section.section("balance");
  if (has_balance) plant.balance = {};
  for (std::size_t i = 0; i < data::kFaults.size(); ++i)
    balance.get(data::kFaults[i], plant.balance[i]);
  balance.finish();
  section.finish();
  return plant;
}

data::FleetSpec read_fleet(Section& section) {
  section.require({"site"});
  data::FleetSpec fleet;
  section.get("bearing", fleet.bearing);
  section.get("sampling_rate_hz", fleet.sampling_rate_hz);
  section.get("window", fleet.window);
  for (Section& site : section.sections("site", base::kMaxSites))
    fleet.sites.push_back(read_plant(site));
  return fleet;
}

data::RecordingsSpec read_recordings_spec(Section& section, const Environment& environment) {
  section.require({"path", "files", "sampling_rate_hz", "label", "label_values", "site"});
  data::RecordingsSpec spec;
  read_path(section, "path", spec.path, environment);
  section.get("files", spec.files);
  section.get("sampling_rate_hz", spec.sampling_rate_hz);
  section.get("window", spec.window);
  spec.hop = spec.window;
  section.get("hop", spec.hop);
  section.get("bearing", spec.bearing);
  section.get("features", spec.features);
  if (section.has("shaft_rpm")) spec.shaft_rpm_field = "";
  section.get("shaft_rpm", spec.shaft_rpm);
  section.get("shaft_rpm_field", spec.shaft_rpm_field);
  section.get("label", spec.label);
  section.get("label_values", spec.label_values);
  section.get("group", spec.group);
  section.get("site", spec.site);
  section.get_word<data::RecordingUnit>("unit", spec.unit, choice_of<data::RecordingUnit>);
  return spec;
}

void read_split(Section section, Job& job) {
  using data::SplitBy;
  using data::SplitKind;
  section.require({"kind"});
  data::SplitSpec& split = job.split;
  if (!section.get_word<SplitKind>("kind", split.kind, choice_of<SplitKind>)) return;
  section.get_word<SplitBy>("by", split.by, choice_of<SplitBy>);
  const bool k_fold = split.kind == SplitKind::k_fold;
  const bool holdout = split.kind == SplitKind::holdout;
  constexpr auto kHoldout = "kind = \"holdout\"";
  constexpr auto kFold = "kind = \"k_fold\"";
  section.only(holdout || k_fold, "by", "kind = \"holdout\" or \"k_fold\"");
  if (split.by == SplitBy::time && k_fold)
    section.refuse("by", "\"time\" has a meaning only for kind = \"holdout\"");
  section.get("test", split.test, 0.01, 0.99);
  section.only(holdout, "test", kHoldout);
  section.get<std::size_t>("folds", split.folds, 2, 100);
  section.only(k_fold, "folds", kFold);
  section.get("stratify", split.stratify);
  section.only((holdout || k_fold) && split.by != SplitBy::time, "stratify",
               "splits by group or record");
  section.get("shuffle", split.shuffle);
  section.only(k_fold, "shuffle", kFold);
  section.get_word<data::TestOn>("test_on", split.test_on, choice_of<data::TestOn>);
  section.get("allow_leakage", split.allow_leakage);
  std::size_t fold = 1;
  section.get<std::size_t>("fold", fold, 1, split.folds);
  section.only(k_fold, "fold", kFold);
  if (section.has("fold")) job.fold = fold;
  section.finish();
}

}  // namespace

void read_path(Section& section, std::string_view key, std::string& path,
               const Environment& environment) {
  section.get(key, path);
  // Every run keeps the job as it was written.
  std::string written =
      expanded(path, [](auto) { return std::optional<std::string>(" "); }).value_or("");
  std::erase(written, ' ');  // what variables say
  if (storage::has_password(written))
    return section.refuse(key,
                          "the password would be kept with every run of the job; put it into an "
                          "environment variable and write ${NAME} here, or let libpq find it");
  if (auto full = expanded(path, environment))
    path = *std::move(full);
  else
    section.refuse(key, full.error().text());
}

std::function<Result<std::string>(std::string_view)> word_of(std::vector<std::string_view> words) {
  return [words = std::move(words)](std::string_view word) -> Result<std::string> {
    Words<std::string_view> pairs;
    for (const std::string_view one : words) pairs.emplace_back(one, one);
    HANSE_TRY(const std::string_view found, chosen(pairs, word));
    return std::string(found);
  };
}

void read_data(Section section, const Environment& environment, Job& job) {
  section.require({"source", "split"});
  std::vector<std::string_view> sources{kSimulated, kRecordings};
  for (const auto& [name, format] : words_of(data::TableFormat{})) sources.push_back(name);
  std::string source(kSimulated);
  const bool known = section.get_word<std::string>("source", source, word_of(std::move(sources)));
  read_split(section.section("split"), job);
  if (!known) return;
  if (source == kSimulated)
    job.source = read_fleet(section);
  else if (source == kRecordings)
    job.source = read_recordings_spec(section, environment);
  else
    job.source = read_table_source(section, *choice_of<data::TableFormat>(source), environment);
  section.finish();
}

void refuse_source(Section data, const base::Error& error) {
  std::vector<Section> parts;
  for (const auto* key : {"site", "column", "transform"})
    for (Section& part : data.sections(key, base::kMaxColumns)) parts.push_back(std::move(part));
  for (Section& join : data.sections("join", base::kMaxColumns))
    for (Section& part : join.sections("column", base::kMaxColumns))
      parts.push_back(std::move(part));
  Section* named = nullptr;
  std::size_t first = std::string::npos;
  for (Section& part : parts) {
    std::string name;
    part.get("name", name);
    const std::size_t at = error.text().find("'" + name + "'");
    if (at < first) {
      first = at;
      named = &part;
    }
  }
  (named ? *named : data).refuse_where_named(error);
}

std::string_view name_of(const Source& source) {
  if (std::holds_alternative<data::FleetSpec>(source)) return kSimulated;
  if (std::holds_alternative<data::RecordingsSpec>(source)) return kRecordings;
  return name_of(std::get<TableSource>(source).table.format);
}

Result<data::Pipeline> pipeline_of(const TableSource& source) {
  std::vector<data::Column> columns = source.columns;
  for (const JoinSpec& join : source.joins)
    columns.insert(columns.end(), join.columns.begin(), join.columns.end());
  return data::Pipeline::create(std::move(columns), source.transforms);
}

Result<data::Schema> schema_of(const Source& source) {
  if (const auto* fleet = std::get_if<data::FleetSpec>(&source)) return data::fleet_schema(*fleet);
  if (const auto* recordings = std::get_if<data::RecordingsSpec>(&source))
    return data::recordings_schema(*recordings);
  HANSE_TRY(const data::Pipeline pipeline, pipeline_of(std::get<TableSource>(source)));
  return *pipeline.schema();
}

}  // namespace hanse::jobs
