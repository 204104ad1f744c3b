#include "active/spec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace hanse::active {
namespace {

using base::ErrorCode;
using base::fail;

constexpr std::array<std::pair<Strata, std::string_view>, 3> kStrata{
    {{Strata::none, "none"},
     {Strata::predicted_label, "predicted_label"},
     {Strata::site_class, "site_class"}}};
constexpr std::array<std::pair<Division, std::string_view>, 2> kDivisions{
    {{Division::pooled, "pooled"}, {Division::even, "even"}}};

template <class Kind, std::size_t n>
std::string_view name_in(const std::array<std::pair<Kind, std::string_view>, n>& table,
                         Kind wanted) {
  for (const auto& [kind, name] : table)
    if (kind == wanted) return name;
  HANSE_CHECK(false);
  return {};
}

template <class Kind, std::size_t n>
base::Result<Kind> kind_in(const std::array<std::pair<Kind, std::string_view>, n>& table,
                           std::string_view wanted, std::string_view what) {
  for (const auto& [kind, name] : table)
    if (name == wanted) return kind;
  std::string names;
  for (const auto& [kind, name] : table)
    names += (names.empty() ? "'" : ", '") + std::string(name) + "'";
  return fail(ErrorCode::invalid_argument, "expected {} ({}), found '{}'", what, names,
              wanted.substr(0, 64));
}

}  // namespace

std::string_view name_of(Strata strata) { return name_in(kStrata, strata); }

base::Result<Strata> strata_named(std::string_view name) {
  return kind_in(kStrata, name, "strata");
}

std::string_view name_of(Division division) { return name_in(kDivisions, division); }

base::Result<Division> division_named(std::string_view name) {
  return kind_in(kDivisions, name, "a division of the quota");
}

std::string_view name_of(SelectionRule rule) {
  return selection_table()[static_cast<std::size_t>(rule)].name;
}

bool is_local(SelectionRule rule) {
  switch (rule) {
    case SelectionRule::top_k:
    case SelectionRule::k_means:
    case SelectionRule::k_center:
    case SelectionRule::density:
      return true;
    default:
      return false;
  }
}

std::uint32_t block_of(const ActiveSpec& spec, double order) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(spec.arrivals, [order](double begin) { return begin <= order; }));
}

namespace {

base::Result<void> check_arrivals(const ActiveSpec& spec) {
  if (spec.arrivals.empty()) return {};
  if (spec.arrivals.size() + 1 != spec.cycles)
    return fail(ErrorCode::invalid_argument,
                "'arrivals' has the times between {} cycles, which are {}, found {}", spec.cycles,
                spec.cycles - 1, spec.arrivals.size());
  if (!std::ranges::all_of(spec.arrivals, [](double time) { return std::isfinite(time); }) ||
      std::ranges::adjacent_find(spec.arrivals, std::greater_equal<>()) != spec.arrivals.end())
    return fail(ErrorCode::invalid_argument, "'arrivals' are finite times, each after the last");
  if (is_local(spec.rule))
    return fail(ErrorCode::unsupported,
                "'rule' is '{}', which chooses among records that are all there; with arrivals "
                "choose threshold",
                name_of(spec.rule));
  return {};
}

}  // namespace

std::uint32_t cells_of(Strata strata, const SiteClasses& classes, std::size_t labels) {
  if (strata == Strata::none) return 1;
  return static_cast<std::uint32_t>(strata == Strata::site_class ? classes.size() : labels);
}

base::Result<void> check_strata(Strata strata, const SiteClasses& classes) {
  if ((strata == Strata::site_class) == classes.empty())
    return fail(ErrorCode::invalid_argument,
                "'strata' is '{}', and {} classes of sites are declared: name them where they are "
                "the strata, and only there",
                name_of(strata), classes.size());
  return data::check_classes(classes);
}

base::Result<void> check_committee(const Committee& committee) {
  if (committee.members < 2 || committee.members > kMaxMembers)
    return fail(ErrorCode::invalid_argument, "'members' is 2 to {}, found {}", kMaxMembers,
                committee.members);
  if (!(committee.spread > 0 && committee.spread <= 10))
    return fail(ErrorCode::invalid_argument, "'spread' is above 0, at most 10, found {}",
                committee.spread);
  return {};
}

