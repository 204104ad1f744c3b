#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "jobs/active_job.h"
#include "jobs/fair_job.h"
#include "jobs/group_job.h"
#include "jobs/job.h"
#include "jobs/job_privacy.h"
#include "jobs/job_sections.h"
#include "learning/recipe.h"
#include "privacy/chain.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kMaxPurposeBytes = 256;  // as policies have names
constexpr std::uint64_t kMaxSeed = std::uint64_t{1} << 53;

// Hours of a simulation on a laptop; more is a slip of the finger.
constexpr std::uint32_t kMaxRounds = 10'000;

constexpr std::uint32_t kMaxRepeats = 100;

constexpr int kMaxFractionBits = 52;  // as math::Lattice has it

void read_model(Section section, ModelSpec& model) {
  section.require({"kind"});
  if (!section.get_word<learning::ModelKind>("kind", model.kind, learning::model_kind)) return;
  if (model.kind == learning::ModelKind::cells) {
    read_cells(section, model.cells);
    section.finish();
    return;
  }
  for (const auto* key : {"cells", "bandwidth", "widths"})
    section.only(false, key, "kind = \"cells\"");
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

bool has_noise(const Section& privacy) {
  return privacy.has("epsilon") || privacy.has("noise_multiplier");
}

void read_training(Section section, bool noised, Job& job) {
  if (noised)
    section.require({"strategy"});
  else
    section.require({"strategy", "rounds"});
  auto kind = learning::StrategyKind::fedavg;
  if (!section.get_word<learning::StrategyKind>("strategy", kind, learning::strategy_kind)) return;
  job.strategy = learning::default_spec(kind);
  section.get<std::uint32_t>("rounds", job.rounds, 1, kMaxRounds);
  job.updates = job.rounds;
  section.only(kind == learning::StrategyKind::fedsgd, "server_optimiser", "strategy = \"fedsgd\"");
  section.get_word<learning::OptimiserKind>("server_optimiser", job.strategy.server_optimiser,
                                            learning::optimiser_kind);
  read_strategy(section, job.strategy);
  section.get("personal", job.personal);
  double pull = 0;
  section.get("personal_pull", pull, 1e-6, 1e6);
  if (section.has("personal_pull")) job.personal_pull = pull;
  section.only(job.personal, "personal_pull", "personal = true");
  section.finish();
}

// What owners grant who grant less than the others.
void read_site_epsilon(Section section, PrivacySpec& spec) {
  const std::vector<std::string> names = section.keys();
  if (names.size() > base::kMaxSites)
    return section.refuse("", fmt::format("a fleet has at most {} sites, found {} names",
                                          base::kMaxSites, names.size()));
  std::set<double> grants;
  for (const std::string& name : names) {
    double epsilon = 0;
    section.get(name, epsilon, 1e-3, 1e3);
    const auto site = base::SiteId::create(name);
    if (!site)
      section.refuse(name, site.error().text());
    else if (spec.epsilon && epsilon > *spec.epsilon)
      section.refuse(name, fmt::format("expected at most privacy.epsilon, {}, which every other "
                                       "site grants; found {}. Raise that, and name here who "
                                       "grants less",
                                       *spec.epsilon, epsilon));
    else
      grants.insert(spec.site_epsilon[*site] = epsilon);
  }
  // Noise is found anew for each.
  constexpr std::size_t kMostGrants = 16;
  if (grants.size() > kMostGrants)
    section.refuse("",
                   fmt::format("expected at most {} different values, found {}; round them down "
                               "to a few",
                               kMostGrants, grants.size()));
  section.finish();
}

void read_noise(Section& section, PrivacySpec& spec) {
  if (section.has("epsilon")) section.get("epsilon", spec.epsilon.emplace(), 1e-3, 1e3);
  if (section.has("noise_multiplier"))
    section.get("noise_multiplier", spec.noise_multiplier.emplace(), 1e-4, 1e6);
  if (spec.epsilon && spec.noise_multiplier)
    section.refuse("noise_multiplier",
                   "epsilon says it already: give what the training guarantees, or its noise");
  if (spec.epsilon) read_site_epsilon(section.section("site_epsilon"), spec);
  section.only(spec.epsilon.has_value(), "site_epsilon", "epsilon");
  section.get("delta", spec.delta, 1e-12, 1e-3);
  section.get("sampling_rate", spec.sampling_rate, 1e-6, 1);
  section.get("moments", spec.moments, 0, 0.9);
  section.get("metrics", spec.metrics, 0, 0.5);
  section.get("expected_units", spec.expected_units, 0, 1e12);
  section.get("clipped_share", spec.clipped_share, 0, 0.99);
  section.get_word<privacy::Currency>("currency", spec.currency, privacy::parse_currency);
  if (spec.epsilon && spec.sampling_rate < 1 && spec.currency == privacy::Currency::rho)
    section.refuse("sampling_rate",
                   "budgets in rho know no gain by sampling: it would cost what all records cost. "
                   "Take currency = \"rdp\" or \"epsilon_delta\", or leave it at 1");
  spec.placement = privacy::Placement::site;
  section.get_word<privacy::Placement>("placement", spec.placement, privacy::placement_named);
  if (!spec.is_private())
    section.refuse("placement", fmt::format("that is entrance = \"{}\", without any noise",
                                            privacy::InTheClear::kName));
}

void read_privacy(Section section, PrivacySpec& spec) {
  const bool noised = has_noise(section);
  if (section.has("entrance") == noised)
    section.refuse(noised ? "entrance" : "",
                   fmt::format("expected one of: what the training guarantees (epsilon = 3), its "
                               "noise (noise_multiplier = 20), or that nothing is private "
                               "(entrance = \"{}\"); found {}",
                               privacy::InTheClear::kName, noised ? "two" : "none"));
  std::string entrance;
  section.get_word<std::string>("entrance", entrance, word_of({privacy::InTheClear::kName}));
  section.get("unit", spec.unit);
  if (noised)
    read_noise(section, spec);
  else
    for (const auto* key : {"delta", "placement", "currency", "sampling_rate", "moments", "metrics",
                            "expected_units", "clipped_share", "site_epsilon"})
      section.only(false, key, "epsilon or noise_multiplier");
  section.finish();
}

// The unit that is protected: the source's own unless the job says "record".
void settle_unit(Section section, const data::Schema& schema, PrivacySpec& spec) {
  const data::Column* column = schema.find(data::ColumnKind::unit);
  const std::string own = column ? column->name : "record";
  if (spec.unit.empty()) spec.unit = own;
  if (spec.unit == "record" || spec.unit == own) return;
  section.refuse("unit",
                 fmt::format("expected \"record\"{}, found \"{}\": a column of kind "
                             "\"unit\" says which records are protected together",
                             own == "record" ? "" : fmt::format(" or \"{}\"", own), spec.unit));
}

// The recipe of private training, its noise still to be found.
void settle_recipe(Section section, const data::Schema& schema, Job& job) {
  if (!job.privacy.is_private()) return;
  learning::PrivateSpec recipe{.unit = job.privacy.unit,
                               .placement = job.privacy.placement,
                               .sampling_rate = job.privacy.sampling_rate,
                               .rounds = learning::recipe::kRounds,
                               .expected_units = job.privacy.expected_units,
                               .whitens = learning::recipe::whitens(schema),
                               .clipped_share = job.privacy.clipped_share};
  double& moments = job.privacy.moments;
  if (job.groups) {
    recipe.rounds = 1;  // that a record takes part in
    moments = 0;
    job.strategy.privacy = std::move(recipe);
    return;
  }
  const double share =
      learning::recipe::moments_share(job.privacy.unit == "record", recipe.whitens);
  if (moments < 0) moments = share;
  constexpr double kMostAside = 0.95;
  if (moments + job.privacy.metrics > kMostAside) {
    section.refuse("metrics", fmt::format("moments and metrics take {:.3g} of the budget together; "
                                          "leave at least {:.2g} of it to what is learned from",
                                          moments + job.privacy.metrics, 1 - kMostAside));
    job.privacy.metrics = 0;  // what follows looks for other problems
  }
  if (moments > 0) recipe.count_share = std::min(learning::recipe::kCountShare / moments, 0.5);
  if (job.rounds > 0) recipe.rounds = job.rounds;
  job.strategy.privacy = std::move(recipe);
}

void read_aggregation(Section section, bool noised, Job& job) {
  AggregationSpec& spec = job.aggregation;
  section.get_word<std::string>("backend", spec.backend, word_of({"masked", "plain"}));
  const bool masked = spec.backend != "plain";
  for (const auto* key : {"threshold", "min_contributors", "max_colluders"})
    section.only(masked, key, "where backend is \"masked\"");
  if (std::string word; section.is_text("threshold"))
    section.get_word<std::string>(
        "threshold", word, [](std::string_view said) -> Result<std::string> {
          if (said == "auto") return std::string(said);
          return base::fail(ErrorCode::invalid_argument,
                            "expected a whole number or \"auto\"; found \"{}\"", said);
        });
  else
    section.get<std::uint32_t>("threshold", spec.threshold, 2, base::kMaxSites);
  section.get<std::uint32_t>("min_contributors", spec.min_contributors, 2, base::kMaxSites);
  section.get<std::uint32_t>("max_colluders", spec.max_colluders, 0, base::kMaxSites);
  section.get<std::uint32_t>("min_sites", spec.min_sites, 1, base::kMaxSites);
  section.get("fraction_bits", job.strategy.fraction_bits, 0, kMaxFractionBits);
  section.only(noised, "rotation", "with noise: privacy.epsilon or privacy.noise_multiplier");
  section.get("rotation", job.strategy.rotation);
  section.get("max_records_per_site", job.strategy.max_records_per_site);
  section.finish();
}

// The price of its bound moves the probabilities of a model of cells: they say which label, and
// not how sure.
bool is_judged_by(const Job& job, learning::Metric metric) {
  using learning::Metric;
  return !job.groups || (metric != Metric::brier && metric != Metric::ece);
}

void read_metrics(Section& section, learning::Task task, const Job& job,
                  std::vector<learning::Metric>& metrics) {
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
    } else if (!is_judged_by(job, *metric)) {
      section.refuse("metrics",
                     fmt::format("{} judges probabilities, which the price of a bound moves; take "
                                 "accuracy, macro_f1, mcc",
                                 name));
    } else if (std::ranges::find(metrics, *metric) != metrics.end()) {
      section.refuse("metrics", fmt::format("{} twice", name));
    } else {
      metrics.push_back(*metric);
    }
  }
  if (section.has("metrics") && names.empty())
    section.refuse("metrics", "expected at least one metric; without the key, all are taken");
  if (names.empty())
    for (const auto metric : learning::all_metrics())
      if (learning::task_of(metric) == task && is_judged_by(job, metric)) metrics.push_back(metric);
}

