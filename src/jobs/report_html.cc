#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "jobs/privacy_words.h"
#include "jobs/report.h"
#include "jobs/report_active.h"
#include "jobs/report_charts.h"
#include "jobs/report_fairness.h"
#include "jobs/report_page.h"
#include "learning/metrics.h"

namespace hanse::jobs {
namespace {

constexpr std::string_view kLegend =
    R"(<ul class="legend"><li><i class="local"></i>local-only: every site alone</li>)"
    R"(<li><i class="federated"></i>federated: together, records at home</li>)"
    R"(<li><i class="pooled"></i>pooled: all records in one place</li></ul>)";

// The metrics' names in the job's order.
std::vector<std::string> metric_names(const Report& report) {
  std::vector<std::string> names;
  for (const Estimate& value : report.metrics.mean.federated) names.push_back(value.name);
  return names;
}

std::string direction(const std::string& name) {
  const auto metric = learning::metric_named(name);
  return metric && learning::lower_is_better(*metric) ? "lower is better" : "higher is better";
}

// A difference has a sign.
std::string shown(const std::optional<double>& value, bool difference) {
  return difference && value ? fmt::format("{:+.3f}", *value) : jobs::shown(value);
}

// "0.812", and below it what is sure: "0.790 to 0.834".
std::string cell(const Estimates& values, const std::string& metric, bool difference = false) {
  return cell(find(values, metric), difference);
}

std::string cell(const MetricValues& values, const std::string& metric, bool difference = false) {
  const auto* value = find(values, metric);
  return shown(value ? *value : std::nullopt, difference);
}

template <class Values>
std::string arm_cells(const ThreeArms<Values>& arms, const std::string& metric) {
  return fmt::format(R"(<td>{}</td><td class="main">{}</td><td>{}</td><td>{}</td>)",
                     cell(arms.local, metric), cell(arms.federated, metric),
                     cell(arms.pooled, metric), cell(arms.federated_minus_local, metric, true));
}

constexpr std::string_view kArmHeads =
    R"(<th scope="col">local-only</th><th scope="col">federated</th><th scope="col">pooled</th>)"
    R"(<th scope="col">federated − local</th>)";

// In the corner of every table of numbers that flatter.
std::string corner(const Report& report, std::string_view title) {
  return fmt::format(R"(<th scope="col">{}{}</th>)", is_leaky(report) ? "LEAKY · " : "", title);
}

std::string warning_notices(const Report& report) {
  std::string notices;
  for (const auto& sentences : {warnings(report), hurt_in_words(report)})
    for (const std::string& sentence : sentences)
      notices += fmt::format(R"(<p class="notice" role="alert"><strong>{}</strong></p>)",
                             escaped(sentence));
  return notices;
}

// " Means over 5 folds and 10 seeds, with 95 % intervals." Empty for one.
std::string means_in_words(const Report& report) {
  const std::size_t folds = report.metrics.folds.size() / std::max(report.job.repeats, 1U);
  std::string text;
  if (folds > 1) text = fmt::format(" Means over {} folds", folds);
  if (report.job.repeats > 1)
    text += fmt::format("{}{} seeds", text.empty() ? " Means over " : " and ", report.job.repeats);
  return text.empty() ? text : text + ", with 95 % intervals (Nadeau and Bengio 2003).";
}

// What a metric of a fold is a mean over, and where it was undefined.
std::string over_in_words(const Report& report) {
  if (report.job.over != "sites" && report.job.over != "groups") return "";
  std::string text = fmt::format(" Each metric is a mean over {}.", report.job.over);
  std::map<std::string, std::uint64_t> undefined;
  std::uint64_t judged = 0;
  for (const FoldRow& fold : report.metrics.folds) {
    judged += fold.judged;
    for (const MetricCount& metric : fold.undefined) undefined[metric.name] += metric.count;
  }
  for (const auto& [metric, count] : undefined)
    text +=
        fmt::format(" Of {} {}, {} had no {}.", judged, report.job.over, count, escaped(metric));
  return text;
}

std::string overall(const Report& report) {
  std::uint64_t n = 0;
  for (const SiteRow& site : report.sites) n += site.test_records;
  std::string rows;
  for (const std::string& metric : metric_names(report))
    rows += fmt::format(R"(<tr><th scope="row">{} <span class="note">{}</span></th>{}</tr>)",
                        escaped(metric), direction(metric), arm_cells(report.metrics.mean, metric));
  const std::string note =
      fmt::format("{} test records of {} sites, the same for all.{}{}", n, report.sites.size(),
                  over_in_words(report), means_in_words(report));
  return fmt::format(R"(<h2>Result</h2><div class="card scroll"><table><thead><tr>)"
                     R"({}{}</tr>)"
                     R"(</thead><tbody>{}</tbody></table></div><p class="note">{}</p>)",
                     corner(report, "metric"), kArmHeads, rows, note);
}

std::string folds(const Report& report) {
  const auto names = metric_names(report);
  if (report.metrics.folds.size() < 2 || names.empty()) return "";
  std::string rows;
  for (const FoldRow& fold : report.metrics.folds)
    for (const std::string& metric : names)
      rows += fmt::format(R"(<tr><th scope="row">fold {}</th><td>{}</td><td class="word">{}</td>)"
                          R"(<td>{}</td>{}</tr>)",
                          fold.fold, fold.seed, escaped(metric), fold.test_records,
                          arm_cells(fold.metrics, metric));
  return fmt::format(
      R"(<details><summary>Every fold</summary><div class="card scroll"><table><thead><tr>)"
      R"({}<th scope="col">seed</th><th scope="col" class="word">metric</th>)"
      R"(<th scope="col">n</th>{}</tr></thead><tbody>{}</tbody></table></div></details>)",
      corner(report, "fold"), kArmHeads, rows);
}

// Bars and a table for one metric over sites or groups.
template <class Row>
std::string breakdown(const Report& report, const std::vector<Row>& rows, const std::string& metric,
                      std::string_view column) {
  std::vector<BarRow> bars;
  std::string cells;
  for (const Row& row : rows) {
    std::string remark;
    if constexpr (requires { row.group; })
      remark = row.group;
    else
      remark = fmt::format("{} site{}", row.sites.size(), row.sites.size() == 1 ? "" : "s");
    bars.push_back({row.name,
                    fmt::format("{}{}n = {}", remark, remark.empty() ? "" : ", ", row.test_records),
                    &row.metrics});
    cells += fmt::format(R"(<tr><th scope="row">{}</th><td class="word">{}</td><td>{}</td>{}</tr>)",
                         escaped(row.name), escaped(remark), row.test_records,
                         arm_cells(row.metrics, metric));
  }
  return fmt::format(
      R"(<div class="card scroll">{}{}</div><details><summary>{} as a table</summary><div )"
      R"(class="card scroll"><table><thead><tr>{}<th scope="col"></th>)"
      R"(<th scope="col">n</th>{}</tr></thead><tbody>{}</tbody></table></div></details>)",
      kLegend, bar_chart(metric, bars), escaped(metric), corner(report, column), kArmHeads, cells);
}

// The first metric open, the others folded away.
template <class Row>
std::string breakdowns(const Report& report, std::string_view title, std::string_view column,
                       const std::vector<Row>& rows, const std::vector<std::string>& metrics) {
  if (rows.empty() || metrics.empty()) return "";
  std::string html = fmt::format(R"(<h2>{}</h2>)", title);
  for (std::size_t i = 0; i < metrics.size(); ++i)
    html += fmt::format(R"(<details{}><summary>{}, {}</summary>{}</details>)",
                        i == 0 ? " open" : "", escaped(metrics[i]), direction(metrics[i]),
                        breakdown(report, rows, metrics[i], column));
  return html;
}

std::string what_left(const Report& report) {
  std::string rows;
  for (const SiteRow& site : report.sites) {
    std::string labels;
    for (const LabelCount& count : site.labels)
      labels +=
          fmt::format("{}{} {}", labels.empty() ? "" : ", ", escaped(count.label), count.records);
    rows +=
        fmt::format(R"(<tr><th scope="row">{}</th><td>{}</td><td class="word">{}</td>)"
                    R"(<td>{}</td><td>{}</td></tr>)",
                    escaped(site.name), site.records, labels, site.left.vectors, site.left.bytes);
  }
  return fmt::format(
      R"(<h2>What stayed and what left</h2><div class="card scroll"><table><thead><tr>)"
      R"(<th scope="col">site</th><th scope="col">records, all stayed</th>)"
      R"(<th scope="col" class="word">labels</th><th scope="col">vectors that left</th>)"
      R"(<th scope="col">bytes</th></tr></thead><tbody>{}</tbody></table></div>)",
      rows);
}

std::string simulation_notice(const Report& report) {
  constexpr std::string_view kOnly =
      "Local and pooled columns, numbers of records and everything else that was not released "
      "with noise exist in a simulation only.";
  if (!report.privacy.guarantee)
    return fmt::format(
        R"(<p class="notice" role="note"><strong>Simulated: nothing was private.</strong> )"
        R"(All parties ran in one process, and vectors were added up without noise. {}</p>)",
        kOnly);
  return fmt::format(
      R"(<p class="notice" role="note"><strong>Simulated: {}.</strong> All parties ran in one )"
      R"(process, and noise came from the job's seed. {}</p>)",
      escaped(in_words(report.privacy)), kOnly);
}

std::string facts(const Report& report) {
  std::string list;
  const auto fact = [&](std::string_view name, const std::string& value) {
    list += fmt::format("<dt>{}</dt><dd>{}</dd>", name, escaped(value));
  };
  fact("mode", report.mode);
  fact("data", report.job.source);
  fact("split", report.job.split);
  fact("model", fmt::format("{}, {} parameters", report.job.model, report.job.parameters));
  fact("training", report.job.strategy);
  fact("random by", seeds_in_words(report));
  fact("privacy", in_words(report.privacy));
  fact("aggregation", in_words(report.aggregation));
  fact("what left", cost_in_words(report.aggregation));
  fact("policy", "not enforced: this version has none");
  fact("audit", "not enforced: this version has none");
  fact("instruction set", report.job.instruction_set);
  fact("job file", "SHA-256 " + report.job.digest);
  fact("started", report.timing.started);
  fact("took", fmt::format("{:.2f} s", report.timing.total_seconds));
  return fmt::format(R"(<h2>How it was made</h2><div class="card"><dl>{}</dl></div>)", list);
}

}  // namespace

std::string to_html(const Report& report) {
  const auto metrics = metric_names(report);
  return report_page(
      report.job, seeds_in_words(report),
      simulation_notice(report) + warning_notices(report) + overall(report) + folds(report) +
          (report.active ? active_section(*report.active) : "") +
          (report.fairness ? fairness_section(*report.fairness) : "") +
          breakdowns(report, "Per site", "site", report.sites, metrics) +
          breakdowns(report, "Per group", "group", report.groups, metrics) +
          curve_section(report.rounds,
                        report.metrics.folds.size() > 1 ? " One line per fold and seed." : "") +
          released_section(report.rounds) + privacy_section(report.privacy) + what_left(report) +
          facts(report));
}

}  // namespace hanse::jobs
