#include "jobs/report_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace hanse::jobs {
namespace {

constexpr std::size_t kNamedBudgets = 6;  // beyond, names would lie on one another
constexpr double kWidth = 720;            // of every drawing, in its own units; the page scales it

// The least of 1, 2, 5 · 10^k that is at least `value`: ends of axes that people can read.
double rounded_up(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0})
    if (value <= step * power * (1 + 1e-9)) return step * power;
  return 10 * power;
}

// Where data lands in a drawing of curves over steps 1, 2, ….
struct Plane {
  double left = 56, right = kWidth - 64, top = 16, bottom = 216;
  std::string_view step_name = "round";
  double steps = 1;
  double height = 1;

  double x(double step) const {
    return left + (step - 1) / std::max(steps - 1, 1.0) * (right - left);
  }
  double y(double value) const { return bottom - value / height * (bottom - top); }
};

std::string axes(const Plane& plane) {
  std::string svg;
  constexpr int kSteps = 4;
  for (int i = 0; i <= kSteps; ++i) {
    const double value = plane.height * i / kSteps;
    svg += fmt::format(R"(<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" class="grid"/>)",
                       plane.left, plane.right, plane.y(value), plane.y(value));
    svg += text_at(plane.left - 8, plane.y(value) + 4, "end", "tick", fmt::format("{:.3g}", value));
  }
  const double apart = std::max(1.0, rounded_up(plane.steps / 8));
  svg += text_at(plane.x(1), plane.bottom + 20, "middle", "tick", "1");
  for (double step = apart; step <= plane.steps; step += apart)
    if (step > 1)
      svg +=
          text_at(plane.x(step), plane.bottom + 20, "middle", "tick", fmt::format("{:.0f}", step));
  svg +=
      text_at((plane.left + plane.right) / 2, plane.bottom + 40, "middle", "tick", plane.step_name);
  return svg;
}

struct Bar {
  std::string_view css;
  std::string_view name;
  const Estimates* values;
};

std::array<Bar, 3> bars_of(const ComparedArms& arms) {
  return {Bar{"local", "local-only", &arms.local}, Bar{"federated", "federated", &arms.federated},
          Bar{"pooled", "pooled", &arms.pooled}};
}

// Right end of the axis: 1 for shares and areas, else what the greatest value needs.
double axis_end(std::string_view metric, const std::vector<BarRow>& rows) {
  if (metric != "rmse" && metric != "mae" && metric != "brier" && metric != "ece") return 1;
  double greatest = 0;
  for (const BarRow& row : rows)
    for (const Bar& bar : bars_of(*row.arms))
      if (const Estimate* estimate = find(*bar.values, metric); estimate && estimate->value)
        greatest = std::max(greatest, *estimate->value);
  return greatest > 0 ? rounded_up(greatest) : 1;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view css,
                    std::string_view text) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>)", x, y,
                     anchor, css, escaped(text));
}

std::string shown(const std::optional<double>& value) {
  return value ? fmt::format("{:.3f}", *value) : "–";
}

std::string cell(const Estimate* estimate, bool is_difference) {
  const auto in_words = [&](const std::optional<double>& value) {
    return value && is_difference ? fmt::format("{:+.3f}", *value) : shown(value);
  };
  if (estimate == nullptr) return shown({});
  std::string text = in_words(estimate->value);
  if (estimate->low && estimate->high)
    text += fmt::format(R"(<br><span class="note">{} to {}</span>)", in_words(estimate->low),
                        in_words(estimate->high));
  return text;
}

const std::optional<double>* find(const MetricValues& values, std::string_view metric) {
  const auto found = std::ranges::find(values, metric, &MetricValue::name);
  return found == values.end() ? nullptr : &found->value;
}

const Estimate* find(const Estimates& values, std::string_view metric) {
  const auto found = std::ranges::find(values, metric, &Estimate::name);
  return found == values.end() ? nullptr : &*found;
}

const RoundCurve& curve_of(const std::vector<RoundRow>& rounds) {
  static constexpr RoundCurve kLoss{
      "Learning curve",
      "Mean training loss over the records of the sites in, before each round's step.",
      &learning::RoundFacts::loss};
  static constexpr RoundCurve kNoise{
      "Noise to signal",
      "The norm that a round's noise has on average, over the norm of the sum that was released "
      "with it: near 1 a single round is mostly noise, and what is learned is in their mean.",
      &learning::RoundFacts::noise_to_signal};
  const bool has_loss =
      std::ranges::any_of(rounds, [](const RoundRow& row) { return row.facts.loss.has_value(); });
  return has_loss ? kLoss : kNoise;
}

