// What a run found: the plain data behind report.json, report.html and the terminal's table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "learning/strategy.h"

namespace hanse::jobs {

inline constexpr std::string_view kReportSchema = "hanse.report/5";

// A metric by its name in learning/metrics.h. No value: undefined on these records, for example
// roc_auc where one of the labels never occurs.
struct MetricValue {
  std::string name;
  std::optional<double> value;

  bool operator==(const MetricValue&) const = default;
};

using MetricValues = std::vector<MetricValue>;

struct MetricCount {
  std::string name;
  std::uint64_t count = 0;

  bool operator==(const MetricCount&) const = default;
};

// A mean over folds and repeats, and its 95 % interval; none of one value alone.
struct Estimate {
  std::string name;
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;

  bool operator==(const Estimate&) const = default;
};

using Estimates = std::vector<Estimate>;

// Three ways to train, measured on the same test records; each lists the job's metrics in the job's
// order.
template <class Values>
struct ThreeArms {
  Values local;      // every site alone, on its own records
  Values federated;  // together, records at home
  Values pooled;     // all records in one place: simulation only
  // On the records that both can judge: those of sites with a model of their own.
  Values federated_minus_local;

  bool operator==(const ThreeArms&) const = default;
};

using Arms = ThreeArms<MetricValues>;       // in one fold
using ComparedArms = ThreeArms<Estimates>;  // over all of them

// The job in a reader's words; the job file itself lies beside the report.
struct ReportedJob {
  std::string name;
  std::string description;
  std::string digest;  // SHA-256 of job.toml, hexadecimal
  std::string source;
  std::string split;
  std::string over;           // what metrics are means over: records, sites or groups
  std::uint32_t repeats = 1;  // with seed, seed + 1, …
  std::string model;
  std::uint64_t parameters = 0;  // of the model: coordinates
  std::string strategy;
  std::vector<std::string> labels;  // empty for regression
  std::string instruction_set;      // of the kernels; equal bytes hold per set

  bool operator==(const ReportedJob&) const = default;
};

struct RoundRow {
  std::uint64_t seed = 0;   // of the repeat
  std::uint32_t fold = 0;   // from 1
  std::uint32_t round = 0;  // from 1 in each fold
  learning::RoundFacts facts;
  std::uint32_t sites_in = 0;
  std::uint64_t bytes = 0;  // of sealed vectors that left sites

  bool operator==(const RoundRow&) const = default;
};

struct LabelCount {
  std::string label;
  std::uint64_t records = 0;

  bool operator==(const LabelCount&) const = default;
};

// What left one site over all rounds, folds and repeats.
struct Departures {
  std::uint64_t vectors = 0;
  std::uint64_t bytes = 0;

  bool operator==(const Departures&) const = default;
};

// Records and labels are those of the first repeat: others may deal them differently.
struct SiteRow {
  std::string name;
  std::string group;  // its site class; empty where the job names none
  std::uint64_t records = 0;
  std::uint64_t test_records = 0;  // over all folds
  std::uint64_t clipped_values = 0;
  std::vector<LabelCount> labels;
  Departures left;
  ComparedArms metrics;

  bool operator==(const SiteRow&) const = default;
};

// All sites of one site class.
struct GroupRow {
  std::string name;
  std::vector<std::string> sites;
  std::uint64_t records = 0;
  std::uint64_t test_records = 0;
  ComparedArms metrics;

  bool operator==(const GroupRow&) const = default;
};

struct FoldRow {
  std::uint64_t seed = 0;  // of the repeat
  std::uint32_t fold = 0;
  std::uint64_t train_records = 0;
  std::uint64_t test_records = 0;
  std::vector<std::string> sat_out;    // sites that could not train: no record, or one label only
  std::uint32_t judged = 1;            // how many sites or groups the metrics are means over
  std::vector<MetricCount> undefined;  // of those, left out of a metric's mean; only above 0
  Arms metrics;

  bool operator==(const FoldRow&) const = default;
};

struct ReportedMetrics {
  ComparedArms mean;  // over folds and repeats, all sites' test records
  std::vector<FoldRow> folds;

  bool operator==(const ReportedMetrics&) const = default;
};

// A site that took no part: fewer records than data.sites.min_records.
struct LeftOutSite {
  std::string name;
  std::uint64_t records = 0;