// Without [evaluation], all metrics of the task on all test records, once.
void read_evaluation(Section section, const data::Schema& schema, Job& job) {
  const learning::Task task =
      schema.label()->values.empty() ? learning::Task::regression : learning::Task::classification;
  EvaluationSpec& evaluation = job.evaluation;
  read_metrics(section, task, job, evaluation.metrics);
  section.get_word<Over>("over", evaluation.over, choice_of<Over>);
  if (evaluation.over == Over::groups && !schema.has(data::ColumnKind::group))
    section.refuse("over", "the records have no group: give a column the kind \"group\"");
  section.get<std::uint32_t>("repeats", evaluation.repeats, 1, kMaxRepeats);
  if (section.has("compare")) {
    std::vector<std::string> arms;
    section.get("compare", arms);
    evaluation.local = evaluation.pooled = false;
    for (const std::string& arm : arms) {
      if (arm == "local")
        evaluation.local = true;
      else if (arm == "pooled")
        evaluation.pooled = true;
      else
        section.refuse("compare",
                       fmt::format("expected \"local\", \"pooled\" or none; found \"{}\"", arm));
    }
  }
  section.finish();
}

// What the split needs of the columns.
void check_split(Section section, const data::Schema& schema, const data::SplitSpec& split) {
  using data::ColumnKind;
  const auto needs = [&](bool wanted, std::string_view key, ColumnKind kind) {
    if (wanted && !schema.has(kind))
      section.refuse(key,
                     fmt::format("no column says it: give one the kind \"{}\"", name_of(kind)));
  };
  needs(split.kind == data::SplitKind::declared, "kind", ColumnKind::partition);
  needs(split.by == data::SplitBy::time, "by", ColumnKind::order);
  needs(split.test_on == data::TestOn::last, "test_on", ColumnKind::group);
  needs(split.test_on == data::TestOn::last, "test_on", ColumnKind::order);
}

