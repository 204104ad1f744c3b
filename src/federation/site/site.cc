#include "federation/site/site.h"

#include <fmt/format.h>

#include <algorithm>

namespace hanse::federation {

using base::ErrorCode;
using base::fail;
using base::Severity;
using transport::Address;
using transport::Envelope;

namespace {

// Parameters that keep failing their digests are a lie or a broken line; the site stops asking.
constexpr int kMaxFailedVerifications = 3;

// A site serves a handful of jobs. More names than this are somebody filling its memory.
constexpr std::size_t kMaxJobs = 4096;

}  // namespace

struct Site::Fetching {
  Offer offer;
  ParametersReceiver receiver;
  base::Milliseconds wait;      // until asking again, doubled by every silence
  base::Milliseconds retry_at;  // moves on with every chunk
};

struct Site::State {
  Release release;
  base::Digest offer;
  std::variant<Fetching, SealedBlob, Declined, Finished> stage;
};

Site::Site(SiteSettings settings, SiteDoors doors, std::shared_ptr<const data::Dataset> records)
    : settings_(std::move(settings)), doors_(std::move(doors)), records_(std::move(records)) {}

Site::~Site() = default;

std::vector<Envelope> Site::advance(const Envelope& envelope, base::Milliseconds now) {
  if (!envelope.from.is_coordinator() || envelope.to != Address::site(settings_.self)) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored an envelope from {}", envelope.from.text()));
    return {};
  }
  const auto message = decode_from_coordinator(envelope);
  if (!message) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored a damaged message: {}", message.error().text()));
    return {};
  }
  const Release& release = message->release;
  if (const auto* offer = std::get_if<Offer>(&message->body)) return hear(release, *offer, now);
  if (state_ == nullptr || state_->release != release) return {};
  if (const auto* chunk = std::get_if<ParametersChunk>(&message->body)) return hear(*chunk, now);
  if (const auto* pull = std::get_if<Pull>(&message->body)) return hear(*pull);
  state_->stage = Finished{};  // Receipt or Ended
  return {};
}

std::vector<Envelope> Site::advance(base::Milliseconds now) {
  auto* fetching = state_ ? std::get_if<Fetching>(&state_->stage) : nullptr;
  if (fetching == nullptr || now < fetching->retry_at) return {};
  fetching->receiver.give_up_waiting();
  fetching->wait = fetching->wait + fetching->wait;
  return pull(now);
}

std::optional<base::Milliseconds> Site::next_deadline() const {
  const auto* fetching = state_ ? std::get_if<Fetching>(&state_->stage) : nullptr;
  if (fetching == nullptr) return std::nullopt;
  return fetching->retry_at;
}

Site::Outbox Site::hear(const Release& release, const Offer& offer, base::Milliseconds now) {
  const base::Digest digest = digest_of(offer);
  if (state_ != nullptr && state_->release == release) {
    if (state_->offer == digest) return repeat();
    doors_.log.write(Severity::problem,
                     fmt::format("refused another plan for job '{}' round {} attempt {}",
                                 release.job.text(), release.round.round, release.round.attempt));
    return {};
  }
  const auto newest = newest_.find(release.job);
  if (newest != newest_.end() && release.round <= newest->second) return {};
  if (newest == newest_.end() && newest_.size() >= kMaxJobs) {
    doors_.log.write(Severity::problem,
                     fmt::format("ignored job '{}': {} jobs are as many as a site keeps apart",
                                 release.job.text(), kMaxJobs));
    return {};
  }
  newest_.insert_or_assign(release.job, release.round);
  state_ = std::make_unique<State>(
      State{release, digest,
            Fetching{offer, ParametersReceiver(offer.parameters), settings_.retry, now}});
  return offer.parameters.chunks.empty() ? answer() : pull(now);
}

// Asked again: what was said got lost.
Site::Outbox Site::repeat() const {
  if (const auto* sealed = std::get_if<SealedBlob>(&state_->stage))
    return {to_coordinator(Contribution{state_->offer, sealed->manifest()})};
  if (std::holds_alternative<Declined>(state_->stage)) return {to_coordinator(Decline{})};
  return {};
}

Site::Outbox Site::hear(const ParametersChunk& chunk, base::Milliseconds now) {
  auto* fetching = std::get_if<Fetching>(&state_->stage);
  if (fetching == nullptr || !fetching->receiver.accept(chunk)) return {};
  fetching->wait = settings_.retry;
  if (!fetching->receiver.has_all()) return pull(now);
  if (fetching->receiver.verify(doors_.executor)) return answer();
  if (fetching->receiver.failed_verifications() < kMaxFailedVerifications) return pull(now);
  return decline("the plan's parameters differ from their manifest");
}

Site::Outbox Site::hear(const Pull& pull) const {
  const auto* sealed = std::get_if<SealedBlob>(&state_->stage);
  if (sealed == nullptr || sealed->digest() != pull.blob) return {};
  Outbox out;
  for (const std::uint32_t index : pull.chunks)
    if (index < sealed->manifest().chunks.size())
      out.push_back(to_coordinator(sealed->chunk(index)));
  return out;
}

Site::Outbox Site::pull(base::Milliseconds now) {
  auto& fetching = std::get<Fetching>(state_->stage);
  fetching.retry_at = now + fetching.wait;
  Pull pull{fetching.receiver.digest(), fetching.receiver.next()};
  if (pull.chunks.empty()) return {};
  return {to_coordinator(std::move(pull))};
}

Site::Outbox Site::answer() {
  auto sealed = sealed_answer(std::get<Fetching>(state_->stage));
  if (!sealed) return decline(sealed.error().text());
  Manifest manifest = sealed->manifest();
  state_->stage = *std::move(sealed);
  return {to_coordinator(Contribution{state_->offer, std::move(manifest)})};
}

// The same words whatever the cause; the cause is for the owner.
Site::Outbox Site::decline(std::string_view why) {
  doors_.log.write(Severity::problem,
                   fmt::format("site '{}' declined job '{}' round {}: {}", settings_.self.text(),
                               state_->release.job.text(), state_->release.round.round, why));
  state_->stage = Declined{};
  return {to_coordinator(Decline{})};
}

base::Result<SealedBlob> Site::sealed_answer(Fetching& fetched) const {
  const Offer& offer = fetched.offer;
  if (!settings_.in_the_clear)
    return fail(ErrorCode::permission_denied,
                "the plan lets sums leave in the clear, which this site allows in simulation only");
  if (std::ranges::find(offer.cohort, settings_.self) == offer.cohort.end())
    return fail(ErrorCode::permission_denied, "this site is not in the cohort of the plan");
  query::QueryPlan plan = offer.plan;
  plan.parameters = join(std::move(fetched.receiver).slices());
  HANSE_TRY(const std::unique_ptr<query::Query> query, doors_.catalog.create(plan));
  const std::unique_ptr<base::RandomSource> random = doors_.random(state_->release);
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
      doors_.backend.site(setup_of(offer), settings_.self);
  HANSE_TRY(aggregation::SiteStep step, machine->advance(std::move(noised).surrender()));
  HANSE_CHECK(step.sealed.size() == 1 && step.send.empty());
  return SealedBlob(step.sealed.front(), doors_.executor);
}

template <class Body>
Envelope Site::to_coordinator(Body body) const {
  return encode(SiteMessage{state_->release, std::move(body)}, settings_.self);
}

}  // namespace hanse::federation
