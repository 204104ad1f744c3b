#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "jobs/job.h"
#include "jobs/toml_reader.h"
#include "privacy/chain.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::uint64_t kMaxSeed = std::uint64_t{1} << 53;

// Hours of a simulation on a laptop; more is a slip of the finger.
constexpr std::uint32_t kMaxRounds = 10'000;

constexpr std::string_view kSimulated = "simulated:bearings";
constexpr std::string_view kRecordings = "recordings";
constexpr std::string_view kCsv = "csv";

constexpr std::array<std::pair<std::string_view, data::ColumnKind>, 6> kColumnKinds{{
    {"number", data::ColumnKind::number},
    {"category", data::ColumnKind::category},
    {"label", data::ColumnKind::label},
    {"group", data::ColumnKind::group},
    {"site", data::ColumnKind::site},
    {"ignore", data::ColumnKind::ignore},
}};

// A word of a closed list.
template <class T>
std::function<Result<T>(std::string_view)> one_of(
    std::vector<std::pair<std::string_view, T>> words) {
  return [words = std::move(words)](std::string_view word) -> Result<T> {
    std::string valid;
    for (const auto& [name, value] : words) {
      if (name == word) return value;
      valid += fmt::format("{}\"{}\"", valid.empty() ? "" : ", ", name);
    }
    return base::fail(ErrorCode::invalid_argument, "expected one of {}; found \"{}\"", valid, word);
  };
}

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

void read_path(Section& section, std::string& path, const Environment& environment) {
  section.get("path", path);
  if (auto full = expanded(path, environment))
    path = *std::move(full);
  else
    section.refuse("path", full.error().text());
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
  read_path(section, spec.path, environment);
  section.get("files", spec.files);
  section.get("sampling_rate_hz", spec.sampling_rate_hz);
  section.get("window", spec.window);
  spec.hop = spec.window;
  section.get("hop", spec.hop);
  section.get("bearing", spec.bearing);
  if (section.has("shaft_rpm")) spec.shaft_rpm_field = "";
  section.get("shaft_rpm", spec.shaft_rpm);
  section.get("shaft_rpm_field", spec.shaft_rpm_field);
  section.get("label", spec.label);
  section.get("label_values", spec.label_values);
  section.get("group", spec.group);
  section.get("site", spec.site);
  return spec;
}

data::Column read_column(Section& section) {
  section.require({"name", "kind"});
  data::Column column;
  section.get("name", column.name);
  section.get_word<data::ColumnKind>("kind", column.kind, column_kind);
  section.get("unit", column.unit);
  section.get("low", column.low);
  section.get("high", column.high);
  section.get("values", column.values);
  section.finish();
  return column;
}

data::CsvSpec read_csv_spec(Section& section, const Environment& environment) {
  section.require({"path", "column"});
  data::CsvSpec spec;
  read_path(section, spec.path, environment);
  std::string separator(1, spec.separator);
  section.get("separator", separator);
  if (separator.size() == 1 && separator != "\"" && separator != "\n" && separator != "\r")
    spec.separator = separator[0];
  else
    section.refuse("separator", "expected one character, for example \",\" or \";\"");
  for (Section& column : section.sections("column", base::kMaxColumns))
    spec.columns.push_back(read_column(column));
  return spec;
}

void read_split(Section section, Job& job) {
  using data::SplitBy;
  using data::SplitKind;
  section.require({"kind"});
  section.get_word(
      "kind", job.split.kind,
      one_of<SplitKind>({{"holdout", SplitKind::holdout}, {"k_fold", SplitKind::k_fold}}));
  section.get_word("by", job.split.by,
                   one_of<SplitBy>({{"group", SplitBy::group}, {"record", SplitBy::record}}));
  const bool k_fold = job.split.kind == SplitKind::k_fold;
  section.get("test", job.split.test, 0.01, 0.99);
  section.only(!k_fold, "test", "kind = \"holdout\"");
  section.get<std::size_t>("folds", job.split.folds, 2, 100);
  section.only(k_fold, "folds", "kind = \"k_fold\"");
  section.get("allow_leakage", job.split.allow_leakage);
  std::size_t fold = 1;
  section.get<std::size_t>("fold", fold, 1, job.split.folds);
  section.only(k_fold, "fold", "kind = \"k_fold\"");
  if (section.has("fold")) job.fold = fold;
  section.finish();
}

void read_data(Section section, const Environment& environment, Job& job) {
  section.require({"source", "split"});
  std::string source(kSimulated);
  section.get_word<std::string>("source", source,
                                one_of<std::string>({{kSimulated, std::string(kSimulated)},
                                                     {kRecordings, std::string(kRecordings)},
                                                     {kCsv, std::string(kCsv)}}));
  read_split(section.section("split"), job);
  if (source == kSimulated)
    job.source = read_fleet(section);
  else if (source == kRecordings)
    job.source = read_recordings_spec(section, environment);
  else
    job.source = read_csv_spec(section, environment);
  section.finish();
}

