#include "hanse/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace hanse::commands {
namespace {

// Columns of numbers: "0.812", or with half of its 95 % interval "0.812 ±0.021"; the difference
// "+0.031 ±0.012".
struct Columns {
  std::size_t name = 0;
  std::size_t number = 12;
  bool intervals = false;  // then the difference has a column too
};

std::string number(double value) {
  // An error in large units keeps to its column.
  return std::abs(value) < 1e4 ? fmt::format("{:.3f}", value) : fmt::format("{:.4g}", value);
}

std::string shown(const jobs::Estimates& values, std::string_view name, bool sign = false) {
  const auto found = std::ranges::find(values, name, &jobs::Estimate::name);
  if (found == values.end() || !found->value) return "–";
  const char* plus = sign && *found->value >= 0 ? "+" : "";
  std::string text = plus + number(*found->value);
  if (found->low && found->high) text += " ±" + number((*found->high - *found->low) / 2);
  return text;
}

// name, remark, n, the arms' numbers; federated stands out.
std::string row(const Style& style, const Columns& columns, std::string_view name,
                std::string_view remark, std::string_view n, const jobs::ComparedArms& arms,
                std::string_view metric) {
  std::string text = fmt::format("  {}  {}{}{}{}{}", left(visible(name), columns.name),
                                 style.dim(left(visible(remark), 8)), right(n, 8),
                                 right(shown(arms.local, metric), columns.number),
                                 style.bold(right(shown(arms.federated, metric), columns.number)),
                                 right(shown(arms.pooled, metric), columns.number));
  if (columns.intervals)
    text += right(shown(arms.federated_minus_local, metric, true), columns.number + 1);
  return text + "\n";
}

std::string header(const Style& style, const Columns& columns, std::string_view title) {
  std::string text =
      fmt::format("  {}  {}{}{}{}{}", left(visible(title), columns.name), left("", 8),
                  right("n", 8), right("local-only", columns.number),
                  right("federated", columns.number), right("pooled", columns.number));
  if (columns.intervals) text += right("fed. − local", columns.number + 1);
  return style.dim(text + "\n");
}

bool has_interval(const jobs::Report& report) {
  return std::ranges::any_of(report.metrics.mean.federated, [](const jobs::Estimate& estimate) {
    return estimate.low.has_value();
  });
}

// Every table of numbers that flatter says so.
std::string titled(const jobs::Report& report, std::string_view title) {
  return fmt::format("{}{}", jobs::is_leaky(report) ? "LEAKY · " : "", title);
}

Columns columns_of(const jobs::Report& report, std::size_t name_width) {
  const bool intervals = has_interval(report);
  return {name_width, std::size_t{intervals ? 15U : 12U}, intervals};
}

std::size_t widest_name(const jobs::Report& report) {
  std::size_t width = width_of(titled(report, "per group, accuracy"));
  for (const auto& site : report.sites) width = std::max(width, width_of(visible(site.name)));
  for (const auto& group : report.groups) width = std::max(width, width_of(visible(group.name)));
  return std::min<std::size_t>(width, 40);
}

std::uint64_t test_records(const jobs::Report& report) {
  std::uint64_t n = 0;
  for (const auto& site : report.sites) n += site.test_records;
  return n;
}

// "means over 5 folds by group × 10 seeds, 95 % intervals; each over groups".
std::string means_in_words(const jobs::Report& report) {
  std::string text;
  if (report.metrics.folds.size() > 1) text = "means over " + report.job.split;
  if (report.job.repeats > 1) text += fmt::format(" × {} seeds", report.job.repeats);
  if (has_interval(report)) text += "; ± is half a 95 % interval";
  if (report.job.over == "sites" || report.job.over == "groups")
    text +=
        fmt::format("{}each metric is a mean over {}", text.empty() ? "" : "; ", report.job.over);
  std::map<std::string, std::uint64_t> undefined;
  for (const auto& fold : report.metrics.folds)
    for (const auto& metric : fold.undefined) undefined[metric.name] += metric.count;
  if (report.job.over != "records")
    for (const auto& [name, count] : undefined)
      text += fmt::format(", {} of them without {}", count, name);
  return text;
}

std::string seeds_in_words(const jobs::Report& report) {
  if (report.job.repeats < 2) return fmt::format("seed {}", report.seed);
  return fmt::format("seeds {} to {}", report.seed, report.seed + report.job.repeats - 1);
}

std::string title(const jobs::Report& report, const Style& style) {
  std::string text =
      fmt::format("{}  {}\n", style.bold(visible(report.job.name)),
                  visible(fmt::format("{} · {} · {} · {}", report.job.source, report.job.model,
                                      report.job.strategy, seeds_in_words(report))));
  const std::string means = means_in_words(report);
  if (!means.empty()) text += style.dim(fmt::format("  {}\n", visible(means)));
  for (const std::string& warning : jobs::warnings(report))
    text += style.warning("  " + visible(warning)) + "\n";
  return text;
}

}  // namespace

