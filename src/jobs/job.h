// A job: which data, which model, trained how, measured by what. One TOML file
// (docs/formats/job.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "active/spec.h"
#include "base/ids.h"
#include "data/fleet.h"
#include "data/reader.h"
#include "data/recordings.h"
#include "data/sites.h"
#include "data/split.h"
#include "data/transform.h"
#include "fairness/fair_spec.h"
#include "fairness/group_training.h"
#include "jobs/words.h"
#include "learning/metrics.h"
#include "learning/strategy.h"
#include "privacy/accounting/gate.h"
#include "storage/directory.h"

namespace hanse::jobs {

// Another table that knows more about the records: per engine, per batch, per supplier.
struct JoinSpec {
  data::TableSpec table;
  std::vector<std::string> on;  // columns that both tables have, as texts
  std::vector<data::Column> columns;

  bool operator==(const JoinSpec&) const = default;
};

// A plant's own table, beside the others' in this simulation.
struct SiteTable {
  std::string name;
  std::string site_class;  // may be empty
  std::string path;
  std::string map;  // path of the plant's map file (docs/formats/map.md); empty: none

  bool operator==(const SiteTable&) const = default;
};

// Records that lie in tables: one for all sites, or one per site.
struct TableSource {
  data::TableSpec table;
  std::vector<data::Column> columns;
  std::vector<JoinSpec> joins;
  std::vector<data::TransformSpec> transforms;
  data::SitesSpec sites;
  std::vector<SiteTable> site_tables;  // then table.path is empty

  bool operator==(const TableSource&) const = default;
};

// `source` of [data]: "simulated:bearings", "recordings", and for tables their format.
using Source = std::variant<data::FleetSpec, data::RecordingsSpec, TableSource>;

// The name that the job file gives the source.
std::string_view name_of(const Source& source);

// Columns of the table and of those joined to it, then the transforms.
base::Result<data::Pipeline> pipeline_of(const TableSource& source);

// The columns of the source's records, as they are learned from.
base::Result<data::Schema> schema_of(const Source& source);

// Of a model of cells, by the names of columns (jobs/group_job.h).
struct CellsSpec {
  std::map<std::string, std::uint32_t> cells = {};  // of each number
  std::map<std::string, double> bandwidth = {};     // in the column's unit; without: one cell
  std::vector<double> widths = {};                  // multiples of the bandwidths to choose from
  std::string group = {};     // the category whose two values are treated alike
  std::string positive = {};  // of the label's values the one that is to be given alike

  bool operator==(const CellsSpec&) const = default;
};

struct ModelSpec {
  learning::ModelKind kind = learning::ModelKind::logistic;
  std::vector<std::size_t> hidden;
  double l2 = 0;
  CellsSpec cells = {};

  bool operator==(const ModelSpec&) const = default;
};

// The model for these records; the schema has a label.
base::Result<learning::Architecture> architecture_of(const ModelSpec& model,
                                                     const data::Schema& schema);

// A class of sites, as far as it is public: equipment generation, size, vertical.
struct ClassSpec {
  std::string name;
  std::uint32_t sites = 0;            // that train, at least
  std::optional<double> weight = {};  // in the fleet's risk; none: as many as its sites
  std::optional<double> best = {};    // what its own best model loses, where that is known

  bool operator==(const ClassSpec&) const = default;
};

// How the answers of the sites are added up: jobs/aggregation.h settles it for so many of them.
struct AggregationSpec {
  std::string backend = "masked";
  std::uint32_t threshold = 0;  // sites that rebuild another one's masks; 0: by their number
  // Every number that is opened is a sum over so many sites that do not collude …
  std::uint32_t min_contributors = 3;
  std::uint32_t max_colluders = 1;  // … where so many may, with the coordinator
  std::uint32_t min_sites = 0;  // a round with fewer contributions is aborted; 0: the least allowed