void read_model(Section section, ModelSpec& model) {
  section.require({"kind"});
  section.get_word<learning::ModelKind>("kind", model.kind, learning::model_kind);
  section.get("hidden", model.hidden);
  section.only(model.kind == learning::ModelKind::mlp, "hidden", "kind = \"mlp\"");
  if (model.kind == learning::ModelKind::mlp) section.require({"hidden"});
  section.get("l2", model.l2);
  section.finish();
}

// Keys of a strategy's own; create_strategy checks the values.
void read_strategy(Section& section, learning::StrategySpec& spec) {
  using learning::OptimiserKind;
  using learning::StrategyKind;
  const bool fedsgd = spec.kind == StrategyKind::fedsgd;
  const bool adaptive = spec.kind == StrategyKind::fedadam || spec.kind == StrategyKind::fedyogi;
  const bool server_adam = fedsgd && spec.server_optimiser == OptimiserKind::adam;
  constexpr auto kLocal = "strategies with local training, not fedsgd";
  for (const auto* key :
       {"optimiser", "learning_rate", "momentum", "local_epochs", "batch", "range"})
    section.only(!fedsgd, key, kLocal);
  section.get_word<OptimiserKind>("optimiser", spec.optimiser, learning::optimiser_kind);
  section.get("learning_rate", spec.learning_rate);
  section.get("momentum", spec.momentum);
  section.only(spec.optimiser == OptimiserKind::sgd, "momentum", "optimiser = \"sgd\"");
  section.get("local_epochs", spec.local_epochs);
  section.get("batch", spec.batch);
  section.get("range", spec.range);
  section.get("mu", spec.mu);
  section.only(spec.kind == StrategyKind::fedprox, "mu", "strategy = \"fedprox\"");
  section.get("server_learning_rate", spec.server_learning_rate);
  section.get("server_momentum", spec.server_momentum);
  section.only(fedsgd && !server_adam, "server_momentum",
               "strategy = \"fedsgd\" with server_optimiser = \"sgd\"");
  section.get("beta1", spec.beta1);
  section.get("beta2", spec.beta2);
  for (const auto* key : {"beta1", "beta2"})
    section.only(adaptive || server_adam, key, "fedadam, fedyogi, and fedsgd with adam");
  section.get("tau", spec.tau);
  section.only(adaptive, "tau", "strategy = \"fedadam\" or \"fedyogi\"");
  section.get("clip", spec.clip);
  section.only(fedsgd, "clip", "strategy = \"fedsgd\"");
  section.get("loss_clip", spec.loss_clip);
}

void read_training(Section section, Job& job) {
  section.require({"strategy", "rounds"});
  auto kind = learning::StrategyKind::fedavg;
  section.get_word<learning::StrategyKind>("strategy", kind, learning::strategy_kind);
  job.strategy = learning::default_spec(kind);
  section.get<std::uint32_t>("rounds", job.rounds, 1, kMaxRounds);
  section.only(kind == learning::StrategyKind::fedsgd, "server_optimiser", "strategy = \"fedsgd\"");
  section.get_word<learning::OptimiserKind>("server_optimiser", job.strategy.server_optimiser,
                                            learning::optimiser_kind);
  read_strategy(section, job.strategy);
  section.finish();
}

void read_privacy(Section section, Job& job) {
  constexpr std::string_view kOnly = privacy::InTheClear::kName;
  if (!section.has("entrance"))
    section.refuse("",
                   fmt::format("missing: entrance. Nothing is private yet, and a job has to say "
                               "so: entrance = \"{}\"",
                               kOnly));
  section.get_word<std::string>("entrance", job.entrance,
                                one_of<std::string>({{kOnly, std::string(kOnly)}}));
  section.finish();
}

void read_aggregation(Section section, Job& job) {
  section.get_word<std::string>("backend", job.aggregation.backend,
                                one_of<std::string>({{"plain", "plain"}}));
  section.get<std::uint32_t>("min_sites", job.aggregation.min_sites, 1, base::kMaxSites);
  section.get("fraction_bits", job.strategy.fraction_bits);
  section.get("max_records_per_site", job.strategy.max_records_per_site);
  section.finish();
}

