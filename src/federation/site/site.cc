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

void append(std::vector<Envelope>& to, std::vector<Envelope> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// The store's, after which nobody knows what is durable.
bool is_of_store(const base::Error& error) {
  return error.code() == ErrorCode::unavailable || error.code() == ErrorCode::corruption;
}

// Step 6 of a round: what may be sealed, by the plan's placement.
base::Result<privacy::Noised> noised(query::Answer answer, const privacy::NoisePlan& plan,
                                     base::RandomSource& random) {
  auto* const sum = std::get_if<privacy::ClippedSum>(&answer);
  if (!plan.is_private())
    return std::visit(
        [](auto&& link) {
          return privacy::Noised::in_the_clear(std::move(link), privacy::InTheClear{});
        },
        std::move(answer));
  if (sum == nullptr) {
    if (plan.placement == privacy::Placement::site)
      return privacy::Noised::of(std::get<privacy::PrivateIterate>(std::move(answer)));
    return fail(ErrorCode::invalid_argument,
                "an iterate carries the whole noise of its site, and the plan's is placed '{}'",
                privacy::name_of(plan.placement));
  }
  if (plan.placement == privacy::Placement::coordinator)
    return privacy::Noised::central(std::move(*sum), privacy::CentralNoise{});
  return privacy::Noised::add(std::move(*sum), plan, random);
}

}  // namespace

struct Site::Fetching {
  Offer offer;
  std::shared_ptr<const data::Dataset> records;
  ParametersReceiver receiver;
  base::Milliseconds wait;      // until asking again, doubled by every silence
  base::Milliseconds retry_at;  // moves on with every chunk
  int damaged = 0;              // chunks in a row
};

struct Site::Work {
  Release release;
  base::Digest offer;
  std::variant<Fetching, Declined> stage;
};

struct Site::Held {
  Release release;
  SealedBlob sealed;
};

Site::Site(SiteSettings settings, SiteDoors doors, storage::Durable<SiteRecord>& record,
           const storage::Store& store)
    : settings_(std::move(settings)), doors_(std::move(doors)), record_(record), store_(store) {}

Site::~Site() = default;

void Site::adopt(const base::Digest& roster) {
  if (doors_.budget) doors_.budget->roster = roster;
}

std::vector<Envelope> Site::advance(const Envelope& envelope, base::Milliseconds now) {
  if (problem_) return {};
  if (!envelope.from.is_coordinator() || envelope.to != Address::site(settings_.self)) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored an envelope from {}", envelope.from.text()));
    return {};
  }
  auto message = decode_from_coordinator(envelope);
  if (!message) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored a damaged message: {}", message.error().text()));
    return {};
  }
  const Release& release = message->release;
  if (auto* ask = std::get_if<Ask>(&message->body)) return hear(release, std::move(*ask), now);
  if (const auto* chunk = std::get_if<ParametersChunk>(&message->body))
    return hear(release, *chunk, now);
  if (const auto* pull = std::get_if<Pull>(&message->body)) return hear(release, *pull);
  if (const auto* receipt = std::get_if<Receipt>(&message->body)) return hear(release, *receipt);
  return hear(release, std::get<Ended>(message->body));
}

std::vector<Envelope> Site::advance(base::Milliseconds now) {
  Fetching* const fetched = fetching();
  if (problem_ || fetched == nullptr || now < fetched->retry_at) return {};
  fetched->receiver.give_up_waiting();
  fetched->wait = fetched->wait + fetched->wait;
  return pull(now);
}

std::optional<base::Milliseconds> Site::next_deadline() const {
  const Fetching* const fetched = fetching();
  if (problem_ || fetched == nullptr) return std::nullopt;
  return fetched->retry_at;
}

std::vector<Envelope> Site::reconnected(base::Milliseconds now) {
  if (problem_) return {};
  Outbox out;
  const auto open = record_.read([](const SiteRecord& record) { return record.open(); });
  for (const OpenAnswer& one : open) append(out, announce(one));
  if (Fetching* const fetched = fetching()) {
    fetched->receiver.give_up_waiting();
    fetched->wait = settings_.retry;
    append(out, pull(now));
  }
  return out;
}

