#include "jobs/report_fairness.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/frontier_chart.h"
#include "jobs/report_charts.h"
#include "jobs/report_groups.h"

namespace hanse::jobs {
namespace {

constexpr double kWidth = 720;
constexpr double kLeft = 120;
constexpr double kRight = kWidth - 24;
constexpr double kTop = 12;
constexpr double kBand = 56;  // of one class

std::string interval(const Estimate& estimate, std::string_view format) {
  if (!estimate.low || !estimate.high) return "";
  return fmt::format(" ({} to {})", fmt::vformat(format, fmt::make_format_args(*estimate.low)),
                     fmt::vformat(format, fmt::make_format_args(*estimate.high)));
}

std::string with_interval(const Estimate& estimate, bool is_difference) {
  if (!estimate.value) return "–";
  const std::string_view format = is_difference ? "{:+.3f}" : "{:.3f}";
  return fmt::vformat(format, fmt::make_format_args(*estimate.value)) + interval(estimate, format);
}

// What the bound is on, by its name in the metrics.
std::string_view bounded_value(const ReportedFairness& fairness) {
  return fairness.constraint == fairness::name_of(fairness::ConstraintKind::worst_class)
             ? std::string_view("worst")
             : std::string_view(fairness.constraint);
}

std::string constraint_in_words(const ReportedFairness& fairness) {
  if (fairness.constraint == fairness::name_of(fairness::ConstraintKind::gap))
    return "the gap between classes";
  if (fairness.constraint == fairness::name_of(fairness::ConstraintKind::worst_class))
    return "the loss of the worst class";
  return "the gap over the classes' own best models";
}

std::string kept_or_not(const ReportedFairness& fairness, const Estimate& bounded) {
  const std::string what = constraint_in_words(fairness);
  const std::string value =
      fmt::format("{}, at most {:g} wanted", with_interval(bounded, false), fairness.bound);
  const bool sure_of_more = bounded.low && *bounded.low > fairness.bound;
  const bool sure_of_less = bounded.high && *bounded.high <= fairness.bound;
  if (sure_of_less) return fmt::format("The bound is kept: {} is {}.", what, value);
  if (sure_of_more) return fmt::format("The bound is not kept: {} is {}.", what, value);
  return fmt::format("Nothing says that the bound is kept, nor that it is not: {} is {}{}.", what,
                     value,
                     bounded.low ? "" : "; one split has no interval, add evaluation.repeats");
}

struct Drawn {
  const ComparedArms& metrics;
  double low = 1e300;
  double high = -1e300;

  void take(const std::optional<double>& value) {
    if (!value) return;
    low = std::min(low, *value);
    high = std::max(high, *value);
  }
  double x(double value) const { return kLeft + (value - low) / (high - low) * (kRight - kLeft); }
};

std::string dot(const Drawn& drawn, const Estimates& arm, const std::string& value,
                std::string_view css, double y) {
  const Estimate* at = find(arm, value);
  if (at == nullptr || !at->value) return "";
  std::string svg;
  if (at->low && at->high)
    svg = fmt::format(R"svg(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="var(--{})"/>)svg",
                      drawn.x(*at->low), y, drawn.x(*at->high), css);
  return svg + fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="5" class="{}"/>)",
                           drawn.x(*at->value), y, css);
}

// The loss of the class's own best model: a line across its band.
std::string best_line(const Drawn& drawn, const std::string& name, double top) {
  const Estimate* loss = find(drawn.metrics.federated, "loss_" + name);
  const Estimate* excess = find(drawn.metrics.federated, "excess_" + name);
  if (!loss || !excess || !loss->value || !excess->value) return "";
  return fmt::format(
      R"(<path d="M{:.1f} {:.1f}V{:.1f}" stroke="currentColor" stroke-dasharray="3 3"/>)",
      drawn.x(*loss->value - *excess->value), top + 6, top + kBand - 6);
}

