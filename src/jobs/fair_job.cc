#include "jobs/fair_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "active/threshold.h"
#include "base/ids.h"
#include "base/limits.h"
#include "jobs/aggregation.h"
#include "jobs/group_job.h"

namespace hanse::jobs {

using base::Result;

namespace {

constexpr double kShrinkage = .03;  // l2 of the control
constexpr double kNoNoise = 1e-6;   // over its sensitivity: it moves no digit that anybody looks at
constexpr double kNoClip = 64;      // of a gradient in whitened inputs: binds none

// Sites that one class's part of a sum is to be hidden among, at least.
std::uint32_t floor_of(const AggregationSpec& spec) {
  return spec.backend == "plain" ? 1 : spec.min_contributors + spec.max_colluders;
}

// Shares of the fleet: as declared, or by how many sites there are. Joined classes are one.
std::vector<double> weights_of(const Job& job, const data::SiteClasses& classes) {
  std::vector<double> weights(classes.size(), 0.0);
  double all = 0;
  for (const ClassSpec& one : job.classes) {
    const double weight = one.weight.value_or(one.sites);
    weights[data::place_of(classes, one.name).value()] += weight;
    all += weight;
  }
  for (double& weight : weights) weight /= all;
  return weights;
}

// What the classes' own best models lose, where each says it: of joined ones by their weights.
std::vector<double> best_of(const Job& job, const data::SiteClasses& classes) {
  std::vector<double> best(classes.size(), 0.0);
  std::vector<double> all(classes.size(), 0.0);
  for (const ClassSpec& one : job.classes) {
    if (!one.best) return {};
    const std::size_t place = data::place_of(classes, one.name).value();
    const double weight = one.weight.value_or(one.sites);
    best[place] += weight * *one.best;
    all[place] += weight;
  }
  for (std::size_t c = 0; c < best.size(); ++c) best[c] /= all[c];
  return best;
}

std::optional<double> number_in(Section& section, std::string_view key, double low, double high) {
  double value = 0;
  section.get(key, value, low, high);
  return section.has(key) ? std::optional(value) : std::nullopt;
}

}  // namespace

void read_classes(Section& root, std::vector<ClassSpec>& classes) {
  std::set<std::string> names;
  std::size_t weighed = 0;
  std::size_t known = 0;
  for (Section section : root.sections("class", data::kMaxSiteClasses)) {
    ClassSpec& one = classes.emplace_back();
    section.require({"name", "sites"});
    section.get("name", one.name);
    section.get<std::uint32_t>("sites", one.sites, 1, base::kMaxSites);
    one.weight = number_in(section, "weight", 1e-6, 1e6);
    one.best = number_in(section, "best", 0, 1e3);
    weighed += one.weight ? 1 : 0;
    known += one.best ? 1 : 0;
    if (const auto good = base::checked_name("site class", one.name); !good)
      section.refuse("name", good.error().text());
    else if (!names.insert(one.name).second)
      section.refuse("name", fmt::format("the site class \"{}\" is there twice", one.name));
    section.finish();
  }
  if (weighed != 0 && weighed != classes.size())
    root.refuse("class",
                "a weight for each class, or for none: then they weigh as many as their "
                "sites");
  if (known != 0 && known != classes.size())
    root.refuse("class", "'best' for each class, or for none: an excess is over each one's own");
}

Result<data::SiteClasses> joined_classes(const Job& job) {
  std::vector<std::vector<std::uint32_t>> sites_of_class;
  std::uint32_t next = 0;
  for (const ClassSpec& one : job.classes) {
    std::vector<std::uint32_t>& sites = sites_of_class.emplace_back(one.sites);
    std::iota(sites.begin(), sites.end(), next);
    next += one.sites;
  }
  HANSE_TRY(const active::CellGroups groups,
            active::merge_cells(sites_of_class, floor_of(job.aggregation)));
  data::SiteClasses joined(groups.groups);
  for (std::size_t i = 0; i < job.classes.size(); ++i)
    joined[groups.group_of[i]].push_back(job.classes[i].name);
  return joined;
}

Result<void> check_class_floor(const Job& job, std::span<const std::string> of_sites) {
  // The same classes, joined up to the same floor, wherever they are counted by.
  data::SiteClasses classes;
  if (job.fairness) classes = job.fairness->classes;
  if (job.active) classes = job.active->watched.empty() ? job.active->classes : job.active->watched;
  const std::uint32_t floor = floor_of(job.aggregation);
  HANSE_TRY(const Aggregation aggregation, aggregation_of(job.aggregation, of_sites.size()));
  // A round closes without as many: all of them may be of one class.
  const std::size_t missing = floor > 1 ? of_sites.size() - aggregation.min_sites : 0;
  for (const std::vector<std::string>& names : classes) {
    const auto sites = std::ranges::count_if(of_sites, [&](const std::string& one) {
      return std::ranges::find(names, one) != names.end();
    });
    if (static_cast<std::size_t>(sites) < floor + missing)
      return base::fail(
          base::ErrorCode::permission_denied,
          "job '{}' counts by class of sites, and of class '{}' there are {}{}: too few to hide "
          "one among them, which takes {}; declare larger classes, or raise aggregation.min_sites",
          job.name.text(), data::joined_name(names), sites,
          missing > 0 ? fmt::format(", of which a round may close without {}", missing) : "",
          floor + missing);
  }
  return {};
}

void read_fairness(Section section, Job& job) {
  fairness::FairSpec& spec = job.fairness.emplace();
  std::string method;
  if (section.is_text("method")) section.get("method", method);
  if (method == kFdpFair)
    return section.refuse("method",
                          "fdp_fair learns a model of cells: say model.kind = \"cells\", and cut "
                          "its numbers into cells");
  section.get_word<fairness::Method>("method", spec.method, fairness::method_named);
  section.get_word<fairness::ConstraintKind>("constraint", spec.constraint,
                                             fairness::constraint_named);
  section.get("bound", spec.bound);
  section.get("share", spec.share);
  section.get<std::uint32_t>("bins", spec.bins, 4, 256);
  section.get<std::uint32_t>("weight_rounds", spec.weight_rounds, 1, 64);
  section.get("norms", spec.norms);
  section.only(fairness::weighs(spec.method) || fairness::clips(spec.method), "weight_rounds",
               "a method that weighs or clips classes");
  section.finish();
  if (job.active)
    return section.refuse("",
                          "[active] and [fairness] in one job are not offered: the rounds of each "
                          "are a procedure of its own. active.watch_classes shows the gap while "
                          "labels are chosen; train fairly on what is labelled then");
  if (job.classes.size() < 2)
    return section.refuse("",
                          "fairness is between classes of sites: give a [[class]] with name and "
                          "sites for each");
  auto classes = joined_classes(job);
  if (!classes) return section.refuse("", classes.error().text());
  spec.classes = *std::move(classes);
  spec.weights = weights_of(job, spec.classes);
  spec.best = best_of(job, spec.classes);
  if (const auto fine = fairness::check_spec(spec); !fine) section.refuse_where_named(fine.error());
}

Job shrunk(Job job) {
  job.model.l2 += kShrinkage;
  return job;
}

Job noiseless(Job job) {
  if (!job.privacy.is_private()) return job;
  job.privacy.epsilon.reset();
  job.privacy.noise_multiplier = kNoNoise;
  job.privacy.site_epsilon.clear();
  // A clip that binds leans a model towards being too sure: a cost of privacy, as noise is.
  if (job.strategy.privacy) {
    job.strategy.privacy->clip = kNoClip;
    job.strategy.privacy->clipped_share = 0;
  }
  return job;
}

std::string in_words(const fairness::FairSpec& spec) {
  return fmt::format("{} of {} classes, {} at most {}", fairness::name_of(spec.method),
                     spec.classes.size(), fairness::name_of(spec.constraint), spec.bound);
}

}  // namespace hanse::jobs
