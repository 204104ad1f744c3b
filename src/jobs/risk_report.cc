#include "jobs/risk_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/json_fields.h"
#include "jobs/report_charts.h"
#include "jobs/report_fairness.h"
#include "jobs/report_page.h"
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

namespace {

constexpr double kWidth = 720;
constexpr double kLeft = 190;
constexpr double kRight = kWidth - 40;
constexpr double kBand = 34;

std::string text_at(double x, double y, std::string_view anchor, std::string_view css,
                    std::string_view words) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>)", x, y,
                     anchor, css, escaped(words));
}

// One bar for each term from 0 on, with its interval: negative ones go to the left.
std::string picture(const std::vector<Term>& terms, std::string_view words) {
  double low = 0;
  double high = 0;
  for (const Term& term : terms) {
    low = std::min({low, term.cost.low, term.cost.value});
    high = std::max({high, term.cost.high, term.cost.value});
  }
  const double room = std::max((high - low) * .05, 1e-6);
  low -= room;
  high += room;
  const auto x = [&](double value) {
    return kLeft + (value - low) / (high - low) * (kRight - kLeft);
  };
  const double bottom = 12 + kBand * static_cast<double>(terms.size());
  std::string svg;
  for (int i = 0; i <= 4; ++i) {
    const double value = low + (high - low) * i / 4;
    svg += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="12" y2="{1}" class="grid"/>)",
                       x(value), bottom);
    svg += text_at(x(value), bottom + 20, "middle", "tick", fmt::format("{:+.4f}", value));
  }
  svg += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="12" y2="{1}" stroke="currentColor"/>)",
                     x(0), bottom);
  double top = 12;
  for (const Term& term : terms) {
    const double middle = top + kBand / 2;
    const double from = std::min(x(0), x(term.cost.value));
    svg += text_at(kLeft - 12, middle + 4, "end", "name", in_words(term.name));
    svg +=
        fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" class="federated"/>)",
                    from, top + 8, std::max(x(0) + x(term.cost.value) - 2 * from, .5), kBand - 16);
    svg += fmt::format(R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="currentColor"/>)",
                       x(term.cost.low), middle, x(term.cost.high));
    top += kBand;
  }
  return fmt::format(R"(<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>)", kWidth,
                     bottom + 32, escaped(words), svg);
}

std::string shown(const Interval& interval) {
  return fmt::format(R"({:+.4f}<br><span class="note">{:+.4f} to {:+.4f}</span>)", interval.value,
                     interval.low, interval.high);
}

std::string terms_table(const fairness::Decomposition& costs) {
  std::string rows;
  for (std::size_t i = 0; i < costs.raw.size(); ++i)
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td class="main">{}</td><td>{}</td><td>{:.0f} %</td></tr>)",
        in_words(costs.raw[i].name), shown(costs.priced[i].cost), shown(costs.raw[i].cost),
        100 * costs.priced[i].dominates);
  rows += fmt::format(
      R"(<tr><th scope="row">privacy's share (Shapley)</th><td></td><td>{}</td><td></td></tr>)"
      R"(<tr><th scope="row">fairness's share (Shapley)</th><td></td><td>{}</td><td></td></tr>)",
      shown(costs.privacy_share), shown(costs.fairness_share));
  return fmt::format(
      R"(<table><thead><tr><th scope="col">cost</th><th scope="col">at equal gaps</th>)"
      R"(<th scope="col">of the risk</th><th scope="col">largest</th></tr></thead>)"
      R"(<tbody>{}</tbody></table>)",
      rows);
}

std::string cells_table(const RiskReport& report) {
  std::string rows;
  for (const FairnessRow& row : rows_of(report.fairness)) {
    std::string cells;
    for (const Estimates& values : report.cells)
      cells += fmt::format("<td>{}</td>", cell(find(values, row.value)));
    rows += fmt::format(R"(<tr><th scope="row">{}</th>{}</tr>)", escaped(row.name), cells);
  }
  return fmt::format(
      R"(<table><thead><tr><th scope="col">loss</th><th scope="col">neither</th>)"
      R"(<th scope="col">fair</th><th scope="col">private</th><th scope="col">both</th></tr>)"
      R"(</thead><tbody>{}</tbody></table>)",
      rows);
}

std::string ladder_section(const RiskReport& report) {
  if (!report.ladder) return "";
  std::string rows;
  for (const fairness::Lever& lever : report.levers)
    rows += fmt::format(R"(<tr><th scope="row">{}</th><td>{:+.4f}</td><td>{}</td></tr>)",
                        escaped(lever.name), lever.change, part_in_words(lever));
  const fairness::LadderFit& fit = *report.ladder;
  return fmt::format(
      R"(<h2>Levers</h2><div class="card scroll"><table><thead><tr><th scope="col">lever</th>)"
      R"(<th scope="col">risk</th><th scope="col">of the excess</th></tr></thead><tbody>{}</tbody>)"
      R"(</table></div><p class="note">Predicted by a law of records and budget, fitted to grids )"
      R"(of half of them. {}</p>)",
      rows,
      fit.is_identified
          ? fmt::format(
                "The least risk is {:.4f}; learning from finite data costs {:+.4f} ({:+.4f} "
                "to {:+.4f}), the bound itself {:+.4f} ({:+.4f} to {:+.4f}).",
                fit.least_risk.value, fit.learning.value, fit.learning.low, fit.learning.high,
                fit.tax.value, fit.tax.low, fit.tax.high)
          : std::string("The least risk is not identified, nor what learning from finite data and "
                        "the bound itself cost."));
}

}  // namespace

std::string to_html(const RiskReport& report) {
  std::string said;
  std::string words;
  for (const std::string& sentence : verdicts(report)) {
    said += fmt::format("<p>{}{}{}</p>", said.empty() ? "<strong>" : "", escaped(sentence),
                        said.empty() ? "</strong>" : "");
    words += sentence + " ";
  }
  const std::string body = fmt::format(
      R"(<p class="notice" role="note"><strong>Simulated.</strong> Cells without privacy exist in )"
      R"(a simulation only.</p><h2>What it costs</h2>{}<div class="card scroll">{}</div>)"
      R"(<div class="card scroll">{}</div><p class="note">At equal gaps: what the fair and )"
      R"(private cell misses of the fair one's gap is priced at {:.3g} for each unit. A negative )"
      R"(cost is a gain, or a gap that was missed.</p>)"
      R"(<h2>The four cells</h2><div class="card scroll">{}</div>{})",
      said, picture(report.costs.priced, words), terms_table(report.costs), report.costs.multiplier,
      cells_table(report), ladder_section(report));
  return report_page(report.job, "Which cost of fairness and privacy dominates",
                     fmt::format("{} seeds from {}", report.seeds, report.seed), body);
}

}  // namespace hanse::jobs
