#include "federation/site/site.h"

#include <fmt/format.h>

#include <algorithm>

#include "privacy/chain.h"

namespace hanse::federation {

using base::ErrorCode;
using base::fail;
using base::Severity;
using transport::Address;
using transport::Envelope;

struct Site::Fetching {
  Release release;
  base::Digest plan_digest;
  Offer offer;
  BlobReceiver receiver;
  std::size_t outstanding = 0;  // chunks asked for and not there yet
  base::Milliseconds retry_at;
};
struct Site::Answered {
  Release release;
  base::Digest plan_digest;
  Blob sealed;
};
struct Site::Declined {
  Release release;
  base::Digest plan_digest;
};
struct Site::Finished {
  Release release;
  base::Digest plan_digest;
};
struct Site::State : std::variant<std::monostate, Fetching, Answered, Declined, Finished> {
  using variant::variant;
  using variant::operator=;

  // nullptr before the first offer.
  const Release* release() const {
    return std::visit(
        [](const auto& state) -> const Release* {
          if constexpr (requires { state.release; }) return &state.release;
          return nullptr;
        },
        static_cast<const variant&>(*this));
  }
  const base::Digest* plan_digest() const {
    return std::visit(
        [](const auto& state) -> const base::Digest* {
          if constexpr (requires { state.plan_digest; }) return &state.plan_digest;
          return nullptr;
        },
        static_cast<const variant&>(*this));
  }
};

Site::Site(SiteSettings settings, SiteDoors doors, std::shared_ptr<const data::Dataset> records)
    : settings_(std::move(settings)),
      doors_(std::move(doors)),
      records_(std::move(records)),
      state_(std::make_unique<State>()) {}

Site::~Site() = default;

std::vector<Envelope> Site::advance(const Envelope& envelope, base::Milliseconds now) {
  if (!envelope.from.is_coordinator() || envelope.to != Address::site(settings_.self)) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored an envelope from {}", envelope.from.text()));
    return {};
  }
  const auto message = decode(envelope);
  if (!message) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored a damaged message: {}", message.error().text()));
    return {};
  }
  const Release& release = message->release;
  if (const auto* offer = std::get_if<Offer>(&message->body)) return hear(release, *offer, now);
  if (const auto* chunk = std::get_if<Chunk>(&message->body)) return hear(release, *chunk, now);
  if (const auto* pull = std::get_if<Pull>(&message->body)) return hear(release, *pull);
  if (std::holds_alternative<Receipt>(message->body) ||
      std::holds_alternative<Ended>(message->body))
    hear_end(release);
  return {};
}

std::vector<Envelope> Site::advance(base::Milliseconds now) {
  const auto* fetching = std::get_if<Fetching>(state_.get());
  if (fetching == nullptr || now < fetching->retry_at) return {};
  return pull(now);
}

std::optional<base::Milliseconds> Site::next_deadline() const {
  const auto* fetching = std::get_if<Fetching>(state_.get());
  if (fetching == nullptr) return std::nullopt;
  return fetching->retry_at;
}

Site::Outbox Site::hear(const Release& release, const Offer& offer, base::Milliseconds now) {
  const base::Digest plan_digest = query::digest_of(offer.plan, offer.parameters.digest());
  const Release* current = state_->release();
  if (current != nullptr && *current == release) {
    if (*state_->plan_digest() != plan_digest) {
      doors_.log.write(Severity::problem,
                       fmt::format("refused another plan for job '{}' round {} attempt {}",
                                   release.job.text(), release.round.round, release.round.attempt));
      return {};
    }
    // Asked again: what was said got lost.
    if (const auto* answered = std::get_if<Answered>(state_.get()))
      return {to_coordinator(release, Contribution{plan_digest, answered->sealed.manifest()})};
    if (std::holds_alternative<Declined>(*state_)) return {to_coordinator(release, Decline{})};
    return {};
  }
  const auto newest = newest_.find(release.job);
  if (newest != newest_.end() && release.round <= newest->second) return {};
  newest_.insert_or_assign(release.job, release.round);
  *state_ = Fetching{release, plan_digest, offer, BlobReceiver(offer.parameters), 0, now};
  return offer.parameters.chunks.empty() ? answer() : pull(now);
}