namespace {

std::string round_chart(const std::vector<const RoundRow*>& rounds, const RoundCurve& curve) {
  const auto value = [&](const RoundRow* row) { return *(row->facts.*curve.fact); };
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<const RoundRow*>> folds;
  Plane plane;
  double greatest = 0;
  for (const RoundRow* row : rounds) {
    folds[{row->seed, row->fold}].push_back(row);
    plane.steps = std::max(plane.steps, static_cast<double>(row->round));
    greatest = std::max(greatest, value(row));
  }
  if (plane.steps < 2) return "";
  if (greatest > 0) plane.height = rounded_up(greatest);
  std::string lines;
  for (const auto& [fold, rows] : folds) {
    std::string points;
    for (const RoundRow* row : rows)
      points += fmt::format("{:.1f},{:.1f} ", plane.x(row->round), plane.y(value(row)));
    lines += fmt::format(R"(<polyline points="{}" class="curve"/>)", points);
    if (folds.size() == 1)
      lines += text_at(plane.right + 8, plane.y(value(rows.back())) + 4, "start", "value",
                       fmt::format("{:.3f}", value(rows.back())));
  }
  const std::string summary = fmt::format(
      "{} over {:.0f} rounds{}: it starts at {:.3f} and ends at {:.3f}. {}", curve.title,
      plane.steps,
      folds.size() > 1 ? fmt::format(", one line for each of {} folds", folds.size()) : "",
      value(rounds.front()), value(rounds.back()), curve.meaning);
  return fmt::format(R"(<svg viewBox="0 0 {} 264" role="img" aria-label="{}">{}{}</svg>)", kWidth,
                     escaped(summary), axes(plane), lines);
}

}  // namespace

std::string curve_section(const std::vector<RoundRow>& rounds, std::string_view note) {
  const RoundCurve& curve = curve_of(rounds);
  std::vector<const RoundRow*> rows;
  for (const RoundRow& row : rounds)
    if (row.facts.*curve.fact) rows.push_back(&row);
  const std::string chart = round_chart(rows, curve);
  if (chart.empty()) return "";
  return fmt::format(R"(<h2>{}</h2><div class="card scroll">{}</div><p class="note">{}{}</p>)",
                     curve.title, chart, curve.meaning, note);
}

std::string burn_down_chart(const std::vector<BurnDown>& budgets) {
  Plane plane;
  plane.step_name = "event";
  for (const BurnDown& budget : budgets)
    for (const BurnPoint& point : budget.points)
      plane.steps = std::max(plane.steps, static_cast<double>(point.event));
  if (plane.steps < 2) return "";
  std::string lines;
  std::string ends;
  for (const BurnDown& budget : budgets) {
    std::string points;
    double before = 1;
    for (const BurnPoint& point : budget.points) {
      const double x = plane.x(static_cast<double>(point.event));
      points +=
          fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} ", x, plane.y(before), x, plane.y(point.left));
      before = point.left;
    }
    lines += fmt::format(R"(<polyline points="{}" class="curve"><title>{}</title></polyline>)",
                         points, escaped(budget.name));
    if (budgets.size() == 1)
      lines += text_at(plane.right + 8, plane.y(before) + 4, "start", "value",
                       fmt::format("{:.1f} %", 100 * before));
    else if (budgets.size() <= kNamedBudgets)
      lines += text_at(plane.right - 4, plane.y(before) + (before < 0.1 ? -6 : 16), "end", "tick",
                       budget.name);
    ends += fmt::format(" {}: {:.1f} % left.", budget.name, 100 * before);
  }
  const std::string summary = "What was left of the budget after each event." + ends;
  return fmt::format(R"(<svg viewBox="0 0 {} 264" role="img" aria-label="{}">{}{}</svg>)", kWidth,
                     escaped(summary), axes(plane), lines);
}

std::string bar_chart(std::string_view metric, const std::vector<BarRow>& rows) {
  constexpr double kNameWidth = 150;
  constexpr double kBarsWidth = kWidth - kNameWidth - 64;
  constexpr double kBar = 12, kGap = 4, kRow = 3 * (kBar + kGap) + 14;
  const double end = axis_end(metric, rows);
  std::string svg;
  double y = 4;
  for (const BarRow& row : rows) {
    svg += text_at(0, y + 16, "start", "name", row.name);
    svg += text_at(0, y + 33, "start", "tick", row.remark);
    double top = y;
    for (const Bar& bar : bars_of(*row.arms)) {
      const Estimate* estimate = find(*bar.values, metric);
      const std::optional<double> value = estimate ? estimate->value : std::nullopt;
      const double part = value ? std::clamp(*value / end, 0.0, 1.0) : 0;
      const std::string number = shown(value);
      svg += fmt::format(R"(<rect x="{}" y="{:.1f}" width="{}" height="{}" rx="2" class="track"/>)"
                         R"(<rect x="{}" y="{:.1f}" width="{:.1f}" height="{}" rx="2" class="{}">)"
                         R"(<title>{}, {}: {}</title></rect>)",
                         kNameWidth, top, kBarsWidth, kBar, kNameWidth, top, part * kBarsWidth,
                         kBar, bar.css, escaped(row.name), bar.name, number);
      svg += text_at(kNameWidth + kBarsWidth + 8, top + kBar - 1, "start", "value", number);
      top += kBar + kGap;
    }
    y += kRow;
  }
  return fmt::format(
      R"(<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}: bars of local-only, )"
      R"(federated and pooled training; the table below holds the numbers.">{}</svg>)",
      kWidth, y, escaped(metric), svg);
}

}  // namespace hanse::jobs
