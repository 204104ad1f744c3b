// The page of a risk report.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "jobs/frontier_chart.h"
#include "jobs/report_charts.h"
#include "jobs/report_fairness.h"
#include "jobs/report_page.h"
#include "jobs/risk_report.h"

namespace hanse::jobs {
namespace {

using fairness::Interval;
using fairness::kCells;
using fairness::Term;

constexpr double kWidth = 720;
constexpr double kLeft = 190;
constexpr double kRight = kWidth - 40;
constexpr double kTop = 12;
constexpr double kBand = 34;

struct Axis {
  double low = 0;
  double high = 1;

  double x(double value) const { return kLeft + (value - low) / (high - low) * (kRight - kLeft); }
  std::string drawn(double bottom, std::string_view format) const {
    std::string svg;
    for (int i = 0; i <= 4; ++i) {
      const double value = low + (high - low) * i / 4;
      svg += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" class="grid"/>)",
                         x(value), kTop, bottom);
      svg += text_at(x(value), bottom + 20, "middle", "tick",
                     fmt::vformat(format, fmt::make_format_args(value)));
    }
    return svg;
  }
};

// One bar for each term from 0 on, with its interval: negative ones go to the left.
std::string picture(const std::vector<Term>& terms, std::string_view words) {
  double low = 0;
  double high = 0;
  for (const Term& term : terms) {
    low = std::min({low, term.cost.low, term.cost.value});
    high = std::max({high, term.cost.high, term.cost.value});
  }
  const double room = std::max((high - low) * .05, 1e-6);
  const Axis axis{low - room, high + room};
  const auto x = [&axis](double value) { return axis.x(value); };
  const double bottom = kTop + kBand * static_cast<double>(terms.size());
  std::string svg = axis.drawn(bottom, "{:+.4f}");
  svg += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="12" y2="{1}" stroke="currentColor"/>)",
                     x(0), bottom);
  double top = kTop;
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

// A row of the stack: where it begins and ends on the scale of the risk, and what its end may be.
struct Step {
  std::string_view name;
  double from = 0;
  Interval to;
  bool is_whole = false;  // a risk, not a cost
};

std::vector<Step> steps_of(const fairness::Decomposition& costs) {
  const Interval& neither = costs.risk[static_cast<std::size_t>(fairness::Cell::neither)];
  const Interval& both = costs.risk[static_cast<std::size_t>(fairness::Cell::noised_and_fair)];
  std::vector<Step> steps{{"neither private nor fair", neither.value, neither, true}};
  double at = neither.value;
  for (const Term& term : costs.raw) {
    const Interval& cost = term.cost;
    steps.push_back(
        {in_words(term.name), at, {at + cost.value, at + cost.low, at + cost.high}, false});
    at += cost.value;
  }
  steps.push_back({"private and fair", both.value, both, true});
  return steps;
}

// The costs upon one another, from the risk of neither to that of both: a gain leads back.
std::string stack(const fairness::Decomposition& costs) {
  const std::vector<Step> steps = steps_of(costs);
  double low = 1e300;
  double high = -1e300;
  for (const Step& step : steps) {
    low = std::min({low, step.from, step.to.value, step.to.low});
    high = std::max({high, step.from, step.to.value, step.to.high});
  }
  const double room = std::max((high - low) * .05, 1e-6);
  const Axis axis{low - room, high + room};
  const double bottom = kTop + kBand * static_cast<double>(steps.size());
  std::string svg = axis.drawn(bottom, "{:.4f}");
  double top = kTop;
  for (const Step& step : steps) {
    const double middle = top + kBand / 2;
    svg += text_at(kLeft - 12, middle + 4, "end", "name", step.name);
    const double end = axis.x(step.to.value);
    const std::string whisker =
        fmt::format(R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="currentColor"/>)",
                    axis.x(step.to.low), middle, axis.x(step.to.high));
    if (step.is_whole) {
      svg += whisker;
      svg += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="5" class="pooled"/>)", end, middle);
    } else {
      const double from = axis.x(step.from);
      svg += fmt::format(
          R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" class="{}" opacity=".85"/>)",
          std::min(from, end), top + 8, std::max(std::abs(end - from), .5), kBand - 16,
          end < from ? "federated" : "local");
      svg += whisker;
    }
    top += kBand;
    if (&step != &steps.back())
      svg += fmt::format(
          R"(<path d="M{:.1f} {:.1f}V{:.1f}" stroke="currentColor" stroke-dasharray="2 3"/>)", end,
          middle + 8, top + kBand / 2 - 8);
  }
  return fmt::format(R"(<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>)", kWidth,
                     bottom + 32,
                     "How the costs of privacy and fairness add up to the risk of both", svg);
}

// The four cells where each stands between the fleet and its classes.
std::string cells_chart(const RiskReport& report) {
  constexpr std::array<std::string_view, kCells> kNames{"neither", "fair", "private", "both"};
  std::vector<FrontierPoint> points;
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    const auto of = static_cast<fairness::Cell>(cell);
    const bool is_fair = of == fairness::Cell::fair || of == fairness::Cell::noised_and_fair;
    const bool is_private = of == fairness::Cell::noised || of == fairness::Cell::noised_and_fair;
    points.push_back({std::string(kNames[cell]), report.cells[cell],
                      is_fair ? FrontierMark::circle : FrontierMark::square,
                      is_fair ? "federated" : "local", is_private});
  }
  if (auto best = own_best(report.fairness, report.cells.front()))
    points.push_back({"the classes' own best", *std::move(best), FrontierMark::diamond, "ink"});
  return frontier_chart(points, frontier_planes(report.fairness),
                        "What each of the four trainings costs the fleet and its classes of sites");
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
      R"(<h2>How the risk adds up</h2><div class="card scroll">{}</div><p class="note">Of the )"
      R"(risk, unpriced: each cost begins where the one before ends, and a gain leads back. )"
      R"(Whiskers are 95 % intervals of the cost or the risk itself.</p>)"
      R"(<h2>The four cells</h2><div class="card scroll">{}</div><p class="note">Lower is better )"
      R"(for the classes, further left for the fleet; hollow marks learned in private; whiskers )"
      R"(are 95 % intervals over seeds.</p><div class="card scroll">{}</div>{})",
      said, picture(report.costs.priced, words), terms_table(report.costs), report.costs.multiplier,
      stack(report.costs), cells_chart(report), cells_table(report), ladder_section(report));
  return report_page(report.job, "Which cost of fairness and privacy dominates",
                     fmt::format("{} seeds from {}", report.seeds, report.seed), body);
}

}  // namespace hanse::jobs
