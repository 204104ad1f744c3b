#include "policy/decision_point.h"

#include "policy/internal/residuals.h"

namespace hanse::policy {

PolicyDecisionPoint::PolicyDecisionPoint(std::shared_ptr<const PolicySet> set, ClockSettings clock,
                                         std::uint64_t first_epoch)
    : clock_(clock), set_(std::move(set)), epoch_(first_epoch) {
  HANSE_CHECK(set_ != nullptr);
  HANSE_CHECK(clock.skew.value >= 0 && clock.skew <= kMaxSkew);
}

std::uint64_t PolicyDecisionPoint::adopt(std::shared_ptr<const PolicySet> set) {
  HANSE_CHECK(set != nullptr);
  const std::lock_guard lock(mutex_);
  set_ = std::move(set);
  return epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
}

PolicyDecisionPoint::Snapshot PolicyDecisionPoint::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {set_, epoch_.load(std::memory_order_acquire)};
}

struct Decider::Body {
  const PolicyDecisionPoint& point;
  PolicyDecisionPoint::Snapshot at = {};
  internal::Residuals residuals = {};
  base::Milliseconds latest = {};  // wall clock
  std::uint64_t steps_back = 0;
};

Decider::Decider(const PolicyDecisionPoint& point)
    : body_(std::make_unique<Body>(Body{.point = point})) {}
Decider::~Decider() = default;

Decision Decider::decide(const Request& request, const Signals& signals, const Moment& now) {
  Body& body = *body_;
  if (body.at.set == nullptr || body.at.epoch != body.point.epoch()) {
    body.at = body.point.snapshot();
    body.residuals.clear();
  }
  if (now.wall < body.latest) {
    ++body.steps_back;
    body.residuals.clear();
  }
  body.latest = now.wall;
  const internal::Compiled& compiled = body.at.set->body().compiled;
  internal::Bound bound;
  Decision decision{.reason = Reason::unknown};
  if (internal::bind(compiled, request, &bound)) {
    internal::Asking asking{compiled, bound, signals, now, body.point.clock().skew.value};
    const internal::Candidates candidates(compiled, bound);
    decision = candidates.size() < internal::Residuals::kFewestRules
                   ? internal::decide(asking, candidates)
                   : body.residuals.decide(asking, candidates);
  }
  decision.epoch = body.at.epoch;
  return decision;
}

const std::shared_ptr<const PolicySet>& Decider::set() const { return body_->at.set; }
std::uint64_t Decider::clock_steps_back() const { return body_->steps_back; }

}  // namespace hanse::policy