std::string departures(const jobs::Report& report) {
  std::uint64_t least = UINT64_MAX;
  std::uint64_t most = 0;
  std::uint64_t bytes = 0;
  for (const auto& site : report.sites) {
    least = std::min(least, site.left.vectors);
    most = std::max(most, site.left.vectors);
    bytes = std::max(bytes, site.left.bytes);
  }
  if (report.sites.empty()) least = 0;
  const std::string vectors =
      least == most ? grouped(most) : fmt::format("{} to {}", grouped(least), grouped(most));
  return fmt::format("Each site sent {} vector{}, {}{}, and no record", vectors,
                     most == 1 ? "" : "s", least == most ? "" : "at most ",
                     bytes_in_words(static_cast<double>(bytes)));
}

std::string summary(const jobs::Report& report, const Style& style) {
  const Columns columns = columns_of(report, widest_name(report));
  std::string text =
      title(report, style) + "\n" + header(style, columns, titled(report, "all test records"));
  const std::string n = grouped(test_records(report));
  for (const auto& metric : report.metrics.mean.federated)
    text += row(style, columns, metric.name, "", n, report.metrics.mean, metric.name);
  if (report.metrics.mean.federated.empty()) return text;
  const std::string& first = report.metrics.mean.federated.front().name;
  text += "\n" + header(style, columns, titled(report, "per site, " + first));
  for (const auto& site : report.sites)
    text +=
        row(style, columns, site.name, site.group, grouped(site.test_records), site.metrics, first);
  if (!report.groups.empty()) {
    text += "\n" + header(style, columns, titled(report, "per group, " + first));
    for (const auto& group : report.groups)
      text += row(style, columns, group.name,
                  fmt::format("{} site{}", group.sites.size(), group.sites.size() == 1 ? "" : "s"),
                  grouped(group.test_records), group.metrics, first);
  }
  const auto hurt = jobs::hurt_in_words(report);
  for (const std::string& sentence : hurt)
    text += (&sentence == &hurt.front() ? "\n  " : "  ") + style.warning(visible(sentence)) + "\n";
  return text;
}

std::string comparison(const std::vector<NamedReport>& reports, const Style& style) {
  Columns columns{10, 12, false};
  for (const auto& [path, report] : reports) {
    columns.name = std::max(columns.name, width_of(visible(path)));
    columns.intervals = columns.intervals || has_interval(report);
  }
  if (columns.intervals) columns.number = 15;
  std::vector<std::string> metrics;
  for (const auto& [path, report] : reports)
    for (const auto& value : report.metrics.mean.federated)
      if (std::ranges::find(metrics, value.name) == metrics.end()) metrics.push_back(value.name);
  std::string text;
  for (const std::string& metric : metrics) {
    text += (text.empty() ? "" : "\n") + header(style, columns, metric);
    for (const auto& [path, report] : reports)
      text += row(style, columns, path, jobs::is_leaky(report) ? "LEAKY" : "",
                  grouped(test_records(report)), report.metrics.mean, metric);
  }
  text += "\n";
  for (const auto& [path, report] : reports)
    text += style.dim(
        fmt::format("  {}  {}\n", left(visible(path), columns.name),
                    visible(fmt::format("{} · {} · {} · {}", report.job.name, report.job.model,
                                        report.job.strategy, seeds_in_words(report)))));
  return text;
}

}  // namespace hanse::commands