  bool operator==(const LeftOutSite&) const = default;
};

struct LeftOut {
  std::uint64_t records = 0;  // by policies for missing values
  std::vector<LeftOutSite> sites;

  bool operator==(const LeftOut&) const = default;
};

inline constexpr std::string_view kHurts = "joining hurts";       // the interval says so
inline constexpr std::string_view kMayHurt = "joining may hurt";  // only the mean does

// A site whose own model is better than the federated one, by the first metric.
struct HurtSite {
  std::string site;
  std::string metric;
  std::string verdict;  // kHurts or kMayHurt

  bool operator==(const HurtSite&) const = default;
};

// So many uses of one mechanism, in the words of privacy::PrivacyLoss.
struct ReportedMechanism {
  std::string loss;
  std::uint64_t count = 1;

  bool operator==(const ReportedMechanism&) const = default;
};

// What the guarantee comes to for somebody behind whom several units stand.
struct LargerUnit {
  std::string unit;               // "engine": the group that the job's split goes by
  std::uint64_t records = 0;      // of the largest, in units that are protected: simulation only
  std::optional<double> epsilon;  // none: no bound is known

  bool operator==(const LargerUnit&) const = default;
};

// What the training costs a site that grants an epsilon of its own, and what its units weigh beside
// another's.
struct ReportedSiteBudget {
  std::string site;
  double gate_epsilon = 0;
  std::optional<double> pld_epsilon;  // none: no bound is known
  double weight = 1;

  bool operator==(const ReportedSiteBudget&) const = default;
};

// What one training costs a unit of the records that it learns from, by two accounts at one δ.
struct ReportedGuarantee {
  double delta = 0;
  std::string currency;  // of the gate that the job is calibrated for
  double gate_epsilon = 0;
  std::optional<double> pld_epsilon;  // none: no bound is known
  std::string neighbours;
  std::vector<ReportedMechanism> mechanisms;
  std::vector<LargerUnit> larger_units;
  std::vector<ReportedSiteBudget> site_budgets;  // of sites that grant an epsilon of their own
  // Where the noise is shared inside a masked sum: pld_epsilon holds against the coordinator with
  // so many sites, and this against the coordinator alone.
  std::uint32_t max_colluders = 0;
  std::optional<double> coordinator_epsilon;  // none: elsewhere, or no bound is known

  bool operator==(const ReportedGuarantee&) const = default;
};

struct ReportedPrivacy {
  std::string placement;  // of the noise; privacy::InTheClear::kName: nothing was private
  std::string unit;
  std::optional<ReportedGuarantee> guarantee;  // none in the clear

  bool operator==(const ReportedPrivacy&) const = default;
};

struct ReportedAggregation {
  std::string backend;
  std::uint32_t threshold = 0;  // this and the next two: 0 where sums are plain
  std::uint32_t min_contributors = 0;
  std::uint32_t max_colluders = 0;
  std::uint32_t min_sites = 0;
  int fraction_bits = 0;
  bool semi_honest = false;           // safe from coordinators alone that follow the protocol
  std::uint64_t exchanged_bytes = 0;  // of keys and shares that a site sends in a round
  std::uint64_t sealed_bytes = 0;     // of its largest contribution
  double expansion = 0;               // of both over its numbers as floats of 32 bits
  std::uint64_t dropouts = 0;         // of a site from a round that closed without it

  bool operator==(const ReportedAggregation&) const = default;
};

// All sites of a class, at the end of a cycle.
struct CycleGroup {
  std::string name;
  ComparedArms metrics;

  bool operator==(const CycleGroup&) const = default;
};

// The end of one cycle of an active training beside its control: as many labels, chosen by coins,
// at the same cost. In `metrics` federated is the former and local the latter.
struct CycleRow {
  double labels = 0;  // granted to the fleet by then
  ComparedArms metrics;
  std::vector<CycleGroup> groups;

  bool operator==(const CycleRow&) const = default;
};

// What records of one block of a stream pay, the first one being 1.
struct ReportedBlock {
  std::uint64_t block = 1;
  double gate_epsilon = 0;
  std::optional<double> pld_epsilon;  // none: no bound is known

