#include "policy/decision_point.h"

#include "policy/residuals.h"

namespace hanse::policy {

PolicyDecisionPoint::PolicyDecisionPoint(std::shared_ptr<const PolicySet> set, ClockSettings clock,
                                         std::uint64_t first_epoch)
    : clock_(clock), epoch_(first_epoch) {
  HANSE_CHECK(set != nullptr);
  HANSE_CHECK(clock.skew.value >= 0 && clock.skew <= kMaxSkew);
  current_.store(std::make_shared<const Snapshot>(Snapshot{std::move(set), first_epoch}));
}

std::uint64_t PolicyDecisionPoint::adopt(std::shared_ptr<const PolicySet> set) {
  HANSE_CHECK(set != nullptr);
  std::shared_ptr<const Snapshot> before = current_.load();
  std::uint64_t epoch = 0;
  std::shared_ptr<const Snapshot> next;
  do {
    epoch = before->epoch + 1;
    next = std::make_shared<const Snapshot>(Snapshot{set, epoch});
  } while (!current_.compare_exchange_strong(before, next));
  // Of several at a time the last one stays.
  std::uint64_t known = epoch_.load(std::memory_order_acquire);
  while (known < epoch && !epoch_.compare_exchange_weak(known, epoch, std::memory_order_acq_rel)) {
  }
  return epoch;
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
