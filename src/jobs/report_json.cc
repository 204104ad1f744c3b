#include <algorithm>
#include <limits>

#include "jobs/report_fields.h"
#include "jobs/report_groups.h"

namespace hanse::jobs {
namespace {

void metric_values(JsonFields& json, std::string_view key, MetricValues& values) {
  json.entries(
      key, values.size(), [&](std::size_t size) { values.resize(size); },
      [&](std::size_t i, JsonFields& at, std::string_view name) {
        at.field(name, values[i].value);
      },
      [&](std::size_t i) -> std::string& { return values[i].name; });
}

void estimates(JsonFields& json, std::string_view key, Estimates& values) {
  json.entries(
      key, values.size(), [&](std::size_t size) { values.resize(size); },
      [&](std::size_t i, JsonFields& at, std::string_view name) {
        at.object(name, [&](JsonFields& one) {
          one.field("value", values[i].value);
          one.field("low", values[i].low);
          one.field("high", values[i].high);
        });
      },
      [&](std::size_t i) -> std::string& { return values[i].name; });
}

void metric_counts(JsonFields& json, std::string_view key, std::vector<MetricCount>& counts) {
  json.entries(
      key, counts.size(), [&](std::size_t size) { counts.resize(size); },
      [&](std::size_t i, JsonFields& at, std::string_view name) {
        at.field(name, counts[i].count);
      },
      [&](std::size_t i) -> std::string& { return counts[i].name; });
}

}  // namespace

// Static and not in the namespace above: JsonFields finds them by their arguments.
void describe(JsonFields& json, Arms& arms) {
  metric_values(json, "local", arms.local);
  metric_values(json, "federated", arms.federated);
  metric_values(json, "pooled", arms.pooled);
  metric_values(json, "federated_minus_local", arms.federated_minus_local);
}

static void describe(JsonFields& json, ComparedArms& arms) {
  estimates(json, "local", arms.local);
  estimates(json, "federated", arms.federated);
  estimates(json, "pooled", arms.pooled);
  estimates(json, "federated_minus_local", arms.federated_minus_local);
}

void describe(JsonFields& json, ReportedJob& job) {
  json.field("name", job.name);
  json.field("description", job.description);
  json.field("digest", job.digest);
  json.field("source", job.source);
  json.field("split", job.split);
  json.field("over", job.over);
  json.field("repeats", job.repeats);
  json.field("model", job.model);
  json.field("parameters", job.parameters);
  json.field("strategy", job.strategy);
  json.field("labels", job.labels);
  json.field("instruction_set", job.instruction_set);
}

// Names of what rounds release; those that end in '_' go before a class of sites.
static bool may_be_released(std::string_view name, double value) {
  struct Metric {
    std::string_view name;
    double least = -std::numeric_limits<double>::infinity();
    double most = std::numeric_limits<double>::infinity();
  };
  static constexpr Metric kMetrics[] = {
      {"loss", 0},    {"accuracy", 0},  {"rmse", 0},  {"mae", 0},   {"labels_granted", 0},
      {"candidates"}, {"gap"},          {"loss_"},    {"counted_"}, {"records_"},
      {"clipped_"},   {"sampling_", 0}, {"norm_", 0}, {"clip_", 0}, {"share_", 0, 1}};
  return std::ranges::any_of(kMetrics, [&](const Metric& one) {
    const bool is_named = one.name.ends_with('_')
                              ? name.starts_with(one.name) && name.size() > one.name.size()
                              : name == one.name;
    return is_named && value >= one.least && value <= one.most;
  });
}

static void describe(JsonFields& json, learning::ReleasedMetric& metric) {
  json.field("name", metric.name);
  json.field("value", metric.value);
  json.field("error", metric.error);
  if (!json.reading()) return;
  if (metric.error < 0 || !may_be_released(metric.name, metric.value))
    json.refuse(
        "one of loss, accuracy, rmse, mae and labels_granted, or candidates, gap, and of a class "
        "loss_, counted_, records_ and clipped_, which noise may make negative, sampling_, norm_ "
        "and clip_ of at least 0, share_ from 0 to 1; its error not below 0");
}

void describe(JsonFields& json, learning::RoundFacts& facts) {
  json.field("loss", facts.loss);
  json.field("noise_to_signal", facts.noise_to_signal);
  json.field("clipped_fraction", facts.clipped_fraction);
  json.field("released", facts.released);
}

void describe(JsonFields& json, RoundRow& row) {
  json.field("seed", row.seed);
  json.field("fold", row.fold);
  json.field("round", row.round);
  describe(json, row.facts);
  json.field("sites_in", row.sites_in);
  json.field("bytes", row.bytes);
}

static void describe(JsonFields& json, LabelCount& count) {
  json.field("label", count.label);
  json.field("records", count.records);
}

void describe(JsonFields& json, Departures& left) {
  json.field("vectors", left.vectors);
  json.field("bytes", left.bytes);
}

static void describe(JsonFields& json, SiteRow& row) {
  json.field("name", row.name);
  json.field("group", row.group);
  json.field("records", row.records);
  json.field("test_records", row.test_records);
  json.field("clipped_values", row.clipped_values);
  json.field("labels", row.labels);
  json.field("left", row.left);
  json.field("metrics", row.metrics);
}

static void describe(JsonFields& json, GroupRow& row) {
  json.field("name", row.name);
  json.field("sites", row.sites);
  json.field("records", row.records);
  json.field("test_records", row.test_records);
  json.field("metrics", row.metrics);
}

void describe(JsonFields& json, FoldRow& row) {
  json.field("seed", row.seed);
  json.field("fold", row.fold);
  json.field("train_records", row.train_records);
  json.field("test_records", row.test_records);
  json.field("sat_out", row.sat_out);
  json.field("judged", row.judged);
  metric_counts(json, "undefined", row.undefined);
  json.field("metrics", row.metrics);
}

static void describe(JsonFields& json, ReportedMetrics& metrics) {
  describe(json, metrics.mean);
  json.field("folds", metrics.folds);
}

static void describe(JsonFields& json, HurtSite& hurt) {
  json.field("site", hurt.site);
  json.field("metric", hurt.metric);
  json.field("verdict", hurt.verdict);
}

static void describe(JsonFields& json, LeftOutSite& site) {
  json.field("name", site.name);
  json.field("records", site.records);
}

static void describe(JsonFields& json, LeftOut& left_out) {
  json.field("records", left_out.records);
  json.field("sites", left_out.sites);
}

static void describe(JsonFields& json, ReportedMechanism& mechanism) {
  json.field("loss", mechanism.loss);
  json.field("count", mechanism.count);
}

static void describe(JsonFields& json, LargerUnit& unit) {
  json.field("unit", unit.unit);
  json.field("records", unit.records);
  json.field("epsilon", unit.epsilon);
}

static void describe(JsonFields& json, ReportedSiteBudget& own) {
  json.field("site", own.site);
  json.field("gate_epsilon", own.gate_epsilon);
  json.field("pld_epsilon", own.pld_epsilon);
  json.field("weight", own.weight);
}

static void describe(JsonFields& json, ReportedGuarantee& guarantee) {
  json.field("delta", guarantee.delta);
  json.field("currency", guarantee.currency);
  json.field("gate_epsilon", guarantee.gate_epsilon);
  json.field("pld_epsilon", guarantee.pld_epsilon);
  json.field("neighbours", guarantee.neighbours);
  json.field("mechanisms", guarantee.mechanisms);
  json.field("larger_units", guarantee.larger_units);
  json.field("site_budgets", guarantee.site_budgets);
  json.field("max_colluders", guarantee.max_colluders);
  json.field("coordinator_epsilon", guarantee.coordinator_epsilon);
}

void describe(JsonFields& json, ReportedPrivacy& privacy) {
  json.field("placement", privacy.placement);
  json.field("unit", privacy.unit);
  bool is_private = privacy.guarantee.has_value();
  json.field("private", is_private);
  if (!is_private) {
    privacy.guarantee.reset();
    return;
  }
  if (!privacy.guarantee) privacy.guarantee.emplace();
  json.field("guarantee", *privacy.guarantee);
}

void describe(JsonFields& json, ReportedAggregation& aggregation) {
  json.field("backend", aggregation.backend);
  bool confidential = aggregation.backend != "plain";
  json.field("confidential", confidential);
  json.field("threshold", aggregation.threshold);
  json.field("min_contributors", aggregation.min_contributors);
  json.field("max_colluders", aggregation.max_colluders);
  json.field("min_sites", aggregation.min_sites);
  json.field("fraction_bits", aggregation.fraction_bits);
  json.field("semi_honest", aggregation.semi_honest);
  json.field("exchanged_bytes", aggregation.exchanged_bytes);
  json.field("sealed_bytes", aggregation.sealed_bytes);
  json.field("expansion", aggregation.expansion);
  json.field("dropouts", aggregation.dropouts);
}

// The columns of a cycle by their names.
static void describe_cycle(JsonFields& json, ComparedArms& arms) {
  estimates(json, "active", arms.federated);
  estimates(json, "uniform", arms.local);
  estimates(json, "active_minus_uniform", arms.federated_minus_local);
}

static void describe(JsonFields& json, CycleGroup& group) {
  json.field("name", group.name);
  describe_cycle(json, group.metrics);
}

static void describe(JsonFields& json, CycleRow& row) {
  json.field("labels", row.labels);
  describe_cycle(json, row.metrics);
  json.field("groups", row.groups);
}

static void describe(JsonFields& json, ReportedBlock& own) {
  json.field("block", own.block);
  json.field("gate_epsilon", own.gate_epsilon);
  json.field("pld_epsilon", own.pld_epsilon);
}

static void describe_active(JsonFields& json, std::optional<ReportedActive>& active) {
  bool enabled = active.has_value();
  json.field("enabled", enabled);
  if (!enabled) return active.reset();
  if (!active) active.emplace();
  json.field("rule", active->rule);
  json.field("acquisition", active->acquisition);
  json.field("strata", active->strata);
  json.field("division", active->division);
  json.field("control", active->control);
  json.field("estimation", active->estimation);
  json.field("last", active->last);
  json.field("quota_deviation", active->quota_deviation);
  json.field("stability", active->stability);
  json.field("blocks", active->blocks);
  json.object("curve", [&](JsonFields& at) { describe_cycle(at, active->curve); });
  json.field("cycles", active->cycles);
}

static void describe(JsonFields& json, ReportedClass& one) {
  json.field("name", one.name);
  json.field("weight", one.weight);
}

// Fairness between groups of records, its method being read.
static void describe_groups(JsonFields& json, ReportedFairness& fairness) {
  if (!fairness.groups) fairness.groups.emplace();
  json.field("bound", fairness.bound);
  json.field("by", fairness.groups->by);
  std::vector<std::string> names{fairness.groups->without, fairness.groups->with};
  json.field("groups", names);
  if (json.reading() && names.size() != 2) return json.refuse("two groups");
  fairness.groups->without = names[0];
  fairness.groups->with = names[1];
  json.field("positive", fairness.groups->positive);
  estimates(json, "fair", fairness.metrics.federated);
  estimates(json, "unbounded", fairness.metrics.local);
  estimates(json, "pooled", fairness.metrics.pooled);
  estimates(json, "fair_minus_unbounded", fairness.metrics.federated_minus_local);
}

static void describe_fairness(JsonFields& json, std::optional<ReportedFairness>& fairness) {
  bool enabled = fairness.has_value();
  json.field("enabled", enabled);
  if (!enabled) return fairness.reset();
  if (!fairness) fairness.emplace();
  json.field("method", fairness->method);
  if (fairness->method == kFdpFair) return describe_groups(json, *fairness);
  fairness->groups.reset();
  json.field("constraint", fairness->constraint);
  json.field("bound", fairness->bound);
  json.field("share", fairness->share);
  json.field("classes", fairness->classes);
  estimates(json, "fair", fairness->metrics.federated);
  estimates(json, "plain", fairness->metrics.local);
  estimates(json, "shrunk", fairness->metrics.pooled);
  estimates(json, "fair_minus_plain", fairness->metrics.federated_minus_local);
}

static void describe(JsonFields& json, Timing& timing) {
  json.field("started", timing.started);
  json.field("total_seconds", timing.total_seconds);
  json.field("local_seconds", timing.local_seconds);
  json.field("federated_seconds", timing.federated_seconds);
  json.field("pooled_seconds", timing.pooled_seconds);
  json.field("round_seconds", timing.round_seconds);
}

static void describe(JsonFields& json, Report& report) {
  json.constant("schema", kReportSchema);
  json.constant("mode", "simulated");
  json.field("job", report.job);
  json.field("seed", report.seed);
  json.field("rounds", report.rounds);
  json.field("sites", report.sites);
  json.field("groups", report.groups);
  json.field("metrics", report.metrics);
  json.field("hurt", report.hurt);
  json.field("left_out", report.left_out);
  json.field("privacy", report.privacy);
  json.field("aggregation", report.aggregation);
  json.object("active", [&](JsonFields& at) { describe_active(at, report.active); });
  json.object("fairness", [&](JsonFields& at) { describe_fairness(at, report.fairness); });
  for (const auto* absent : {"policy", "audit"})
    json.object(absent, [](JsonFields& at) { at.constant("enforced", false); });
  json.field("timing", report.timing);
}

std::string to_json(const Report& report) {
  HANSE_CHECK(report.mode == "simulated");
  Report copy = report;  // a description takes what it may also fill
  return JsonFields::write([&](JsonFields& json) { describe(json, copy); });
}

base::Result<Report> report_from_json(std::string_view text) {
  Report report;
  HANSE_TRY_VOID(
      JsonFields::read(text, kMaxReportBytes, [&](JsonFields& json) { describe(json, report); }));
  return report;
}

}  // namespace hanse::jobs