// The sites that the job file itself says.
std::vector<base::SiteId> known_sites(const Source& source) {
  std::vector<base::SiteId> sites;
  const auto add = [&](const std::string& name) {
    if (auto site = base::SiteId::create(name)) sites.push_back(*std::move(site));
  };
  if (const auto* fleet = std::get_if<data::FleetSpec>(&source))
    for (const data::PlantSpec& plant : fleet->sites) add(plant.name);
  if (const auto* table = std::get_if<TableSource>(&source))
    for (const SiteTable& site : table->site_tables) add(site.name);
  return sites;
}

// Where the noise is found for the least that an owner grants, it is found for all: a job is read
// before anybody has agreed to it, and finding takes its time.
Job with_hardest_grant(Job job) {
  auto& grants = job.privacy.site_epsilon;
  const auto least =
      std::ranges::min_element(grants, {}, [](const auto& grant) { return grant.second; });
  if (least != grants.end()) grants = {*least};
  return job;
}

// What can be checked without reading a record: source, split, model and training together.
// Problems are placed where they can be mended.
void check_together(Section& root, Job& job) {
  Section data = root.section("data");
  const auto schema = schema_of(job.source);
  if (!schema) return refuse_source(std::move(data), schema.error());
  if (!schema->label())
    return data.refuse("", "no column is the label: give one the kind \"label\"");
  check_split(data.section("split"), *schema, job.split);
  settle_unit(root.section("privacy"), *schema, job.privacy);
  if (const auto sites = known_sites(job.source); !sites.empty())
    if (const auto known = check_named_sites(job, sites); !known)
      root.section("privacy").refuse_where_named(known.error());
  if (job.privacy.placement == privacy::Placement::shared && job.aggregation.backend == "plain" &&
      job.aggregation.min_sites < 2)
    root.section("aggregation")
        .refuse("min_sites",
                "noise placed \"shared\" takes at least 2 sites: one alone would add all of it, "
                "which is placement = \"site\"");
  settle_recipe(root.section("privacy"), *schema, job);
  if (job.groups && !settle_groups(root, *schema, job)) return;
  const auto architecture = architecture_of(job.model, *schema);
  if (!architecture) return root.section("model").refuse_where_named(architecture.error());
  // Only a simulated fleet's size is known before reading; the run proves its sums again.
  const auto* fleet = std::get_if<data::FleetSpec>(&job.source);
  const auto sites = static_cast<std::uint32_t>(fleet ? fleet->sites.size() : 1);
  const auto strategy = strategy_of(with_hardest_grant(job), *schema, sites);
  if (!strategy) {
    if (Section active = root.section("active"); job.active)
      if (const auto& text = strategy.error().text();
          text.starts_with("active") || !active.key_named_in(text).empty())
        return active.refuse_where_named(strategy.error());
    if (Section fair = root.section("fairness");
        job.fairness && !fair.key_named_in(strategy.error().text()).empty())
      return fair.refuse_where_named(strategy.error());
    Section training = root.section("training");
    Section aggregation = root.section("aggregation");
    if (const Section privacy = root.section("privacy");
        !privacy.key_named_in(strategy.error().text()).empty())
      return root.section("privacy").refuse_where_named(strategy.error());
    const bool sums = training.key_named_in(strategy.error().text()).empty() &&
                      !aggregation.key_named_in(strategy.error().text()).empty();
    return (sums ? aggregation : training).refuse_where_named(strategy.error());
  }
  job.rounds = (*strategy)->rounds().value_or(job.rounds);  // with moments and metrics
  read_evaluation(root.section("evaluation"), *schema, job);
}

}  // namespace

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
  if (model.kind == learning::ModelKind::cells) {
    HANSE_TRY(spec.axes, axes_of(model.cells, schema));
  }
  return learning::Architecture::create(std::move(spec));
}

