#include "jobs/report_active.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/job_privacy.h"
#include "jobs/report_charts.h"
#include "learning/metrics.h"

namespace hanse::jobs {
namespace {

constexpr double kWidth = 720;
constexpr double kLeft = 56;
constexpr double kRight = kWidth - 150;  // names of the lines stand behind it
constexpr double kTop = 16;
constexpr double kBottom = 216;

const Estimate* first(const Estimates& values) { return values.empty() ? nullptr : &values[0]; }

std::string interval(const Estimate& estimate) {
  if (!estimate.low || !estimate.high) return "";
  return fmt::format(" ({:+.3f} to {:+.3f})", *estimate.low, *estimate.high);
}

// Least and greatest value of both curves, with their intervals.
struct Span {
  double low = 1e300;
  double high = -1e300;
  void take(const std::optional<double>& value) {
    if (!value) return;
    low = std::min(low, *value);
    high = std::max(high, *value);
  }
};

class Chart {
 public:
  Chart(const ReportedActive& active, std::size_t metric) : active_(active), metric_(metric) {
    for (const CycleRow& row : active.cycles)
      for (const auto* arm : {&row.metrics.federated, &row.metrics.local})
        for (const auto& value : {(*arm)[metric].value, (*arm)[metric].low, (*arm)[metric].high})
          span_.take(value);
    const double room = std::max((span_.high - span_.low) * .08, 1e-3);
    span_ = {span_.low - room, span_.high + room};
    most_ = active.cycles.back().labels;
  }

  std::string svg() const {
    const std::string lines = line(&ComparedArms::local, "local", "by coins", -9) +
                              line(&ComparedArms::federated, "federated", "active", 9);
    const std::string& name = active_.cycles.front().metrics.federated[metric_].name;
    const std::string alternative = fmt::format(
        "{} against labels, of the active training and of its control. {}", name, verdict(active_));
    return fmt::format(R"(<svg viewBox="0 0 {} 264" role="img" aria-label="{}">{}{}</svg>)", kWidth,
                       escaped(alternative), axes(), lines);
  }

 private:
  double x(double labels) const { return kLeft + labels / most_ * (kRight - kLeft); }
  double y(double value) const {
    return kBottom - (value - span_.low) / (span_.high - span_.low) * (kBottom - kTop);
  }

  static std::string text(double x, double y, std::string_view anchor, std::string_view css,
                          std::string_view words) {
    return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>)", x, y,
                       anchor, css, escaped(words));
  }

  std::string axes() const {
    std::string svg;
    constexpr int kSteps = 4;
    for (int i = 0; i <= kSteps; ++i) {
      const double value = span_.low + (span_.high - span_.low) * i / kSteps;
      svg += fmt::format(R"(<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" class="grid"/>)", kLeft,
                         kRight, y(value), y(value));
      svg += text(kLeft - 8, y(value) + 4, "end", "tick", fmt::format("{:.3f}", value));
    }
    for (const CycleRow& row : active_.cycles)
      svg += text(x(row.labels), kBottom + 20, "middle", "tick", fmt::format("{}", row.labels));
    return svg + text((kLeft + kRight) / 2, kBottom + 40, "middle", "tick", "labels of the fleet");
  }

  // `apart`: where the name stands if both lines end at one height.
  std::string line(Estimates ComparedArms::* arm, std::string_view css, std::string_view name,
                   double apart) const {
    std::string points;
    std::string whiskers;
    std::optional<double> last;
    for (const CycleRow& row : active_.cycles) {
      const Estimate& at = (row.metrics.*arm)[metric_];
      if (!at.value) continue;
      last = at.value;
      points += fmt::format("{:.1f},{:.1f} ", x(row.labels), y(*at.value));
      if (at.low && at.high)
        whiskers += fmt::format(R"svg(<path d="M{0:.1f} {1:.1f}V{2:.1f}" stroke="var(--{3})"/>)svg",
                                x(row.labels) + apart / 6, y(*at.low), y(*at.high), css);
    }
    if (!last) return "";
    return fmt::format(R"svg(<polyline points="{}" class="curve" style="stroke:var(--{})"/>)svg",
                       points, css) +
           whiskers +
           text(kRight + 8, y(*last) + 4 + apart, "start", "value",
                fmt::format("{} {:.3f}", name, *last));
  }

  const ReportedActive& active_;
  std::size_t metric_;
  Span span_;
  double most_ = 1;
};

std::string cells(const ComparedArms& metrics, std::size_t metric) {
  const auto value = [&](const Estimates& arm) {
    return metric < arm.size() ? shown(arm[metric].value) : std::string("–");
  };
  std::string difference = "–";
  if (metric < metrics.federated_minus_local.size())
    if (const Estimate& one = metrics.federated_minus_local[metric]; one.value)
      difference = fmt::format("{:+.3f}{}", *one.value, interval(one));
  return fmt::format(R"(<td class="main">{}</td><td>{}</td><td>{}</td>)", value(metrics.federated),
                     value(metrics.local), difference);
}

std::string table(const ReportedActive& active, std::size_t metric) {
  std::string rows;
  for (const CycleRow& row : active.cycles) {
    rows += fmt::format(R"(<tr><th scope="row">{}</th><td class="word">all</td>{}</tr>)",
                        row.labels, cells(row.metrics, metric));
    for (const CycleGroup& group : row.groups)
      rows += fmt::format(R"(<tr><th scope="row"></th><td class="word">{}</td>{}</tr>)",
                          escaped(group.name), cells(group.metrics, metric));
  }
  return fmt::format(
      R"(<table><thead><tr><th scope="col">labels</th><th scope="col" class="word">sites</th>)"
      R"(<th scope="col">active</th><th scope="col">by coins</th>)"
      R"(<th scope="col">active − by coins</th></tr></thead><tbody>{}</tbody></table>)",
      rows);
}