Site::Outbox Site::hear(const Release& release, const Chunk& chunk, base::Milliseconds now) {
  auto* fetching = std::get_if<Fetching>(state_.get());
  if (fetching == nullptr || fetching->release != release || !fetching->receiver.accept(chunk))
    return {};
  if (fetching->outstanding > 0) --fetching->outstanding;
  if (!fetching->receiver.missing(1).empty())
    return fetching->outstanding == 0 ? pull(now) : Outbox{};
  return fetching->receiver.verify(doors_.executor) ? answer() : pull(now);
}

Site::Outbox Site::hear(const Release& release, const Pull& pull) {
  const auto* answered = std::get_if<Answered>(state_.get());
  if (answered == nullptr || answered->release != release || answered->sealed.digest() != pull.blob)
    return {};
  Outbox out;
  for (const std::uint32_t index : pull.chunks)
    if (index < answered->sealed.manifest().chunks.size())
      out.push_back(to_coordinator(release, answered->sealed.chunk(index)));
  return out;
}

void Site::hear_end(const Release& release) {
  if (state_->release() == nullptr || *state_->release() != release) return;
  const base::Digest plan_digest = *state_->plan_digest();
  *state_ = Finished{release, plan_digest};
}

Site::Outbox Site::pull(base::Milliseconds now) {
  auto& fetching = std::get<Fetching>(*state_);
  Pull pull{fetching.receiver.digest(), fetching.receiver.missing(kPullWindow)};
  fetching.outstanding = pull.chunks.size();
  fetching.retry_at = now + settings_.retry;
  return {to_coordinator(fetching.release, std::move(pull))};
}

Site::Outbox Site::answer() {
  Fetching fetched = std::move(std::get<Fetching>(*state_));
  const std::vector<base::Slice> slices = std::move(fetched.receiver).slices();
  query::QueryPlan plan = std::move(fetched.offer.plan);
  plan.parameters = join(slices);
  auto sealed = sealed_answer(plan, fetched.release, fetched.plan_digest, fetched.offer.cohort);
  if (!sealed) {
    doors_.log.write(Severity::problem,
                     fmt::format("declined job '{}' round {}: {}", plan.job.text(),
                                 plan.round.round, sealed.error().text()));
    *state_ = Declined{fetched.release, fetched.plan_digest};
    return {to_coordinator(fetched.release, Decline{})};
  }
  Manifest manifest = sealed->manifest();
  *state_ = Answered{fetched.release, fetched.plan_digest, *std::move(sealed)};
  return {to_coordinator(fetched.release, Contribution{fetched.plan_digest, std::move(manifest)})};
}

base::Result<Blob> Site::sealed_answer(const query::QueryPlan& plan, const Release& release,
                                       const base::Digest& plan_digest,
                                       const std::vector<base::SiteId>& cohort) const {
  if (!settings_.in_the_clear)
    return fail(ErrorCode::permission_denied,
                "the plan lets sums leave in the clear, which this site allows in simulation only");
  if (std::ranges::find(cohort, settings_.self) == cohort.end())
    return fail(ErrorCode::permission_denied, "this site is not in the cohort of the plan");
  HANSE_TRY(const std::unique_ptr<query::Query> query, doors_.catalog.create(plan));
  const std::unique_ptr<base::RandomSource> random = doors_.random(release);
  HANSE_TRY(query::Answer answer, query->answer(*records_, *random, doors_.executor));
  const bool same_layout =
      std::visit([&](const auto& link) { return link.layout() == plan.layout; }, answer);
  HANSE_CHECK(same_layout);
  privacy::Noised noised = std::visit(
      [](auto&& link) {
        return privacy::Noised::in_the_clear(std::move(link), privacy::InTheClear{});
      },
      std::move(answer));
  const std::unique_ptr<aggregation::SiteMachine> machine =
      doors_.backend.site({plan_digest, plan.layout.coordinates(), cohort}, settings_.self);
  HANSE_TRY(aggregation::SiteStep step, machine->advance(std::move(noised).surrender()));
  HANSE_CHECK(step.sealed.size() == 1 && step.send.empty());
  return Blob::of_sealed(step.sealed.front(), doors_.executor);
}

Envelope Site::to_coordinator(const Release& release, Body body) const {
  return encode({release, std::move(body)}, Address::site(settings_.self), Address::coordinator());
}

}  // namespace hanse::federation