  bool operator==(const ReportedBlock&) const = default;
};

struct ReportedActive {
  std::string rule;
  std::string acquisition;
  std::string strata;
  std::string division;
  double control = 0;                 // part of a quota that is chosen uniformly
  double estimation = 0;              // shares of the budget, 0 without one: for the histograms,
  double last = 0;                    // and of the rest for the last training
  double quota_deviation = 0;         // labels by which noise moves a cycle's number, one deviation
  std::uint32_t stability = 1;        // units that one unit more or less can change; charged
  std::vector<ReportedBlock> blocks;  // of a stream under a budget
  ComparedArms curve;  // mean over the cycles behind the first, arms as in a CycleRow
  std::vector<CycleRow> cycles;

  bool operator==(const ReportedActive&) const = default;
};

// Whether the strategy paid, in a sentence, by the job's first metric. Empty without one.
std::string verdict(const ReportedActive& active);

// A class of sites, or some that are counted together.
struct ReportedClass {
  std::string name;
  double weight = 0;  // in the fleet's risk

  bool operator==(const ReportedClass&) const = default;
};

// Two groups of records, by the values of a column, and the label that both are to be given alike.
struct ReportedGroups {
  std::string by;
  std::string without;  // group 0: disparity is group 1's rate less this one's
  std::string with;     // group 1
  std::string positive;

  bool operator==(const ReportedGroups&) const = default;
};

// A fair training beside the same one without anything done by class. In `metrics` federated is the
// former, local the latter, pooled the latter with so much more l2 that it shrinks: the numbers are
// those of fairness_values, losses on test records. Between groups of records local is the same
// training without a bound, pooled the bounded one on all records in one place, and the numbers are
// those of group_values.
struct ReportedFairness {
  std::string method;
  std::string constraint;
  double bound = 0;
  double share = 0;  // of the budget, for what is asked by class; 0 without one
  std::vector<ReportedClass> classes;
  ComparedArms metrics;
  std::optional<ReportedGroups> groups = {};  // then there are no classes

  bool operator==(const ReportedFairness&) const = default;
};

// Whether the bound was kept, and what that did to the fleet, in sentences. Empty without numbers.
std::vector<std::string> verdicts(const ReportedFairness& fairness);

// The only place for what differs between equal runs.
struct Timing {
  std::string started;  // RFC 3339, UTC
  double total_seconds = 0;
  double local_seconds = 0;
  double federated_seconds = 0;
  double pooled_seconds = 0;
  std::vector<double> round_seconds;  // one per row of Report::rounds

  bool operator==(const Timing&) const = default;
};

// `policy` and `audit` are written as not enforced: this version has neither.
struct Report {
  std::string mode = "simulated";
  ReportedJob job;
  std::uint64_t seed = 0;
  std::vector<RoundRow> rounds;
  std::vector<SiteRow> sites;
  std::vector<GroupRow> groups;
  ReportedMetrics metrics;
  std::vector<HurtSite> hurt;
  LeftOut left_out;
  ReportedPrivacy privacy;
  ReportedAggregation aggregation;
  std::optional<ReportedActive> active;      // of a job that labels in cycles
  std::optional<ReportedFairness> fairness;  // of a job that is fair between classes of sites
  Timing timing;

  bool operator==(const Report&) const = default;
};

// docs/formats/report.md: keys in a fixed order, numbers that read back to the same double.
std::string to_json(const Report& report);

// Strict: an unknown, missing or ill-typed key is corruption, with its path. At most 64 MiB.
base::Result<Report> report_from_json(std::string_view text);

// What a reader must know before he believes the numbers, a sentence each: groups on both sides of
// the split, sites missing from rounds, sites and records left out. Usually nothing.
std::vector<std::string> warnings(const Report& report);

// The job allows records that belong together on both sides of the split: every table says so.
bool is_leaky(const Report& report);

// "joining hurts: egypt (rmse +0.912, 0.3 to 1.5)", one sentence per verdict. Usually nothing.
std::vector<std::string> hurt_in_words(const Report& report);

// "seed 1"; of several repeats "seeds 1 to 10".
std::string seeds_in_words(const Report& report);

// One page that needs nothing else: light and dark, no script.
std::string to_html(const Report& report);

}  // namespace hanse::jobs
