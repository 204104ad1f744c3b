#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "jobs/report.h"

namespace hanse::jobs {
namespace {

using FoldKey = std::pair<std::uint64_t, std::uint32_t>;  // seed and fold

void warn_of_missing_sites(const Report& report, std::vector<std::string>& sentences) {
  std::map<FoldKey, std::size_t> training;
  for (const FoldRow& fold : report.metrics.folds)
    training[{fold.seed, fold.fold}] = report.sites.size() - fold.sat_out.size();
  const auto partial = std::ranges::count_if(report.rounds, [&](const RoundRow& round) {
    const auto expected = training.find({round.seed, round.fold});
    return expected != training.end() && round.sites_in < expected->second;
  });
  if (partial > 0)
    sentences.push_back(fmt::format(
        "In {} of {} rounds a site was missing: the federated model learned less than all sites "
        "could have taught it.",
        partial, report.rounds.size()));
}

void warn_of_sites_that_sat_out(const Report& report, std::vector<std::string>& sentences) {
  std::set<std::string> sites;
  std::size_t folds = 0;
  for (const FoldRow& fold : report.metrics.folds) {
    folds += !fold.sat_out.empty();
    sites.insert(fold.sat_out.begin(), fold.sat_out.end());
  }
  if (folds == 0) return;
  sentences.push_back(
      fmt::format("In {} of {} folds these sites could not train (no record, or one label only) "
                  "and have no local value there: {}.",
                  folds, report.metrics.folds.size(), fmt::join(sites, ", ")));
}

void warn_of_what_was_left_out(const LeftOut& left_out, std::vector<std::string>& sentences) {
  if (left_out.records > 0)
    sentences.push_back(fmt::format("{} record{} left out for missing values.", left_out.records,
                                    left_out.records == 1 ? " was" : "s were"));
  std::vector<std::string> sites;
  for (const LeftOutSite& site : left_out.sites)
    sites.push_back(fmt::format("{} ({} records)", site.name, site.records));
  if (!sites.empty())
    sentences.push_back(
        fmt::format("Left out, with fewer records than min_records: {}.", fmt::join(sites, ", ")));
}

}  // namespace

bool is_leaky(const Report& report) { return report.job.split.find("LEAKY") != std::string::npos; }

std::vector<std::string> warnings(const Report& report) {
  std::vector<std::string> sentences;
  if (is_leaky(report))
    sentences.push_back(
        "LEAKY: the job allows records that belong together on both sides of the split, so all "
        "numbers flatter.");
  warn_of_missing_sites(report, sentences);
  warn_of_sites_that_sat_out(report, sentences);
  warn_of_what_was_left_out(report.left_out, sentences);
  return sentences;
}

std::vector<std::string> hurt_in_words(const Report& report) {
  std::vector<std::string> sentences;
  for (const std::string_view verdict : {kHurts, kMayHurt}) {
    std::string named;
    for (const HurtSite& hurt : report.hurt) {
      if (hurt.verdict != verdict) continue;
      named += fmt::format("{}{}", named.empty() ? "" : ", ", hurt.site);
      const auto site = std::ranges::find(report.sites, hurt.site, &SiteRow::name);
      if (site == report.sites.end()) continue;
      const auto& gains = site->metrics.federated_minus_local;
      const auto gain = std::ranges::find(gains, hurt.metric, &Estimate::name);
      if (gain == gains.end() || !gain->value) continue;
      named += fmt::format(" ({} {:+.3f}", hurt.metric, *gain->value);
      if (gain->low && gain->high)
        named += fmt::format(", {:+.3f} to {:+.3f}", *gain->low, *gain->high);
      named += ")";
    }
    if (!named.empty()) sentences.push_back(fmt::format("{}: {}", verdict, named));
  }
  return sentences;
}

std::string seeds_in_words(const Report& report) {
  if (report.job.repeats < 2) return fmt::format("seed {}", report.seed);
  return fmt::format("seeds {} to {}", report.seed, report.seed + report.job.repeats - 1);
}

}  // namespace hanse::jobs
