#include "hanse/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "jobs/report_fairness.h"

namespace hanse::commands {
namespace {

constexpr std::size_t kTerminal = 80;     // columns that nearly every one has
constexpr std::size_t kLongestName = 40;  // of a site in a table; the report has it whole

std::string number(double value) {
  // An error in large units keeps to its column.
  return std::abs(value) < 1e4 ? fmt::format("{:.3f}", value) : fmt::format("{:.4g}", value);
}

std::string shown(const jobs::Estimates& values, std::string_view name, bool sign = false) {
  const auto found = std::ranges::find(values, name, &jobs::Estimate::name);
  if (found == values.end() || !found->value) return "–";
  const char* plus = sign && *found->value >= 0 ? "+" : "";
  std::string text = plus + number(*found->value);
  if (found->low && found->high) text += "±" + number((*found->high - *found->low) / 2);
  return text;
}

// What one line of a table says.
struct Line {
  std::string name;
  std::string remark;
  std::string n;
  std::string local;
  std::string federated;
  std::string pooled;
  std::string difference;
};

struct Lines {
  Line header;
  std::vector<Line> rows;
};

std::string shortened(const std::string& name) {
  if (width_of(name) <= kLongestName) return name;
  std::size_t bytes = 0;
  for (std::size_t columns = 0; columns < kLongestName; ++bytes)
    columns += (static_cast<unsigned char>(name[bytes]) & 0xC0) != 0x80;  // begins a character
  return name.substr(0, bytes - 1) + "…";
}

// Of several tables below each other, which share their columns.
class Tables {
 public:
  // With intervals the difference has a column too.
  explicit Tables(bool intervals) : intervals_(intervals) {}

  void begin(std::string_view title) {
    tables_.push_back({{visible(title), "", "n", "local-only", "federated", "pooled",
                        intervals_ ? "fed. − local" : ""},
                       {}});
  }

  void row(std::string_view name, std::string_view remark, std::uint64_t n,
           const jobs::ComparedArms& arms, std::string_view metric) {
    const std::string difference =
        intervals_ ? shown(arms.federated_minus_local, metric, true) : "";
    tables_.back().rows.push_back({shortened(visible(name)), visible(remark), grouped(n),
                                   shown(arms.local, metric), shown(arms.federated, metric),
                                   shown(arms.pooled, metric), difference});
  }

  // Federated stands out.
  std::string text(const Style& style) const {
    const Widths wide = widths(2);
    const Widths chosen = wide.sum() <= kTerminal ? wide : widths(1);
    std::string text;
    for (const Lines& table : tables_) {
      text += (text.empty() ? "" : "\n") + style.dim(line(table.header, chosen, Style{}));
      for (const Line& row : table.rows) text += line(row, chosen, style);
    }
    return text;
  }

  // Of the names, with the space in front of them.
  std::size_t name_width() const { return widths(2).name; }

 private:
  struct Widths {
    std::size_t name = 0;
    std::size_t remark = 0;
    std::size_t n = 0;
    std::size_t number = 0;
    std::size_t difference = 0;

    std::size_t sum() const { return name + remark + n + 3 * number + difference; }
  };

  Widths widths(std::size_t gap) const {
    Widths widths;
    const auto fit = [&](std::size_t& width, const std::string& text, std::size_t before) {
      if (!text.empty()) width = std::max(width, width_of(text) + before);
    };
    const auto fit_line = [&](const Line& line) {
      fit(widths.name, line.name, 2);
      fit(widths.remark, line.remark, gap);
      fit(widths.n, line.n, gap);
      for (const auto* number : {&line.local, &line.federated, &line.pooled})
        fit(widths.number, *number, gap);
      fit(widths.difference, line.difference, gap);
    };
    for (const Lines& table : tables_) {
      fit_line(table.header);
      for (const Line& row : table.rows) fit_line(row);
    }
    return widths;
  }

  static std::string line(const Line& line, const Widths& widths, const Style& style) {
    std::string text = left("  " + line.name, widths.name);
    if (widths.remark > 0) text += style.dim(" " + left(line.remark, widths.remark - 1));
    return text + right(line.n, widths.n) + right(line.local, widths.number) +
           style.bold(right(line.federated, widths.number)) + right(line.pooled, widths.number) +
           right(line.difference, widths.difference) + "\n";
  }

