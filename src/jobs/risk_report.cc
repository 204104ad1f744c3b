#include "jobs/risk_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/json_fields.h"
#include "jobs/report_fairness.h"
#include "math/student.h"

namespace hanse::jobs {
namespace {

using base::Result;
using fairness::Interval;
using fairness::kCells;
using fairness::Term;

constexpr std::uint32_t kDraws = 1000;

Estimate estimated(std::string name, const std::vector<double>& values) {
  Estimate estimate{std::move(name), {}, {}, {}};
  if (values.empty()) return estimate;
  double sum = 0;
  for (const double value : values) sum += value;
  estimate.value = sum / static_cast<double>(values.size());
  if (const auto interval = math::resampled_interval(values, 0)) {
    estimate.low = interval->low;
    estimate.high = interval->high;
  }
  return estimate;
}

Estimates estimates_of(const std::vector<RiskSeed>& seeds, std::size_t cell) {
  Estimates estimates;
  const MetricValues& first = seeds.front().values[cell];
  for (std::size_t m = 0; m < first.size(); ++m) {
    std::vector<double> values;
    for (const RiskSeed& seed : seeds)
      if (const auto& value = seed.values[cell][m].value) values.push_back(*value);
    estimates.push_back(estimated(first[m].name, values));
  }
  return estimates;
}

// A term's own value and draws, by the name that the decomposition gives it.
double cost_of(const fairness::Decomposition& costs, std::string_view name) {
  const auto found = std::ranges::find(costs.raw, name, &Term::name);
  return found == costs.raw.end() ? 0 : found->cost.value;
}

Result<void> add_ladder(const Job& job, const std::vector<RungSpec>& rungs,
                        std::vector<std::vector<RiskSeed>>& grids, base::RandomSource& random,
                        RiskReport& report) {
  std::vector<fairness::Rung> fitted;
  for (std::size_t r = 0; r < rungs.size(); ++r) {
    fairness::Rung& rung =
        fitted.emplace_back(fairness::Rung{rungs[r].records, rungs[r].budget, {}});
    for (RiskSeed& seed : grids[r]) rung.seeds.push_back(std::move(seed.losses));
  }
  HANSE_TRY(report.ladder, fairness::fit_ladder(fitted, job.fairness->weights, kDraws, random));
  std::vector<std::string> classes;
  for (const ReportedClass& one : report.fairness.classes) classes.push_back(one.name);
  fairness::Levers levers = fairness::levers_of(*report.ladder, classes, job.fairness->share);
  report.levers = std::move(levers.all);
  report.share = {levers.best_share, levers.cost_at_best, levers.cost_now};
  return {};
}

// What to do about a term, where no ladder says what it would bring.
std::string advice(std::string_view dominant) {
  if (dominant == "privacy") return "the lever is the budget, or records of any class";
  if (dominant == "private_fairness")
    return "the lever is what is asked by class: its share of the budget, or records of the class "
           "with fewest";
  if (dominant == "tax") return "no records and no budget take it away: the lever is the bound";
  if (dominant == "learning") return "the lever is records";
  return "the lever is the method or the bound";
}

}  // namespace

std::string_view in_words(std::string_view term) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords{
      {{"learning", "learning from finite data"},
       {"privacy", "learning in private"},
       {"tax", "the bound itself"},
       {"correction", "estimating the correction"},
       {"fairness", "fairness"},
       {"private_fairness", "fairness in private"}}};
  const auto found =
      std::ranges::find(kWords, term, &std::pair<std::string_view, std::string_view>::first);
  return found == kWords.end() ? term : found->second;
}

std::string part_in_words(const fairness::Lever& lever) {
  return lever.part ? fmt::format("{:+.0f} %", 100 * *lever.part) : "–";
}