std::string picture(const ReportedFairness& fairness) {
  Drawn drawn{fairness.metrics};
  for (const ReportedClass& one : fairness.classes)
    for (const Estimates* arm :
         {&fairness.metrics.federated, &fairness.metrics.local, &fairness.metrics.pooled})
      if (const Estimate* at = find(*arm, "loss_" + one.name)) {
        for (const auto& value : {at->value, at->low, at->high}) drawn.take(value);
        const Estimate* excess = find(*arm, "excess_" + one.name);
        if (excess && excess->value && at->value) drawn.take(*at->value - *excess->value);
      }
  if (drawn.low > drawn.high) return "";
  const double room = std::max((drawn.high - drawn.low) * .06, 1e-3);
  drawn.low -= room;
  drawn.high += room;
  const double bottom = kTop + kBand * static_cast<double>(fairness.classes.size());
  std::string svg;
  constexpr int kSteps = 4;
  for (int i = 0; i <= kSteps; ++i) {
    const double value = drawn.low + (drawn.high - drawn.low) * i / kSteps;
    svg += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" class="grid"/>)",
                       drawn.x(value), kTop, bottom);
    svg += text_at(drawn.x(value), bottom + 20, "middle", "tick", fmt::format("{:.3f}", value));
  }
  double top = kTop;
  for (const ReportedClass& one : fairness.classes) {
    const std::string loss = "loss_" + one.name;
    svg += text_at(kLeft - 12, top + kBand / 2 + 4, "end", "name", one.name);
    svg += best_line(drawn, one.name, top);
    svg += dot(drawn, fairness.metrics.pooled, loss, "pooled", top + kBand * .75);
    svg += dot(drawn, fairness.metrics.local, loss, "local", top + kBand * .5);
    svg += dot(drawn, fairness.metrics.federated, loss, "federated", top + kBand * .25);
    top += kBand;
  }
  std::string words;
  for (const std::string& sentence : verdicts(fairness)) words += sentence + " ";
  return fmt::format(
      R"(<ul class="legend"><li><i class="federated"></i>fair</li><li><i class="local"></i>plain)"
      R"(</li><li><i class="pooled"></i>small weights</li><li>┆ the class's own best model</li>)"
      R"(</ul>)"
      R"(<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>)",
      kWidth, bottom + 32, escaped("The loss of each class of sites. " + words), svg);
}

// Each arm where it stands between the fleet and its classes.
std::string frontier_card(const ReportedFairness& fairness) {
  const ComparedArms& metrics = fairness.metrics;
  std::vector<FrontierPoint> points{
      {"fair", metrics.federated, FrontierMark::circle, "federated"},
      {"plain", metrics.local, FrontierMark::square, "local"},
      {"small weights", metrics.pooled, FrontierMark::triangle, "pooled"}};
  if (auto best = own_best(fairness, metrics.federated))
    points.push_back({"the classes' own best", *std::move(best), FrontierMark::diamond, "ink"});
  const std::string chart =
      frontier_chart(points, frontier_planes(fairness),
                     "What each training costs the fleet and its classes of sites.");
  if (chart.empty()) return "";
  return fmt::format(
      R"(<div class="card scroll">{}</div><p class="note">Lower is better for the classes, )"
      R"(further left for the fleet{}.</p>)",
      chart,
      metrics.federated.front().low ? "; whiskers are 95 % intervals over folds and repeats" : "");
}

std::string table(const ReportedFairness& fairness) {
  std::string rows;
  for (const FairnessRow& row : rows_of(fairness)) {
    const auto of = [&](const Estimates& arm, bool is_difference = false) {
      return cell(find(arm, row.value), is_difference);
    };
    const ComparedArms& metrics = fairness.metrics;
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td class="main">{}</td><td>{}</td><td>{}</td><td>{}</td>)"
        R"(</tr>)",
        escaped(row.name), of(metrics.federated), of(metrics.local), of(metrics.pooled),
        of(metrics.federated_minus_local, true));
  }
  return fmt::format(R"(<table><thead><tr><th scope="col">loss</th><th scope="col">fair</th>)"
                     R"(<th scope="col">plain</th><th scope="col">small weights</th>)"
                     R"(<th scope="col">fair − plain</th></tr></thead><tbody>{}</tbody></table>)",
                     rows);
}

}  // namespace