// Labels with which the control, between its cycles on a straight line, reaches a value.
std::optional<double> labels_of_control(const ReportedActive& active, double wanted, bool lower) {
  const auto value = [&](std::size_t c) { return first(active.cycles[c].metrics.local)->value; };
  for (std::size_t c = 0; c < active.cycles.size(); ++c) {
    if (!value(c)) return {};
    if (lower ? *value(c) > wanted : *value(c) < wanted) continue;
    if (c == 0) return active.cycles[0].labels;
    const double before = *value(c - 1);
    const double part = (wanted - before) / (*value(c) - before);
    return active.cycles[c - 1].labels +
           part * (active.cycles[c].labels - active.cycles[c - 1].labels);
  }
  return {};
}

// What later blocks pay; the first pays all.
std::string blocks_in_words(const ReportedActive& active) {
  std::string text = "Each record pays for what its block was asked:";
  for (const ReportedBlock& own : active.blocks)
    text += fmt::format("{} epsilon {:.3g} in block {}", own.block == 1 ? "" : ",",
                        own.gate_epsilon, own.block);
  return text + ".";
}

}  // namespace

base::Result<ReportedActive> reported_active(const Job& job, const data::Schema& schema,
                                             std::uint32_t sites) {
  const active::ActiveSpec& spec = *job.active;
  HANSE_TRY(LabelBudget budget, label_budget(job, schema, sites));
  const bool is_private = job.privacy.is_private();
  return ReportedActive{.rule = std::string(active::name_of(spec.rule)),
                        .acquisition = std::string(active::name_of(spec.acquisition)),
                        .strata = std::string(active::name_of(spec.strata)),
                        .division = std::string(active::name_of(spec.division)),
                        .control = active::is_local(spec.rule) ? 0 : spec.control,
                        .estimation = budget.estimation,
                        .last = is_private && spec.cycles > 1 ? spec.last : 0,
                        .quota_deviation = budget.quota_deviation,
                        .stability = spec.max_labels_per_site > 0 ? 2U : 1U,
                        .blocks = std::move(budget.blocks),
                        .curve = {},
                        .cycles = {}};
}

std::string verdict(const ReportedActive& active) {
  const Estimate* gain = first(active.curve.federated_minus_local);
  if (gain == nullptr || !gain->value || active.cycles.empty()) return "";
  const auto metric = learning::metric_named(gain->name);
  const bool lower = metric && learning::lower_is_better(*metric);
  const bool better = lower ? *gain->value < 0 : *gain->value > 0;
  const bool sure = gain->low && gain->high && (*gain->low > 0 || *gain->high < 0);
  const std::string difference =
      fmt::format("{:+.3f} {}, mean of the curve{}", *gain->value, gain->name, interval(*gain));
  const std::string what = fmt::format("{} ({})", active.acquisition, active.rule);
  if (!sure)
    return fmt::format(
        "Nothing says that choosing labels by {} paid: {} against labels chosen by coins{}.", what,
        difference, gain->low ? "" : "; one seed has no interval, add evaluation.repeats");
  if (!better)
    return fmt::format("Choosing labels by {} cost: {} against labels chosen by coins.", what,
                       difference);
  std::string text = fmt::format("Choosing labels by {} paid: {} against labels chosen by coins",
                                 what, difference);
  const Estimate* last = first(active.cycles.back().metrics.local);
  if (last == nullptr || !last->value) return text + ".";
  for (const CycleRow& row : active.cycles) {
    const auto& reached = first(row.metrics.federated)->value;
    if (!reached) break;
    const auto control = labels_of_control(active, *reached, lower);
    if (&row != &active.cycles.front() && control && *control > row.labels * 1.005)
      return text + fmt::format("; {} labels do what {:.0f} by coins do.", row.labels, *control);
  }
  return text + ".";
}

std::string active_section(const ReportedActive& active) {
  if (active.cycles.empty() || active.cycles.front().metrics.federated.empty()) return "";
  const Estimates& metrics = active.cycles.front().metrics.federated;
  std::string more;
  for (std::size_t metric = 1; metric < metrics.size(); ++metric)
    more +=
        fmt::format(R"(<details><summary>{}</summary><div class="card scroll">{}</div></details>)",
                    escaped(metrics[metric].name), table(active, metric));
  std::string note =
      "By coins: the same job with as many labels at the same cost, none of them "
      "chosen for what they may teach.";
  if (active.control > 0)
    note += fmt::format(" {:.0f} % of each quota are chosen by coins too.", 100 * active.control);
  if (active.estimation > 0)
    note += fmt::format(
        " {:.3g} % of the budget paid for the histograms of scores, whose noise moves the labels "
        "of a cycle by about {:.0f}; {:.0f} % of the rest for the last training.",
        100 * active.estimation, active.quota_deviation, 100 * active.last);
  if (!active.blocks.empty()) note += " " + blocks_in_words(active);
  return fmt::format(
      R"(<h2>Labels</h2><p><strong>{}</strong></p><details open><summary>{}</summary>)"
      R"(<div class="card scroll">{}</div><div class="card scroll">{}</div></details>{})"
      R"(<p class="note">{}</p>)",
      escaped(verdict(active)), escaped(metrics.front().name), Chart(active, 0).svg(),
      table(active, 0), more, note);
}

}  // namespace hanse::jobs