namespace {

base::Result<void> check_watched(const ActiveSpec& spec) {
  if (spec.watched.empty()) return {};
  HANSE_TRY_VOID(data::check_classes(spec.watched));
  if (spec.watched.size() < 2 || spec.watch_bins < 4 || spec.watch_bins > 256)
    return fail(ErrorCode::invalid_argument,
                "'watch_classes' compares two classes of sites or more in 4 to 256 'watch_bins', "
                "found {} in {}",
                spec.watched.size(), spec.watch_bins);
  // Else one record more could move another from here to there, or be in both places.
  if (spec.rule != SelectionRule::threshold && spec.rule != SelectionRule::uniform)
    return fail(ErrorCode::unsupported,
                "'watch_classes' counts each record once, as a candidate or as control, which rule "
                "'{}' does not promise; choose threshold",
                name_of(spec.rule));
  if (!spec.arrivals.empty())
    return fail(ErrorCode::unsupported,
                "'watch_classes' counts each record once, and of a stream the chosen ones are "
                "counted with their block; leave arrivals out");
  return {};
}

}  // namespace

base::Result<void> check_spec(const ActiveSpec& spec) {
  HANSE_TRY_VOID(check_arrivals(spec));
  HANSE_TRY_VOID(check_watched(spec));
  const auto share = [](std::string_view key, double value) -> base::Result<void> {
    if (value > 0 && value < 1) return {};
    return fail(ErrorCode::invalid_argument, "'{}' is above 0 and below 1, found {}", key, value);
  };
  constexpr double kMostLabels = 1e9;
  for (const auto& [key, value] :
       {std::pair("initial", spec.initial), std::pair("quota", spec.quota)})
    if (!(value >= 1 && value <= kMostLabels))
      return fail(ErrorCode::invalid_argument, "'{}' is 1 to {} labels, found {}", key, kMostLabels,
                  value);
  if (spec.cycles < 1 || spec.cycles > kMaxCycles)
    return fail(ErrorCode::invalid_argument, "'cycles' is 1 to {}, found {}", kMaxCycles,
                spec.cycles);
  if (spec.bins < 2 || spec.bins > 256)
    return fail(ErrorCode::invalid_argument, "'bins' is 2 to 256, found {}", spec.bins);
  if (!(spec.control >= 0 && spec.control <= 1))
    return fail(ErrorCode::invalid_argument, "'control' is 0 to 1, found {}", spec.control);
  if (spec.estimation) HANSE_TRY_VOID(share("estimation", *spec.estimation));
  if (spec.cycles > 1) HANSE_TRY_VOID(share("last", spec.last));
  HANSE_TRY_VOID(check_strata(spec.strata, spec.classes));
  if (entry_of(spec.acquisition).opinions == Opinions::local_and_global)
    return fail(ErrorCode::unsupported,
                "'acquisition' is '{}', which takes the site's own model: a record's score would "
                "depend on the site's other records; choose a function of one model, such as "
                "margin, or of a committee, such as bald",
                name_of(spec.acquisition));
  HANSE_TRY_VOID(check_committee(spec.committee));
  if (entry_of(spec.acquisition).opinions == Opinions::one_model && spec.committee != Committee{})
    return fail(ErrorCode::invalid_argument,
                "'members' and 'spread' are a committee's, and 'acquisition' is '{}', which asks "
                "one model; choose vote_entropy, consensus_entropy, mean_kl, max_kl or bald",
                name_of(spec.acquisition));
  if (spec.rule == SelectionRule::noisy_scores || spec.rule == SelectionRule::gumbel_top)
    return fail(ErrorCode::unsupported,
                "'rule' is '{}': noise on the scores of single records selects at random at any "
                "epsilon that one would defend (measured), and no site offers it; choose threshold",
                name_of(spec.rule));
  const bool capped = spec.rule == SelectionRule::capped_threshold;
  if (capped != (spec.max_labels_per_site > 0))
    return fail(ErrorCode::invalid_argument,
                "'max_labels_per_site' is {}, and 'rule' is '{}': a cap goes with capped_threshold "
                "alone, and that with a cap",
                spec.max_labels_per_site, name_of(spec.rule));
  return {};
}

}  // namespace hanse::active