// What the coordinator last gave a receipt for is looked at first: a store that is an old copy must
// not answer.
Site::Outbox Site::hear(const Release& release, Ask ask, base::Milliseconds now) {
  if (ask.receipted) {
    const Standing& receipted = *ask.receipted;
    const auto fine =
        record_.read([&](const auto& record) { return record.check_against(receipted); });
    if (!fine) return stop(fine.error());
    // The receipt itself got lost.
    const auto open = record_.read([](const SiteRecord& record) { return record.open(); });
    const auto found = std::ranges::find(open, receipted, &OpenAnswer::standing);
    if (found != open.end()) conclude(*found, /*receipted=*/true);
    if (problem_) return {};
  }
  const base::Digest digest = digest_of(ask.offer);
  const auto open = open_answer(release);
  const bool is_work = work_ != nullptr && work_->release == release;
  if ((open && open->offer != digest) || (is_work && work_->offer != digest)) {
    doors_.log.write(Severity::problem,
                     fmt::format("refused another plan for job '{}' round {} attempt {}",
                                 release.job.text(), release.round.round, release.round.attempt));
    return {};
  }
  if (open) return announce(*open);
  if (!is_work) return start(release, std::move(ask.offer), digest, now);
  if (std::holds_alternative<Declined>(work_->stage)) return {to_coordinator(release, Decline{})};
  return {};
}

Site::Outbox Site::start(const Release& release, Offer offer, const base::Digest& digest,
                         base::Milliseconds now) {
  if (work_ != nullptr && work_->release.job == release.job && release < work_->release) return {};
  const auto fine = record_.read([&](const auto& record) { return record.check_new(release); });
  if (!fine) {
    // It is over here; a coordinator that has forgotten so must not wait for it.
    doors_.log.write(Severity::note, fmt::format("declined: {}", fine.error().text()));
    return {to_coordinator(release, Decline{})};
  }
  work_ = std::make_unique<Work>(Work{release, digest, Declined{}});
  auto records = admit(offer);
  if (!records) return decline(records.error().text());
  ParametersReceiver receiver(offer.parameters);
  work_->stage =
      Fetching{std::move(offer), *std::move(records), std::move(receiver), settings_.retry, now};
  return fetching()->receiver.has_all() ? answer() : pull(now);
}

// Also when asked again: what was said got lost.
Site::Outbox Site::announce(const OpenAnswer& answer) const {
  return {
      to_coordinator(answer.release, Contribution{answer.offer, answer.sealed, answer.standing})};
}

Site::Outbox Site::hear(const Release& release, const ParametersChunk& chunk,
                        base::Milliseconds now) {
  Fetching* const fetched = fetching();
  if (fetched == nullptr || work_->release != release) return {};
  const Arrival arrival = fetched->receiver.accept(chunk);
  if (arrival == Arrival::ignored) return {};
  fetched->wait = settings_.retry;
  fetched->damaged = arrival == Arrival::damaged ? fetched->damaged + 1 : 0;
  if (fetched->damaged == kMaxDamagedChunks)
    return decline("the plan's parameters differ from their manifest");
  return fetched->receiver.has_all() ? answer() : pull(now);
}

Site::Outbox Site::hear(const Release& release, const Pull& pull) {
  if (held_ == nullptr || held_->release != release) {
    const auto open = open_answer(release);
    if (!open) return {};
    if (const auto done = hold(*open); !done) return stop(done.error());
  }
  const SealedBlob& sealed = held_->sealed;
  if (sealed.digest() != pull.blob) return {};
  Outbox out;
  for (const std::uint32_t index : pull.chunks)
    if (index < sealed.manifest().chunks.size())
      out.push_back(to_coordinator(release, sealed.chunk(index)));
  return out;
}

// The stored answer, as it was given.
base::Result<void> Site::hold(const OpenAnswer& answer) {
  HANSE_TRY(base::Slice bytes, store_.blob(answer.sealed.digest()));
  HANSE_TRY(SealedBlob sealed,
            SealedBlob::stored(std::move(bytes), answer.sealed, doors_.executor));
  held_ = std::make_unique<Held>(Held{answer.release, std::move(sealed)});
  return {};
}

Site::Outbox Site::hear(const Release& release, const Receipt& receipt) {
  const auto open = open_answer(release);
  if (!open) return {};
  if (open->sealed.digest() == receipt.blob) {
    conclude(*open, /*receipted=*/true);
    return {};
  }
  doors_.log.write(Severity::warning,
                   fmt::format("ignored a receipt for another answer to job '{}' round {}",
                               release.job.text(), release.round.round));
  return {};
}

Site::Outbox Site::hear(const Release& release, const Ended&) {
  if (work_ != nullptr && work_->release == release) work_.reset();
  if (const auto open = open_answer(release)) conclude(*open, /*receipted=*/false);
  return {};
}

