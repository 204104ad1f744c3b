#include "federation/round/round.h"

#include <algorithm>

namespace hanse::federation {
namespace {

using base::ErrorCode;
using base::fail;
using Next = base::Result<RoundState>;

// In the order of RoundStep.
constexpr std::string_view kStepNames[] = {"plan",   "admit",  "ask",  "announce", "count",
                                           "refuse", "add up", "open", "close",    "abort"};
static_assert(std::size(kStepNames) == std::variant_size_v<RoundStep>);

Next stand(const Collecting& from, const base::SiteId& site, SiteStanding to) {
  const auto found = from.standing.find(site);
  if (found == from.standing.end())
    return fail(ErrorCode::failed_precondition, "site '{}' is not in the cohort", site.text());
  const bool is_final =
      found->second == SiteStanding::counted || found->second == SiteStanding::declined;
  if (is_final || found->second == to)
    return fail(ErrorCode::failed_precondition, "site '{}' has answered already", site.text());
  Collecting next = from;
  next.standing[site] = to;
  return RoundState(std::move(next));
}

const Planned* planned_of(const RoundState& state) {
  if (const auto* planned = std::get_if<Planned>(&state)) return planned;
  if (const auto* admitted = std::get_if<Admitted>(&state)) return &admitted->planned;
  if (const auto* collecting = std::get_if<Collecting>(&state))
    return &collecting->admitted.planned;
  if (const auto* summed = std::get_if<Summed>(&state)) return &summed->planned;
  if (const auto* released = std::get_if<Released>(&state)) return &released->planned;
  return nullptr;
}

// One overload per legal step; the template catches all others.
struct Transition {
  template <class State, class Step>
  Next operator()(const State& state, const Step& step) const {
    return fail(ErrorCode::failed_precondition, "step '{}' is not possible in state '{}'",
                kStepNames[RoundStep(step).index()], name_of(RoundState(state)));
  }
  Next operator()(const std::monostate&, const step::Plan& step) const {
    return RoundState(Planned{step.release, step.plan});
  }
  Next operator()(const Planned& state, const step::Admit& step) const {
    if (step.min_sites == 0 || step.cohort.size() < step.min_sites)
      return fail(ErrorCode::failed_precondition, "a round needs at least {} sites, found {}",
                  std::max<std::size_t>(step.min_sites, 1), step.cohort.size());
    return RoundState(Admitted{state, step.cohort, step.min_sites});
  }
  Next operator()(const Admitted& state, const step::Ask&) const {
    Collecting next{state, {}};
    for (const base::SiteId& site : state.cohort) next.standing.emplace(site, SiteStanding::asked);
    return RoundState(std::move(next));
  }
  Next operator()(const Collecting& state, const step::Announce& step) const {
    return stand(state, step.site, SiteStanding::announced);
  }
  Next operator()(const Collecting& state, const step::Count& step) const {
    return stand(state, step.site, SiteStanding::counted);
  }
  Next operator()(const Collecting& state, const step::Refuse& step) const {
    return stand(state, step.site, SiteStanding::declined);
  }
  Next operator()(const Collecting& state, const step::AddUp&) const {
    if (state.count(SiteStanding::counted) < state.admitted.min_sites)
      return fail(ErrorCode::failed_precondition, "{} contributions of at least {}",
                  state.count(SiteStanding::counted), state.admitted.min_sites);
    Summed next{state.admitted.planned, {}};
    for (const auto& [site, standing] : state.standing)
      if (standing == SiteStanding::counted) next.contributors.push_back(site);
    return RoundState(std::move(next));
  }
  Next operator()(const Summed& state, const step::Open&) const {
    return RoundState(Released{state.planned, state.contributors});
  }
  Next operator()(const Released& state, const step::Close&) const {
    return RoundState(Closed{state.planned, state.contributors});
  }
};

}  // namespace

std::string_view name_of(AbortReason reason) {
  switch (reason) {
    case AbortReason::too_few_sites:
      return "too_few_sites";
    case AbortReason::deadline:
      return "deadline";
    case AbortReason::cancelled:
      return "cancelled";
    case AbortReason::failed:
      return "failed";
  }
  HANSE_CHECK(false);
  return "";
}

std::size_t Collecting::count(SiteStanding wanted) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      standing, [wanted](const auto& entry) { return entry.second == wanted; }));
}

bool Collecting::settled() const {
  return count(SiteStanding::counted) + count(SiteStanding::declined) == standing.size();
}

std::string_view name_of(const RoundState& state) {
  static constexpr std::string_view kNames[] = {"none",   "planned",  "admitted", "collecting",
                                                "summed", "released", "closed",   "aborted"};
  return kNames[state.index()];
}

bool is_over(const RoundState& state) {
  return std::holds_alternative<Closed>(state) || std::holds_alternative<Aborted>(state);
}

base::Result<RoundState> after(const RoundState& state, const RoundStep& step) {
  if (const auto* abort = std::get_if<step::Abort>(&step)) {
    const Planned* planned = planned_of(state);
    if (planned == nullptr)
      return fail(ErrorCode::failed_precondition, "nothing to abort in state '{}'", name_of(state));
    return RoundState(Aborted{*planned, abort->reason});
  }
  return std::visit(Transition{}, state, step);
}

base::Result<void> RoundRecord::append(RoundStep step) {
  HANSE_TRY(state_, after(state_, step));
  steps_.push_back(std::move(step));
  return {};
}

}  // namespace hanse::federation