Result<RiskReport> risk_report(const Job& job, const std::vector<RungSpec>& rungs,
                               std::vector<std::vector<RiskSeed>> grids) {
  HANSE_CHECK(!grids.empty() && grids.size() == rungs.size());
  const std::vector<RiskSeed>& whole = grids.front();
  RiskReport report;
  report.job = job.name.text();
  report.digest = base::Digest::of(base::view_of(job.text)).hex();
  report.seed = job.seed;
  report.seeds = static_cast<std::uint32_t>(whole.size());
  report.fairness = reported(*job.fairness, job.privacy.is_private());
  std::vector<fairness::SeedLosses> losses;
  std::vector<double> honest;
  for (const RiskSeed& seed : whole) {
    losses.push_back(seed.losses);
    if (seed.least_honest_gap) honest.push_back(*seed.least_honest_gap);
  }
  for (std::size_t cell = 0; cell < kCells; ++cell) report.cells[cell] = estimates_of(whole, cell);
  if (!honest.empty()) report.least_honest_gap = estimated("least_honest_gap", honest);
  base::SeededSimulationRandom random(job.seed, "decomposition");
  fairness::DecompositionSpec spec;
  spec.weights = job.fairness->weights;
  spec.draws = kDraws;
  HANSE_TRY(report.costs, fairness::decompose(losses, spec, random));
  report.share =
      fairness::best_share(cost_of(report.costs, "privacy"),
                           cost_of(report.costs, "private_fairness"), job.fairness->share);
  if (rungs.size() > 1) HANSE_TRY_VOID(add_ladder(job, rungs, grids, random, report));
  return report;
}

bool levels_down(const RiskReport& report) {
  const bool is_gap =
      report.fairness.constraint == fairness::name_of(fairness::ConstraintKind::gap);
  return is_gap && report.least_honest_gap && report.least_honest_gap->low &&
         report.fairness.bound < *report.least_honest_gap->low;
}

namespace {

// What each class's own best model loses: [[class]] best. Empty where a class has none.
std::string best_in_words(const RiskReport& report) {
  const Estimates& trained = report.cells[static_cast<std::size_t>(fairness::Cell::neither)];
  const auto value = [&](const std::string& name) {
    const auto found = std::ranges::find(trained, name, &Estimate::name);
    return found == trained.end() ? std::optional<double>() : found->value;
  };
  std::string text;
  for (const ReportedClass& one : report.fairness.classes) {
    const auto loss = value("loss_" + one.name);
    const auto excess = value("excess_" + one.name);
    if (!loss || !excess) return "";
    text += fmt::format("{}{} {:.3f}", text.empty() ? "" : ", ", one.name, *loss - *excess);
  }
  return text;
}

}  // namespace

std::vector<std::string> verdicts(const RiskReport& report) {
  std::vector<std::string> sentences;
  const auto& dominant = report.costs.dominant;
  const auto term = dominant ? std::ranges::find(report.costs.priced, *dominant, &Term::name)
                             : report.costs.priced.end();
  if (term == report.costs.priced.end()) {
    std::string shares;
    for (const Term& one : report.costs.priced)
      shares += fmt::format("{}{} in {:.0f} %", shares.empty() ? "" : ", ", in_words(one.name),
                            100 * one.dominates);
    sentences.push_back(fmt::format(
        "Which cost dominates is undetermined: the largest is {} of the draws. More --seeds tell.",
        shares));
  } else {
    sentences.push_back(
        fmt::format("The cost that dominates is {}: {:+.4f} ({:+.4f} to {:+.4f}), "
                    "the largest in {:.0f} % of the draws; {}.",
                    in_words(term->name), term->cost.value, term->cost.low, term->cost.high,
                    100 * term->dominates, advice(term->name)));
  }
  const auto lever = std::ranges::find_if(
      report.levers, [](const fairness::Lever& one) { return one.name != "no bound"; });
  if (lever != report.levers.end() && lever->change < 0)
    sentences.push_back(fmt::format(
        "Of the levers the best is {}: {:+.4f} predicted{}.", lever->name, lever->change,
        lever->part ? fmt::format(", {} of the excess", part_in_words(*lever)) : ""));
  if (report.ladder && !report.ladder->is_identified)
    sentences.emplace_back(
        "The least risk is not identified: these rungs do not show where the risk goes with more "
        "records.");
  if (levels_down(report))
    sentences.push_back(fmt::format(
        "The bound {:g} levels down: with the best model of the class that loses most the gap is "
        "{:.3f} ({:.3f} to {:.3f}), and below that the others are made worse for nobody's good.",
        report.fairness.bound, *report.least_honest_gap->value, *report.least_honest_gap->low,
        *report.least_honest_gap->high));
  if (const std::string best = best_in_words(report); !best.empty())
    sentences.push_back(
        fmt::format("Without noise the classes' own best models lose {} ([[class]] best).", best));
  return sentences;
}

