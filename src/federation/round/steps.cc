// Steps of a round as bytes.
#include "base/limits.h"
#include "federation/message/wire.h"
#include "federation/round/round.h"

namespace hanse::federation {
namespace {

using base::ErrorCode;
using base::fail;

struct Encoder {
  wire::RoundStep* out;

  void operator()(const step::Plan& step) const {
    put(step.release, out->mutable_plan()->mutable_release());
    put(step.plan, out->mutable_plan()->mutable_plan());
  }
  void operator()(const step::Admit& step) const {
    for (const base::SiteId& site : step.cohort) out->mutable_admit()->add_cohort(site.text());
    out->mutable_admit()->set_min_sites(static_cast<std::uint32_t>(step.min_sites));
  }
  void operator()(const step::Ask&) const { out->mutable_ask(); }
  void operator()(const step::Announce& step) const { out->set_announce(step.site.text()); }
  void operator()(const step::Count& step) const {
    out->mutable_count()->set_site(step.site.text());
    put(step.sealed, out->mutable_count()->mutable_sealed());
    put(step.standing, out->mutable_count()->mutable_standing());
  }
  void operator()(const step::Refuse& step) const { out->set_refuse(step.site.text()); }
  void operator()(const step::AddUp&) const { out->mutable_add_up(); }
  void operator()(const step::Open&) const { out->mutable_open(); }
  void operator()(const step::Close&) const { out->mutable_close(); }
  void operator()(const step::Abort& step) const {
    out->set_abort(static_cast<std::uint32_t>(step.reason));
  }
};

base::Result<RoundStep> admit_from(const wire::AdmitStep& in) {
  if (in.cohort_size() > static_cast<int>(base::kMaxSites))
    return fail(ErrorCode::corruption, "a cohort of {} sites; at most {} are allowed",
                in.cohort_size(), base::kMaxSites);
  step::Admit admit{{}, in.min_sites()};
  for (const std::string& name : in.cohort()) {
    HANSE_TRY(base::SiteId site, base::SiteId::create(name));
    admit.cohort.push_back(std::move(site));
  }
  return RoundStep(std::move(admit));
}

base::Result<RoundStep> count_from(const wire::CountStep& in) {
  HANSE_TRY(base::SiteId site, base::SiteId::create(in.site()));
  HANSE_TRY(const base::Digest sealed, digest_from(in.sealed()));
  HANSE_TRY(const Standing standing, standing_from(in.standing()));
  return RoundStep(step::Count{std::move(site), sealed, standing});
}

base::Result<RoundStep> step_from(const wire::RoundStep& in) {
  switch (in.body_case()) {
    case wire::RoundStep::kPlan: {
      HANSE_TRY(Release release, release_from(in.plan().release()));
      HANSE_TRY(const base::Digest plan, digest_from(in.plan().plan()));
      return RoundStep(step::Plan{std::move(release), plan});
    }
    case wire::RoundStep::kAdmit:
      return admit_from(in.admit());
    case wire::RoundStep::kAsk:
      return RoundStep(step::Ask{});
    case wire::RoundStep::kAnnounce: {
      HANSE_TRY(base::SiteId site, base::SiteId::create(in.announce()));
      return RoundStep(step::Announce{std::move(site)});
    }
    case wire::RoundStep::kCount:
      return count_from(in.count());
    case wire::RoundStep::kRefuse: {
      HANSE_TRY(base::SiteId site, base::SiteId::create(in.refuse()));
      return RoundStep(step::Refuse{std::move(site)});
    }
    case wire::RoundStep::kAddUp:
      return RoundStep(step::AddUp{});
    case wire::RoundStep::kOpen:
      return RoundStep(step::Open{});
    case wire::RoundStep::kClose:
      return RoundStep(step::Close{});
    case wire::RoundStep::kAbort:
      if (in.abort() > static_cast<std::uint32_t>(AbortReason::failed))
        return fail(ErrorCode::corruption, "{} is no reason to abort a round", in.abort());
      return RoundStep(step::Abort{static_cast<AbortReason>(in.abort())});
    default:
      return fail(ErrorCode::corruption, "a step of a kind that is not known here");
  }
}

}  // namespace

base::Bytes encode(std::span<const RoundStep> steps) {
  wire::RoundSteps out;
  for (const RoundStep& step : steps) std::visit(Encoder{out.add_steps()}, step);
  return serialised(out);
}

base::Result<std::vector<RoundStep>> decode_steps(base::ByteView bytes) {
  // Four before the sites, two for each, and four behind them.
  constexpr int kMaxSteps = 2 * static_cast<int>(base::kMaxSites) + 8;
  wire::RoundSteps in;
  if (!parsed(bytes, kMaxStepsBytes, &in))
    return fail(ErrorCode::corruption, "{} bytes that are no steps of a round", bytes.size());
  if (in.steps_size() > kMaxSteps)
    return fail(ErrorCode::corruption, "a round of {} steps; at most {} are possible",
                in.steps_size(), kMaxSteps);
  std::vector<RoundStep> steps;
  for (const wire::RoundStep& one : in.steps()) {
    HANSE_TRY(RoundStep step, step_from(one));
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace hanse::federation