// Nobody will ask for this answer again.
void Site::conclude(const OpenAnswer& answer, bool receipted) {
  const Release& release = answer.release;
  if (const auto forgotten = forget_payload(answer); !forgotten) {
    (void)stop(forgotten.error());
    return;
  }
  auto unneeded =
      record_.read([&](const auto& record) { return record.unneeded_after_end(release); });
  const auto done =
      record_.append(receipted ? SiteRecord::receipted(release) : SiteRecord::ended(release), {},
                     std::move(unneeded));
  if (!done) (void)stop(done.error());
  if (held_ != nullptr && held_->release == release) held_.reset();
}

Site::Outbox Site::pull(base::Milliseconds now) {
  Fetching& fetched = *fetching();
  fetched.retry_at = now + fetched.wait;
  Pull pull{fetched.receiver.digest(), fetched.receiver.next()};
  if (pull.chunks.empty()) return {};
  return {to_coordinator(work_->release, std::move(pull))};
}

// Steps 5 to 9 of a round: nothing of the answer leaves before it is durable.
Site::Outbox Site::answer() {
  auto sealed = sealed_answer(*fetching());
  if (problem_) return {};
  if (!sealed) return decline(sealed.error().text());
  const Release release = work_->release;
  auto unneeded =
      record_.read([&](const auto& record) { return record.unneeded_after_answer(release); });
  const auto done = record_.append(SiteRecord::answered(release, work_->offer, sealed->manifest()),
                                   {{sealed->digest(), sealed->bytes_}}, std::move(unneeded));
  if (!done) return stop(done.error());
  if (const auto forgotten = forget_payloads(release.job); !forgotten)
    return stop(forgotten.error());
  work_.reset();
  held_ = std::make_unique<Held>(Held{release, *std::move(sealed)});
  return announce(*open_answer(release));
}

// The same words whatever the cause; the cause is for the owner.
Site::Outbox Site::decline(std::string_view why) {
  doors_.log.write(Severity::problem,
                   fmt::format("site '{}' declined job '{}' round {}: {}", settings_.self.text(),
                               work_->release.job.text(), work_->release.round.round, why));
  work_->stage = Declined{};
  return {to_coordinator(work_->release, Decline{})};
}

Site::Outbox Site::stop(const base::Error& problem) {
  doors_.log.write(Severity::problem, fmt::format("site '{}' says nothing more: {}",
                                                  settings_.self.text(), problem.text()));
  problem_ = problem;
  work_.reset();
  held_.reset();
  return {};
}

// Before a byte of it is pulled: what the owner does not want costs him neither line nor memory.
base::Result<std::shared_ptr<const data::Dataset>> Site::admit(const Offer& offer) const {
  if (std::ranges::find(offer.cohort, settings_.self) == offer.cohort.end())
    return fail(ErrorCode::permission_denied, "this site is not in the cohort of the plan");
  const SiteBudget* const budget = doors_.budget ? &*doors_.budget : nullptr;
  HANSE_TRY_VOID(check_noise(offer, settings_, budget));
  HANSE_TRY(auto records, doors_.records(offer));
  if (budget != nullptr && offer.plan.noise.is_private()) {
    const bool under_way =
        record_.read([&](const SiteRecord& record) { return record.has_answered(offer.plan.job); });
    HANSE_TRY_VOID(check_affordable(offer, *budget, under_way));
  }
  return records;
}

base::Result<SealedBlob> Site::sealed_answer(Fetching& fetched) {
  Offer& offer = fetched.offer;
  offer.plan.parameters = join(std::move(fetched.receiver).slices());
  HANSE_TRY(const std::unique_ptr<query::Query> query,
            doors_.catalog.create(query::for_site(offer.plan, settings_.self)));
  return doors_.budget ? paid_answer(offer, *query, *fetched.records)
                       : computed_answer(offer, *query, *fetched.records, {});
}