namespace {

void describe_interval(JsonFields& json, std::string_view key, const Interval& interval) {
  json.object(key, [&](JsonFields& at) {
    Interval copy = interval;
    at.field("value", copy.value);
    at.field("low", copy.low);
    at.field("high", copy.high);
  });
}

struct TermRow {
  const Term* term = nullptr;
};
struct LeverRow {
  const fairness::Lever* lever = nullptr;
};

std::vector<TermRow> rows(const std::vector<Term>& terms) {
  std::vector<TermRow> rows;
  for (const Term& term : terms) rows.push_back({&term});
  return rows;
}

}  // namespace

static void describe(JsonFields& json, TermRow& row) {
  Term copy = *row.term;
  json.field("name", copy.name);
  describe_interval(json, "cost", copy.cost);
  json.field("dominates", copy.dominates);
}

static void describe(JsonFields& json, LeverRow& row) {
  fairness::Lever copy = *row.lever;
  json.field("name", copy.name);
  json.field("change", copy.change);
  json.field("part", copy.part);
}

static void describe(JsonFields& json, ReportedClass& one) {
  json.field("name", one.name);
  json.field("weight", one.weight);
}

namespace {

void describe_estimates(JsonFields& json, std::string_view key, const Estimates& estimates) {
  json.object(key, [&](JsonFields& at) {
    for (Estimate one : estimates)
      at.object(one.name, [&](JsonFields& of) {
        of.field("value", one.value);
        of.field("low", one.low);
        of.field("high", one.high);
      });
  });
}

void describe_ladder(JsonFields& json, const RiskReport& report) {
  bool is_there = report.ladder.has_value();
  json.field("enabled", is_there);
  if (!is_there) return;
  const fairness::LadderFit& fit = *report.ladder;
  bool identified = fit.is_identified;
  json.field("identified", identified);
  describe_interval(json, "least_risk", fit.least_risk);
  describe_interval(json, "learning", fit.learning);
  describe_interval(json, "privacy", fit.privacy);
  describe_interval(json, "tax", fit.tax);
  describe_interval(json, "correction", fit.correction);
  describe_interval(json, "private_fairness", fit.private_fairness);
  std::vector<LeverRow> levers;
  for (const fairness::Lever& lever : report.levers) levers.push_back({&lever});
  json.field("levers", levers);
}

}  // namespace

std::string to_json(const RiskReport& report) {
  RiskReport copy = report;
  return JsonFields::write([&](JsonFields& json) {
    json.constant("schema", kRiskSchema);
    json.field("job", copy.job);
    json.field("digest", copy.digest);
    json.field("seed", copy.seed);
    json.field("seeds", copy.seeds);
    json.field("method", copy.fairness.method);
    json.field("constraint", copy.fairness.constraint);
    json.field("bound", copy.fairness.bound);
    json.field("share", copy.fairness.share);
    json.field("classes", copy.fairness.classes);
    json.object("cells", [&](JsonFields& at) {
      for (std::size_t cell = 0; cell < kCells; ++cell)
        describe_estimates(at, name_of(static_cast<fairness::Cell>(cell)), copy.cells[cell]);
    });
    std::vector<TermRow> raw = rows(copy.costs.raw);
    std::vector<TermRow> priced = rows(copy.costs.priced);
    json.field("raw", raw);
    json.field("priced", priced);
    json.field("multiplier", copy.costs.multiplier);
    std::string dominant = copy.costs.dominant.value_or("undetermined");
    json.field("dominant", dominant);
    describe_interval(json, "privacy_share", copy.costs.privacy_share);
    describe_interval(json, "fairness_share", copy.costs.fairness_share);
    if (copy.least_honest_gap) describe_estimates(json, "honest", {*copy.least_honest_gap});
    bool down = levels_down(copy);
    json.field("levels_down", down);
    json.object("best_share", [&](JsonFields& at) {
      at.field("share", copy.share.share);
      at.field("cost", copy.share.cost);
      at.field("now", copy.share.now);
    });
    json.object("ladder", [&](JsonFields& at) { describe_ladder(at, copy); });
  });
}

}  // namespace hanse::jobs
