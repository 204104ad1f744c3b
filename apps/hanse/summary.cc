#include "hanse/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hanse::commands {
namespace {

constexpr std::size_t kNumberWidth = 12;

std::string shown(const jobs::MetricValues& values, std::string_view name) {
  const auto found = std::ranges::find(values, name, &jobs::MetricValue::name);
  if (found == values.end() || !found->value) return "–";
  const double value = *found->value;
  // An error in large units keeps to its column.
  return std::abs(value) < 1e6 ? fmt::format("{:.3f}", value) : fmt::format("{:.4g}", value);
}

// name, remark, n, three numbers; federated stands out.
std::string row(const Style& style, std::size_t name_width, std::string_view name,
                std::string_view remark, std::string_view n, const jobs::Arms& arms,
                std::string_view metric) {
  return fmt::format("  {}  {}{}{}{}{}\n", left(visible(name), name_width),
                     style.dim(left(visible(remark), 8)), right(n, 8),
                     right(shown(arms.local, metric), kNumberWidth),
                     style.bold(right(shown(arms.federated, metric), kNumberWidth)),
                     right(shown(arms.pooled, metric), kNumberWidth));
}

std::string header(const Style& style, std::size_t name_width, std::string_view title) {
  return style.dim(fmt::format("  {}  {}{}{}{}{}\n", left(visible(title), name_width), left("", 8),
                               right("n", 8), right("local-only", kNumberWidth),
                               right("federated", kNumberWidth), right("pooled", kNumberWidth)));
}

std::size_t widest_name(const jobs::Report& report) {
  std::size_t width = width_of("per group, accuracy");
  for (const auto& site : report.sites) width = std::max(width, width_of(visible(site.name)));
  for (const auto& group : report.groups) width = std::max(width, width_of(visible(group.name)));
  return std::min<std::size_t>(width, 40);
}

std::uint64_t test_records(const jobs::Report& report) {
  std::uint64_t n = 0;
  for (const auto& site : report.sites) n += site.test_records;
  return n;
}

std::string title(const jobs::Report& report, const Style& style) {
  std::string text =
      fmt::format("{}  {}\n", style.bold(visible(report.job.name)),
                  visible(fmt::format("{} · {} · {} · seed {}", report.job.source, report.job.model,
                                      report.job.strategy, report.seed)));
  if (report.metrics.folds.size() > 1)
    text += style.dim(fmt::format("  means over {}\n", visible(report.job.split)));
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
  const std::size_t width = widest_name(report);
  std::string text = title(report, style) + "\n" + header(style, width, "all test records");
  const std::string n = grouped(test_records(report));
  for (const auto& metric : report.metrics.mean.federated)
    text += row(style, width, metric.name, "", n, report.metrics.mean, metric.name);
  if (report.metrics.mean.federated.empty()) return text;
  const std::string& first = report.metrics.mean.federated.front().name;
  text += "\n" + header(style, width, "per site, " + first);
  for (const auto& site : report.sites)
    text +=
        row(style, width, site.name, site.group, grouped(site.test_records), site.metrics, first);
  if (!report.groups.empty()) {
    text += "\n" + header(style, width, "per group, " + first);
    for (const auto& group : report.groups)
      text += row(style, width, group.name,
                  fmt::format("{} site{}", group.sites.size(), group.sites.size() == 1 ? "" : "s"),
                  grouped(group.test_records), group.metrics, first);
  }
  return text;
}

std::string comparison(const std::vector<NamedReport>& reports, const Style& style) {
  std::size_t width = 10;
  for (const auto& [path, report] : reports) width = std::max(width, width_of(visible(path)));
  std::vector<std::string> metrics;
  for (const auto& [path, report] : reports)
    for (const auto& value : report.metrics.mean.federated)
      if (std::ranges::find(metrics, value.name) == metrics.end()) metrics.push_back(value.name);
  std::string text;
  for (const std::string& metric : metrics) {
    text += (text.empty() ? "" : "\n") + header(style, width, metric);
    for (const auto& [path, report] : reports)
      text +=
          row(style, width, path, "", grouped(test_records(report)), report.metrics.mean, metric);
  }
  text += "\n";
  for (const auto& [path, report] : reports)
    text += style.dim(
        fmt::format("  {}  {}\n", left(visible(path), width),
                    visible(fmt::format("{} · {} · {} · seed {}", report.job.name, report.job.model,
                                        report.job.strategy, report.seed))));
  return text;
}

}  // namespace hanse::commands
