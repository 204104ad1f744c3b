#include "hanse/deployed_summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/privacy_words.h"

namespace hanse::commands {
namespace {

std::string title(const jobs::DeployedReport& report, const Style& style) {
  return fmt::format("{}  {}\n{}\n", style.bold(visible(report.job.name)),
                     visible(fmt::format("{} · {} · {}", report.job.source, report.job.model,
                                         report.job.strategy)),
                     style.dim(visible(fmt::format("  deployed in '{}', epoch {}; {} to {}",
                                                   report.consortium.name, report.consortium.epoch,
                                                   report.timing.submitted, report.timing.ended))));
}

std::string rounds(const jobs::DeployedReport& report) {
  if (report.rounds.empty()) return "  no round was closed\n";
  // What a round of metrics released is told by itself.
  learning::RoundFacts last = report.rounds.back().facts;
  last.released.clear();
  std::uint32_t repeated = 0;
  std::uint32_t least = UINT32_MAX;
  for (const jobs::DeployedRound& round : report.rounds) {
    repeated += round.attempts - 1;
    least = std::min(least, round.sites_in);
  }
  std::string released = jobs::released_in_words(jobs::rows_of(report));
  if (!released.empty()) released = "  " + released + "\n";
  return fmt::format(
      "  {} round{} with {} of {} sites or more, {} attempt{} repeated\n"
      "  first round: {}; last round: {}\n{}",
      report.rounds.size(), report.rounds.size() == 1 ? "" : "s", least, report.sites.size(),
      repeated, repeated == 1 ? "" : "s", jobs::in_words(report.rounds.front().facts),
      jobs::in_words(last), released);
}

std::string what_left(const jobs::DeployedReport& report, const Style& style) {
  std::size_t name = 6;
  std::size_t group = 0;
  for (const jobs::DeployedSite& site : report.sites) {
    name = std::max(name, width_of(visible(site.name)) + 2);
    group = std::max(group, width_of(visible(site.group)));
  }
  std::string text = style.dim(fmt::format("{}  {}{}{}\n", left("  site", name), left("", group),
                                           right("vectors", 9), right("bytes", 12)));
  for (const jobs::DeployedSite& site : report.sites)
    text += fmt::format("{}  {}{}{}\n", left("  " + visible(site.name), name),
                        style.dim(left(visible(site.group), group)),
                        right(grouped(site.left.vectors), 9),
                        right(bytes_in_words(static_cast<double>(site.left.bytes)), 12));
  return text;
}

}  // namespace

std::string summary(const jobs::DeployedReport& report, const Style& style) {
  return title(report, style) + "\n" + rounds(report) + "\n" + what_left(report, style);
}

}  // namespace hanse::commands
