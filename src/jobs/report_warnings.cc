#include <fmt/format.h>

#include <algorithm>

#include "jobs/report.h"

namespace hanse::jobs {

std::vector<std::string> warnings(const Report& report) {
  std::vector<std::string> sentences;
  if (report.job.split.find("LEAKY") != std::string::npos)
    sentences.push_back(
        "LEAKY: the job allows records that belong together on both sides of the split, so all "
        "numbers flatter.");
  const auto partial = std::ranges::count_if(
      report.rounds, [&](const RoundRow& round) { return round.sites_in < report.sites.size(); });
  if (partial > 0)
    sentences.push_back(fmt::format(
        "In {} of {} rounds a site was missing: the federated model learned less than all sites "
        "could have taught it.",
        partial, report.rounds.size()));
  return sentences;
}

}  // namespace hanse::jobs