ReportedFairness reported(const fairness::FairSpec& spec, bool is_private) {
  ReportedFairness fairness{.method = std::string(fairness::name_of(spec.method)),
                            .constraint = std::string(fairness::name_of(spec.constraint)),
                            .bound = spec.bound,
                            .share = is_private ? spec.share : 0,
                            .classes = {},
                            .metrics = {}};
  for (std::size_t c = 0; c < spec.classes.size(); ++c)
    fairness.classes.push_back({data::joined_name(spec.classes[c]), spec.weights[c]});
  return fairness;
}

std::vector<FairnessRow> rows_of(const ReportedFairness& fairness) {
  if (fairness.groups) return group_rows(*fairness.groups);
  std::vector<FairnessRow> rows{
      {"fleet", "fleet"}, {"worst class", "worst"}, {"gap", "gap"}, {"excess gap", "excess_gap"}};
  for (const ReportedClass& one : fairness.classes) {
    rows.push_back({one.name, "loss_" + one.name});
    rows.push_back({one.name + " over its own best", "excess_" + one.name});
  }
  return rows;
}

std::vector<std::string> verdicts(const ReportedFairness& fairness) {
  if (fairness.groups) return group_verdicts(fairness);
  const ComparedArms& metrics = fairness.metrics;
  const Estimate* bounded = find(metrics.federated, bounded_value(fairness));
  if (bounded == nullptr || !bounded->value) return {};
  std::vector<std::string> sentences{kept_or_not(fairness, *bounded)};
  const Estimate* worst = find(metrics.federated_minus_local, "worst");
  const Estimate* fleet = find(metrics.federated_minus_local, "fleet");
  // Of one seed the difference is mostly that of two draws of noise.
  const bool sure = worst && fleet && worst->low && fleet->low;
  if (sure && worst->value && fleet->value &&
      fairness.method != fairness::name_of(fairness::Method::measure))
    sentences.push_back(fmt::format(
        "Against the same training with nothing done by class the worst class loses {}, the fleet "
        "{}.",
        with_interval(*worst, true), with_interval(*fleet, true)));
  const auto shrinking = [&](std::string_view value) { return find(metrics.pooled, value)->value; };
  const auto fair = [&](std::string_view value) { return find(metrics.federated, value)->value; };
  if (shrinking("worst") && shrinking("fleet") && *shrinking("worst") <= *fair("worst") &&
      *shrinking("fleet") <= *fair("fleet"))
    sentences.emplace_back(
        "Small weights alone do no worse, for the fleet and for its worst class: raise model.l2 "
        "first.");
  return sentences;
}

std::string fairness_section(const ReportedFairness& fairness) {
  if (fairness.metrics.federated.empty()) return "";
  if (fairness.groups) return groups_section(fairness);
  std::string said;
  for (const std::string& sentence : verdicts(fairness))
    said += fmt::format("<p>{}{}{}</p>", said.empty() ? "<strong>" : "", escaped(sentence),
                        said.empty() ? "</strong>" : "");
  std::string weights;
  for (const ReportedClass& one : fairness.classes)
    weights += fmt::format("{}{} {:.2g}", weights.empty() ? "" : ", ", one.name, one.weight);
  std::string note = fmt::format(
      "Losses on test records: logarithmic, of a regression the squared error of the target scaled "
      "to −1 … 1, each at most 4. The fleet's is weighted: {}. A class's own best model learned in "
      "one place and without noise, from that class's records or from all, whichever is better.",
      weights);
  if (fairness.share > 0)
    note += fmt::format(" {:.0f} % of the budget paid for what was asked by class.",
                        100 * fairness.share);
  return fmt::format(
      R"(<h2>Fairness</h2>{}<div class="card scroll">{}</div>{}<div class="card scroll">{}</div>)"
      R"(<p class="note">{}</p>)",
      said, picture(fairness), frontier_card(fairness), table(fairness), escaped(note));
}

}  // namespace hanse::jobs