  bool operator==(const AggregationSpec&) const = default;
};

// Whom the training protects and how well. In the clear nothing else is said.
struct PrivacySpec {
  privacy::Placement placement = privacy::Placement::in_the_clear;
  // One of both: what the whole training guarantees to a unit, the noise following from it; or the
  // noise of each round of gradients over its sensitivity.
  std::optional<double> epsilon;
  std::optional<double> noise_multiplier;
  // What the owners of these sites grant instead of epsilon: at most that.
  std::map<base::SiteId, double> site_epsilon;
  double delta = 1e-5;
  // What the budgets of the sites are counted in: the job is calibrated in the same.
  privacy::Currency currency = privacy::Currency::rho;
  double sampling_rate = 1;  // of each round of gradients: Poisson, 1 takes every unit
  // Share of the budget for the round of moments, by the recipe where the job says none. 0: no such
  // round.
  double moments = -1;
  // Share of the budget for a last round that asks how good the model is. 0: no such round.
  double metrics = 0;
  // Units of the fleet, as far as they are public: what sums are divided by, where no round of
  // moments counts them. 0: unknown.
  double expected_units = 0;
  double clipped_share = 0;  // of the units: the clip follows it; 0: the recipe's clip stays
  std::string unit;  // "record", or the column that says which records are protected together

  bool is_private() const { return placement != privacy::Placement::in_the_clear; }
  bool operator==(const PrivacySpec&) const = default;
};

struct EvaluationSpec {
  std::vector<learning::Metric> metrics;
  Over over = Over::records;
  std::uint32_t repeats = 1;  // with seed, seed + 1, …
  // What is trained beside the federated model, to be compared with it.
  bool local = true;
  bool pooled = true;

  bool operator==(const EvaluationSpec&) const = default;
};

// Checked in form by parse_job; against the data when it runs.
struct Job {
  explicit Job(base::JobId job_name) : name(std::move(job_name)) {}

  base::JobId name;
  std::string description;
  std::string purpose = "training";  // UsagePurpose, as its sites' policies are asked
  std::uint64_t seed = 1;            // at most 2^53, so that every JSON reader keeps it
  Source source;
  data::SplitSpec split;
  std::optional<std::size_t> fold;  // from 1: of a k-fold only this one
  ModelSpec model;
  std::uint32_t rounds = 0;        // in all, a private training's moments and metrics included
  std::vector<ClassSpec> classes;  // like ones beside one another; none: nothing is by class
  // Records are labelled where they pay: trainings in cycles, each of what is labelled by then.
  std::optional<active::ActiveSpec> active;
  // What is counted, and mended, by class of sites.
  std::optional<fairness::FairSpec> fairness;
  // Fairness between two groups of records: of a model of cells, and of no other.
  std::optional<fairness::GroupSpec> groups = {};
  std::uint32_t updates = 0;  // training.rounds as the file says: of one training
  learning::StrategySpec strategy;
  bool personal = false;  // each site fits the model's outputs to its own records, for itself
  std::optional<double> personal_pull = {};  // … or the whole model, so much held to the common one
  PrivacySpec privacy;
  AggregationSpec aggregation;
  EvaluationSpec evaluation;

  // A job file that gives this job, overrides and seed included; ${NAME} stands as it was written.
  std::string text;
};

// The value of an environment variable, if it is set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// For report and terminal: "holdout of 30 % by group", "mlp 28-32-16-4", "fedavg, 40 rounds".
std::string in_words(const data::SplitSpec& split, std::optional<std::size_t> fold = {});
std::string in_words(const learning::Architecture& architecture);
std::string in_words(const learning::StrategySpec& strategy, std::uint32_t rounds);

// "training.rounds=40": a dotted key and a TOML value, put into the file before it is checked. A
// value that is no TOML is taken as a string.
using Overrides = std::span<const std::string>;

// Errors name file, line and column, what was expected, what came, and for an unknown key the
// nearest valid one. In a `path`, ${NAME} is replaced from the environment.
base::Result<Job> parse_job(std::string_view text, std::string_view filename,
                            const Environment& environment, Overrides overrides = {});

base::Result<Job> load_job(const storage::Directory& directory, const std::string& path,
                           const Environment& environment, Overrides overrides = {});

}  // namespace hanse::jobs