  bool intervals_;
  std::vector<Lines> tables_;
};

bool has_interval(const jobs::Report& report) {
  return std::ranges::any_of(report.metrics.mean.federated, [](const jobs::Estimate& estimate) {
    return estimate.low.has_value();
  });
}

// Every table of numbers that flatter says so.
std::string titled(const jobs::Report& report, std::string_view title) {
  return fmt::format("{}{}", jobs::is_leaky(report) ? "LEAKY · " : "", title);
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

// A sentence with the margin of the tables, on lines that a terminal does not break.
std::string wrapped(std::string_view sentence) {
  const std::string words = visible(sentence);
  std::string text;
  std::size_t width = 0;
  for (std::size_t from = 0; from < words.size();) {
    const std::size_t end = std::min(words.find(' ', from), words.size());
    const std::string word = words.substr(from, end - from);
    std::string_view before = " ";
    if (text.empty()) before = "  ";
    if (width + 1 + width_of(word) > kTerminal) before = "\n    ";
    width = (before.front() == '\n' ? 4 : width + before.size()) + width_of(word);
    text += before;
    text += word;
    from = end + 1;
  }
  return text;
}

std::string title(const jobs::Report& report, const Style& style) {
  std::string text =
      fmt::format("{}  {}\n", style.bold(visible(report.job.name)),
                  visible(fmt::format("{} · {} · {} · {}", report.job.source, report.job.model,
                                      report.job.strategy, jobs::seeds_in_words(report))));
  const std::string means = means_in_words(report);
  if (!means.empty()) text += style.dim(wrapped(means) + "\n");
  for (const std::string& warning : jobs::warnings(report))
    text += style.warning(wrapped(warning)) + "\n";
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

namespace {

// The learning curve of an active training beside its control, and whether it paid.
std::string labels_of(const jobs::ReportedActive& active, const std::string& metric,
                      const Style& style) {
  const auto line = [](std::string_view labels, std::string_view chosen, std::string_view coins,
                       std::string_view difference) {
    return right(std::string(labels), 10) + right(std::string(chosen), 16) +
           right(std::string(coins), 16) + right(std::string(difference), 20) + "\n";
  };
  std::string text = style.dim(line("labels", "active", "by coins", "active − by coins"));
  for (const jobs::CycleRow& row : active.cycles)
    text += line(fmt::format("{}", row.labels), shown(row.metrics.federated, metric),
                 shown(row.metrics.local, metric),
                 shown(row.metrics.federated_minus_local, metric, true));
  const std::string said = jobs::verdict(active);
  return said.empty() ? text : text + wrapped(said) + "\n";
}

// The fair training beside the plain one and the control, or that without a bound and in one place.
std::string fairness_of(const jobs::ReportedFairness& fairness, const Style& style) {
  const auto line = [](std::string_view name, std::string_view fair, std::string_view plain,
                       std::string_view shrunk, std::string_view difference) {
    return left("  " + shortened(visible(name)), 26) + right(std::string(fair), 13) +
           right(std::string(plain), 13) + right(std::string(shrunk), 13) +
           right(std::string(difference), 15) + "\n";
  };
  std::string text =
      style.dim(fairness.groups ? line("rate", "fair", "no bound", "one place", "difference")
                                : line("loss", "fair", "plain", "shrunk", "fair − plain"));
  const jobs::ComparedArms& metrics = fairness.metrics;
  for (const jobs::FairnessRow& row : jobs::rows_of(fairness))
    text += line(row.name, shown(metrics.federated, row.value), shown(metrics.local, row.value),
                 shown(metrics.pooled, row.value),
                 shown(metrics.federated_minus_local, row.value, true));
  for (const std::string& sentence : jobs::verdicts(fairness)) text += wrapped(sentence) + "\n";
  return text;
}

}  // namespace

std::string summary(const jobs::Report& report, const Style& style) {
  Tables tables(has_interval(report));
  tables.begin(titled(report, "all test records"));
  const std::uint64_t n = test_records(report);
  for (const auto& metric : report.metrics.mean.federated)
    tables.row(metric.name, "", n, report.metrics.mean, metric.name);
  const bool measured = !report.metrics.mean.federated.empty();
  const std::string first = measured ? report.metrics.mean.federated.front().name : "";
  if (measured) tables.begin(titled(report, "per site, " + first));
  for (const auto& site : report.sites)
    if (measured) tables.row(site.name, site.group, site.test_records, site.metrics, first);
  if (measured && !report.groups.empty()) tables.begin(titled(report, "per group, " + first));
  for (const auto& group : report.groups)
    if (measured)
      tables.row(group.name,
                 fmt::format("{} site{}", group.sites.size(), group.sites.size() == 1 ? "" : "s"),
                 group.test_records, group.metrics, first);
  std::string text = title(report, style) + "\n" + tables.text(style);
  if (report.active && measured) text += "\n" + labels_of(*report.active, first, style);
  if (report.fairness) text += "\n" + fairness_of(*report.fairness, style);
  const auto hurt = jobs::hurt_in_words(report);
  for (const std::string& sentence : hurt)
    text += (&sentence == &hurt.front() ? "\n" : "") + style.warning(wrapped(sentence)) + "\n";
  return text;
}

namespace {

std::string privacy_of(const jobs::Report& report) {
  if (!report.privacy.guarantee) return "in the clear";
  return fmt::format("epsilon {:.3g} per {}, noise {}", report.privacy.guarantee->gate_epsilon,
                     report.privacy.unit, report.privacy.placement);
}

}  // namespace

std::string comparison(const std::vector<NamedReport>& reports, const Style& style) {
  std::vector<std::string> metrics;
  for (const auto& [path, report] : reports)
    for (const auto& value : report.metrics.mean.federated)
      if (std::ranges::find(metrics, value.name) == metrics.end()) metrics.push_back(value.name);
  Tables tables(std::ranges::any_of(
      reports, [](const NamedReport& named) { return has_interval(named.report); }));
  for (const std::string& metric : metrics) {
    tables.begin(metric);
    for (const auto& [path, report] : reports)
      tables.row(path, jobs::is_leaky(report) ? "LEAKY" : "", test_records(report),
                 report.metrics.mean, metric);
  }
  std::string text = tables.text(style) + "\n";
  for (const auto& [path, report] : reports)
    text += style.dim(
        fmt::format("{}  {}\n", left("  " + visible(path), tables.name_width()),
                    visible(fmt::format("{} · {} · {} · {} · {}", report.job.name, report.job.model,
                                        report.job.strategy, privacy_of(report),
                                        jobs::seeds_in_words(report)))));
  return text;
}

}  // namespace hanse::commands