// Nothing is computed before it is paid for, and what was paid for is computed once: a payload that
// the ledger has is this release's for ever. After an error the budget stays spent.
base::Result<SealedBlob> Site::paid_answer(const Offer& offer, const query::Query& query,
                                           const data::Dataset& records) {
  const SiteBudget& budget = *doors_.budget;
  const auto noted = [this](auto result) {
    if (!result && is_of_store(result.error())) (void)stop(result.error());
    return result;
  };
  HANSE_TRY(const std::vector<privacy::Charge> charges,
            query.charges(query::for_site(offer.plan, settings_.self)));
  HANSE_TRY(const privacy::Request request, request_of(offer, budget, charges));
  HANSE_TRY(auto reserved, noted(budget.ledger.reserve(request, budget.clock.wall())));
  if (const auto* payload = std::get_if<base::Slice>(&reserved))
    return SealedBlob::kept(*payload, doors_.executor);
  Drawn drawn = std::get<Reservation>(std::move(reserved)).draw();
  HANSE_TRY(const SealedBlob sealed, computed_answer(offer, query, records, charges));
  HANSE_TRY(base::Slice payload,
            noted(budget.ledger.commit(std::move(drawn), sealed.bytes_, budget.clock.wall())));
  doors_.log.write(Severity::note,
                   fmt::format("job '{}' round {} is paid for; {}", offer.plan.job.text(),
                               offer.plan.round.round, standing_in_words(budget)));
  return SealedBlob::kept(std::move(payload), doors_.executor);
}

// Steps 5 to 7 of a round.
base::Result<SealedBlob> Site::computed_answer(const Offer& offer, const query::Query& query,
                                               const data::Dataset& records,
                                               const std::vector<privacy::Charge>& paid) const {
  const std::unique_ptr<base::RandomSource> random =
      doors_.random({offer.plan.job, offer.plan.round});
  HANSE_TRY(query::Answer answer, query.answer(records, *random, doors_.executor));
  const query::QueryPlan own = query::for_site(offer.plan, settings_.self);
  const bool same_layout =
      std::visit([&](const auto& link) { return link.layout() == own.layout; }, answer);
  HANSE_CHECK(same_layout);
  HANSE_TRY(privacy::Noised safe, noised(std::move(answer), own.noise, *random));
  const bool is_noised = own.noise.placement == privacy::Placement::site ||
                         own.noise.placement == privacy::Placement::shared;
  if (is_noised && !paid.empty() && paid != std::vector{safe.charge()})
    return fail(ErrorCode::internal, "the answer costs {} × '{}', and something else was paid",
                safe.charge().count, safe.charge().loss.text());
  const std::unique_ptr<aggregation::SiteMachine> machine =
      doors_.backend.site(setup_of(offer), settings_.self);
  HANSE_TRY(aggregation::SiteStep step, machine->advance(std::move(safe).surrender()));
  HANSE_CHECK(step.sealed.size() == 1 && step.send.empty());
  SealedBlob sealed(step.sealed.front(), doors_.executor);
  if (sealed.manifest().size > storage::kMaxStoredBlobBytes)
    return fail(ErrorCode::unsupported, "an answer of {} bytes; at most {} can be kept",
                sealed.manifest().size, storage::kMaxStoredBlobBytes);
  return sealed;
}

// The site's record has the newest answer of the job now, and no older one will be asked for: the
// ledger need not keep any for it.
base::Result<void> Site::forget_payloads(const base::JobId& job) {
  if (!doors_.budget) return {};
  Ledger& ledger = doors_.budget->ledger;
  const auto open =
      ledger.read([&](const privacy::PrivacyLedger& at) { return at.open_payloads(job); });
  for (const privacy::ReleaseState& one : open)
    HANSE_TRY_VOID(ledger.receipted(one.release, doors_.budget->clock.wall()));
  return {};
}

// After a crash between the two the ledger may still have what the record took over.
base::Result<void> Site::forget_payload(const OpenAnswer& answer) {
  if (!doors_.budget) return {};
  const SiteBudget& budget = *doors_.budget;
  const privacy::ReleaseId id = release_id(answer.release, answer.offer, budget);
  const bool is_kept = budget.ledger.read([&](const privacy::PrivacyLedger& at) {
    const privacy::ReleaseState* const found = at.find(id);
    return found != nullptr && found->phase == privacy::ReleasePhase::committed;
  });
  return is_kept ? budget.ledger.receipted(id, budget.clock.wall()) : base::Result<void>();
}

Site::Fetching* Site::fetching() const {
  return work_ ? std::get_if<Fetching>(&work_->stage) : nullptr;
}

std::optional<OpenAnswer> Site::open_answer(const Release& release) const {
  return record_.read([&](const SiteRecord& record) -> std::optional<OpenAnswer> {
    const OpenAnswer* const found = record.find_open(release);
    return found ? std::optional(*found) : std::nullopt;
  });
}

template <class Body>
Envelope Site::to_coordinator(const Release& release, Body body) const {
  return encode(SiteMessage{release, std::move(body)}, settings_.self);
}

}  // namespace hanse::federation