// Without [evaluation], all metrics of the task.
void read_evaluation(Section section, learning::Task task, Job& job) {
  std::vector<std::string> names;
  section.get("metrics", names);
  for (const std::string& name : names) {
    const auto metric = learning::metric_named(name);
    if (!metric) {
      section.refuse("metrics", metric.error().text());
    } else if (learning::task_of(*metric) != task) {
      section.refuse("metrics", fmt::format("{} judges a {}, and the label makes this a {}", name,
                                            learning::name_of(learning::task_of(*metric)),
                                            learning::name_of(task)));
    } else if (std::ranges::find(job.metrics, *metric) != job.metrics.end()) {
      section.refuse("metrics", fmt::format("{} twice", name));
    } else {
      job.metrics.push_back(*metric);
    }
  }
  if (section.has("metrics") && names.empty())
    section.refuse("metrics", "expected at least one metric; without the key, all are taken");
  if (names.empty())
    for (const auto metric : learning::all_metrics())
      if (learning::task_of(metric) == task) job.metrics.push_back(metric);
  section.finish();
}

// What can be checked without reading a record: sources, architecture and strategy together.
Result<learning::Task> check_together(const Job& job) {
  HANSE_TRY(const data::Schema schema, schema_of(job.source));
  const data::Column* label = schema.label();
  if (!label)
    return base::fail(ErrorCode::invalid_argument,
                      "no column is the label: give one the kind \"label\"");
  HANSE_TRY(const learning::Architecture architecture, architecture_of(job.model, schema));
  // Only a simulated fleet's size is known before reading; the run proves its sums again.
  const auto* fleet = std::get_if<data::FleetSpec>(&job.source);
  const auto sites = static_cast<std::uint32_t>(fleet ? fleet->sites.size() : 1);
  HANSE_TRY(auto strategy, learning::create_strategy(job.strategy, job.name, sites));
  return architecture.task();
}

}  // namespace

std::string_view name_of(const Source& source) {
  constexpr std::string_view kNames[] = {kSimulated, kRecordings, kCsv};
  return kNames[source.index()];
}

std::string_view name_of(data::ColumnKind kind) {
  const auto found =
      std::ranges::find(kColumnKinds, kind, &std::pair<std::string_view, data::ColumnKind>::second);
  HANSE_CHECK(found != kColumnKinds.end());
  return found->first;
}

Result<data::ColumnKind> column_kind(std::string_view name) {
  return one_of<data::ColumnKind>({kColumnKinds.begin(), kColumnKinds.end()})(name);
}

Result<data::Schema> schema_of(const Source& source) {
  if (const auto* fleet = std::get_if<data::FleetSpec>(&source)) return data::fleet_schema(*fleet);
  if (const auto* recordings = std::get_if<data::RecordingsSpec>(&source))
    return data::recordings_schema(*recordings);
  return data::Schema::create(std::get<data::CsvSpec>(source).columns);
}

Result<learning::Architecture> architecture_of(const ModelSpec& model, const data::Schema& schema) {
  const data::Column* label = schema.label();
  HANSE_CHECK(label);
  learning::ArchitectureSpec spec;
  spec.kind = model.kind;
  spec.inputs = schema.feature_count();
  spec.hidden = model.hidden;
  spec.task = label->values.empty() ? learning::Task::regression : learning::Task::classification;
  spec.outputs = label->values.empty() ? 1 : label->values.size();
  spec.l2 = model.l2;
  return learning::Architecture::create(std::move(spec));
}

Result<Job> parse_job(std::string_view text, std::string_view filename,
                      const Environment& environment, Overrides overrides) {
  if (text.size() > base::kMaxJobBytes)
    return base::fail(ErrorCode::invalid_argument, "{}: a job file has at most {} bytes, found {}",
                      filename, base::kMaxJobBytes, text.size());
  HANSE_TRY(Document document, Document::parse(text, filename, overrides));
  Section root = document.root();
  root.require({"name", "data", "model", "training", "privacy"});
  std::string name = "unnamed";
  root.get("name", name);
  auto id = base::JobId::create(name);
  if (!id) {
    root.refuse("name", id.error().text());
    id = base::JobId::create("unnamed");
  }
  Job job(*std::move(id));
  root.get("description", job.description);
  root.get<std::uint64_t>("seed", job.seed, 0, kMaxSeed);
  if (root.has("data")) read_data(root.section("data"), environment, job);
  if (root.has("model")) read_model(root.section("model"), job.model);
  if (root.has("training")) read_training(root.section("training"), job);
  if (root.has("privacy")) read_privacy(root.section("privacy"), job);
  for (const auto* key : {"data", "model", "training", "privacy"}) root.section(key);
  read_aggregation(root.section("aggregation"), job);
  Section evaluation = root.section("evaluation");
  root.finish();
  HANSE_TRY_VOID(document.problems());
  auto task = check_together(job);
  if (!task) return base::fail(task.error().within(filename));
  read_evaluation(evaluation, *task, job);
  HANSE_TRY_VOID(document.problems());
  job.text = document.text();
  return job;
}

Result<Job> load_job(const storage::Directory& directory, const std::string& path,
                     const Environment& environment, Overrides overrides) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, base::kMaxJobBytes));
  return parse_job(base::text_of(bytes), path, environment, overrides);
}

}  // namespace hanse::jobs