Result<Job> parse_job(std::string_view text, std::string_view filename,
                      const Environment& environment, Overrides overrides) {
  if (text.size() > base::kMaxJobBytes)
    return base::fail(ErrorCode::invalid_argument, "{}: a job file has at most {} bytes, found {}",
                      filename, base::kMaxJobBytes, text.size());
  HANSE_TRY(Document document, Document::parse(text, filename, overrides));
  Section root = document.root();
  const bool cells = is_of_cells(document.root());
  if (cells)
    root.require({"name", "data", "model", "privacy", "fairness"});
  else
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
  root.get("purpose", job.purpose);
  if (job.purpose.empty() || job.purpose.size() > kMaxPurposeBytes)
    root.refuse("purpose", fmt::format("expected 1 to {} bytes", kMaxPurposeBytes));
  root.get<std::uint64_t>("seed", job.seed, 0, kMaxSeed);
  if (root.has("data")) read_data(root.section("data"), environment, job);
  if (root.has("model")) read_model(root.section("model"), job.model);
  const bool noised = has_noise(root.section("privacy"));
  if (cells) refuse_gradients(root);
  if (root.has("training") && !cells) read_training(root.section("training"), noised, job);
  if (root.has("privacy")) read_privacy(root.section("privacy"), job.privacy);
  for (const auto* key : {"data", "model", "training", "privacy"}) root.section(key);
  read_aggregation(root.section("aggregation"), noised, job);
  read_classes(root, job.classes);
  if (root.has("active")) read_active(root.section("active"), job);
  if (root.has("fairness"))
    cells ? read_group_fairness(root.section("fairness"), job)
          : read_fairness(root.section("fairness"), job);
  for (const auto* key : {"active", "fairness"}) root.section(key);
  root.section("evaluation");
  root.finish();
  HANSE_TRY_VOID(document.problems());
  check_together(root, job);
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
